//! What handlers are given: who calls, and names out of the path and the query.

use std::{collections::BTreeMap, str::FromStr};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Query},
};
use futures_util::future::{Ready, ready};

use super::{Api, problem::Problem};
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Identity, Invalid},
    protocol::ErrorCode,
};

/// The authenticated caller; a request without a valid token gets 401.
pub struct Caller(pub Identity);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admitted = match request.app_data::<Data<Api>>() {
            Some(api) => api.gate.admit(request, Surface::Api, clock::now()).map_err(Problem::from),
            None => Err(Problem::internal()),
        };
        ready(admitted.and_then(|identity| identity.map(Self).ok_or_else(Problem::unauthorized)))
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
                let detail = format!("the query has a name other than {}", known.join(", "));
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
}
