//! `tidings openapi` and `tidings asyncapi`: the documents of the API, without a server.

use crate::{
    config::Config,
    documents::{asyncapi_text, openapi_text},
    http::Listener,
};

use super::{Failure, Settings, output::print};

/// All of the API, as a server with one listener has it.
pub fn openapi(settings: &Settings) -> Result<(), Failure> {
    let config = Config::read_for_client(&settings.sources())?.config;
    print(&openapi_text(Listener::Only, &config.http.base_path))
}

pub fn asyncapi(settings: &Settings) -> Result<(), Failure> {
    let config = Config::read_for_client(&settings.sources())?.config;
    print(&asyncapi_text(&config.http.base_path))
}
