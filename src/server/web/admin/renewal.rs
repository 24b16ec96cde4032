//! `POST /v2/renewal`: the next certificate for a login that is still valid. Ours; a stock server has no such path.

use axum::{Json, body::Bytes};
use jiff::Timestamp;

use super::{Admin, ApiError, audited, read};
use crate::{
    model::Verb,
    server::{
        audit::Event,
        auth::renew::{RenewError, renew as issue},
    },
    wire::login::{LoginResponse, RenewalRequest},
};

pub(super) async fn renew(admin: Admin, body: Bytes) -> Result<Json<LoginResponse>, ApiError> {
    let request: RenewalRequest = read(&body)?;
    audited(&admin.gate.audit, &[Verb::Create])?;
    let renewed = issue(&admin.gate, &admin.identity, &admin.rights, &request, Timestamp::now()).await;
    let (user, remote) = (admin.user(), admin.peer.addr);
    match renewed {
        Ok((response, issued)) => {
            let (since, until) = (issued.since, issued.not_after);
            admin.audit(Event::CertRenewed { user, remote, since, until }).await;
            Ok(Json(response))
        }
        Err(error) => {
            if matches!(
                error,
                RenewError::NotALogin
                    | RenewError::Over { .. }
                    | RenewError::Agreed
                    | RenewError::Changed(_)
                    | RenewError::NoConnector(_)
            ) {
                admin.audit(Event::AdminDenied { user, action: error.to_string(), remote }).await;
            }
            Err(error.into())
        }
    }
}
