//! As whom `tctl` speaks: an identity file, else the gate's own administrator on the gate's machine, else the person's
//! `tsh` profile.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

use super::{Globals, connection::Connection};
use crate::{
    cli::{Ctx, error::Failure, progress},
    client::{admin::AdminError, identity_file::IdentityFile, keystore::Kind, profile::Home},
    model::yaml,
};

/// Where the gate's configuration is unless somebody says otherwise.
const CONFIGS: [&str; 2] = ["/etc/jumpgate.yaml", "/etc/teleport.yaml"];
/// Where the gate keeps its data unless its configuration says otherwise.
const DATA_DIR: &str = "/var/lib/teleport";

/// Connects with the first credentials that are there.
pub(super) async fn connect(ctx: &Ctx, globals: &Globals) -> anyhow::Result<Connection> {
    Ok(connection(ctx, globals).await?.on_slow(progress::slow(ctx.console)))
}

/// The same behind the TAB key, where nobody can be asked to unlock a keyring.
pub(super) async fn at_hand(ctx: &Ctx, globals: &Globals) -> anyhow::Result<Connection> {
    if globals.identity.is_none() && !matches!(of_this_machine(globals), Ok(Some(_))) {
        let (home, name) = profile(ctx)?;
        let place = match home.profile(&name)? {
            Some(profile) => home.key_place(&name, &profile.user)?,
            None => None,
        };
        anyhow::ensure!(place.is_some_and(|(kind, _)| kind == Kind::File), "the key is not in a file");
    }
    connection(ctx, globals).await
}

async fn connection(ctx: &Ctx, globals: &Globals) -> anyhow::Result<Connection> {
    if let Some(file) = &globals.identity {
        let Some(address) = &globals.auth_server else {
            return Err(
                Failure::usage("--identity needs the admin API's address: --auth-server=HOST:3025").into()
            );
        };
        return Connection::new(&with_port(address), &read_identity(file)?).await;
    }
    if let Some((identity, address)) = of_this_machine(globals)? {
        let address = globals.auth_server.as_deref().map_or(address, with_port);
        return Connection::new(&address, &identity).await;
    }
    let (identity, address) = of_profile(ctx)?;
    let address = globals.auth_server.as_deref().map_or(address, with_port);
    Connection::new(&address, &identity).await
}

/// The part of the gate's configuration that matters here; the gate itself reads it strictly.
#[derive(Deserialize)]
struct GateConfig {
    #[serde(default)]
    teleport: Teleport,
}

#[derive(Default, Deserialize)]
struct Teleport {
    data_dir: Option<PathBuf>,
}

/// What the running gate says of itself in its data directory.
#[derive(Deserialize)]
struct GateInfo {
    admin_addr: String,
}

/// The administrator of a gate on this machine, if there is one that this user may be.
fn of_this_machine(globals: &Globals) -> anyhow::Result<Option<(IdentityFile, String)>> {
    let data_dir = data_dir(globals)?;
    let file = data_dir.join("admin.pem");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if globals.config.is_none() && e.kind() != io::ErrorKind::InvalidData => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let text = format!(
                "there is no {}: the gate of this configuration has not been started yet",
                file.display()
            );
            return Err(Failure::new(text).hint("start it with: jumpgate start --config FILE").into());
        }
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", file.display())),
    };
    let identity = IdentityFile::parse(&text).with_context(|| file.display().to_string())?;
    let info = data_dir.join("gate.json");
    let text = match fs::read_to_string(&info) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            // The gate removes the file when it stops. Who names the address needs it not.
            let Some(server) = &globals.auth_server else { return Err(stopped(globals, &info).into()) };
            return Ok(Some((identity, with_port(server))));
        }
        other => other.with_context(|| format!("cannot read {}", info.display()))?,
    };
    let info: GateInfo = serde_json::from_str(&text).with_context(|| info.display().to_string())?;
    Ok(Some((identity, info.admin_addr)))
}

/// What to say when the gate's administrator is there, but the gate does not run.
fn stopped(globals: &Globals, info: &Path) -> Failure {
    let config = match &globals.config {
        Some(file) => format!(" --config {}", file.display()),
        None => String::new(),
    };
    Failure::new(format!("the gate on this machine is not running (there is no {})", info.display()))
        .hint(format!("start it with: jumpgate start{config}"))
}

fn data_dir(globals: &Globals) -> anyhow::Result<PathBuf> {
    let file = match &globals.config {
        Some(file) => Some(file.clone()),
        None => CONFIGS.iter().map(PathBuf::from).find(|file| file.is_file()),
    };
    let Some(file) = file else { return Ok(DATA_DIR.into()) };
    let shown = file.display();
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
    let config: GateConfig = yaml::read(&text).map_err(|e| Failure::new(format!("{shown}: {e}")))?;
    let data_dir = config.teleport.data_dir.unwrap_or_else(|| DATA_DIR.into());
    // As the gate does: a relative path is relative to the configuration file.
    Ok(file.parent().unwrap_or(Path::new(".")).join(data_dir))
}

fn read_identity(file: &Path) -> anyhow::Result<IdentityFile> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    IdentityFile::parse(&text).with_context(|| format!("{} is no identity file", file.display()))
}

/// The person's current `tsh` profile. The gate's web port is also its admin API, for those who ask for it by name.
fn of_profile(ctx: &Ctx) -> anyhow::Result<(IdentityFile, String)> {
    let (home, name) = profile(ctx)?;
    let nobody = || nobody(ctx);
    let profile = home.profile(&name)?.ok_or_else(nobody)?;
    if profile.tls_routing_enabled {
        return Err(AdminError::GrpcOnly { address: profile.web_proxy_addr }.into());
    }
    let identity = home.identity(&name, &profile.user)?.ok_or_else(nobody)?;
    Ok((identity, profile.web_proxy_addr))
}

/// The person's folder of profiles, and the name of the current one.
fn profile(ctx: &Ctx) -> anyhow::Result<(Home, String)> {
    let teleport_home = ctx.env.path("TELEPORT_HOME");
    let home = if teleport_home.is_some() { PathBuf::new() } else { ctx.home()? };
    let home = Home::new(teleport_home, &home);
    let name = home.current()?.ok_or_else(|| nobody(ctx))?;
    Ok((home, name))
}

fn nobody(ctx: &Ctx) -> Failure {
    Failure::new("there are no credentials: no gate runs on this machine that you may administer, and nobody is logged in").hint(format!(
        "log in with: {} login --proxy=gate.example.com:3080; or on the gate's machine name its file: {} --config FILE",
        ctx.tool("tsh"),
        ctx.tool("tctl")
    ))
}

/// `host` means `host:3025`.
fn with_port(address: &str) -> String {
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("[{address}]:3025");
    }
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { address.to_owned() } else { format!("{address}:3025") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_gate_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gate.yaml");
        let globals = Globals { config: Some(config.clone()), ..Globals::default() };
        let told = stopped(&globals, &folder.path().join("gate.json"));
        assert!(told.to_string().starts_with("the gate on this machine is not running"), "{told}");
    }

    #[test]
    fn the_admin_port_is_added_where_none_is_named() {
        assert_eq!(with_port("gate.example.com"), "gate.example.com:3025");
        assert_eq!(with_port("gate.example.com:1"), "gate.example.com:1");
        assert_eq!(with_port("::1"), "[::1]:3025");
        assert_eq!(with_port("[::1]"), "[::1]:3025");
        assert_eq!(with_port("[::1]:1"), "[::1]:1");
    }
}
