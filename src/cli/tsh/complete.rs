//! Names for the TAB key: profiles, people, clusters, contexts, settings. They come from the disk. Only the clusters behind a gate are
//! asked for, when what is known of them is old, seldom and for a moment.

use std::{collections::BTreeSet, time::Duration};

use clap::builder::PossibleValue;
use jiff::{SignedDuration, Timestamp};

use super::{
    Globals, guarded,
    recordings::gate,
    settings::{Settings, Target, cluster_of, is_valid},
};
use crate::{
    cli::{
        Ctx,
        complete::{Candidate, Place},
        ids,
    },
    client::{
        keystore::Kind,
        kubeconfig::{self, ContextInfo},
        profile::Credentials,
        settings_file::SettingsFile,
    },
    wire::{
        kube_clusters::{KubeCluster, PREFIX},
        recordings::Query,
    },
};

/// How long a person waits for a gate behind the TAB key.
const LIMIT: Duration = Duration::from_millis(250);
/// How long for sessions, of which nothing is known here.
const OF_SESSIONS: Duration = Duration::from_secs(1);
/// For how long the gate's answer counts as fresh.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How long a gate is left alone that was asked.
const PAUSE: Duration = Duration::from_secs(60);

/// What can stand at a place; none where there are no names.
pub(super) fn names(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
    // There, --user is the person of the sessions, and not whose login it is.
    let of_sessions = matches!(place.path.as_slice(), ["recordings", "ls" | "search"]);
    let globals = Globals {
        proxy: place.last("proxy"),
        user: place.last("user").filter(|_| !of_sessions),
        identity: place.last("identity").map(Into::into),
        ..Globals::default()
    };
    let names = Names { settings: Settings::new(&globals, ctx).ok()?, place };
    let found = match (place.path.as_slice(), place.id()) {
        ([], "") => return names.commands(),
        (_, "proxy") => names.proxies(),
        (["recordings", "ls" | "search"], "user") => names.persons(),
        (["recordings", "ls" | "search"], "cluster") => names.clusters(),
        // A time, a number, a text: no file.
        (
            ["recordings", ..] | ["play"],
            "since" | "until" | "limit" | "after" | "text" | "from" | "speed" | "skip_idle",
        ) => None,
        (_, "user") => names.users(),
        (_, "auth") => names.connectors(),
        (["login"], "cluster") => names.gates(),
        (["kube", "login"], "cluster" | "set_current") => names.clusters(),
        (["kube", "login" | "ls"], "labels") => names.labels(),
        (["kube", "login" | "shell"], "namespace") => names.namespaces(),
        (["kube", "use" | "shell"], "name") => names.contexts(|_| true),
        (["kube", "logout"], "names") => names.contexts(|context| context.owner.is_some()),
        (["kube", "credentials"], "teleport_cluster") => names.gates(),
        (["kube", "credentials"], "kube_cluster") => names.clusters(),
        (["keys", "move"], "to") => {
            let kept = Kind::NAMES.into_iter().filter(|name| *name != Kind::None.name());
            Some(Candidate::plain(kept))
        }
        (["join"], "id") => names.sessions(true),
        (["play"] | ["recordings", "export" | "verify"], "what") => {
            // Files are welcome here, too.
            let found = names.sessions(false).unwrap_or_default();
            return found.iter().any(|one| one.value.starts_with(&place.value)).then_some(found);
        }
        (["config", "set"], "key") => names.settings(),
        (["config", "unset"], "key") => names.settings_made(),
        (["config", "set"], "value") => return values(&place.last("key")?),
        _ => return None,
    };
    // Where names belong, files do not, even if no name is known.
    Some(found.unwrap_or_default())
}

struct Names<'a> {
    settings: Settings<'a>,
    place: &'a Place<'a>,
}

