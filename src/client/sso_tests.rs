use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;

/// One request as a browser sends it; the answer's text.
async fn get(listener: SocketAddr, path: &str, host: &str, extra: &str) -> String {
    let mut stream = TcpStream::connect(listener).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

struct Login {
    address: SocketAddr,
    host: String,
    link: String,
    key: SealKey,
    waiting: tokio::task::JoinHandle<Result<String, SsoError>>,
}

const TARGET: &str = "https://github.com/login/oauth/authorize?state=x";

async fn login() -> Login {
    let listener = Listener::bind(None).await.unwrap();
    let (address, link, key) = (listener.address, listener.link.clone(), listener.key.clone());
    let check: Check<String> =
        Box::new(|r| if r.username.is_empty() { Err("it names nobody".into()) } else { Ok(r.username) });
    let pages = |path: &str| format!("https://gate:3080{path}");
    let waiting = tokio::spawn(listener.wait(TARGET, pages, check, None));
    Login { address, host: address.to_string(), link, key, waiting }
}

fn callback(key: &SealKey, plain: &str) -> String {
    let sealed = serde_json::to_string(&key.seal(plain.as_bytes()).unwrap()).unwrap();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response", &sealed)
        .append_pair("secret", "")
        .append_pair("secret_key", "")
        .finish();
    format!("/callback?{query}")
}

#[tokio::test]
async fn the_link_leads_to_the_provider_and_the_sealed_answer_ends_the_wait() {
    let login = login().await;
    let answer = get(login.address, &login.link, &login.host, "").await;
    assert!(
        answer.starts_with("HTTP/1.1 302 ") && answer.contains(&format!("Location: {TARGET}\r\n")),
        "{answer}"
    );
    let answer = get(login.address, &callback(&login.key, r#"{"username":"alice"}"#), &login.host, "").await;
    assert!(answer.contains("Location: https://gate:3080/web/msg/info/login_success\r\n"), "{answer}");
    assert_eq!(login.waiting.await.unwrap().unwrap(), "alice");
    // It takes one answer, then it is gone.
    assert!(TcpStream::connect(login.address).await.is_err());
}

#[tokio::test]
async fn strangers_are_answered_and_the_wait_goes_on() {
    let login = login().await;
    let other = SealKey::generate().unwrap();
    let good = callback(&login.key, r#"{"username":"alice"}"#);
    for (path, host, code) in [
        (callback(&other, r#"{"username":"mallory"}"#).as_str(), login.host.as_str(), "400"),
        (good.as_str(), "evil.example.com", "400"),
        (good.as_str(), "evil.example.com:80\r\nHost: 127.0.0.1", "400"),
        ("/callback", &login.host, "400"),
        ("/callback?response=junk", &login.host, "400"),
        // Before the browser went to the provider there is nothing to refuse.
        ("/callback?err=no", &login.host, "400"),
        ("/", &login.host, "404"),
        ("/callback/", &login.host, "404"),
        ("/00000000-0000-4000-8000-000000000000", &login.host, "404"),
    ] {
        let answer = get(login.address, path, host, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{path}: {answer}");
    }
    assert!(!login.waiting.is_finished());
    get(login.address, &good, &format!("localhost:{}", login.address.port()), "").await;
    assert_eq!(login.waiting.await.unwrap().unwrap(), "alice");
}

#[tokio::test]
async fn a_refusal_is_shown_but_not_one_from_a_picture() {
    let login = login().await;
    get(login.address, &login.link, &login.host, "").await;
    let path = "/callback?err=you+are+in+no+team%1b%5b31m";
    let answer = get(login.address, path, &login.host, "Sec-Fetch-Mode: no-cors\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    get(login.address, path, &login.host, "Sec-Fetch-Mode: navigate\r\n").await;
    let error = login.waiting.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the gate refused the login: you are in no team\\u{1b}[31m");
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_ends_the_wait_with_a_reason() {
    for plain in ["{}", "[]"] {
        let login = login().await;
        let answer = get(login.address, &callback(&login.key, plain), &login.host, "").await;
        assert!(answer.contains("/web/msg/error/login_failed\r\n"), "{answer}");
        assert!(matches!(login.waiting.await.unwrap(), Err(SsoError::BadAnswer(_))));
    }
}

#[tokio::test]
async fn a_silent_connection_holds_nobody_up() {
    let login = login().await;
    let _silent: Vec<_> =
        futures_util::future::join_all((0..8).map(|_| TcpStream::connect(login.address))).await;
    get(login.address, &callback(&login.key, r#"{"username":"alice"}"#), &login.host, "").await;
    assert_eq!(login.waiting.await.unwrap().unwrap(), "alice");
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    assert!(matches!(Listener::bind(Some("0.0.0.0:0")).await, Err(SsoError::NotLoopback(_))));
    assert!(matches!(Listener::bind(Some("nonsense")).await, Err(SsoError::Bind { .. })));
    let first = Listener::bind(None).await.unwrap();
    let taken = Listener::bind(Some(&first.address.to_string())).await;
    assert!(matches!(taken, Err(SsoError::Bind { .. })));
    assert!(first.redirect_url().starts_with(&format!("http://{}/callback?secret_key=", first.address)));
    assert!(!first.link().contains(first.key.to_hex().as_str()));
}

#[test]
fn a_target_cannot_smuggle_a_header() {
    assert!(is_web_address(TARGET));
    for bad in ["javascript:alert(1)", "https://a/\r\nX: y", "", "/web", "file:///etc/passwd"] {
        assert!(!is_web_address(bad), "{bad}");
    }
}

const LINK: &str = "/3f0c2b8e-5d0a-4c55-9d0b-000000000001";

/// What answers at `127.0.0.1:4711`, without the port.
fn desk(key: &SealKey) -> Desk<String> {
    let address: SocketAddr = "127.0.0.1:4711".parse().unwrap();
    Desk {
        hosts: hosts(address),
        link: LINK.to_owned(),
        key: key.clone(),
        target: TARGET.to_owned(),
        success: "https://gate/good".to_owned(),
        failure: "https://gate/bad".to_owned(),
        opened: AtomicBool::new(false),
        check: Box::new(|answer| Ok(answer.username)),
        sender: mpsc::channel(1).0,
    }
}

/// One place of a request: what is right there, or something near it.
fn near(right: &str, wrong: Vec<String>) -> impl Strategy<Value = String> {
    let right = right.to_owned();
    prop_oneof![
        3 => Just(right.clone()),
        2 => prop::sample::select(wrong),
        1 => ".{0,20}".prop_map(move |junk| junk.replace(&right, "")),
        1 => "[ -~]{0,20}",
    ]
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn head(method: &str, path: &str, host: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_and_no_pasted_line_is_too_strange(text in any::<String>(), line in "[ -~é\u{1b}%?&=#]{0,80}") {
        let desk = desk(&SealKey::generate().unwrap());
        for text in [&text, &line, &format!("GET {text}"), &head("GET", &text, &line)] {
            let (reply, result) = desk.answer(text);
            prop_assert!(result.is_none(), "{text:?}");
            prop_assert_eq!(reply.to_bytes().matches("\r\n\r\n").count(), 1);
            if let paste::Read::Answer(sealed) = paste::read(text) {
                prop_assert!(desk.unseal(&sealed).is_none(), "{text:?}");
            }
        }
    }

    #[test]
    fn only_the_whole_answer_at_the_right_place_is_taken(
        method in near("GET", texts(&["get", "POST", "HEAD", "GETS"])),
        path in near("/callback", texts(&["/Callback", "/callback/", "//callback", "/callback%20", "/", LINK])),
        host in near("127.0.0.1:4711", texts(&["127.0.0.1", "127.0.0.1:471", "evil.example:4711", "localhost", "[::1]:4711"])),
    ) {
        let key = SealKey::generate().unwrap();
        let query = callback(&key, r#"{"username":"alice"}"#).replacen("/callback", "", 1);
        let (_, result) = desk(&key).answer(&head(&method, &format!("{path}{query}"), &host));
        let right = method == "GET" && path == "/callback" && host.trim() == "127.0.0.1:4711";
        prop_assert_eq!(result.and_then(Result::ok), right.then(|| "alice".to_owned()));
    }

    #[test]
    fn an_answer_that_is_changed_anywhere_is_a_strangers(at in any::<prop::sample::Index>(), new in "[!-~]") {
        let key = SealKey::generate().unwrap();
        let sealed = serde_json::to_string(&key.seal(br#"{"username":"alice"}"#).unwrap()).unwrap();
        let mut changed = sealed.clone();
        let at = at.index(sealed.len());
        changed.replace_range(at..=at, &new);
        let taken = desk(&key).unseal(&changed).is_some();
        prop_assert_eq!(taken, changed == sealed);
    }

    #[test]
    fn only_the_link_leads_on(path in near(LINK, texts(&[
        "/", "/3f0c2b8e", "/3F0C2B8E-5D0A-4C55-9D0B-000000000001", "/3f0c2b8e-5d0a-4c55-9d0b-000000000001/",
        "/3f0c2b8e-5d0a-4c55-9d0b-000000000002", "//3f0c2b8e-5d0a-4c55-9d0b-000000000001",
    ]))) {
        let desk = desk(&SealKey::generate().unwrap());
        let (reply, result) = desk.answer(&head("GET", &path, "localhost:4711"));
        prop_assert!(result.is_none());
        let leads = matches!(reply, Reply::Redirect(to) if to == TARGET);
        prop_assert_eq!(leads, path == LINK);
        prop_assert_eq!(desk.opened.load(Ordering::Relaxed), leads);
    }
}
