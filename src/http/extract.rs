//! What handlers are given: who calls, and names out of the path and the query.

use std::{collections::BTreeMap, str::FromStr, time::Instant};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Query},
};
use futures_util::future::LocalBoxFuture;

use super::{Api, problem::Problem, rate_limit};
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Identity, Invalid},
    protocol::ErrorCode,
};

/// The authenticated caller; a request without a valid token gets 401, and one too many 429.
pub struct Caller(pub Identity);

impl Caller {
    /// Who makes a request that comes for this.
    ///
    /// # Errors
    /// What the gate says; or that this user comes too often.
    pub async fn of(request: &HttpRequest, api: &Api, surface: Surface) -> Result<Self, Problem> {
        let identity = api.gate.admit(request, surface, clock::now()).await?;
        let identity = identity.ok_or_else(Problem::unauthorized)?;
        rate_limit::pass(request, api.limits.request(&identity, Instant::now()))?;
        Ok(Self(identity))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let api = request.app_data::<Data<Api>>().ok_or_else(Problem::internal)?;
            Self::of(&request, api, Surface::Api).await
        })
    }
}

/// The query of a request: names known to the handler, each at most once.
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Credentials travel in the query too, so their names are nobody's business here.
    const CREDENTIALS: [&str; 2] = ["token", "ticket"];

    /// # Errors
    /// 400 for a name that is not known, or comes twice.
    pub fn read(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Problem::new(ErrorCode::BadMessage, "the query cannot be read"))?;
        let mut arguments = BTreeMap::new();
        for (name, value) in pairs.into_inner() {
            if Self::CREDENTIALS.contains(&name.as_str()) {
                continue;
            }
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = format!("the query has a name that this call does not know; it knows {known}");
                return Err(Problem::new(ErrorCode::BadMessage, detail));
            }
            if arguments.insert(name, value).is_some() {
                return Err(Problem::new(ErrorCode::BadMessage, "the query has a name twice"));
            }
        }
        Ok(Self(arguments))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Reads a value as `T`.
    ///
    /// # Errors
    /// What the type says about the text.
    pub fn parse<T: FromStr<Err = Invalid>>(&self, name: &str) -> Result<Option<T>, Invalid> {
        self.text(name).map(str::parse).transpose()
    }

    /// Reads `limit`, the size of a page: `default` where it is left out, at most `max`.
    ///
    /// # Errors
    /// 400 if it is no whole number from 1.
    pub fn limit(&self, default: usize, max: usize) -> Result<usize, Problem> {
        page_size(self.text("limit"), default, max)
            .ok_or_else(|| Problem::new(ErrorCode::BadMessage, "limit is a whole number from 1"))
    }
}

/// A larger one than the most there is, however long, is the most there is.
fn page_size(text: Option<&str>, default: usize, max: usize) -> Option<usize> {
    let Some(text) = text else { return Some(default) };
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let limit = text.parse().unwrap_or(max);
    (is_number && limit > 0).then(|| limit.min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b48_a_limit_is_a_whole_number_and_clamped() {
        let page_size = |text: Option<&str>| page_size(text, 50, 200);
        assert_eq!(page_size(None), Some(50));
        for (text, limit) in [("1", 1), ("200", 200), ("201", 200), ("100000", 200), (&"9".repeat(99), 200)] {
            assert_eq!(page_size(Some(text)), Some(limit), "{text}");
        }
        for bad in ["", "0", "00", "-5", "+5", "1e3", "1.0", " 1", "ten"] {
            assert_eq!(page_size(Some(bad)), None, "{bad}");
        }
    }
}
