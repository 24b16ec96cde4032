//! Sessions of browsers: how they begin and end, and all that must not make, keep or use one.

use jumpgate::{
    demo::github::Account,
    model::{Role, RoleSpec, User},
    recording::{
        What,
        event::Stream,
        header::{Kind, Session},
    },
    server::store::resources,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::in_process::{CLUSTER, InProcess};

/// A browser's cookies, kept by hand.
#[derive(Debug, Default, Clone)]
pub struct Jar(Vec<(String, String)>);

impl Jar {
    fn keep(&mut self, answer: &reqwest::Response) {
        for line in answer.headers().get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.0.push((name.into(), value.into()));
            }
        }
    }

    pub fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn session(&self) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == "__Host-session").map(|(_, value)| value.as_str())
    }
}

fn mappings() -> Value {
    json!({
        "teams_to_logins": [{ "organization": "octocats", "team": "devs", "logins": ["root"] }],
        "teams_to_roles": [{ "organization": "octocats", "team": "admins", "roles": ["auditor"] }],
    })
}

async fn get(world: &InProcess, jar: &mut Jar, path: &str) -> reqwest::Response {
    let answer = world.http.get(world.web(path)).header("cookie", jar.header()).send().await.unwrap();
    jar.keep(&answer);
    answer
}

async fn status(world: &InProcess, jar: &Jar, path: &str) -> u16 {
    get(world, &mut jar.clone(), path).await.status().as_u16()
}

