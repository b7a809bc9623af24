//! The pages for people: `/docs`, `/admin`, and `/demo` where somebody tries the server out; and an inbox for any page
//! of another origin, `/embed.js`.
//!
//! Files of `web/`, in the binary as they stand in the repository, so that a build needs nothing but Rust. What the
//! pages show they ask the API for, as any client does: nothing here knows a hub or a store, but for the clock of
//! the demo. Must never let a page load, or send to, anything of another origin.

mod files;
pub mod ticker;
pub mod trial;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web::{Bytes, Data, Path, ServiceConfig},
};
use files::File;
use trial::Trial;

use crate::http::{Endpoint, Listener, etag::is_known, held::Shared, problem::Problem};

/// What a page may do: load and call its own server, and nothing else, whatever somebody gets into it. No inline
/// script or style; nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types lit-html tidings";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// The addresses of the pages on a listener. Where nobody tries anything out there is no demo, nor a file of it.
fn endpoints(listener: Listener, is_trial: bool) -> Vec<Endpoint> {
    let at = Endpoint::new;
    let is_for_admins = listener != Listener::Public;
    let has_demo = is_trial && listener != Listener::Admin;
    // What it shows is that listener's own API, which nobody needs to say who they are for.
    let mut endpoints = vec![at("/docs").get(docs), at("/assets/{name:.+}").get(asset)];
    if is_for_admins {
        endpoints.push(at("/admin").get(admin));
    }
    if is_for_admins && is_trial {
        endpoints.push(at("/admin/sign-in").post(trial::sign_in));
    }
    if has_demo {
        endpoints.push(at("/demo").get(demo));
        endpoints.push(at("/demo/tokens").post(trial::tokens));
        endpoints.push(at("/sw.js").get(worker));
    }
    if listener != Listener::Admin {
        endpoints.push(at("/embed.js").get(embed));
    }
    endpoints
}

pub fn routes(listener: Listener, trial: Option<Arc<Trial>>, config: &mut ServiceConfig) {
    for endpoint in endpoints(listener, trial.is_some()) {
        config.service(endpoint);
    }
    config.app_data(Data::new(listener));
    if let Some(trial) = trial {
        config.app_data(Data::from(trial));
    }
}

async fn admin(request: HttpRequest) -> Result<HttpResponse, Problem> {
    send(&request, "admin.html")
}

async fn docs(request: HttpRequest) -> Result<HttpResponse, Problem> {
    send(&request, "docs.html")
}

async fn demo(request: HttpRequest) -> Result<HttpResponse, Problem> {
    send(&request, "demo.html")
}

/// Who may read it is who may call the API: the CORS protocol says so to both.
async fn embed(request: HttpRequest) -> Result<HttpResponse, Problem> {
    send(&request, "embed.js")
}

/// It stands where its scope begins: a worker may show what is pushed for the pages below its own address.
async fn worker(request: HttpRequest) -> Result<HttpResponse, Problem> {
    send(&request, "vendor/sw.js")
}

async fn asset(
    request: HttpRequest,
    name: Path<String>,
    trial: Option<Data<Trial>>,
    listener: Data<Listener>,
) -> Result<HttpResponse, Problem> {
    let is_of_admins =
        name.starts_with("admin/") || name.starts_with("vendor/uplot") || *name == "vendor/sw.js";
    let is_of_demo = name.starts_with("demo/");
    // A file is where a page or a module is that has it.
    let is_here = (!is_of_admins || **listener != Listener::Public)
        && (!is_of_demo || trial.is_some() && **listener != Listener::Admin);
    if is_here { send(&request, &name) } else { Err(Problem::not_found()) }
}

fn send(request: &HttpRequest, name: &str) -> Result<HttpResponse, Problem> {
    let File { media_type, bytes, tag } = files::find(name).ok_or_else(Problem::not_found)?;
    let is_known = is_known(request, tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    for header in HEADERS {
        response.insert_header(header);
    }
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    response.extensions_mut().insert(Shared);
    let body = Bytes::from_static(bytes);
    Ok(if is_known { response.finish() } else { response.content_type(*media_type).body(body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(listener: Listener, is_trial: bool) -> Vec<&'static str> {
        endpoints(listener, is_trial).iter().map(Endpoint::path).collect()
    }

    #[test]
    fn the_demo_is_nowhere_but_where_somebody_tries_the_server_out() {
        for listener in [Listener::Only, Listener::Public, Listener::Admin] {
            let pages = paths(listener, false);
            let known = ["/admin", "/assets/{name:.+}", "/docs", "/embed.js"];
            assert!(pages.iter().all(|path| known.contains(path)), "{pages:?}");
        }
        assert!(!paths(Listener::Public, false).contains(&"/admin"));
        assert!(!paths(Listener::Admin, true).contains(&"/embed.js"));
        assert!(paths(Listener::Only, true).contains(&"/demo"));
        assert!(!paths(Listener::Admin, true).contains(&"/demo"));
        assert!(!paths(Listener::Public, true).contains(&"/admin"));
    }
}
