//! Log lines on standard error: one event, one line, as JSON or as text.
//!
//! Owns the process's logger, set up once. Control characters are escaped in both formats, so that
//! no input can forge a line or drive a terminal (T15). Secrets, tokens and payloads are never logged;
//! that is up to those who log.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use env_logger::{Builder, fmt::Formatter};
use log::{
    LevelFilter, Record, SetLoggerError,
    kv::{Error, Key, Value, VisitSource},
};
use serde_json::Map;

use super::trace::Trace;
use crate::{
    clock,
    config::{Log, LogFormat},
    domain::Timestamp,
};

/// What a library says at most. Some tell every start of theirs as news.
const LIBRARIES: LevelFilter = LevelFilter::Warn;

/// Calls it an error when a client sends nonsense, and when a stream is taken over from it: no client writes lines into
/// our log.
const SILENT: &str = "actix_http";

/// What the server says of its listener, and whether that was closed on purpose: it takes it for an error. Where files
/// run out it says so twice a second.
const LISTENER: &str = "actix_server::accept";
static IS_LISTENER_CLOSED: AtomicBool = AtomicBool::new(false);
static OF_LISTENER: Seldom = Seldom::new();

/// What comes again and again, and is said once in ten seconds.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    const INTERVAL: Duration = Duration::from_secs(10);

    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether it is to be said now.
    pub fn is_due(&self) -> bool {
        // Never held over anything that could panic, so what a poisoned lock guards is whole.
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = said.is_none_or(|said| said.elapsed() >= Self::INTERVAL);
        if is_due {
            *said = Some(Instant::now());
        }
        is_due
    }
}

/// Whether `RUST_LOG` says what is told, and not the settings.
static IS_FILTERED: AtomicBool = AtomicBool::new(false);

/// From now on nothing that the server says of its listener is news.
pub fn expect_closed_listener() {
    IS_LISTENER_CLOSED.store(true, Ordering::Relaxed);
}

/// Sets up the logger of the process. `rust_log` is the value of `RUST_LOG`; where it says something, it wins.
///
/// # Errors
/// Where the process has a logger already.
pub fn start(settings: &Log, rust_log: Option<&str>) -> Result<(), SetLoggerError> {
    let mut builder = Builder::new();
    builder.filter_module(SILENT, LevelFilter::Off);
    match rust_log.filter(|filters| !filters.is_empty()) {
        Some(filters) => builder.parse_filters(filters),
        // Our own lines are bounded by the level of the whole process, which can change.
        None => builder.filter_level(LIBRARIES).filter_module(env!("CARGO_PKG_NAME"), LevelFilter::Trace),
    };
    IS_FILTERED.store(rust_log.is_some_and(|filters| !filters.is_empty()), Ordering::Relaxed);
    let is_json = match settings.format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    builder.format(move |out, record| {
        if record.target() == LISTENER
            && (IS_LISTENER_CLOSED.load(Ordering::Relaxed) || !OF_LISTENER.is_due())
        {
            return Ok(());
        }
        if is_json { write_json(out, record, clock::now()) } else { write_text(out, record) }
    });
    builder.try_init()?;
    set_level(settings.level);
    Ok(())
}

/// Tells so much from now on, unless `RUST_LOG` says how much.
pub fn set_level(level: LevelFilter) {
    if !IS_FILTERED.load(Ordering::Relaxed) {
        log::set_max_level(level);
    }
}

/// `{"time":…,"level":…,"target":…,"message":…}` and the event's own keys.
fn write_json(out: &mut impl Write, record: &Record<'_>, time: Timestamp) -> io::Result<()> {
    let mut pairs = Pairs::of(record);
    let mut line = String::new();
    let own = [
        ("time", time.to_string()),
        ("level", record.level().as_str().to_ascii_lowercase()),
        ("target", record.target().to_owned()),
        ("message", record.args().to_string()),
    ];
    for (name, text) in own {
        let comma = if line.is_empty() { "{" } else { "," };
        let _ = write!(line, "{comma}\"{name}\":{}", serde_json::Value::from(text));
        pairs.0.remove(name);
    }
    for (key, value) in pairs.0 {
        let _ = write!(line, ",{}:{value}", serde_json::Value::from(key));
    }
    // JSON lets the upper control characters pass as they are; a terminal would obey them.
    writeln!(out, "{}}}", escaped_as(&line, |c| format!("\\u{:04x}", u32::from(c))))
}

