//! A client of `GET /v1/poll` that carries its cursor from answer to answer.

use serde_json::Value;

use super::http::{AWAY, Answer, Http};
use crate::app::App;

pub struct Poll {
    pub http: Http,
    rooms: String,
    pub cursor: String,
    /// What the last answer says of each stream.
    pub resume: Value,
}

impl Poll {
    /// Begins with the cursor of now.
    pub async fn start(app: &App, user: &str, scope: &str, rooms: &str) -> Self {
        let mut poll = Self::at(app, user, scope, rooms, "");
        poll.begin().await;
        poll
    }

    /// Goes on from a cursor.
    pub fn at(app: &App, user: &str, scope: &str, rooms: &str, cursor: &str) -> Self {
        Self::over(app.http(&app.token(user, scope)), rooms, cursor)
    }

    /// The same with whatever client.
    pub fn over(http: Http, rooms: &str, cursor: &str) -> Self {
        Self { http, rooms: rooms.to_owned(), cursor: cursor.to_owned(), resume: Value::Null }
    }

    /// Takes the cursor of now.
    pub async fn begin(&mut self) {
        let answer = self.http.get(&format!("/v1/poll?rooms={}", self.rooms)).await;
        assert_eq!(self.take(&answer), [Value::Null; 0]);
    }

    /// What it asks, with so many seconds to wait.
    pub fn path(&self, wait: u64) -> String {
        // A user's or a room's name may hold what is another character in a query.
        let cursor = self.cursor.replace('+', "%2B");
        format!("/v1/poll?since={cursor}&rooms={}&wait={wait}", self.rooms)
    }

    /// Asks once; the cursor moves with the answer.
    pub async fn next(&mut self, wait: u64) -> Vec<Value> {
        let answer = self.http.get(&self.path(wait)).await;
        self.take(&answer)
    }

    /// The same while the server may be away: none where it has not answered, or says that it has no time.
    pub async fn try_next(&mut self, wait: u64) -> Option<Vec<Value>> {
        let request = self.http.request("GET", &self.path(wait));
        let answer = self.http.try_send(request, "").await.ok()?;
        (!AWAY.contains(&answer.status)).then(|| self.take(&answer))
    }

    /// Asks again and again until so many events of these types have come; others are passed over.
    pub async fn collect(&mut self, count: usize, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut wanted = Vec::new();
        while wanted.len() < count {
            wanted.extend(self.next(5).await.into_iter().filter(&is_wanted));
        }
        assert_eq!(wanted.len(), count);
        wanted
    }

    fn take(&mut self, answer: &Answer) -> Vec<Value> {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        let mut body = answer.json();
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["cursor", "events", "resume"]);
        self.cursor = body["cursor"].as_str().unwrap().to_owned();
        self.resume = body["resume"].take();
        let events = body["events"].as_array().unwrap().clone();
        assert!(events.len() <= 500, "{} events", events.len());
        for event in &events {
            let event_type = event["type"].as_str().unwrap();
            let is_meant =
                event_type.contains('.') || ["message", "skip", "gap", "unread"].contains(&event_type);
            assert!(is_meant, "{event}");
        }
        events
    }
}
