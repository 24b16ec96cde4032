//! `/webapi/ping[/CONNECTOR]` and `/webapi/find` (wire facts 1).

use axum::{
    Json,
    extract::{Path, State},
};

use super::{ApiError, Shared};
use crate::{
    model::GithubConnector,
    server::{Gate, store::resources},
    wire::{
        MIN_CLIENT_VERSION, SERVER_VERSION,
        discovery::{Auth, ConnectorName, Kube, Ping, Proxy, Ssh},
    },
};

/// The name that stock clients give to a login by password.
const LOCAL: &str = "local";

/// The addresses alone.
pub(super) async fn find(State(web): State<Shared>) -> Json<Ping> {
    Json(ping_with(&web.gate, Auth::default()))
}

/// How people sign in unless they name a connector.
pub(super) async fn ping(State(web): State<Shared>) -> Result<Json<Ping>, ApiError> {
    let gate = &web.gate;
    let auth = match gate.config.auth_type.as_str() {
        "github" => {
            let all: Vec<GithubConnector> = resources::list(&*gate.store).await?;
            let first = all.first().ok_or_else(|| ApiError::bad_request(
                    "no GitHub connectors found; an administrator registers one with: tctl create github.yaml",
                ))?;
            github(first)
        }
        kind => Auth { kind: kind.to_owned(), second_factor: Some("off".into()), ..Auth::default() },
    };
    Ok(Json(ping_with(gate, auth)))
}

/// How people sign in with a connector.
pub(super) async fn ping_connector(
    State(web): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<Ping>, ApiError> {
    let connector: Option<GithubConnector> = resources::get(&*web.gate.store, &name).await?;
    if connector.is_none() && name == LOCAL {
        return Err(ApiError::bad_request(super::login::NO_PASSWORDS));
    }
    let connector =
        connector.ok_or_else(|| ApiError::bad_request(format!("invalid connector name {name}")))?;
    Ok(Json(ping_with(&web.gate, github(&connector))))
}

fn github(connector: &GithubConnector) -> Auth {
    let name = connector.metadata.name.clone();
    let display = match connector.spec.display.as_str() {
        "" => name.clone(),
        display => display.to_owned(),
    };
    Auth { kind: "github".into(), github: Some(ConnectorName { name, display }), ..Auth::default() }
}

fn ping_with(gate: &Gate, auth: Auth) -> Ping {
    let kube = gate.addresses.kube.as_ref();
    let ssh = Ssh { public_addr: Some(gate.addresses.web.to_string()), ..Ssh::default() };
    Ping {
        auth,
        proxy: Proxy {
            tls_routing_enabled: false,
            kube: Kube {
                enabled: kube.is_some(),
                public_addr: kube.map(ToString::to_string),
                listen_addr: None,
            },
            ssh,
        },
        server_version: SERVER_VERSION.into(),
        min_client_version: MIN_CLIENT_VERSION.into(),
        cluster_name: Some(gate.config.cluster_name.clone()),
        code_login: gate.config.code_login,
    }
}
