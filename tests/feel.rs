//! How the tools feel: examples that work, pipes that break, spinners that leave nothing behind, colour and width.

use std::{fs, path::Path, process::Command, time::Duration};

use clap::CommandFactory;
use rustix::process::Signal;

use crate::support::{
    fake_gate::FakeGate,
    run::Person,
    world::{Live, Run, World},
};

/// Each command below a tool, with the words that a person types.
fn tree(name: &str, command: &clap::Command, each: &mut dyn FnMut(&str, &clap::Command)) {
    each(name, command);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        if name != "jumpgate" || !["tsh", "tctl"].contains(&sub.get_name()) {
            tree(&format!("{name} {}", sub.get_name()), sub, each);
        }
    }
}

fn tools() -> [clap::Command; 3] {
    [
        jumpgate::cli::tsh::Cli::command(),
        jumpgate::cli::tctl::Cli::command(),
        jumpgate::cli::jumpgate::Cli::command(),
    ]
}

#[test]
fn every_command_has_two_examples_that_can_be_typed() {
    let mut wrong = Vec::new();
    for tool in tools() {
        let name = tool.get_name().to_owned();
        tree(&name, &tool, &mut |path, command| {
            let help = command.get_after_help().or(command.get_after_long_help());
            let help = help.map(ToString::to_string).unwrap_or_default();
            let after = help.split_once("Examples:\n").map(|(_, after)| after).unwrap_or_default();
            let examples: Vec<&str> = after
                .lines()
                .map_while(|line| line.strip_prefix("  "))
                .filter(|line| line.contains(path))
                .collect();
            if examples.len() < 2 {
                wrong.push(format!("{path} has {} examples", examples.len()));
            }
            for example in examples {
                // What a shell would have to read first is not tried.
                if !example.starts_with(&name)
                    || example.contains(['|', '$', '\'', '"', '<', '>', ';', '&', '#'])
                {
                    continue;
                }
                if let Err(error) = tool.clone().try_get_matches_from(example.split_whitespace())
                    && error.use_stderr()
                {
                    wrong.push(format!("{example}: {error}"));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Those whose standard output is no list and no account of something done: a program's, a film, a file, what another program
/// asked for, or nothing.
const WITHOUT_FORMAT: [&str; 6] = [
    "tsh join",
    "tsh kube shell",
    "tsh kube credentials",
    "jumpgate start",
    "jumpgate configure",
    "jumpgate demo",
];

#[test]
fn every_command_has_verbose_a_format_and_its_exit_codes() {
    let mut wrong = Vec::new();
    for mut tool in tools() {
        tool.build();
        let name = tool.get_name().to_owned();
        tree(&name, &tool, &mut |path, command| {
            let of = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
            if of("debug").is_none_or(|arg| arg.get_all_short_aliases() != Some(vec!['v'])) {
                wrong.push(format!("{path} has no -v"));
            }
            if !command.has_subcommands() && of("format").is_none() != WITHOUT_FORMAT.contains(&path) {
                wrong.push(format!("{path} has no --format, or is not to have one"));
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !help.contains("Exit code") {
                wrong.push(format!("the help of {path} does not speak of exit codes"));
            }
            let page = format!("{}/man/{}.1", env!("CARGO_MANIFEST_DIR"), path.replace(' ', "-"));
            let page = fs::read_to_string(&page).expect("a page");
            let section =
                |name: &str| page.split(".SH ").find(|section| section.starts_with(name)).unwrap_or_default();
            if !section("EXIT STATUS\n").contains("wrong usage")
                || section("EXAMPLES\n").contains("Exit code")
            {
                wrong.push(format!("the page of {path} has no good EXIT STATUS"));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_names_every_command() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("it");
    let mut missing = Vec::new();
    for tool in tools() {
        tree(tool.get_name(), &tool, &mut |path, _| {
            if !readme.contains(path) {
                missing.push(path.to_owned());
            }
        });
    }
    assert!(missing.is_empty(), "the README does not name {missing:?}");
}

#[test]
fn a_broken_pipe_is_success() {
    let world = World::with_connector();
    world.login();
    let (tsh, tctl) = (env!("CARGO_BIN_EXE_tsh"), env!("CARGO_BIN_EXE_tctl"));
    let commands: &[(&str, &[&str])] = &[
        (tsh, &["--help"]),
        (tsh, &["help", "kube"]),
        (tsh, &["--version"]),
        (tsh, &["version"]),
        (tsh, &["status"]),
        (tsh, &["status", "--format=json"]),
        (tsh, &["clusters"]),
        (tsh, &["kube", "ls"]),
        (tsh, &["kube", "ls", "--format=yaml"]),
        (tsh, &["kube", "use"]),
        (tsh, &["kube", "logout", "--diff"]),
        (tsh, &["kube", "credentials"]),
        (tsh, &["env"]),
        (tctl, &["status"]),
        (tctl, &["get", "github"]),
        (tctl, &["get", "github", "--format=json"]),
        (tctl, &["version"]),
        (env!("CARGO_BIN_EXE_jumpgate"), &["configure"]),
    ];
    for (program, args) in commands {
        let command = || {
            let mut command = world.command(Path::new(program), args);
            command.env("TELEPORT_CONFIG_FILE", world.dir().join("jumpgate.yaml"));
            command
        };
        let whole = Run::of(command());
        assert!(!whole.stdout.is_empty() && whole.code == 0, "{args:?}: {}", whole.stderr);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let broken = command().stdin(std::process::Stdio::null()).stdout(writer).output().expect("it starts");
        assert_eq!(broken.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&broken.stderr), whole.stderr, "{args:?}");
    }
}

#[test]
fn a_spinner_leaves_no_line_above_a_warning_or_an_error() {
    let (gate, person) = (FakeGate::start(), Person::new());
    let proxy = gate.proxy();
    let args = ["login", "--insecure", &proxy, "--browser=/nonexistent/browser"];
    let live = Live::on_terminal(person.command(&args), 24, 100);
    live.says("no browser could be started");
    live.says("Waiting up to");
    // Until it has turned at least once below the warning.
    let turned = |text: &str| {
        text.rsplit("no browser could").next().is_some_and(|t| t.contains("Waiting")).then_some(())
    };
    live.finds("the spinner below the warning", turned);
    live.signal(Signal::INT);
    let run = live.end_within(Duration::from_secs(10));
    let screen = screen(&run.stdout);
    let left: Vec<&String> = screen.iter().filter(|line| line.contains("Waiting")).collect();
    assert!(left.is_empty(), "{screen:#?}");
    for line in ["warning: no browser could be started", "error: "] {
        assert!(
            screen.iter().any(|shown| shown.starts_with(line)),
            "{line:?} is not at the start of a line: {screen:#?}"
        );
    }
}

/// What stands on a terminal after these bytes.
fn screen(text: &str) -> Vec<String> {
    let (mut rows, mut row, mut column) = (vec![Vec::<char>::new()], 0_usize, 0_usize);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == rows.len() {
                    rows.push(Vec::new());
                }
            }
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                let mut number = String::new();
                let end = loop {
                    match chars.next() {
                        Some(c) if c.is_ascii_alphabetic() => break c,
                        Some(c) => number.push(c),
                        None => break 'm',
                    }
                };
                let n: usize = number.parse().unwrap_or(1);
                match end {
                    'A' => row = row.saturating_sub(n),
                    'B' => {
                        row += n;
                        rows.resize(rows.len().max(row + 1), Vec::new());
                    }
                    'G' => column = n.saturating_sub(1),
                    'D' => column = column.saturating_sub(n),
                    'K' if number == "2" => rows[row].clear(),
                    'K' => rows[row].truncate(column),
                    'J' => {
                        rows[row].truncate(column);
                        rows.truncate(row + 1);
                    }
                    _ => {}
                }
            }
            c => {
                let line = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
    }
    rows.into_iter().map(|row| row.into_iter().collect::<String>()).collect()
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let person = Person::new();
    let coloured = |command: Command| Live::on_terminal(command, 24, 80).end().stdout.contains('\u{1b}');
    let with = |variables: &[(&str, &str)]| {
        let mut command = person.command(&["kube", "ls"]);
        command.envs(variables.iter().copied());
        command
    };
    assert!(coloured(with(&[])));
    assert!(!coloured(with(&[("NO_COLOR", "1")])));
    assert!(!coloured(with(&[("CLICOLOR", "0")])));
    let piped = |variables: &[(&str, &str)]| Run::of(with(variables)).stderr.contains('\u{1b}');
    assert!(!piped(&[]));
    assert!(!piped(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(piped(&[("CLICOLOR_FORCE", "1")]));
}
