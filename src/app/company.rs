//! What an instance among others needs: it says what it is, and hears of what they revoke.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::AppError;
use crate::{
    auth::gate::{Gate, revoking::Revoker},
    config::{Config, StoreUrl},
    peers::{Company, Peers, PeersLink, Survey},
    store::StoreLink,
};

/// What was ever revoked is known before anybody is let in; what others revoke is heard of from then on. `bus`
/// says whether it is there.
pub async fn keep_company(
    config: &Config,
    survey: Survey,
    gate: &Arc<Gate>,
    store: &StoreLink,
    bus: Option<watch::Receiver<bool>>,
) -> Result<(Arc<Revoker>, PeersLink), AppError> {
    let doorbell = Arc::new(Notify::new());
    let company = match &config.store.url {
        StoreUrl::Sqlite(_) => Company::Alone,
        StoreUrl::Postgres(_) => Company::Possible,
    };
    let revoker = Revoker::load(gate.clone(), store.clone(), survey.hub.clone(), doorbell.clone(), bus).await;
    let revoker = Arc::new(revoker.map_err(|error| AppError::Store(error.to_string()))?);
    if company == Company::Possible {
        actix::spawn(revoker.clone().listen());
    }
    Ok((revoker, Peers::launch(survey, company, doorbell)))
}
