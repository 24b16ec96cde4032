//! The web interface with a real Chromium: sign in, find a session, play it, seek in it, copy out of it; at desktop and phone width,
//! in light and dark, and without a finding of axe-core.

use std::time::Duration;

use jumpgate::recording::{Event, Header, What, encode, event::Stream, pack::Packer};
use serde_json::{Value, json};

use crate::{
    browser::{leaf_of, leaf_of_web_port, picture, spki},
    support::{
        chromium::{Chromium, Scheme},
        in_process::InProcess,
        recorded::{kept, last},
        world::{Kubectl, World, runtime},
    },
    web_sessions::record as put_on_record,
};

/// A gate on which alice, with her own sessions, is an auditor too.
fn world() -> World {
    let world = World::start();
    world.connector_with(
        "  teams_to_logins:\n  - {organization: octocats, team: devs, logins: [root], kubernetes_groups: [\"system:masters\"]}\n  \
         teams_to_roles:\n  - {organization: octocats, team: admins, roles: [auditor]}\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    world
}

fn chromium(world: &World) -> Chromium {
    Chromium::start(&spki(&leaf_of_web_port(world)))
}

/// Signs in from whatever page leads to the sign-in.
#[track_caller]
fn sign_in(chromium: &mut Chromium, world: &World, user: &str) {
    consent(chromium, world.github.password(), user);
}

#[track_caller]
pub fn consent(chromium: &mut Chromium, password: &str, user: &str) {
    chromium.wait_until("document.querySelector('a.button')?.textContent.startsWith('Sign in with')");
    chromium.click("a.button");
    chromium.wait_until("document.title.startsWith('Authorize')");
    chromium.click(&format!("input[value={user}]"));
    chromium.type_into("input[type=password]", password);
    chromium.click("button[value=approve]");
    chromium.wait_until("location.pathname.startsWith('/web/') && document.readyState === 'complete'");
}

/// Looks at a page in every light and at both widths.
#[track_caller]
fn look(chromium: &mut Chromium, name: &str) {
    for scheme in [Scheme::Light, Scheme::Dark] {
        for (size, width, height) in [("desktop", 1280, 900), ("phone", 360, 740)] {
            chromium.show(scheme, width, height);
            let wide = chromium.evaluate("document.scrollingElement.scrollWidth - innerWidth");
            assert!(
                wide.as_ref().and_then(Value::as_f64).expect("a page") <= 0.0,
                "{name} at {size}: {wide:?} px too wide"
            );
            let found = chromium.axe();
            assert!(found.is_empty(), "{name} in {} at {size}: {found:#?}", scheme.name());
            picture(chromium, name, scheme, size);
        }
    }
    chromium.show(Scheme::Light, 1280, 900);
}

const SHOW: &str = r#"printf '\033[1;32mgreen and bold\033[0m, \033[38;5;208morange\033[0m, \033[38;2;200;100;250mviolet\033[0m, \033[7minverse\033[0m, \033[44;97mon blue\033[0m\n'; printf '日本語 and é and 🙂 wide\n'"#;
const LONG: &str = "abcdefghij";

fn record(world: &World) -> uuid::Uuid {
    let script = "PS1='$ ' exec sh -i";
    let mut live =
        world.kubectl_on_terminal(Kubectl::WebSocket, &["exec", "-it", "shell", "--", "sh", "-c", script]);
    live.says("$ ");
    live.send(format!("{SHOW}\n"));
    live.says("wide\r\n");
    live.send(format!("sleep 3; echo {}\n", LONG.repeat(12)));
    live.says(&LONG.repeat(3));
    live.send("echo fin''ished\n");
    live.says("finished\r\n");
    live.resize(30, 100);
    live.send("while [ \"$(stty size)\" != '30 100' ]; do sleep 0.05; done; echo lar''ger; exit 3\n");
    live.end().fails_with(3);
    last(world, 1).session().id
}

#[test]
fn a_session_is_found_played_sought_and_copied() {
    let world = world();
    let id = record(&world);
    let mut chromium = chromium(&world);
    let web = format!("https://{}", world.gate.web);

    // A link to a moment leads through the sign-in to that moment.
    chromium.open(&format!("{web}/web/sessions/{id}#t=2.5"));
    look(&mut chromium, "sign-in");
    sign_in(&mut chromium, &world, "alice");
    chromium.wait_until("document.querySelector('#player')?.dataset.ready === 'yes'");
    assert_eq!(chromium.evaluate("location.hash"), Some(json!("#t=2.5")));
    assert_eq!(chromium.evaluate("Number(document.querySelector('#seek').value)"), Some(json!(2500)));
    let screen = "document.querySelector('#screen').innerText";
    assert_eq!(chromium.evaluate(&format!("{screen}.includes('green and bold')")), Some(json!(true)));
    assert_eq!(chromium.evaluate(&format!("{screen}.includes('finished')")), Some(json!(false)));
    look(&mut chromium, "player");

    chromium.open(&format!("{web}/web/sessions"));
    chromium.wait_until("document.querySelectorAll('#list tbody tr').length === 1");
    let text = chromium.text();
    for part in ["alice", "default/shell", "exit 3", "complete"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    look(&mut chromium, "sessions");
    chromium.type_into("#about", "no such text");
    chromium.click("#filter button[type=submit]");
    chromium.wait_until("document.querySelector('#status').textContent.includes('No session fits')");
    assert_eq!(chromium.evaluate("location.search"), Some(json!("?about=no+such+text")));
    chromium.click("#filter button[type=reset]");
    chromium.wait_until("document.querySelectorAll('#list tbody tr').length === 1");

    let shown = chromium.evaluate("document.querySelector('#list td:nth-child(7) code').textContent");
    let shown = shown.as_ref().and_then(serde_json::Value::as_str).expect("an ID").to_owned();
    assert_eq!(shown.len(), 8);
    chromium.type_into("#about", &shown);
    chromium.click("#filter button[type=submit]");
    chromium.wait_until(&format!("location.search === '?about={shown}'"));
    chromium.wait_until("document.querySelectorAll('#list tbody tr').length === 1");

    chromium.click("#list tbody a");
    chromium.wait_until("document.querySelector('#player')?.dataset.ready === 'yes'");
    play(&mut chromium);
    seek(&mut chromium);
    copy(&mut chromium);
    widths(&mut chromium);
    transcript(&mut chromium);
    on_a_phone(&mut chromium);

    for (name, path) in [("audit", "/web/audit"), ("me", "/web/me"), ("missing", "/web/sessions/nonsense")] {
        chromium.open(&format!("{web}{path}"));
        if name == "audit" {
            chromium.wait_until("document.querySelectorAll('#list tbody tr').length > 2");
            let rows = "[...document.querySelectorAll('#list summary')].map(row => row.textContent)";
            let of_a_command = format!("{rows}.some(row => row.startsWith('command: sh -c '))");
            assert_eq!(chromium.evaluate(&of_a_command), Some(json!(true)), "{:?}", chromium.evaluate(rows));
            let verbs = format!("{rows}.every(row => row.split('verb: ').length < 3)");
            assert_eq!(chromium.evaluate(&verbs), Some(json!(true)));
            chromium.type_into("#event", "user.login");
            chromium.click("#filter button[type=submit]");
            chromium.wait_until("document.querySelectorAll('#list tbody tr').length === 2");
            chromium.click("#list summary");
        }
        look(&mut chromium, name);
    }
    chromium.open(&format!("{web}/web/me"));
    chromium.click("header form button");
    chromium.wait_until("document.body.innerText.includes('You are signed out')");
    chromium.open(&format!("{web}/web/me"));
    chromium.wait_until("location.pathname === '/web/login'");
    chromium.close();
}

/// From the beginning to the end, with the pause of three seconds left out.
fn play(chromium: &mut Chromium) {
    chromium.evaluate("document.querySelector('#speed').value = '4'");
    chromium.press(" ");
    chromium.wait_until("document.querySelector('#play').getAttribute('aria-label') === 'Pause'");
    chromium.wait_until("document.querySelector('#play').getAttribute('aria-label') === 'Play'");
    let text = chromium.evaluate("document.querySelector('#screen').innerText").expect("a screen");
    let text = text.as_str().expect("text");
    assert!(text.contains("finished") && text.contains("larger"), "{text}");
    let at_end =
        "Number(document.querySelector('#seek').value) === Number(document.querySelector('#seek').max)";
    assert_eq!(chromium.evaluate(at_end), Some(json!(true)));
    // The size that the terminal had at the end.
    assert_eq!(chromium.evaluate("document.querySelectorAll('#screen .row').length"), Some(json!(30)));
    assert_eq!(chromium.evaluate("document.querySelector('.mark.resize') !== null"), Some(json!(true)));
}

/// By keys, by the bar, by the address.
fn seek(chromium: &mut Chromium) {
    let value = "Number(document.querySelector('#seek').value)";
    chromium.press("0");
    chromium.wait_until(&format!("{value} === 0"));
    assert_eq!(chromium.evaluate("document.querySelectorAll('#screen .row').length"), Some(json!(24)));
    assert_eq!(
        chromium.evaluate("document.querySelector('#screen').innerText.includes('green')"),
        Some(json!(false))
    );
    chromium.press("5");
    chromium.wait_until(&format!("Math.abs({value} - Number(document.querySelector('#seek').max) / 2) < 2"));
    chromium.press("ArrowLeft");
    chromium.wait_until(&format!("{value} === 0"));
    // The middle of the bar.
    chromium.click("#seek");
    chromium
        .wait_until(&format!("Math.abs({value} / Number(document.querySelector('#seek').max) - 0.5) < 0.05"));
    chromium.evaluate("location.hash = '#t=0:01.5'");
    chromium.wait_until(&format!("{value} === 1500"));
    chromium.press("9");
    chromium.wait_until(&format!("{value} > 2000"));
}

/// The selection, as the clipboard gets it.
fn copy(chromium: &mut Chromium) {
    chromium.evaluate("location.hash = '#t=9999'");
    chromium.wait_until("document.querySelector('#screen').innerText.includes('larger')");
    let copied = chromium.evaluate(
        "(() => {
            const box = document.querySelector('#screen');
            getSelection().selectAllChildren(box);
            const data = new DataTransfer();
            box.querySelector('.row').dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }));
            getSelection().removeAllRanges();
            return data.getData('text/plain');
        })()",
    );
    let copied = copied.expect("a page");
    let lines: Vec<&str> = copied.as_str().expect("text").lines().collect();
    let long = LONG.repeat(12);
    assert!(lines.contains(&long.as_str()), "a wrapped line is one: {lines:#?}");
    assert!(lines.contains(&"green and bold, orange, violet, inverse, on blue"), "{lines:#?}");
    assert!(lines.contains(&"日本語 and é and 🙂 wide"), "{lines:#?}");
}

