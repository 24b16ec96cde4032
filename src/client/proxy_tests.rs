use super::*;

fn stock(name: &str) -> String {
    let path = format!("{}/tests/data/teleport-4.0.2/web/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn reads_what_a_stock_proxy_answers() {
    let found: Ping = serde_json::from_str(&stock("find.json")).unwrap();
    assert_eq!(found.proxy.kube.public_addr.as_deref(), Some("localhost:3026"));
    crate::client::version::check(&found).unwrap();
    let login: ConsoleResponse = serde_json::from_str(&stock("github_login_console.json")).unwrap();
    assert!(login.redirect_url.starts_with("https://github.com/login/oauth/authorize?"));
    let text = stock("ping-unknown-connector.txt");
    let body = text.lines().next().unwrap();
    assert!(is_unknown_connector(&ErrorBody::sentence(body.as_bytes()).unwrap()));
}

#[test]
fn the_way_to_sign_in_is_the_gate_s() {
    let of = |json: &str| method(&serde_json::from_str(json).unwrap());
    let github = of(r#"{"auth":{"type":"github","github":{"name":"gh","display":"GitHub"}}}"#);
    assert_eq!(github, Method::Browser { kind: "github", connector: "gh".into() });
    assert_eq!(of(r#"{"auth":{"type":"local"}}"#), Method::Password);
    assert_eq!(of(r#"{"auth":{"type":"github"}}"#), Method::Unknown("github".into()));
}

/// Answers every connection with the same bytes.
async fn serve(answer: &'static [u8]) -> Address {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
        }
    });
    Address { host: "127.0.0.1".into(), port }
}

#[tokio::test]
async fn a_wrong_address_is_named() {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address { host: "127.0.0.1".into(), port: tcp.local_addr().unwrap().port() };
    drop(tcp);
    let error = ProxyClient::new(&address, Trust::default()).unwrap().ping(None).await.unwrap_err();
    assert!(matches!(&error, ProxyError::Unreachable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn what_speaks_no_tls_is_no_gate() {
    let address = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = ProxyClient::new(&address, Trust::default()).unwrap().ping(None).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{address} is not the web port of a gate: it does not speak TLS"));
}