impl Names<'_> {
    /// The commands and, among them, the person's own; none without such, as the scripts know the commands.
    fn commands(&self) -> Option<Vec<Candidate>> {
        let aliases = &self.settings.file().ok()?.aliases;
        if aliases.is_empty() || self.place.value.starts_with('-') {
            return None;
        }
        let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
        let commands = self.place.command.get_subcommands().filter(|command| !command.is_hide_set());
        let mut found: Vec<Candidate> = commands
            .map(|command| Candidate::new(command.get_name(), about(command).unwrap_or_default()))
            .collect();
        found.extend(aliases.iter().map(|(name, meaning)| Candidate::new(name, meaning)));
        Some(found)
    }

    /// The addresses of the gates that a profile or the settings name.
    fn proxies(&self) -> Option<Vec<Candidate>> {
        let home = &self.settings.home;
        let mut found = Vec::new();
        for name in home.names().ok()? {
            let Ok(Some(profile)) = home.profile(&name) else { continue };
            let address = if profile.web_proxy_addr.is_empty() { name } else { profile.web_proxy_addr };
            found.push(Candidate::new(address, profile.user));
        }
        if let Ok(file) = self.settings.file() {
            let known = |name: &str| found.iter().any(|one| one.value.split(':').next() == Some(name));
            let more: Vec<_> = file.proxies.keys().filter(|name| !known(name)).cloned().collect();
            found.extend(Candidate::plain(more));
        }
        Some(found)
    }

    fn target(&self) -> Option<Target> {
        self.settings.named_or_current().ok()?
    }

    /// The people who are logged in at the gate.
    fn users(&self) -> Option<Vec<Candidate>> {
        let target = self.target()?;
        self.settings.home.users(&target.name).ok().map(Candidate::plain)
    }

    /// The connectors of earlier logins.
    fn connectors(&self) -> Option<Vec<Candidate>> {
        let home = &self.settings.home;
        let profiles = home.names().ok()?.into_iter().filter_map(|name| home.profile(&name).ok()?);
        let mut found: BTreeSet<String> = profiles.map(|profile| profile.auth_type).collect();
        if let Ok(file) = self.settings.file() {
            let choices = file.proxies.values().chain([&file.defaults]);
            found.extend(choices.filter_map(|choices| choices.auth.clone()));
        }
        Some(Candidate::plain(found))
    }

    /// The name of the gate's own cluster.
    fn gates(&self) -> Option<Vec<Candidate>> {
        let target = self.target()?;
        Some(Candidate::plain([self.own_cluster(&target)?]))
    }

    fn own_cluster(&self, target: &Target) -> Option<String> {
        let user = self.settings.user(target).ok()??;
        let found = self.settings.home.certificates(&target.name, &user).ok()??;
        Some(cluster_of(&target.profile, &found, &target.name))
    }

    /// The clusters behind the gate.
    fn clusters(&self) -> Option<Vec<Candidate>> {
        let target = self.target()?;
        let mut found: Vec<Candidate> = self
            .guarded(&target)
            .into_iter()
            .map(|cluster| {
                let labels: Vec<String> = cluster.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
                Candidate::new(cluster.name, labels.join(","))
            })
            .collect();
        found.extend(Candidate::plain(self.own_cluster(&target)));
        if found.len() < 2 {
            found.extend(Candidate::plain(self.selected_before(&target)));
        }
        Some(found)
    }

    /// The clusters for which contexts of ours are in the kubeconfig.
    fn selected_before(&self, target: &Target) -> Vec<String> {
        let start = format!("https://{}/{PREFIX}/", target.profile.kube_proxy_addr);
        let contexts = self.kubeconfig().unwrap_or_default();
        let servers = contexts.into_iter().filter_map(|context| context.server);
        servers.filter_map(|server| Some(server.strip_prefix(&start)?.to_owned())).collect()
    }

    fn labels(&self) -> Option<Vec<Candidate>> {
        let target = self.target()?;
        let typed = &self.place.value;
        let done = typed.rfind(',').map_or("", |comma| &typed[..=comma]);
        let has = |key: &str| done.split(',').any(|pair| pair.split('=').next() == Some(key));
        let mut found = BTreeSet::new();
        for cluster in self.guarded(&target) {
            let fitting = cluster.labels.iter().filter(|(key, _)| !has(key));
            found.extend(fitting.map(|(key, value)| format!("{done}{key}={value}")));
        }
        Some(Candidate::plain(found))
    }

    /// What the gate guards: as it told last, or asked anew if that is old. A key in a keyring is left there: to fetch it
    /// might ask the person for a password.
    fn guarded(&self, target: &Target) -> Vec<KubeCluster> {
        let known = self.settings.home.known_clusters(&target.name).unwrap_or_default();
        let age = known.told.map(|told| told.duration_until(Timestamp::now()));
        let is_fresh = age.is_some_and(|age| !age.is_negative() && age < FRESH);
        if is_fresh { known.clusters } else { self.asked(target).unwrap_or(known.clusters) }
    }

    /// The login at a gate, if its key is at hand: one in a keyring is left there.
    fn at_hand(&self, target: &Target) -> Option<Credentials> {
        let settings = &self.settings;
        if settings.identity.is_some() {
            return None;
        }
        let user = settings.user(target).ok()??;
        let (kind, _) = settings.home.key_place(&target.name, &user).ok()??;
        let credentials = match kind {
            Kind::File => settings.home.credentials(&target.name, &user).ok()??,
            _ => return None,
        };
        is_valid(&credentials, Timestamp::now()).then_some(credentials)
    }

    /// The sessions that the person may see.
    fn sessions(&self, live: bool) -> Option<Vec<Candidate>> {
        let typed = &self.place.value;
        if typed.contains(['/', '.']) {
            return None;
        }
        let target = self.target()?;
        let credentials = self.at_hand(&target)?;
        let query = ids::asked(typed, live);
        let found = gate::glance(&self.settings, &target, &credentials, &query, OF_SESSIONS)?;
        Some(ids::candidates(&found))
    }

    /// The people of the newest sessions that the person may see.
    fn persons(&self) -> Option<Vec<Candidate>> {
        let target = self.target()?;
        let credentials = self.at_hand(&target)?;
        let query = Query::default();
        let found = gate::glance(&self.settings, &target, &credentials, &query, OF_SESSIONS)?;
        Some(Candidate::plain(found.into_iter().map(|one| one.session.user).collect::<BTreeSet<_>>()))
    }

    fn asked(&self, target: &Target) -> Option<Vec<KubeCluster>> {
        let settings = &self.settings;
        if target.profile.kube_proxy_addr.is_empty() {
            return None;
        }
        let credentials = self.at_hand(target)?;
        if !settings.home.may_ask_clusters(&target.name, PAUSE).ok()? {
            return None;
        }
        guarded::glance(settings, target, &credentials, LIMIT)
    }

    fn kubeconfig(&self) -> Option<Vec<ContextInfo>> {
        kubeconfig::contexts(&super::kube_shell::outside(&self.settings).ok()?.0).ok()
    }

    /// The contexts, but for those that stand on the line already.
    fn contexts(&self, is_meant: impl Fn(&ContextInfo) -> bool) -> Option<Vec<Candidate>> {
        let given = self.place.given.get(self.place.id());
        let is_given = |name: &String| given.is_some_and(|names| names.contains(name));
        let contexts = self.contexts_here()?.into_iter();
        let meant = contexts.filter(|context| is_meant(context) && !is_given(&context.name));
        Some(meant.map(|context| Candidate::new(context.name, context.cluster.unwrap_or_default())).collect())
    }

    /// Those that the command would see: inside a `kube shell`, another shell starts from outside of it, `use` does not.
    fn contexts_here(&self) -> Option<Vec<ContextInfo>> {
        match self.place.path.last() {
            Some(&"shell") => self.kubeconfig(),
            _ => kubeconfig::contexts(&self.settings.kubeconfig().ok()?).ok(),
        }
    }

    fn namespaces(&self) -> Option<Vec<Candidate>> {
        let found: BTreeSet<String> =
            self.kubeconfig()?.into_iter().filter_map(|context| context.namespace).collect();
        Some(Candidate::plain(found))
    }

    /// The settings that there are.
    fn settings(&self) -> Option<Vec<Candidate>> {
        let mut found = vec!["key_store".to_owned(), "kube.keep_context".to_owned()];
        let mut sections = vec!["defaults".to_owned()];
        let home = &self.settings.home;
        sections.extend(home.names().unwrap_or_default().into_iter().map(|name| format!("proxies.{name}")));
        for section in sections {
            found.extend(CHOICES.iter().map(|key| format!("{section}.{key}")));
        }
        Some(Candidate::plain(found))
    }

    /// The settings that are made.
    fn settings_made(&self) -> Option<Vec<Candidate>> {
        let mut found = Vec::new();
        let file = self.settings.file().ok()?;
        leaves(&serde_json::to_value::<&SettingsFile>(file).ok()?, String::new(), &mut found);
        Some(found)
    }
}