/// Every letter stands where the terminal had it, wide or not; colours are those of the session.
fn widths(chromium: &mut Chromium) {
    let measured = chromium.evaluate(
        "(() => {
            const box = document.querySelector('#screen');
            const row = [...box.querySelectorAll('.row')].find(r => r.textContent.startsWith('日本語'));
            const cell = box.getBoundingClientRect().width / 100;
            const spans = [...row.children];
            const at = spans.map(s => [s.textContent, Math.round((s.getBoundingClientRect().x - box.getBoundingClientRect().x) / cell * 10) / 10]);
            const green = [...box.querySelectorAll('.c')].find(c => c.textContent === 'green and bold');
            const violet = [...box.querySelectorAll('.c')].find(c => c.textContent === 'violet');
            return [at, getComputedStyle(green).fontWeight, green.className, getComputedStyle(violet).color];
        })()",
    );
    let measured = measured.expect("a page");
    let at: Vec<(String, f64)> = serde_json::from_value(measured[0].clone()).expect("places");
    let place = |text: &str| at.iter().find(|(t, _)| t == text).map(|(_, x)| *x);
    assert_eq!((place("日"), place("本"), place("語")), (Some(0.0), Some(2.0), Some(4.0)), "{at:?}");
    assert_eq!(place("🙂"), Some(17.0), "{at:?}");
    assert_eq!(at.last(), Some(&(" wide".to_owned(), 19.0)));
    assert_eq!((&measured[1], &measured[3]), (&json!("700"), &json!("rgb(200, 100, 250)")), "{measured}");
    assert!(measured[2].as_str().expect("classes").contains("f-2"));
}

