//! What the cluster says about itself: its name, its CAs (public halves only), its status.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use super::{Admin, ApiError};
use crate::{
    pki::Authority,
    wire::{admin::ClusterStatus, b64::Bytes},
};

pub(super) async fn domain(admin: Admin) -> Json<String> {
    Json(admin.gate.config.cluster_name.clone())
}

pub(super) async fn cacert(admin: Admin) -> Json<Value> {
    let pem = admin.gate.authorities.host.certificate().to_pem();
    Json(json!({ "tls_ca": Bytes::from(pem) }))
}

/// The CAs of a kind, in the form of a stock server; the keys never leave.
pub(super) async fn authorities(
    admin: Admin,
    Path(kind): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let authorities = &admin.gate.authorities;
    let authority = [&authorities.user, &authorities.host].into_iter().find(|a| a.kind().name() == kind);
    let authority = authority.ok_or_else(|| {
        ApiError::bad_request(format!("authority type {kind:?} is not supported; user and host are"))
    })?;
    Ok(Json(vec![shown(authority)?]))
}

fn shown(authority: &Authority) -> Result<Value, ApiError> {
    let key =
        authority.key().public().to_authorized_key().map_err(|e| ApiError::bad_request(e.to_string()))?;
    let spec = json!({
        "type": authority.kind().name(), "cluster_name": authority.cluster(),
        "checking_keys": [Bytes::from(format!("{key}\n"))],
        "tls_key_pairs": [{ "cert": Bytes::from(authority.certificate().to_pem()) }],
    });
    Ok(json!({
        "kind": "cert_authority", "version": "v2", "metadata": { "name": authority.cluster() }, "spec": spec,
    }))
}

pub(super) async fn status(admin: Admin) -> Json<ClusterStatus> {
    let gate = &admin.gate;
    let mut names = gate.config.public_names.clone();
    if !names.contains(&gate.addresses.web.host) {
        names.push(gate.addresses.web.host.clone());
    }
    Json(ClusterStatus {
        cluster: gate.config.cluster_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ca_pin: gate.authorities.host.certificate().pin(),
        user_ca: gate.authorities.user.certificate().pin(),
        web_addr: gate.addresses.web.to_string(),
        names,
    })
}