/// `2026-09-21T14:13:20.123Z INFO  tidings::http listening addr=127.0.0.1:8080`.
fn write_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let style = out.default_level_style(record.level());
    write!(out, "{} {style}{:<5}{style:#} ", clock::now(), record.level())?;
    writeln!(out, "{}", text_of(record))
}

fn text_of(record: &Record<'_>) -> String {
    let pairs = Pairs::of(record);
    let mut text = format!("{} {}", record.target(), record.args());
    for (key, value) in pairs.0 {
        let value = match value {
            serde_json::Value::String(text) if !text.contains([' ', '"', '=']) => text,
            value => value.to_string(),
        };
        let _ = write!(text, " {key}={value}");
    }
    escaped(&text)
}

/// The text with everything escaped that could move a cursor, turn the reading direction or end a line.
pub fn escaped(text: &str) -> String {
    escaped_as(text, |c| c.escape_default().to_string())
}

fn escaped_as(text: &str, escape: impl Fn(char) -> String) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if is_unsafe(c) {
            line.push_str(&escape(c))
        } else {
            line.push(c)
        }
        line
    })
}

/// The keys and values of an event, as JSON values.
struct Pairs(Map<String, serde_json::Value>);

impl Pairs {
    /// Those of the event, and what the request is called in which it is.
    fn of(record: &Record<'_>) -> Self {
        let mut pairs = Self(Map::new());
        // Our own values cannot fail to be visited; should one, the line is worth more than its keys.
        let _ = record.key_values().visit(&mut pairs);
        if let Some(trace) = Trace::current() {
            pairs.0.insert("trace_id".to_owned(), trace.trace_id().into());
            pairs.0.insert("request_id".to_owned(), trace.request_id.into());
        }
        pairs
    }
}

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let json = match (value.to_bool(), value.to_u64(), value.to_i64(), value.to_f64()) {
            (Some(is), ..) => is.into(),
            (_, Some(number), ..) => number.into(),
            (_, _, Some(number), _) => number.into(),
            (.., Some(number)) => number.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.as_str().to_owned(), json);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    fn json(text: std::fmt::Arguments<'_>, pairs: &[(&str, Value<'_>)]) -> (String, serde_json::Value) {
        let record = Record::builder()
            .args(text)
            .level(Level::Info)
            .target("tidings::http")
            .key_values(&pairs)
            .build();
        let mut line = Vec::new();
        write_json(&mut line, &record, Timestamp::from_secs(0)).unwrap();
        let line = String::from_utf8(line).unwrap();
        let value = serde_json::from_str(&line).unwrap();
        (line, value)
    }

    #[test]
    fn a_json_line_starts_with_the_time_and_keeps_the_types_of_values() {
        let pairs =
            [("status", Value::from(201)), ("path", "/v1".into()), ("slow", true.into()), ("n", (-1).into())];
        let (line, _) = json(format_args!("done"), &pairs);
        let expected = r#"{"time":"1970-01-01T00:00:00.000Z","level":"info","target":"tidings::http","message":"done","n":-1,"path":"/v1","slow":true,"status":201}"#;
        assert_eq!(line.trim_end(), expected);
    }

    #[test]
    fn a_forged_line_stays_within_its_own() {
        let forged = "x\r\n{\"level\":\"error\"}\u{1b}[2J\u{9b}2J";
        let (line, value) =
            json(format_args!("{forged}"), &[("user", forged.into()), ("level", "error".into())]);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains(['\u{1b}', '\u{9b}']));
        assert_eq!(
            (&value["message"], &value["user"], &value["level"]),
            (&forged.into(), &forged.into(), &"info".into())
        );
    }

    #[test]
    fn text_shows_keys_and_escapes_control_characters_too() {
        let pairs = [("user", Value::from("a\nb")), ("took", 3.into()), ("what", "two words".into())];
        let pairs = pairs.as_slice();
        let record =
            Record::builder().args(format_args!("a\u{9b}b")).target("tidings").key_values(&pairs).build();
        assert_eq!(text_of(&record), r#"tidings a\u{9b}b took=3 user=a\nb what="two words""#);
    }
}