fn transcript(chromium: &mut Chromium) {
    let lines =
        chromium.evaluate("[...document.querySelectorAll('#transcript .line')].map(l => l.textContent)");
    let lines: Vec<String> = serde_json::from_value(lines.expect("a page")).expect("lines");
    assert!(lines.contains(&LONG.repeat(12)), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "exit code 3"), "{lines:#?}");
    let begin = "Number(document.querySelector('#seek').value)";
    chromium.press("0");
    chromium.wait_until(&format!("{begin} === 0"));
    let time = "[...document.querySelectorAll('#transcript li')].find(l => l.textContent.includes('finished')).querySelector('a')";
    chromium.evaluate(&format!("{time}.click()"));
    chromium.wait_until(&format!("{begin} > 3000"));
    assert_eq!(
        chromium.evaluate("document.querySelector('#screen').innerText.includes('finished')"),
        Some(json!(true))
    );
}

/// The screen fits, the letters can be made larger, and a finger plays.
fn on_a_phone(chromium: &mut Chromium) {
    chromium.show(Scheme::Dark, 360, 740);
    chromium.press("0");
    let frame = "document.querySelector('#frame')";
    chromium.wait_until(&format!("{frame}.scrollWidth <= {frame}.clientWidth"));
    chromium.wait_until("!document.querySelector('#larger').hidden");
    chromium.click("#larger");
    chromium.wait_until("parseFloat(document.querySelector('#screen').style.fontSize) === 13");
    chromium.click("#larger");
    chromium.click("#play");
    chromium.wait_until("document.querySelector('#play').getAttribute('aria-label') === 'Pause'");
    chromium.click("#play");
    chromium.wait_until("document.querySelector('#play').getAttribute('aria-label') === 'Play'");
    chromium.show(Scheme::Light, 1280, 900);
}

