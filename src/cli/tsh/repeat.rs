//! The command that a hint says again: whoever was refused pastes it as it stands.

use clap::ValueEnum;

use super::Globals;
use crate::cli::shell;

impl Globals {
    /// What was given that a login takes, but for `--proxy`, which every hint names; a word each, not quoted yet.
    pub(super) fn given(&self) -> Vec<String> {
        let mut out = Vec::new();
        option(&mut out, "user", self.user.as_deref());
        option(&mut out, "auth", self.auth.as_deref());
        option(&mut out, "ttl", self.ttl.map(|minutes| minutes.to_string()).as_deref());
        option(&mut out, "way", self.way.as_ref().and_then(named).as_deref());
        switch(&mut out, "insecure", self.insecure);
        option(&mut out, "ca-pin", self.ca_pin.as_deref());
        option(&mut out, "ca-file", self.ca_file.as_ref().map(|file| file.display().to_string()).as_deref());
        option(&mut out, "key-store", self.key_store.map(|kind| kind.name()));
        switch(&mut out, "skip-version-check", self.skip_version_check);
        out
    }
}

/// Adds `--name=value`, where there is a value.
pub(super) fn option(out: &mut Vec<String>, name: &str, value: Option<&str>) {
    out.extend(value.map(|value| format!("--{name}={value}")));
}

/// Adds `--name`, where it was given.
pub(super) fn switch(out: &mut Vec<String>, name: &str, given: bool) {
    out.extend(given.then(|| format!("--{name}")));
}

/// How a value of a list is typed.
pub(super) fn named(value: &impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

/// A command as a person pastes it. What stands in `more` goes before the same option among the given ones: none may stand twice.
pub(super) fn command(begin: String, given: impl Iterator<Item = String>, more: &[&str]) -> String {
    let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
    let replaced = |word: &String| more.iter().any(|other| name(other) == name(word));
    let kept = given.filter(|word| !replaced(word)).map(|word| shell::word(&word));
    kept.chain(more.iter().map(|word| (*word).to_owned())).fold(begin, |line, word| line + " " + &word)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::tsh::Cli;

    fn given(args: &[&str]) -> Vec<String> {
        Cli::try_parse_from([&["tsh", "login"], args].concat()).unwrap().globals.given()
    }

    #[test]
    fn what_was_given_is_said_again_so_that_it_can_be_pasted() {
        let all = [
            "--user=alice",
            "--auth=git hub",
            "--ttl=60",
            "--way=code",
            "--insecure",
            "--ca-pin=sha256:00",
            "--ca-file=/tmp/a'b.pem",
            "--key-store=file",
            "--skip-version-check",
        ];
        assert_eq!(given(&all), all);
        assert_eq!(given(&["--proxy=gate:3080", "-d"]), Vec::<String>::new());
        let said =
            command("tsh login".into(), given(&all[..5]).into_iter(), &["--auth=local", "--user=NAME"]);
        assert_eq!(said, "tsh login --ttl=60 --way=code --insecure --auth=local --user=NAME");
        let quoted = command("tsh login".into(), given(&[all[1], all[6]]).into_iter(), &[]);
        assert_eq!(quoted, r"tsh login '--auth=git hub' '--ca-file=/tmp/a'\''b.pem'");
    }
}
