//! The table of exit codes. `tsh --help` and the pages of the manual are made of it, and the README's is compared with it; the
//! codes are a contract.

use super::error::{
    FAILED, LOGIN_NEEDED, NOT_COMPLETED, REFUSED, RIGHTS_CHANGED, UNDECIDED, UNREACHABLE, USAGE,
};

/// One exit code, as people read of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    /// The code.
    pub(super) code: u8,
    /// What it means, in a few words.
    pub(super) short: &'static str,
    /// What it means, in Markdown.
    #[cfg_attr(
        not(feature = "server"),
        allow(dead_code, reason = "pages of the manual are made by the whole program")
    )]
    pub(super) long: &'static str,
    /// Whose it is, in Markdown: all commands, those of a program, or one.
    of: &'static str,
}

const EVERYBODY: &str = "all";
const TSH: &str = "`tsh`";
const VERIFY: &str = "`tsh recordings verify`";

const fn row(code: u8, of: &'static str, short: &'static str, long: &'static str) -> Code {
    Code { code, short, long, of }
}

const TABLE: [Code; 9] = [
    row(0, EVERYBODY, "done", "done"),
    row(
        FAILED,
        EVERYBODY,
        "failed",
        "failed, in a way that no other code names; `tsh status`: there is no valid certificate",
    ),
    row(
        USAGE,
        EVERYBODY,
        "wrong usage",
        "wrong usage; `tctl get` and `rm` of a kind that they do not know end with 1, as Teleport's do",
    ),
    row(
        LOGIN_NEEDED,
        TSH,
        "a login is needed: expired or nobody logged in, and none could be tried here",
        "a login is needed: the certificate expired or nobody is logged in, and no login could be tried here",
    ),
    row(
        RIGHTS_CHANGED,
        TSH,
        "roles or rights changed since the login",
        "roles or rights changed since the login: a role or the user is gone, or a renewal is refused because of them",
    ),
    row(
        REFUSED,
        TSH,
        "the login was refused",
        "the login was refused: no team with access, consent refused, the name belongs to another account…",
    ),
    row(
        UNREACHABLE,
        TSH,
        "the gate cannot be reached",
        "the gate cannot be reached: network, TLS, time-out, or no gate at that address",
    ),
    row(
        NOT_COMPLETED,
        TSH,
        "nobody completed the login: time ran out, or it was cancelled",
        "nobody completed the login: the time ran out, or it was cancelled",
    ),
    row(
        UNDECIDED,
        VERIFY,
        "recordings verify cannot say whether a recording is what the gate wrote",
        "it cannot be told whether a recording is what the gate wrote: the key that signed it is not in the file of `--key`, or \
         nothing of it is signed",
    ),
];

/// Commands of `tsh` that talk with no gate, or whose result is no matter of a login.
const LOCAL: [&str; 4] = ["tsh config", "tsh doctor", "tsh status", "tsh version"];

/// How a help begins to speak of exit codes.
const TELLS: &str = "Exit code";

/// The codes of a command, by the words that a person types: `tsh kube login`. Of a program: those of all its commands.
pub(super) fn of(path: &str) -> impl Iterator<Item = Code> {
    let is_local = LOCAL
        .iter()
        .any(|local| path.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    TABLE.into_iter().filter(move |code| match code.of {
        EVERYBODY => true,
        TSH => path.split(' ').next() == Some("tsh") && !is_local,
        one => path == "tsh" || one.trim_matches('`') == path,
    })
}

/// The table below a program's help.
pub(super) fn table(program: &str) -> String {
    let rows: Vec<String> = of(program).map(|code| format!("  {}  {}", code.code, code.short)).collect();
    format!("{TELLS}s:\n{}", rows.join("\n"))
}

/// One line for a command that has no codes of its own.
fn pointer(path: &str) -> String {
    let codes: Vec<Code> = of(path).collect();
    if codes.iter().any(|code| code.of != EVERYBODY) {
        return format!("{TELLS}s: those of `tsh --help`.");
    }
    let told: Vec<String> = codes.iter().map(|code| format!("{} {}", code.code, code.short)).collect();
    format!("{TELLS}s: {}.", told.join(", "))
}

/// Adds to the help of a command, and of all below it, what its exit codes are or where they stand, unless it says so itself.
pub(super) fn tell(above: &str, command: clap::Command) -> clap::Command {
    let path = format!("{above} {}", command.get_name());
    let path = path.trim_start();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let command = match help.contains(TELLS) {
        true => command,
        false => command.after_help(format!("{help}\n\n{}", pointer(path)).trim_start().to_owned()),
    };
    command.mut_subcommands(|sub| tell(path, sub))
}

/// Parts what stands below a command's help: what it says of its own exit codes, and all the rest.
#[cfg(any(test, feature = "server"))]
pub(super) fn part(path: &str, help: &str) -> (String, String) {
    let (told, rest): (Vec<&str>, Vec<&str>) =
        help.split("\n\n").partition(|paragraph| paragraph.starts_with(TELLS));
    let is_general = |told: &&str| *told == pointer(path) || *told == table(path);
    let own: Vec<&str> = told.into_iter().filter(|told| !is_general(told)).collect();
    (own.join("\n\n"), rest.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(path: &str) -> Vec<u8> {
        of(path).map(|code| code.code).collect()
    }

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = include_str!("../../README.md");
        let (_, after) = readme.split_once("### Exit codes\n").unwrap();
        let found: Vec<&str> = after
            .lines()
            .skip_while(|line| !line.starts_with("| 0 "))
            .take_while(|line| !line.is_empty())
            .collect();
        let wanted: Vec<String> =
            TABLE.iter().map(|row| format!("| {} | {} | {} |", row.code, row.long, row.of)).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_command_has_the_codes_that_can_happen_to_it() {
        assert_eq!(codes("tsh"), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(codes("tsh kube login"), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(codes("tsh recordings verify"), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for path in ["tsh config set", "tsh version", "tctl", "tctl rm", "jumpgate start"] {
            assert_eq!(codes(path), [0, 1, 2], "{path}");
        }
    }

    #[test]
    fn a_help_that_says_its_codes_is_left_alone() {
        let own = "Exit code: 0 or 1.\n\nExamples:\n  tsh own";
        let command = clap::Command::new("tsh")
            .subcommand(clap::Command::new("own").after_help(own))
            .subcommand(clap::Command::new("version").after_help("Examples:\n  tsh version"));
        // Twice, as in `jumpgate`, which holds `tsh`.
        let command = tell("", tell("", command));
        let help = |name: &str| command.find_subcommand(name).unwrap().get_after_help().unwrap().to_string();
        assert_eq!(help("own"), own);
        let version = "Examples:\n  tsh version\n\nExit codes: 0 done, 1 failed, 2 wrong usage.";
        assert_eq!(help("version"), version);
        assert_eq!(command.get_after_help().unwrap().to_string(), "Exit codes: those of `tsh --help`.");
        assert_eq!(part("tsh own", own), ("Exit code: 0 or 1.".into(), "Examples:\n  tsh own".into()));
        assert_eq!(part("tsh version", version), (String::new(), "Examples:\n  tsh version".into()));
    }
}
