//! What the frames of a server mean to a listener: the position in the inbox, and what to tell.
//!
//! Pure: no connection, no clock, no printing.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    domain::{Cursor, Invalid, Position, StreamName, UserId},
    observe::logs::escaped,
};

/// Until the server has said how often it pings.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How much later than expected a ping may come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum Tell {
    /// A notification.
    Event(String),
    /// What became of the connection.
    Note(String),
    /// Why to stop; nothing of the frame is to be shown.
    Stop(String),
}

/// The fields of all events that matter here (PROTOCOL.md section 3).
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    event_type: String,
    position: Option<String>,
    user: Option<String>,
    ping_interval_ms: Option<u64>,
    inbox: Option<Inbox>,
    resume: Option<String>,
    stream: Option<String>,
    to: Option<String>,
    reason: Option<String>,
    retry_after_ms: Option<u64>,
    created_at: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Inbox {
    position: String,
}

/// A replay that has not reached what was the top when the session began.
struct Replay {
    top: Position,
    count: usize,
}

pub struct Follower {
    /// Whose notifications are asked for.
    user: UserId,
    position: Option<Position>,
    replay: Option<Replay>,
    ping_interval: Duration,
    retry_after: Option<Duration>,
}

impl Follower {
    /// Starts behind a position, or live.
    pub fn new(user: UserId, since: Option<Position>) -> Self {
        Self { user, position: since, replay: None, ping_interval: PING_INTERVAL, retry_after: None }
    }

    /// The query of the next connection: what has been seen.
    pub fn since(&self) -> Option<Cursor> {
        self.position.map(Cursor::of_inbox)
    }

    /// How long silence is no bad sign.
    pub fn patience(&self) -> Duration {
        self.ping_interval + PATIENCE
    }

    /// What the last `goodbye` asked for; forgotten by asking.
    pub fn take_retry_after(&mut self) -> Option<Duration> {
        self.replay = None;
        self.retry_after.take()
    }

    /// Takes one frame; one that cannot be read is left to newer listeners.
    pub fn take(&mut self, frame: &str) -> Vec<Tell> {
        let Ok(event) = serde_json::from_str::<Event<'_>>(frame) else { return Vec::new() };
        let mut tell = Vec::new();
        match event.event_type.as_str() {
            "welcome" => tell.push(self.welcome(&event)),
            "goodbye" => self.retry_after = event.retry_after_ms.map(Duration::from_millis),
            "skip" if event.stream.as_deref() == Some("inbox") => self.advance(event.to.as_deref()),
            "gap" if event.stream.as_deref() == Some("inbox") => {
                let reason = event.reason.as_deref().unwrap_or("unknown");
                tell.push(Tell::Note(format!(
                    "gap: some notifications are lost to this listener ({})",
                    escaped(reason)
                )));
                self.advance(event.to.as_deref());
            }
            dotted if dotted.contains('.') => {
                if let Some(replay) = &mut self.replay {
                    replay.count += 1;
                }
                tell.push(Tell::Event(line(&event)));
                self.advance(event.position.as_deref());
            }
            _ => {}
        }
        tell.extend(self.recovered());
        tell
    }

    fn welcome(&mut self, event: &Event<'_>) -> Tell {
        // The server goes by the token alone.
        if let Some(user) = event.user.as_deref().filter(|user| *user != self.user.as_str()) {
            let (token, asked) = (escaped(user), &self.user);
            return Tell::Stop(format!(
                "the token is for {token}, so the notifications of {asked} cannot be shown"
            ));
        }
        self.ping_interval = event.ping_interval_ms.map_or(PING_INTERVAL, Duration::from_millis);
        let top = event.inbox.as_ref().and_then(|inbox| inbox.position.parse().ok());
        // After a resume the top is no position of ours until the replay has reached it.
        match (self.position, top) {
            (Some(_), Some(top)) if event.resume.as_deref() != Some("fresh") => {
                self.replay = Some(Replay { top, count: 0 })
            }
            _ => self.position = top.or(self.position),
        }
        Tell::Note("connected".to_owned())
    }

    fn advance(&mut self, position: Option<&str>) {
        if let Some(position) = position.and_then(|text| text.parse().ok()) {
            self.position = Some(position);
        }
    }

    /// The end of a replay: all that was there when the session began has been shown.
    fn recovered(&mut self) -> Option<Tell> {
        let (position, replay) = (self.position?, self.replay.as_ref()?);
        let is_over = position.epoch == replay.top.epoch && position.offset >= replay.top.offset;
        let replay = self.replay.take_if(|_| is_over)?;
        (replay.count > 0).then(|| Tell::Note(format!("recovered {}", replay.count)))
    }
}

/// Reads `--since`: a position in the inbox, or a cursor that holds one.
pub fn parse_since(text: &str) -> Result<Position, Invalid> {
    let cursor = || text.parse::<Cursor>().ok()?.position(&StreamName::Inbox);
    text.parse().ok().or_else(cursor).ok_or_else(|| {
        Invalid::new(
            "a position or a cursor of the inbox is expected, such as k3x9q2ab.42 or inbox@k3x9q2ab.42",
        )
    })
}