/// Puts another recording into the place of the only one: a line every ten seconds, for 25 minutes.
fn lengthen(world: &World) -> uuid::Uuid {
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "true"]).succeeds();
    let session = last(world, 1).session().clone();
    let mut lines =
        encode::header(&Header::new(jumpgate::recording::Session { terminal: true, ..session.clone() }));
    let mut encoder = encode::Encoder::default();
    for n in 0..=150 {
        let what = What::Bytes(Stream::Stdout, format!("line {n}\r\n").into_bytes());
        encoder.encode(&Event { at: Duration::from_secs(n * 10), what }, &mut lines);
    }
    let sealed =
        Packer::new(session.id).pack(&lines, Duration::ZERO, Duration::from_secs(1500)).expect("a frame");
    std::fs::write(kept(world)[0].join("000001.part"), sealed).expect("a part");
    session.id
}

#[test]
fn a_long_film_comes_in_parts() {
    let world = world();
    let id = lengthen(&world);
    let mut chromium = chromium(&world);
    chromium.open(&format!("https://{}/web/sessions/{id}#t=1:35", world.gate.web));
    sign_in(&mut chromium, &world, "alice");
    let screen = "document.querySelector('#screen')?.innerText";
    let shows = |n: usize| format!("/^line {n}$/m.test({screen}) && !/^line {}$/m.test({screen})", n + 1);
    chromium.wait_until(&shows(9));
    // Into another part and back, by the bar's keys and by the address.
    chromium.press("8");
    chromium.wait_until(&shows(120));
    chromium.evaluate("location.hash = '#t=10:03'");
    chromium.wait_until(&shows(60));
    chromium.press("ArrowLeft");
    chromium.wait_until(&shows(59));
    // Over the border between two parts as it plays; what is idle is skipped.
    chromium.evaluate("location.hash = '#t=285'");
    chromium.wait_until(&shows(28));
    chromium.evaluate("document.querySelector('#speed').value = '8'");
    chromium.press(" ");
    chromium.wait_until(&format!("/^line 36$/m.test({screen})"));
    chromium.press(" ");
    let asked = "performance.getEntriesByType('resource').filter(e => e.name.includes('/film?part=')).map(e => e.name.split('=')[1])";
    let parts: Vec<String> =
        serde_json::from_value(chromium.evaluate(asked).expect("a page")).expect("parts");
    let different: std::collections::BTreeSet<&String> = parts.iter().collect();
    assert_eq!(different.len(), parts.len(), "a part is asked for once: {parts:?}");
    assert!(different.len() >= 4, "{parts:?}");
    chromium.close();
}

