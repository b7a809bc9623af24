//! What verbs ask a running server as an administrator.

use std::time::Duration;

use awc::http::{Method, header::AUTHORIZATION};
use serde_json::Value;

use super::{
    Failure,
    send::explain,
    server::{ANSWER_TIMEOUT, ServerArgs, TokenArgs},
};
use crate::{config::Resolved, domain::Invalid};

/// Who asks when no token says it.
const ADMINISTRATOR: &str = "cli";
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// Far more than any answer, in bytes.
const ANSWER_MAX: usize = 64 << 10;

/// A server that may be asked.
pub struct AdminClient {
    base: String,
    token: String,
}

impl AdminClient {
    /// # Errors
    /// Where it is not said where the server is, or there is no token to come with.
    pub fn new(resolved: Resolved, server: &ServerArgs, token: TokenArgs) -> Result<Self, Failure> {
        let base = server.admin_base(&resolved.config)?;
        let administrator = ADMINISTRATOR.parse().map_err(|Invalid(text)| Failure::Usage(text))?;
        let token = token.credential(resolved)?.token(&administrator, "admin", TOKEN_TTL)?;
        Ok(Self { base, token })
    }

    /// Asks, and gives what is answered; null where that is nothing.
    ///
    /// # Errors
    /// Where it does not answer, or refuses.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.base);
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{url}: {error}"));
        let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
        let request = client.request(method, &url);
        let request = request.insert_header((AUTHORIZATION, format!("Bearer {}", self.token)));
        let asked = match body {
            Some(body) => request.send_json(body).await,
            None => request.send().await,
        };
        let mut response = asked.map_err(|error| failed(&error))?;
        let body = response.body().limit(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            let text = String::from_utf8_lossy(&body);
            return Err(failed(&explain(response.status().as_u16(), &text)));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Failed(format!("the answer makes no sense: {error}")))
    }
}