/// The settings that a proxy can have of its own.
const CHOICES: [&str; 6] = ["user", "auth", "ttl", "browser", "way", "key_store"];

/// The values of a setting, where there is a fixed set of them.
fn values(key: &str) -> Option<Vec<Candidate>> {
    use clap::ValueEnum;
    match key.rsplit('.').next()? {
        "key_store" => Some(Candidate::plain(Kind::NAMES)),
        "keep_context" => Some(Candidate::plain(["true", "false"])),
        "way" => {
            let ways = super::session::Way::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            Some(Candidate::plain(ways.map(|way: PossibleValue| way.get_name().to_owned())))
        }
        _ => None,
    }
}

/// The paths of all values, with the values.
fn leaves(value: &serde_json::Value, path: String, found: &mut Vec<Candidate>) {
    let serde_json::Value::Object(map) = value else {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return found.push(Candidate::new(path, text));
    };
    for (key, below) in map {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        leaves(below, path, found);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Env;

    #[test]
    fn every_place_of_names_is_one_of_the_definition() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let ctx = Ctx { env: Env::of(&[("HOME", home)]), ..Ctx::of_process("tsh", false) };
        let mut program = crate::cli::tsh::Cli::command();
        program.build();
        let known = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            names(&Place::find(&program, &words).unwrap(), &ctx).is_some()
        };
        for line in [
            "tsh --proxy=",
            "tsh status --user ",
            "tsh login --auth ",
            "tsh login ",
            "tsh kube login ",
            "tsh kube login --set-current=",
            "tsh kube login --labels=",
            "tsh kube ls --labels ",
            "tsh kube login -n ",
            "tsh kube shell --namespace=",
            "tsh kube use ",
            "tsh kube shell ",
            "tsh kube logout a ",
            "tsh kube credentials --teleport-cluster=",
            "tsh kube credentials --kube-cluster=",
            "tsh keys move --to=",
            "tsh config set ",
            "tsh config set kube.keep_context ",
            "tsh config unset ",
            "tsh recordings ls --since ",
            "tsh recordings ls --until=",
            "tsh recordings ls --limit ",
            "tsh recordings ls --user ",
            "tsh recordings search --cluster ",
            "tsh recordings search ",
            "tsh play --from ",
            "tsh play --speed=",
        ] {
            assert!(known(line), "{line}");
        }
        for line in ["tsh ", "tsh kube ", "tsh kube shell a -- ", "tsh login --browser=", "tsh login --out="]
        {
            assert!(!known(line), "{line}");
        }
    }
}