fn place(answer: &reqwest::Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Begins at the gate and consents at GitHub: the address of the callback, with its code.
async fn consented(world: &InProcess, jar: &mut Jar, user: &str, start: &str) -> String {
    let begun = get(world, jar, start).await;
    assert_eq!(begun.status(), 302, "{}", begun.text().await.unwrap());
    let authorize = url::Url::parse(&place(&begun)).unwrap();
    let mut form: Vec<(String, String)> = authorize.query_pairs().into_owned().collect();
    for (name, value) in
        [("demo_user", user), ("demo_password", world.github.password()), ("demo_do", "approve")]
    {
        form.push((name.into(), value.into()));
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let url = format!("{}/login/oauth/authorize", world.github.endpoint_url());
    let request = world.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 302);
    url::Url::parse(&place(&answer)).map(|url| url[url::Position::BeforePath..].to_owned()).unwrap()
}

const START: &str = "/web/login/github?connector_id=github";

pub async fn sign_in(world: &InProcess, user: &str) -> Jar {
    let mut jar = Jar::default();
    let callback = consented(world, &mut jar, user, START).await;
    let answer = get(world, &mut jar, &callback).await;
    assert_eq!((answer.status().as_u16(), place(&answer).as_str()), (302, "/web/sessions"));
    assert!(jar.session().is_some());
    jar
}

pub async fn token(world: &InProcess, jar: &Jar) -> String {
    let page = get(world, &mut jar.clone(), "/web/me").await.text().await.unwrap();
    page.split_once("name=\"csrf\" content=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

pub fn session_of(user: &str) -> Session {
    Session {
        id: jumpgate::recording::id::new(jiff::Timestamp::now()),
        kind: Kind::Exec,
        user: user.into(),
        roles: vec!["access".into()],
        kube_user: user.into(),
        kube_groups: vec![],
        cluster: CLUSTER.into(),
        namespace: "default".into(),
        pod: "shell".into(),
        container: String::new(),
        command: vec!["echo".into(), "<b>hi</b>".into()],
        terminal: false,
        stdin: false,
        protocol: String::new(),
        remote: "192.0.2.1".into(),
        started: jiff::Timestamp::now(),
    }
}

/// A recording of somebody's, of one line.
pub async fn record(world: &InProcess, user: &str) -> Uuid {
    let session = session_of(user);
    let id = session.id;
    let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
    let shown = What::Bytes(Stream::Stdout, b"<b>hi</b>\nthere\n".to_vec());
    recorder.record(vec![shown, What::Exit(0)]).await.unwrap();
    recorder.finish(None, vec![]).await;
    for _ in 0..300 {
        let item = world.gate().store.range("/recordings/", None, 100).await.unwrap();
        if item.iter().any(|i| {
            let record: Value = serde_json::from_slice(&i.value).unwrap();
            record["id"] == json!(id) && record["state"] == "complete"
        }) {
            return id;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{id} is never complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_and_out() {
    let world = InProcess::start(mappings()).await;
    let mut jar = Jar::default();
    let page = get(&world, &mut jar, "/web/login").await.text().await.unwrap();
    assert!(page.contains("href=\"/web/login/github?connector_id=github\""), "{page}");
    let callback = consented(&world, &mut jar, "alice", &format!("{START}&next=%2Fweb%2Fme%23t%3D1")).await;
    let answer = get(&world, &mut jar, &callback).await;
    assert_eq!(place(&answer), "/web/me#t=1");
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for part in ["Path=/", "Max-Age=43200", "Secure", "HttpOnly", "SameSite=Lax"] {
        let near = part == "Max-Age=43200" && cookie.contains("Max-Age=43199");
        assert!(cookie.split("; ").any(|p| p == part) || near, "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"));

    let page = get(&world, &mut jar, "/web/me").await;
    let headers = page.headers().clone();
    let policy = headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(headers.contains_key("referrer-policy"));
    let page = page.text().await.unwrap();
    assert!(
        page.contains("You are alice")
            && page.contains(&format!("tsh login --proxy={}", world.running.bound.web))
    );
    for word in [" style=", " onclick=", "<style", "<script>"] {
        assert!(!page.contains(word), "{word}");
    }
    let events = world.events("user.login").await;
    assert_eq!(
        (events.len(), &events[0]["code"], &events[0]["method"]),
        (1, &json!("T1001I"), &json!("github"))
    );

    // Out: by its own form alone.
    let csrf = token(&world, &jar).await;
    let logout = async |jar: &Jar, token: &str, origin: Option<&str>| {
        let mut request = world.http.post(world.web("/web/logout")).header("cookie", jar.header());
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let body = format!("token={token}");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        request.send().await.unwrap()
    };
    let own = world.web("");
    assert_eq!(logout(&jar, "", Some(&own)).await.status(), 403);
    assert_eq!(logout(&jar, &csrf, Some("https://evil.example")).await.status(), 403);
    assert_eq!(logout(&jar, jar.session().unwrap(), Some(&own)).await.status(), 403);
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 200);
    let before = jar.clone();
    let out = logout(&jar, &csrf, Some(&own)).await;
    assert_eq!(out.status(), 200);
    jar.keep(&out);
    assert!(jar.session().is_none());
    assert_eq!(status(&world, &before, "/web/api/recordings").await, 401, "it has ended in the store too");
    let away = get(&world, &mut before.clone(), "/web/sessions?state=live").await;
    assert_eq!(place(&away), "/web/login?next=%2Fweb%2Fsessions%3Fstate%3Dlive");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_19_a_stolen_or_planted_sign_in_is_nobodys() {
    let world = InProcess::start(mappings()).await;
    // The attacker's way back, opened by somebody else, with and without a sign-in of their own on its way.
    let mut attacker = Jar::default();
    let callback = consented(&world, &mut attacker, "bob", START).await;
    let mut victim = Jar::default();
    get(&world, &mut victim, START).await;
    let answer = get(&world, &mut victim, &callback).await;
    assert_eq!(answer.status(), 403);
    assert!(victim.session().is_none());
    assert!(answer.text().await.unwrap().contains("not begun in this browser"));
    // It was taken: the attacker has nothing of it either.
    assert_eq!(get(&world, &mut attacker, &callback).await.status(), 404);
    assert!(attacker.session().is_none());

    // A session that was planted before the sign-in is not the one after it, and ends.
    let planted = sign_in(&world, "bob").await;
    let mut jar = planted.clone();
    let callback = consented(&world, &mut jar, "alice", START).await;
    get(&world, &mut jar, &callback).await;
    assert_ne!(jar.session(), planted.session());
    assert_eq!(status(&world, &planted, "/web/api/recordings").await, 401);
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 200);
    // Who makes up a cookie has nothing.
    for made_up in ["0".repeat(64), "../../users/alice".into(), String::new()] {
        let jar = Jar(vec![("__Host-session".into(), made_up)]);
        assert_eq!(status(&world, &jar, "/web/api/recordings").await, 401);
    }
    // Nobody whom the connector does not let in has a session.
    let mut jar = Jar::default();
    let callback = consented(&world, &mut jar, "mallory", START).await;
    assert_eq!(get(&world, &mut jar, &callback).await.status(), 403);
    assert!(jar.session().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_20_a_sign_in_leads_to_no_other_site() {
    let world = InProcess::start(mappings()).await;
    for next in
        ["https://evil.example/web/", "//evil.example/web/x", "/web/..//evil.example", "/\\evil.example"]
    {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        for start in [
            format!("{START}&next={next}"),
            format!("/v1/webapi/github/login/web?connector_id=github&redirect_url={next}"),
        ] {
            let mut jar = Jar::default();
            let callback = consented(&world, &mut jar, "alice", &start).await;
            assert_eq!(place(&get(&world, &mut jar, &callback).await), "/web/sessions");
            let there = get(&world, &mut jar, &format!("/web/login?next={next}")).await;
            assert_eq!(place(&there), "/web/sessions");
        }
    }
    // Teleport's own way, with a page of ours.
    let own: String = form_urlencoded::byte_serialize(world.web("/web/audit").as_bytes()).collect();
    let mut jar = Jar::default();
    let start = format!("/v1/webapi/github/login/web?connector_id=github&redirect_url={own}");
    let callback = consented(&world, &mut jar, "alice", &start).await;
    assert_eq!(place(&get(&world, &mut jar, &callback).await), "/web/audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_time_its_person_and_their_roles() {
    let world = InProcess::start(mappings()).await;
    let store = world.gate().store.clone();

    let jar = sign_in(&world, "alice").await;
    let item = store.range("/web/sessions/", None, 10).await.unwrap().remove(0);
    let mut record: Value = serde_json::from_slice(&item.value).unwrap();
    assert!(item.expires.is_some());
    record["expires"] = json!(jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1));
    store.put(&item.key, record.to_string().into(), item.expires).await.unwrap();
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 401, "its time is over");

    let jar = sign_in(&world, "alice").await;
    let other = sign_in(&world, "bob").await;
    let mut user: User = resources::get(&*store, "alice").await.unwrap().unwrap();
    user.spec.roles = vec!["access".into()];
    resources::upsert(&*store, &user).await.unwrap();
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 401, "a later login gave other roles");
    assert_eq!(status(&world, &other, "/web/api/recordings").await, 200);
    resources::delete::<User>(&*store, "bob").await.unwrap();
    assert_eq!(status(&world, &other, "/web/api/recordings").await, 401, "the record is gone");

    let mut spec = RoleSpec::default();
    spec.options.max_session_ttl = Some(jumpgate::model::GoDuration(std::time::Duration::from_secs(600)));
    resources::upsert(&*store, &Role::new("brief", spec)).await.unwrap();
    world
        .connector(json!({ "teams_to_roles": [{ "organization": "octocats", "team": "brief", "roles": ["brief"] }] }))
        .await;
    world.github.set_account("carol", Account::new(77, &["octocats/brief"]));
    let mut jar = Jar::default();
    let callback = consented(&world, &mut jar, "carol", START).await;
    let answer = get(&world, &mut jar, &callback).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("Max-Age=600;") || cookie.contains("Max-Age=599;"), "{cookie}");
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 200);
    resources::delete::<Role>(&*store, "brief").await.unwrap();
    assert_eq!(status(&world, &jar, "/web/api/recordings").await, 401, "the role is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_their_own_and_auditors_see_all() {
    let world = InProcess::start(mappings()).await;
    let (alice, bob) = (sign_in(&world, "alice").await, sign_in(&world, "bob").await);
    let (of_alice, of_bob) = (record(&world, "alice").await, record(&world, "bob").await);
    let list = async |jar: &Jar, query: &str| -> Vec<String> {
        let answer = get(&world, &mut jar.clone(), &format!("/web/api/recordings{query}")).await;
        let page: Value = answer.json().await.unwrap();
        page["recordings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["user"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(list(&alice, "").await, ["bob", "alice"]);
    assert_eq!(list(&alice, "?user=bob").await, ["bob"]);
    assert_eq!(list(&bob, "").await, ["bob"]);
    let short = |id: Uuid| format!("?id={}", &id.to_string()[..8]);
    assert_eq!(list(&alice, &short(of_bob)).await, ["bob"]);
    assert_eq!(list(&bob, &short(of_bob)).await, ["bob"]);
    assert!(list(&bob, &short(of_alice)).await.is_empty(), "nobody learns of another's session by its ID");
    assert_eq!(status(&world, &bob, "/web/api/recordings?id=zz").await, 400);
    let of = |id: Uuid, what: &str| format!("/web/api/recordings/{id}{what}");
    for what in ["", "/outline", "/film?part=0", "/content"] {
        assert_eq!(status(&world, &bob, &of(of_bob, what)).await, 200, "{what}");
        assert_eq!(status(&world, &alice, &of(of_bob, what)).await, 200, "{what}");
        assert_eq!(status(&world, &bob, &of(of_alice, what)).await, 404, "{what}");
        assert_eq!(status(&world, &Jar::default(), &of(of_bob, what)).await, 401, "{what}");
    }
    assert_eq!(status(&world, &bob, &format!("/web/sessions/{of_alice}")).await, 404);
    for (jar, expected) in [(&alice, 200), (&bob, 403)] {
        assert_eq!(status(&world, jar, "/web/api/events").await, expected);
        assert_eq!(status(&world, jar, "/web/audit").await, expected);
        assert_eq!(status(&world, jar, "/v1/webapi/sites/-current-/events/search").await, expected);
    }
    // One view, one event, of how many parts it may be.
    let seen = world.events("session.recording.access").await;
    assert_eq!(seen.len(), 1, "{seen:?}");

    assert_eq!(status(&world, &alice, &of(of_bob, "/live")).await, 409);
    let answer = get(&world, &mut bob.clone(), &of(of_bob, "/film?part=0")).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let film = answer.text().await.unwrap();
    assert!(film.contains("<b>hi</b>") && film.lines().last().unwrap().ends_with("\"x\"]"), "{film}");
    let outline: Value = get(&world, &mut bob.clone(), &of(of_bob, "/outline")).await.json().await.unwrap();
    assert_eq!(outline["transcript"][0][1], "<b>hi</b>");
    assert_eq!(outline["marks"][0]["text"], "exit code 0");
    // The page has the command as text.
    let page = get(&world, &mut bob.clone(), &format!("/web/sessions/{of_bob}")).await.text().await.unwrap();
    assert!(!page.contains("<b>hi"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_needs_the_pages_own_token() {
    let world = InProcess::start(mappings()).await;
    let jar = sign_in(&world, "alice").await;
    let csrf = token(&world, &jar).await;
    let id = record(&world, "alice").await;
    let ask = async |headers: &[(&str, &str)]| {
        let mut request =
            world.http.delete(world.web(&format!("/web/api/sessions/{id}"))).header("cookie", jar.header());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let own = world.web("");
    assert_eq!(
        ask(&[("x-csrf-token", &csrf), ("origin", &own)]).await,
        409,
        "it is not live, but might be ended"
    );
    for bad in [
        &[("origin", own.as_str())][..],
        &[("x-csrf-token", "00"), ("origin", &own)],
        &[("x-csrf-token", &csrf), ("origin", "https://evil.example")],
        &[("x-csrf-token", &csrf), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(ask(bad).await, 403, "{bad:?}");
    }
    // A live one: with the token its person's page ends it.
    let session = session_of("alice");
    let live = session.id;
    let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
    let killed = recorder.killed();
    let url = world.web(&format!("/web/api/sessions/{live}?reason=lunch"));
    let request = world.http.delete(url).header("cookie", jar.header()).header("origin", &own);
    assert_eq!(request.header("x-csrf-token", &csrf).send().await.unwrap().status(), 204);
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), killed).await.unwrap();
    assert!(told.ends_with(": lunch"), "{told}");
    recorder.finish(Some(told), vec![]).await;
    let events = world.events("session.killed").await;
    assert_eq!((events.len(), &events[0]["user"]), (1, &json!("alice")), "{events:?}");
    // Not even what only reads answers another site's script.
    let read = world.http.get(world.web("/web/api/recordings")).header("cookie", jar.header());
    assert_eq!(read.header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_teleport_4_reads_a_recording() {
    let world = InProcess::start(mappings()).await;
    let jar = sign_in(&world, "alice").await;
    let id = record(&world, "alice").await;
    let base = format!("/v1/webapi/sites/-current-/namespaces/default/sessions/{id}");
    let events: Value = get(&world, &mut jar.clone(), &format!("{base}/events")).await.json().await.unwrap();
    let names: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["session.start", "print", "session.end"]);
    let print = &events["events"][1];
    assert_eq!((&print["bytes"], &print["offset"]), (&json!(16), &json!(0)));
    let later: Value =
        get(&world, &mut jar.clone(), &format!("{base}/events?after=1")).await.json().await.unwrap();
    assert_eq!(later["events"].as_array().unwrap().len(), 1);
    let stream = get(&world, &mut jar.clone(), &format!("{base}/stream?offset=3&bytes=6")).await;
    assert_eq!(stream.headers()["content-type"], "application/octet-stream");
    assert_eq!(stream.text().await.unwrap(), "hi</b>");
    let other = base.replace("-current-", "elsewhere");
    assert_eq!(status(&world, &jar, &format!("{other}/events")).await, 404);
    assert_eq!(status(&world, &jar, &format!("{}/events", base.replace("-current-", CLUSTER))).await, 200);
    let bearer = async |token: &str| {
        let request = world.http.get(world.web(&format!("{base}/events"))).header("cookie", jar.header());
        request.header("authorization", format!("Bearer {token}")).send().await.unwrap().status().as_u16()
    };
    assert_eq!(bearer(&token(&world, &jar).await).await, 200);
    assert_eq!(bearer("x").await, 403);
    let sessions: Value =
        get(&world, &mut jar.clone(), "/v1/webapi/sites/-current-/events").await.json().await.unwrap();
    assert!(sessions["events"].is_array());
}