/// A notification in one line: when, what, and its text where the payload has one.
fn line(event: &Event<'_>) -> String {
    #[derive(Deserialize, Default)]
    struct Note {
        title: Option<String>,
        text: Option<String>,
        url: Option<String>,
    }
    let payload = event.payload.map_or("{}", RawValue::get);
    let note: Note = serde_json::from_str(payload).unwrap_or_default();
    let parts: Vec<String> = [note.title, note.text, note.url].into_iter().flatten().collect();
    let text = if parts.is_empty() { payload.to_owned() } else { parts.join(" · ") };
    escaped(&format!("{} {} {text}", event.created_at.as_deref().unwrap_or("-"), event.event_type))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn follower(since: &str) -> Follower {
        Follower::new("alice".parse().unwrap(), since.parse().ok())
    }

    fn welcome(resume: &str, top: &str) -> String {
        format!(
            r#"{{"type":"welcome","v":1,"user":"alice","ping_interval_ms":1000,"inbox":{{"position":"{top}","counters":{{}}}},"resume":"{resume}"}}"#
        )
    }

    fn event(position: &str) -> String {
        format!(
            r#"{{"id":"ntf_1","type":"note.text","position":"{position}","created_at":"2026-01-01T00:00:00.000Z","payload":{{"text":"hi"}}}}"#
        )
    }

    fn since(follower: &Follower) -> String {
        follower.since().map(|cursor| cursor.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_fresh_listener_starts_at_the_top_and_follows_the_events() {
        let mut follower = follower("");
        assert_eq!(follower.take(&welcome("fresh", "k3x9q2ab.4")), [Tell::Note("connected".to_owned())]);
        assert_eq!(since(&follower), "inbox@k3x9q2ab.4");
        assert_eq!(follower.patience(), Duration::from_secs(11));
        let told = follower.take(&event("k3x9q2ab.5"));
        assert_eq!(told, [Tell::Event("2026-01-01T00:00:00.000Z note.text hi".to_owned())]);
        assert_eq!(since(&follower), "inbox@k3x9q2ab.5");
    }

    #[test]
    fn a_resume_keeps_its_own_position_until_the_replay_is_over() {
        let mut follower = follower("k3x9q2ab.2");
        follower.take(&welcome("complete", "k3x9q2ab.4"));
        assert_eq!(since(&follower), "inbox@k3x9q2ab.2");
        assert_eq!(follower.take(&event("k3x9q2ab.3")).len(), 1);
        let skip = r#"{"type":"skip","stream":"inbox","from":"k3x9q2ab.3","to":"k3x9q2ab.4"}"#;
        assert_eq!(follower.take(skip), [Tell::Note("recovered 1".to_owned())]);
        assert_eq!(since(&follower), "inbox@k3x9q2ab.4");
        assert_eq!(follower.take(&event("k3x9q2ab.5")).len(), 1);
    }

    #[test]
    fn a_gap_is_told_and_continues_behind_it() {
        let mut follower = follower("k3x9q2ab.9");
        follower.take(&welcome("gap", "zzzzzzzz.3"));
        let gap = r#"{"type":"gap","stream":"inbox","from":"k3x9q2ab.9","to":"zzzzzzzz.3","reason":"epoch"}"#;
        assert!(matches!(follower.take(gap).as_slice(), [Tell::Note(note)] if note.contains("epoch")));
        assert_eq!(since(&follower), "inbox@zzzzzzzz.3");
    }

    #[test]
    fn a_goodbye_says_when_to_come_back_once() {
        let mut follower = follower("");
        follower.take(r#"{"type":"goodbye","code":1012,"reason":"restart","retry_after_ms":700}"#);
        assert_eq!(follower.take_retry_after(), Some(Duration::from_millis(700)));
        assert_eq!(follower.take_retry_after(), None);
    }

    #[test]
    fn rooms_and_unknown_events_do_not_move_the_inbox() {
        let mut follower = follower("k3x9q2ab.1");
        for frame in [
            r#"{"type":"message","room":"a","position":"k3x9q2ab.9"}"#,
            r#"{"type":"skip","stream":"a","to":"k3x9q2ab.9"}"#,
            r#"{"type":"ping"}"#,
            "[]",
            "",
        ] {
            assert!(follower.take(frame).is_empty(), "{frame}");
        }
        assert_eq!(since(&follower), "inbox@k3x9q2ab.1");
    }

    #[test]
    fn a_payload_cannot_drive_the_terminal() {
        let frame =
            r#"{"type":"a.b","position":"k3x9q2ab.1","payload":{"title":"t\u001b[2J","text":"x\ny"}}"#;
        let told = follower("").take(frame);
        assert_eq!(told, [Tell::Event(r"- a.b t\u{1b}[2J · x\ny".to_owned())]);
    }

    #[test]
    fn the_inbox_of_another_user_is_not_followed() {
        let mut follower = follower("");
        let stop = follower.take(&welcome("fresh", "k3x9q2ab.4").replace("alice", "bob\\u001b[2J"));
        let why = r"the token is for bob\u{1b}[2J, so the notifications of alice cannot be shown";
        assert_eq!((stop, since(&follower)), (vec![Tell::Stop(why.to_owned())], String::new()));
    }

    #[test]
    fn since_is_a_position_or_a_cursor() {
        assert_eq!(parse_since("k3x9q2ab.4"), parse_since("inbox@k3x9q2ab.4,a@k3x9q2ab.9"));
        assert!(parse_since("a@k3x9q2ab.9").is_err() && parse_since("yesterday").is_err());
    }

    proptest! {
        #[test]
        fn any_frame_is_told_or_left(frame in ".*") {
            follower("").take(&frame);
        }
    }
}
