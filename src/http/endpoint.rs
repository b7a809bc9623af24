//! One address of the API: the methods that it answers, and 405 with `Allow` for all others.

use actix_web::{
    FromRequest, Handler, HttpResponse, Responder, Route,
    dev::{AppService, HttpServiceFactory},
    guard,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    web,
};

use super::{problem::Problem, rate_limit};
use crate::observe::metrics::RouteFigures;

/// A row of the table of routes, which is read by the server and by tests.
pub struct Endpoint {
    path: &'static str,
    methods: Vec<&'static str>,
    routes: Vec<Route>,
}

impl Endpoint {
    pub fn new(path: &'static str) -> Self {
        Self { path, methods: Vec::new(), routes: Vec::new() }
    }

    /// `HEAD` is `GET` without the body (RFC 9110 section 9.3.2); the server leaves that out by itself.
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let both = guard::Any(guard::Get()).or(guard::Head());
        self.answers(&["GET", "HEAD"], web::route().guard(both).to(handler))
    }

    /// A `GET` that opens or awaits something, so that nobody asks for its head alone.
    pub fn follow<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.answers(&["GET"], web::get().to(handler))
    }

    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.answers(&["POST"], web::post().to(handler))
    }

    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.answers(&["PUT"], web::put().to(handler))
    }

    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.answers(&["DELETE"], web::delete().to(handler))
    }

    pub fn path(&self) -> &'static str {
        self.path
    }

    pub fn methods(&self) -> &[&'static str] {
        &self.methods
    }

    fn answers(mut self, methods: &[&'static str], route: Route) -> Self {
        self.methods.extend(methods);
        self.routes.push(route);
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut AppService) {
        let allow = self.methods.join(", ");
        let refuse = move || std::future::ready(Err::<HttpResponse, _>(Problem::method_not_allowed(&allow)));
        let figures = RouteFigures::new(self.path);
        let resource = web::resource(self.path).app_data(figures).default_service(web::to(refuse));
        let resource = self.routes.into_iter().fold(resource, |resource, route| resource.route(route));
        let resource = resource.wrap(from_fn(rate_limit::tell));
        if self.path.starts_with("/v1/") {
            // What the API says is one user's and of this moment.
            let no_store = DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store"));
            resource.wrap(no_store).register(config);
        } else {
            resource.register(config);
        }
    }
}
