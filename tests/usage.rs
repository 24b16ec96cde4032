//! Wrong usage of the three programs: exit code 2, and a sentence that names what was wrong and says what is allowed.

use std::process::Command;

use crate::support::world::Run;

const TSH: &str = env!("CARGO_BIN_EXE_tsh");
const TCTL: &str = env!("CARGO_BIN_EXE_tctl");
const JUMPGATE: &str = env!("CARGO_BIN_EXE_jumpgate");

/// What is typed, and what the first line of the complaint has to name.
const WRONG: [(&str, &[&str], &str); 35] = [
    // Unknown flags and commands.
    (TSH, &["--nope"], "--nope"),
    (TSH, &["login", "--nope"], "--nope"),
    (TSH, &["kube", "use", "--nope"], "--nope"),
    (TSH, &["logn"], "logn"),
    (TCTL, &["--nope"], "--nope"),
    (TCTL, &["get", "--nope"], "--nope"),
    (JUMPGATE, &["--nope"], "--nope"),
    (JUMPGATE, &["start", "--nope"], "--nope"),
    (JUMPGATE, &["tsh", "login", "--nope"], "--nope"),
    // Arguments that are missing, too many, or at odds.
    (TSH, &["kube", "shell"], "required"),
    (TSH, &["kube", "use", "a", "b"], "'b'"),
    (TSH, &["config", "set"], "required"),
    (TSH, &["keys", "move"], "required"),
    (TSH, &["login", "--renew", "--force"], "--renew"),
    (TSH, &["login", "--ttl"], "--ttl"),
    (TCTL, &["create"], "required"),
    (TCTL, &["get"], "specify resource"),
    (TCTL, &["rm"], "required"),
    (TCTL, &["rm", "github"], "provide a full resource name"),
    (TCTL, &["sessions", "kill"], "required"),
    (JUMPGATE, &["start", "--config"], "--config"),
    (JUMPGATE, &["demo", "--kubectl=x"], "required"),
    // Values of the wrong kind.
    (TSH, &["login", "--ttl=x"], "'--ttl <MINUTES>': write a number of minutes from 1 to 525600"),
    (TSH, &["login", "--ttl=0"], "'--ttl <MINUTES>': write a number of minutes from 1 to 525600"),
    (TSH, &["login", "--ttl=-1"], "'--ttl <MINUTES>': write a number of minutes from 1 to 525600"),
    (TSH, &["login", "--ttl=99999999999"], "'--ttl <MINUTES>': write a number of minutes from 1 to 525600"),
    (TSH, &["login", "--bind-addr=x"], "write HOST:PORT, such as 127.0.0.1:8400"),
    (TSH, &["login", "--bind-addr=127.0.0.1:port"], "write HOST:PORT, such as 127.0.0.1:8400"),
    (TSH, &["login", "--proxy=gate:port"], "\"gate:port\" is not an address"),
    (TSH, &["status", "--format=xml"], "--format"),
    (TSH, &["kube", "login", "--labels=x"], "write KEY=VALUE"),
    (TSH, &["config", "set", "colour", "red"], "there is no setting \"colour\""),
    (TSH, &["config", "set", "defaults.ttl", "x"], "ttl is a number of minutes from 1 to 525600"),
    (TSH, &["config", "set", "defaults.ttl", "0"], "ttl is a number of minutes from 1 to 525600"),
    (TSH, &["config", "set", "kube.keep_context", "x"], "keep_context is true or false"),
];

#[test]
fn wrong_usage_ends_with_2_and_a_sentence() {
    let home = tempfile::tempdir().expect("a folder");
    for (program, args, names) in WRONG {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
        let run = Run::of(command).fails_with(2);
        let first = run.stderr.lines().next().unwrap_or_default().to_owned();
        assert!(first.starts_with("error: ") && first.contains(names), "{}: {}", run.command, run.stderr);
        // The words of libraries say neither which option nor what is allowed.
        for raw in ["os error", "invalid digit", "invalid u32", "invalid boolean", "not in 1..", "parse"] {
            assert!(!run.stderr.contains(raw), "{}: {}", run.command, run.stderr);
        }
        assert_eq!(run.stdout, "", "{}", run.command);
    }
}

#[test]
fn the_same_value_in_the_settings_file_is_told_with_its_place() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".tsh/config");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.yaml"), "defaults:\n  ttl: soon\n").expect("settings");
    let mut command = Command::new(TSH);
    command.args(["login", "--proxy=127.0.0.1:1"]).env_clear().env("HOME", home.path());
    Run::of(command)
        .fails_with(1)
        .says("config.yaml, line 2, column 8: ttl is a number of minutes from 1 to 525600");
}
