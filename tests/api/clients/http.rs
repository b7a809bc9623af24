//! An HTTP client of one server, with one token.

use std::net::SocketAddr;

use awc::{Client, ClientRequest, http::Method};
use serde_json::Value;

use crate::app::DEADLINE;

/// What is answered while a server has no time, or is away: by itself, or by a proxy before it.
pub const AWAY: [u16; 3] = [408, 502, 503];

#[derive(Clone)]
pub struct Http {
    client: Client,
    address: SocketAddr,
    token: Option<String>,
}

pub struct Answer {
    pub status: u16,
    pub headers: awc::http::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The members of a problem (RFC 9457); fails unless it is one, of this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"));
        let members = self.json();
        assert_eq!((&members["status"], &members["code"]), (&status.into(), &code.into()), "{members}");
        assert_eq!(members["request_id"].as_str(), self.header("X-Request-Id"), "{members}");
        let trace = self.header("traceparent").and_then(|parent| parent.split('-').nth(1));
        assert_eq!(members["trace_id"].as_str(), trace, "{members}");
        for text in ["type", "title", "detail"] {
            assert!(members[text].as_str().is_some_and(|text| !text.is_empty()), "{members}");
        }
        members
    }

    /// Where the faults of a refused body are.
    pub fn faults(&self) -> Vec<String> {
        let problem = self.problem(422, "validation");
        let faults = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

impl Http {
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        let client = Client::builder().timeout(DEADLINE).disable_redirects().finish();
        Self { client, address, token: token.map(str::to_owned) }
    }

    /// A request to build upon; the token is in it.
    pub fn request(&self, method: &str, path: &str) -> ClientRequest {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.insert_header(("Authorization", format!("Bearer {token}"))),
            None => request,
        }
    }

    /// Sends, and fails the test if there is no answer at all.
    pub async fn send(&self, request: ClientRequest, body: impl Into<Vec<u8>>) -> Answer {
        self.try_send(request, body).await.unwrap()
    }

    pub async fn try_send(&self, request: ClientRequest, body: impl Into<Vec<u8>>) -> Result<Answer, String> {
        let mut response = request.send_body(body.into()).await.map_err(|error| error.to_string())?;
        let body = response.body().limit(64 << 20).await.map_err(|error| error.to_string())?.to_vec();
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path), "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path), "").await
    }

    /// Posts text that is said to be JSON, whatever it is.
    pub async fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request("POST", path).insert_header(("Content-Type", "application/json"));
        self.send(request, body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).insert_header(("Content-Type", "application/json"));
        self.send(request, body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.request("PUT", path).insert_header(("Content-Type", "application/json"));
        self.send(request, body.to_string()).await
    }
}
