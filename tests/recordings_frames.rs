//! What a recording shows beside what another make of terminal emulator (pyte) and another player (asciinema) show.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use jumpgate::recording::screen::{Row, Screen};

use crate::support::{run::Person, world::Live};

fn tool(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_tsh")).ancestors().nth(2).expect("target").to_owned();
    let path = target.join("tools/python/bin").join(name);
    assert!(path.exists(), "{name} is missing; run: tests/install-tools");
    path
}

/// A program on a terminal, and all that it wrote and all sizes that it had.
struct Filmed {
    program: Live,
    size: (u16, u16),
    steps: Vec<serde_json::Value>,
    seen: usize,
}

impl Filmed {
    fn start(command: Command, columns: u16, rows: u16) -> Self {
        let program = Live::on_terminal(command, rows, columns);
        Self { program, size: (columns, rows), steps: vec![], seen: 0 }
    }

    fn take(&mut self) {
        let said = self.program.said();
        let new = said[self.seen..].to_owned();
        self.seen = said.len();
        self.steps.push(serde_json::json!({ "text": new }));
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.take();
        self.steps.push(serde_json::json!({ "resize": [columns, rows] }));
        self.program.resize(rows, columns);
    }

    /// Both emulators show the same rows for what was written until now.
    fn same(&mut self, name: &str, has: &str) {
        self.take();
        let mut screen = Screen::new(self.size.0, self.size.1, false);
        for step in &self.steps {
            match step["text"].as_str() {
                Some(text) => screen.feed(text),
                None => {
                    let size = |n: usize| {
                        step["resize"][n].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a size")
                    };
                    screen.resize(size(0), size(1));
                }
            }
        }
        let ours: Vec<String> =
            screen.rows().iter().map(Row::text).map(|t| t.trim_end().to_owned()).collect();
        let input = serde_json::json!({ "width": self.size.0, "height": self.size.1, "steps": self.steps });
        let theirs = pyte(&input);
        assert_eq!(ours, theirs, "{name}: {:?}", self.steps);
        assert!(ours.iter().any(|row| row.contains(has)), "{name}: {ours:#?}");
    }
}

fn pyte(input: &serde_json::Value) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pyte_rows.py");
    let mut child = Command::new(tool("python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let text = input.to_string();
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("an end");
    serde_json::from_slice(&done.stdout).expect("rows")
}

fn sh(person: &Person, script: &str) -> Command {
    let mut command = person.program(Path::new("/bin/sh"), &["-c", script]);
    command.current_dir(person.path("")).env("LANG", "C.UTF-8");
    command
}

#[test]
fn listings_in_colour_emoji_and_japanese_look_the_same() {
    let person = Person::new();
    person.write("folder/日本語.txt", "x");
    person.write("folder/file.tar", "x");
    let script = "ls -la --color folder; printf '日本語テスト\\n絵文字 😀🎉 end\\n\\033[38;5;208mcolour\\033[0m\\n'; seq 40; echo ok-$((6*7)); read x";
    let mut film = Filmed::start(sh(&person, script), 80, 24);
    film.program.says("ok-42\r\n");
    film.same("listing", "ok-42");
    let mut film = Filmed::start(sh(&person, &script.replace("seq 40; ", "")), 80, 24);
    film.program.says("ok-42\r\n");
    film.same("listing without scrolling", "絵文字 😀🎉 end");
}

#[test]
fn an_editor_resized_from_300_columns_to_40_looks_the_same() {
    let person = Person::new();
    let text: String = (0..60).map(|n| format!("line {n} {}\n", "word ".repeat(n))).collect();
    person.write("text", &text);
    // vim.tiny knows no expressions: what it says to a command that it does not have shows that it has drawn all before.
    let mut film = Filmed::start(sh(&person, "exec vim.tiny -u NONE text"), 300, 30);
    film.program.says("line 28");
    film.program.send("Gzz:echo 1\r");
    film.program.says("E319");
    film.same("vim", "line 59");
    film.resize(40, 20);
    film.program.send("gg:nosuch\r");
    film.program.says("E492");
    film.same("vim, narrow", "line 1 word");
    film.program.send(":q!\r");
    film.program.end();
}

#[test]
fn top_looks_the_same() {
    let person = Person::new();
    let mut film = Filmed::start(sh(&person, "exec top -d 1"), 100, 30);
    film.program.says("load average");
    film.program.says("COMMAND");
    film.same("top", "load average");
    film.program.send("q");
    film.program.end();
}

#[test]
fn stock_asciinema_plays_an_export() {
    let person = Person::new();
    let cast = concat!(
        "{\"version\":2,\"width\":80,\"height\":24}\n[0,\"r\",\"100x30\"]\n[0.1,\"x\",\"stderr\"]\n",
        "[0.1,\"o\",\"first\\r\\n\"]\n[0.2,\"x\",\"raw /w==\"]\n[0.2,\"o\",\"\\ufffd\"]\n[0.3,\"r\",\"60x20\"]\n[0.4,\"o\",\"日本 last\\r\\n\"]\n[0.5,\"x\",\"exit 0\"]\n"
    );
    person.write("a.cast", cast);
    let (from, to) =
        (person.path("a.cast").display().to_string(), person.path("b.cast").display().to_string());
    let run = person.tsh(&["recordings", "export", &from, "-o", &to]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(person.read("b.cast").starts_with("{\"version\":2,\"width\":100,\"height\":30"));
    assert!(!person.read("b.cast").contains("\"x\""));
    for words in [&["cat"][..], &["play", "-s", "10"]] {
        let mut command = person.program(&tool("python"), &["-m", "asciinema"]);
        command.args(words).arg(&to).env("LANG", "C.UTF-8");
        let done = Live::on_terminal(command, 30, 100).end();
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.stdout.contains("first") && done.stdout.contains("日本 last"), "{done:?}");
    }
}
