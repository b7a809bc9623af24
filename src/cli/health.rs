//! `tidings health`: for supervisors and container images without curl.

use clap::Args;

use crate::{config::Config, observe::logs::escaped};

use super::{
    Failure, Settings,
    output::Form,
    server::{ANSWER_TIMEOUT, ServerArgs},
};

/// Far more than the answer of a healthy server, in bytes.
const BODY_MAX: usize = 4096;

#[derive(Args)]
pub struct Health {
    #[command(flatten)]
    server: ServerArgs,
    /// Ask whether it takes requests, not only whether it lives
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    form: Form,
}

impl Health {
    pub fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_client(&settings.sources())?.config;
        let path = if self.ready { "/ready" } else { "/health" };
        let url = format!("{}{path}", self.server.base(&config)?);
        let text = actix_web::rt::System::new().block_on(ask(&url))?;
        // It is JSON already, whoever asks.
        let json = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
        self.form.print(&escaped(&text), "ok", &json)
    }
}

/// What the server says, if it is well.
async fn ask(url: &str) -> Result<String, Failure> {
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).finish();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{url}: {error}"));
    let mut response = client.get(url).send().await.map_err(|error| failed(&error))?;
    let body = response.body().limit(BODY_MAX).await.map_err(|error| failed(&error))?;
    let text = String::from_utf8_lossy(&body).trim().to_owned();
    if response.status().is_success() {
        Ok(text)
    } else {
        Err(failed(&format!("{} {}", response.status(), escaped(&text))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, HttpServer, web};

    use super::*;

    #[actix_web::test]
    async fn a_server_that_is_not_ready_is_a_failure_and_so_is_none() {
        let server = HttpServer::new(|| {
            App::new()
                .route(
                    "/health",
                    web::get().to(|| async { HttpResponse::Ok().json(serde_json::json!({"ok": true})) }),
                )
                .route(
                    "/ready",
                    web::get().to(|| async { HttpResponse::ServiceUnavailable().body("starting") }),
                )
        });
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        ask(&format!("{base}/health")).await.unwrap();
        let line = ask(&format!("{base}/ready")).await.unwrap_err().to_string();
        assert!(line.contains("503") && line.contains("starting"), "{line}");
        handle.stop(false).await;
        assert!(ask(&format!("{base}/health")).await.is_err());
    }
}
