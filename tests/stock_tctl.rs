//! Our `tctl` at a stock Teleport 4 auth server, where it writes more than it may at a gate of ours.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{
    replay::{Answer, Asked, Replay},
    run::Person,
    world::{Run, World},
};

const USER: &str =
    "kind: user\nversion: v2\nmetadata: {name: carol}\nspec:\n  roles: [admin]\n  traits: {logins: [root]}\n";
const ROLE: &str =
    "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {allow: {kubernetes_groups: [dev]}}\n";

/// As Teleport 4 writes a user: nothing of it may be lost on the way through a file.
const CAROL: &str = r#"{"kind":"user","version":"v2","metadata":{"name":"carol"},"spec":{"roles":["admin"],"traits":{"logins":["root"]},"status":{"is_locked":false,"locked_message":"","lock_expires":"0001-01-01T00:00:00Z"},"expires":"0001-01-01T00:00:00Z","created_by":{"user":{"name":"5f3e"},"time":"2026-11-24T10:41:40Z"}}}"#;
const DEV: &str =
    r#"{"kind":"role","version":"v3","metadata":{"name":"dev"},"spec":{"options":{},"allow":{},"deny":{}}}"#;
const DONE: &str = r#"{"message":"'carol' user upserted"}"#;

/// Alice at a server that answers so.
struct Stock {
    server: Replay,
    person: Person,
}

impl Stock {
    fn start(answers: &'static [Answer]) -> Self {
        let server = Replay::start(answers);
        let person = Person::with_stock_profile();
        let keys = ".tsh/keys/localhost";
        let identity =
            person.read(&format!("{keys}/alice")) + &person.read(&format!("{keys}/alice-x509.pem"));
        person.write("identity", &(identity + &server.ca_pem));
        Self { server, person }
    }

    fn tctl(&self, args: &[&str]) -> Run {
        let mut command = self.person.program(Path::new(env!("CARGO_BIN_EXE_tctl")), args);
        command.env("TELEPORT_AUTH_SERVER", format!("127.0.0.1:{}", self.server.port));
        command.env("TELEPORT_IDENTITY_FILE", self.person.path("identity"));
        Run::of(command)
    }

    fn file(&self, name: &str, text: &str) -> String {
        self.person.write(name, text);
        self.person.path(name).display().to_string()
    }

    fn posted(&self) -> Vec<Asked> {
        self.server.asked().into_iter().filter(|asked| asked.what.starts_with("POST")).collect()
    }
}

#[test]
fn a_user_is_created_shown_and_removed() {
    let stock = Stock::start(&[
        ("GET /v2/users", 200, "[]"),
        ("POST /v2/users?create=true", 200, DONE),
        ("DELETE /v2/users/carol", 200, r#"{"message":"user \"carol\" deleted"}"#),
    ]);
    let file = stock.file("carol.yaml", USER);
    assert_eq!(stock.tctl(&["create", &file]).succeeds().stdout, "user \"carol\" has been created\n");
    let posted = stock.posted();
    assert_eq!(posted.len(), 1, "{posted:?}");
    let user = json!({
        "kind": "user", "version": "v2", "metadata": {"name": "carol"},
        "spec": {"roles": ["admin"], "traits": {"logins": ["root"]}},
    });
    assert_eq!(posted[0].body, json!({"user": user}), "nothing that a stock server does not know");
    stock.tctl(&["rm", "user/carol"]).succeeds().says("user \"carol\" has been deleted");
}

#[test]
fn a_user_of_a_stock_server_goes_through_a_file_and_back() {
    let stock = Stock::start(&[("GET /v2/users/carol", 200, CAROL), ("POST /v2/users", 200, DONE)]);
    let shown = stock.tctl(&["get", "user/carol"]).succeeds().stdout;
    let file = stock.file("carol.yaml", &shown);
    assert_eq!(stock.tctl(&["create", "-f", &file]).succeeds().stdout, "user \"carol\" has been updated\n");
    let carol: serde_json::Value = serde_json::from_str(CAROL).expect("JSON");
    assert_eq!(stock.posted()[0].body, json!({"user": carol}));
}

/// A stock server overwrites users and roles whatever it is asked, as stock `tctl` does not unless told.
#[test]
fn what_is_there_is_overwritten_only_with_f() {
    let stock = Stock::start(&[
        ("GET /v2/users/carol", 200, CAROL),
        ("GET /v2/roles/dev", 200, DEV),
        ("POST /v2/users?create=true", 200, DONE),
        ("POST /v2/roles?create=true", 200, r#"{"message":"'dev' role upserted"}"#),
    ]);
    let (user, role) = (stock.file("carol.yaml", USER), stock.file("dev.yaml", ROLE));
    stock.tctl(&["create", &user]).fails_with(1).says("user \"carol\" already exists").says("-f or --force");
    stock.tctl(&["create", &role]).fails_with(1).says("role 'dev' already exists").says("-f or --force");
    assert!(stock.posted().is_empty(), "{:?}", stock.posted());
}

#[test]
fn a_gate_of_ours_takes_no_user() {
    let world = World::with_connector();
    fs::write(world.dir().join("carol.yaml"), USER).expect("a file");
    for args in [&["create", "carol.yaml"][..], &["create", "-f", "carol.yaml"]] {
        world.tctl(args).fails_with(1).says("user records are written when people sign in");
    }
    world.tctl(&["get", "user/carol"]).fails_with(1).says("user \"carol\" is not found");
}
