//! A login by code: a terminal without a browser, the gate's page, and everything that must not become a login.

use std::path::Path;

use jumpgate::{
    demo::browser::{Browser, Consent, Page},
    pki::{Certificate, KeyPair},
    wire::b64::Bytes,
};
use serde_json::{Value, json};

use crate::support::{
    in_process::InProcess,
    world::{Live, Run, Shown, World, runtime, wait_for},
};

fn admins() -> Value {
    json!({ "teams_to_logins": [{
        "organization": "octocats", "team": "admins", "logins": ["root"], "kubernetes_groups": ["system:masters"],
    }] })
}

/// A request as a terminal makes it: the code and the poll secret.
async fn begin(world: &InProcess) -> (String, String) {
    let key = KeyPair::generate().public().to_authorized_key().unwrap();
    let body = json!({ "public_key": Bytes::from(key), "cert_ttl": 0, "connector_id": "github", "host": "build<7>\u{1b}[31m" });
    let (status, answer) = post(world, "/v1/webapi/login/code", &body).await;
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    assert!(text("verification_url").ends_with("/web/code"), "the link carries no code: {answer}");
    (text("user_code"), text("poll_secret"))
}

async fn post(world: &InProcess, path: &str, body: &Value) -> (u16, Value) {
    let answer = world.http.post(world.web(path)).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn poll(world: &InProcess, secret: &str) -> (String, Value) {
    let (status, answer) = post(world, "/webapi/login/code/poll", &json!({ "poll_secret": secret })).await;
    assert_eq!(status, 200, "{answer}");
    (answer["state"].as_str().unwrap().to_owned(), answer["login"].clone())
}

fn browser(world: &InProcess) -> Browser {
    let ca = world.gate().authorities.host.certificate().to_pem();
    Browser::new(&ca, world.github.password()).unwrap()
}

/// Types a code.
async fn typed(browser: &Browser, web: &str, code: &str) -> Page {
    let page = browser.open(web).await.unwrap();
    browser.submit(&page, &[("code", code)], "").await.unwrap()
}

/// Goes on from the page that shows who asks, as far as the page that asks for approval.
async fn sign_in(browser: &Browser, page: &Page, user: &str) -> Page {
    let link = page.link("Sign in with GitHub").expect("a link");
    browser.sign_in(link.as_str(), user, Consent::Approve).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_21_a_code_is_typed_seen_and_approved() {
    let world = InProcess::start(admins()).await;
    let (code, secret) = begin(&world).await;
    assert_eq!(poll(&world, &secret).await.0, "pending");
    assert_eq!(poll(&world, &secret).await.0, "slow_down", "asked again at once");
    let browser = browser(&world);
    let web = world.web("/web/code");
    // A link cannot carry the code.
    let page = browser.open(&format!("{web}?code={code}&user_code={code}")).await.unwrap();
    let page = browser.submit(&page, &[], "").await.unwrap();
    assert_eq!(page.status, 404, "{}", page.text);

    let page = typed(&browser, &web, &code.to_lowercase().replace('-', " ")).await;
    assert!(page.text.contains("build<7>\\u{1b}[31m") && page.text.contains("127.0.0.1"), "{}", page.text);
    let page = sign_in(&browser, &page, "alice").await;
    for words in ["You are alice", "build<7>", "127.0.0.1", "access", "12 hours"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(world.events("user.login").await.is_empty(), "nothing is issued before the approval");
    assert!(matches!(poll(&world, &secret).await.0.as_str(), "pending" | "slow_down"));
    let done = browser.submit(&page, &[], "approve").await.unwrap();
    assert!(done.text.contains("Approved"), "{}", done.text);

    // A second approval, from the same page: the browser has forgotten the key.
    assert_eq!(browser.submit(&page, &[], "approve").await.unwrap().status, 409);
    // The code is used up, for everybody.
    assert_eq!(typed(&browser, &web, &code).await.status, 404);
    let (state, login) = poll(&world, &secret).await;
    assert_eq!((state.as_str(), &login["username"]), ("approved", &json!("alice")));
    assert_eq!(poll(&world, &secret).await, ("gone".into(), Value::Null), "the answer goes once");

    let events = world.events("user.login").await;
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    assert_eq!(
        (&event["code"], &event["flow"], &event["user"]),
        (&json!("T1001I"), &json!("code"), &json!("alice"))
    );
    assert_eq!(event["requester_addr"], "127.0.0.1");
    let text = event.to_string();
    assert!(
        !text.contains(&secret) && !text.contains(&code) && !text.contains(&code.replace('-', "")),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_21_another_browser_gets_nowhere() {
    let world = InProcess::start(admins()).await;
    let (code, secret) = begin(&world).await;
    let web = world.web("/web/code");
    let (mine, other) = (browser(&world), browser(&world));
    let page = typed(&mine, &web, &code).await;
    assert_eq!(page.status, 200);
    // The same code in another browser: it is not known there.
    assert_eq!(typed(&other, &web, &code).await.status, 404);
    // The way to GitHub, taken by another browser.
    let lost = sign_in(&other, &page, "alice").await;
    assert_eq!(lost.status, 404, "{}", lost.text);
    assert!(lost.text.contains("not begun in this browser"), "{}", lost.text);
    // That state is used up; mine is still good with a new one.
    let page = typed(&mine, &web, &code).await;
    let page = sign_in(&mine, &page, "alice").await;
    assert!(page.text.contains("You are alice"), "{}", page.text);
    // Another browser's cookie cannot see it, nor decide.
    assert_eq!(other.open(page.url.as_str()).await.unwrap().status, 409);
    assert_eq!(other.submit(&page, &[], "approve").await.unwrap().status, 409);
    assert!(matches!(poll(&world, &secret).await.0.as_str(), "pending" | "slow_down"));
    // A wrong or missing token is nobody's, whatever the cookie.
    for token in ["", "00", &"0".repeat(64)] {
        assert_eq!(mine.submit(&page, &[("token", token)], "approve").await.unwrap().status, 409);
    }
    mine.submit(&page, &[], "approve").await.unwrap();
    // A wrong secret brings nothing, and takes nothing away.
    for wrong in ["", "x", &"0".repeat(64), &secret[..63]] {
        assert_eq!(poll(&world, wrong).await, ("gone".into(), Value::Null), "{wrong}");
    }
    assert_eq!(poll(&world, &secret).await.0, "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_21_a_page_of_another_site_types_and_approves_nothing() {
    let world = InProcess::start(admins()).await;
    let (code, secret) = begin(&world).await;
    let web = world.web("/web/code");
    let answer = world.http.get(&web).send().await.unwrap();
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(word), "{set}");
    }
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = answer.text().await.unwrap();
    assert!(!html.contains("<script"), "{html}");
    let token = html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let cookie = set.split(';').next().unwrap().to_owned();
    let send = async |headers: &[(&str, &str)], token: &str| {
        let body = format!("token={token}&code={code}");
        let mut request =
            world.http.post(&web).header("content-type", "application/x-www-form-urlencoded").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let mine = ("cookie", cookie.as_str());
    assert_eq!(send(&[mine, ("origin", "https://evil.example")], &token).await, 403);
    assert_eq!(send(&[mine, ("sec-fetch-site", "cross-site")], &token).await, 403);
    assert_eq!(send(&[mine], "").await, 403);
    assert_eq!(send(&[], &token).await, 403, "a browser sends no Lax cookie with another site's form");
    assert_eq!(poll(&world, &secret).await.0, "pending");
    let origin = format!("https://{}", world.running.bound.web);
    assert_eq!(send(&[mine, ("origin", &origin), ("sec-fetch-site", "same-origin")], &token).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_21_a_denied_failed_or_expired_request_brings_nothing() {
    let world = InProcess::start(admins()).await;
    let web = world.web("/web/code");
    // Denied before the sign-in, and after.
    let (code, secret) = begin(&world).await;
    let person = browser(&world);
    let page = typed(&person, &web, &code).await;
    assert!(person.submit(&page, &[], "deny").await.unwrap().text.contains("Denied"));
    assert_eq!(poll(&world, &secret).await, ("denied".into(), Value::Null));
    let (code, secret) = begin(&world).await;
    let page = typed(&person, &web, &code).await;
    let page = sign_in(&person, &page, "alice").await;
    person.submit(&page, &[], "deny").await.unwrap();
    assert_eq!(poll(&world, &secret).await, ("denied".into(), Value::Null));
    let (code, secret) = begin(&world).await;
    // Somebody in no team.
    let page = typed(&person, &web, &code).await;
    let page = sign_in(&person, &page, "mallory").await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert_eq!(poll(&world, &secret).await, ("failed".into(), Value::Null));
    let events = world.events("user.login").await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|e| e["code"] == "T1001W" && e["flow"] == "code"), "{events:?}");

    // Ten minutes later: the code and the approval are gone.
    let (code, secret) = begin(&world).await;
    let page = typed(&person, &web, &code).await;
    let page = sign_in(&person, &page, "alice").await;
    let store = &world.gate().store;
    let late = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1);
    for item in store.range("/logins/code/", None, 100).await.unwrap() {
        store.put(&item.key, item.value.clone(), Some(late)).await.unwrap();
    }
    assert_eq!(person.submit(&page, &[], "approve").await.unwrap().status, 409);
    assert_eq!(typed(&person, &web, &code).await.status, 404);
    assert_eq!(poll(&world, &secret).await, ("gone".into(), Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_21_codes_cannot_be_guessed() {
    let world = InProcess::start(admins()).await;
    let (code, _secret) = begin(&world).await;
    let web = world.web("/web/code");
    let person = browser(&world);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(typed(&person, &web, "BCDF-GHJK").await.status);
    }
    assert_eq!((statuses[0], statuses[11]), (404, 429), "{statuses:?}");
    // Not even the right one, from there, for a while.
    assert_eq!(typed(&person, &web, &code).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_login_could_fulfil_is_refused_at_once() {
    let world = InProcess::start(admins()).await;
    let key = Bytes::from(KeyPair::generate().public().to_authorized_key().unwrap());
    for (body, status, words) in [
        (json!({ "connector_id": "github" }), 400, "missing PublicKey"),
        (json!({ "public_key": key, "connector_id": "nope" }), 404, "\"nope\" is not found"),
        (json!({ "public_key": key, "connector_id": "github", "cert_ttl": -1 }), 400, "below zero"),
    ] {
        let (got, answer) = post(&world, "/webapi/login/code", &body).await;
        assert!(got == status && answer["message"].as_str().unwrap().contains(words), "{got} {answer}");
    }
}

/// Starts a login by code of the built `tsh`, and waits for its code.
fn terminal(world: &World, more: &[&str]) -> (Live, String) {
    let proxy = world.proxy();
    let args = [&["login", "--insecure", &proxy, "--auth=github"][..], more].concat();
    let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    command.env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let live = Live::piped(command);
    let code = wait_for("a code", || {
        let said = live.said();
        said.split_whitespace()
            .find(|w| w.len() == 9 && w.as_bytes()[4] == b'-' && w.is_ascii())
            .map(str::to_owned)
    });
    (live, code)
}

#[test]
fn over_ssh_tsh_picks_the_code_and_says_so() {
    let world = World::with_connector();
    let (live, code) = terminal(&world, &["--ttl=60"]);
    live.says("Signing in by a code, since this is an SSH session without a display");
    let web = format!("https://{}/web/code", world.gate.web);
    let person = world.browser();
    runtime().block_on(async {
        let page = typed(&person, &web, &code).await;
        assert!(page.text.contains("1 hour at most"), "{}", page.text);
        let page = sign_in(&person, &page, "alice").await;
        assert!(page.text.contains("1 hour; it cannot renew itself beyond that"), "{}", page.text);
        person.submit(&page, &[], "approve").await.unwrap();
    });
    let run: Run = live.end().succeeds().says("Logged in as: alice");
    assert!(!run.stderr.contains("http://127.0.0.1:") || !run.stderr.contains("/callback"), "{}", run.stderr);
    let audit = world.gate.audit();
    assert!(audit.contains("\"flow\":\"code\"") && !audit.contains(&code), "{audit}");

    // An hour was approved, so no renewal gives more.
    let certificate = || Certificate::from_pem(&Shown::of_profile(&world, "alice").cert).unwrap();
    let first = certificate();
    for _ in 0..2 {
        world.tsh(&["login", "--renew", "--ttl=600"]).succeeds();
        let next = certificate();
        assert_ne!(next.serial(), first.serial());
        assert_eq!((next.login_time(), next.login_end()), (first.login_time(), first.login_end()));
        let gained = first.validity().not_after.duration_until(next.validity().not_after);
        assert!(gained.as_secs() <= 1, "{gained}");
    }

    // Denied, and the terminal says so.
    let (live, code) = terminal(&world, &["--force", "--way=code"]);
    runtime().block_on(async {
        let page = typed(&person, &web, &code).await;
        person.submit(&page, &[], "deny").await.unwrap();
    });
    let run = live.end();
    assert_ne!(run.code, 0);
    run.says("the sign-in was denied on the gate's page; nothing was changed");
}