#[test]
fn lists_go_on_behind_their_first_page() {
    const SESSIONS: usize = 230;
    let world = runtime().block_on(async {
        let world = InProcess::start(json!({
            "teams_to_roles": [{ "organization": "octocats", "team": "admins", "roles": ["auditor"] }],
        }))
        .await;
        for _ in 0..SESSIONS {
            put_on_record(&world, "alice").await;
        }
        world
    });
    let ca = world.gate().authorities.host.certificate().to_pem();
    let mut chromium = Chromium::start(&spki(&leaf_of(&ca, world.running.bound.web)));
    chromium.open(&world.web("/web/login?next=%2Fweb%2Fsessions"));
    consent(&mut chromium, world.github.password(), "alice");
    let count = |chromium: &mut Chromium, of: &str| {
        let found = format!(
            "new Set([...document.querySelectorAll('#list {of}')].map(e => e.href ?? e.textContent)).size"
        );
        chromium.evaluate(&found).and_then(|n| n.as_u64()).expect("a number")
    };
    for (rows, more) in [(100, true), (200, true), (SESSIONS, false)] {
        chromium.wait_until(&format!("document.querySelectorAll('#list tbody tr').length === {rows}"));
        assert_eq!(count(&mut chromium, "tbody a"), rows as u64, "every session stands once");
        assert_eq!(chromium.evaluate("!document.querySelector('#more').hidden"), Some(json!(more)));
        if more {
            chromium.click("#more");
        }
    }
    chromium.open(&world.web("/web/audit?event=session.upload"));
    for (rows, more) in [(100, true), (200, true), (SESSIONS, false)] {
        chromium.wait_until(&format!("document.querySelectorAll('#list tbody tr').length === {rows}"));
        assert_eq!(count(&mut chromium, "pre"), rows as u64, "every event stands once");
        assert_eq!(chromium.evaluate("!document.querySelector('#more').hidden"), Some(json!(more)));
        if more {
            chromium.click("#more");
        }
    }
    chromium.close();
    // Its tasks end on their runtime.
    let _context = runtime().enter();
    drop(world);
}

#[test]
fn a_live_session_is_followed_in_the_browser() {
    let world = world();
    let mut live = world.kubectl_on_terminal(
        Kubectl::WebSocket,
        &["exec", "-it", "shell", "--", "sh", "-c", "PS1='$ ' exec sh -i"],
    );
    live.says("$ ");
    live.send("echo fi''rst\n");
    live.says("first\r\n");
    let mut chromium = chromium(&world);
    chromium.open(&format!("https://{}/web/login", world.gate.web));
    sign_in(&mut chromium, &world, "alice");
    chromium.wait_until("document.querySelector('#list .live') !== null");
    chromium.click("#list tbody a");
    let screen = "document.querySelector('#screen')?.innerText";
    chromium.wait_until(&format!("{screen}?.includes('first')"));
    chromium.wait_until("document.querySelector('#time').textContent.includes('live')");
    live.send("echo sec''ond\n");
    chromium.wait_until(&format!("{screen}.includes('second')"));
    look(&mut chromium, "live");
    // Back, and to the live end again.
    chromium.press("0");
    chromium.wait_until(&format!("!{screen}.includes('second')"));
    live.send("echo th''ird\n");
    live.says("third\r\n");
    chromium.click("#golive");
    chromium.wait_until(&format!("{screen}.includes('third')"));
    live.send("exit 4\n");
    live.end().fails_with(4);
    chromium.wait_until("document.querySelector('#facts').innerText.includes('exit 4')");
    chromium.wait_until(&format!("{screen}.includes('third')"));
    assert_eq!(chromium.evaluate("document.querySelector('#golive').hidden"), Some(json!(true)));
    chromium.close();
}
