//! Pages that are made of the program: what it shows at `/metrics`, and what it writes into its log.
//!
//! What stands before the last table of such a page is written by hand, and the table is made. `TIDINGS_TEST_WRITE=1`
//! makes it anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
};

use crate::{
    app::App,
    tidy::reading::{is_test_file, program, root, sources},
};

/// Labels whose values are not all there from the start.
const OPEN: [&str; 5] = ["code", "method", "route", "status", "version"];

/// Holds the last table of a page against what it should be, or writes it.
fn expect_table(page: &str, head: &str, table: &str) {
    let path = root().join(page);
    let kept = fs::read_to_string(&path).unwrap();
    let by_hand = kept.rfind(head).map_or(kept.as_str(), |start| &kept[..start]);
    let made = format!("{by_hand}{head}\n{table}");
    if std::env::var("TIDINGS_TEST_WRITE").is_ok() {
        return fs::write(&path, made).unwrap();
    }
    assert!(
        kept == made,
        "{page} is not what the program is; make it anew: \
         TIDINGS_TEST_WRITE=1 cargo nextest run --features postgres-tls --test api reference"
    );
}

#[derive(Default)]
struct Metric {
    help: String,
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The metrics of an answer, in its order.
fn metrics(text: &str) -> Vec<(String, Metric)> {
    let mut found: Vec<(String, Metric)> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            found.push((name.to_owned(), Metric { help: help.to_owned(), ..Metric::default() }));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            rest.split_once(' ').unwrap().1.clone_into(&mut found.last_mut().unwrap().1.kind);
        } else if let Some((_, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let (labels, _) = labels.rsplit_once('}').unwrap();
            for label in labels.split("\",") {
                let (label, value) = label.split_once("=\"").unwrap();
                let values = found.last_mut().unwrap().1.labels.entry(label.to_owned()).or_default();
                values.insert(value.trim_end_matches('"').to_owned());
            }
        }
    }
    found
}

#[actix_web::test]
async fn every_number_for_operators_is_in_the_paper_as_the_program_shows_it() {
    let app = App::start();
    let http = app.http(&app.token("prometheus", "admin"));
    // A request is counted when it is answered.
    app.anonymous().get("/metrics").await.problem(401, "invalid_token");
    http.get("/metrics").await;
    let mut table = "|---|---|---|---|\n".to_owned();
    for (name, Metric { help, kind, labels }) in metrics(&http.get("/metrics").await.text()) {
        let name = match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name,
        };
        let labels = labels.iter().filter(|(label, _)| *label != "le").map(|(label, values)| {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            if OPEN.contains(&label.as_str()) {
                format!("`{label}`")
            } else {
                format!("`{label}`: {}", values.join(", "))
            }
        });
        let labels = labels.collect::<Vec<_>>().join("; ");
        let labels = if labels.is_empty() { "–" } else { &labels };
        writeln!(table, "| `{name}` | {kind} | {labels} | {} |", help.trim_end_matches('.')).unwrap();
    }
    expect_table("docs/metrics.md", "| metric | type | labels | what |", &table);
}

/// One call of a macro of the log: its level, its text and the keys beside it.
fn log_line(call: &str) -> Option<(String, String, Vec<String>)> {
    let (level, rest) = call.split_once("!(")?;
    let is_level = ["error", "warn", "info", "debug", "log"].contains(&level);
    let quote = rest.find('"').filter(|_| is_level)?;
    let (before, text) = (rest[..quote].trim(), &rest[quote + 1..]);
    let mut message = String::new();
    let (mut escaped, mut holes) = (false, 0);
    for c in text.chars() {
        match c {
            '"' if !escaped => break,
            '{' => holes += 1,
            '}' => {
                holes -= 1;
                message.push('…');
            }
            '\\' => {}
            c if holes == 0 => message.push(c),
            _ => {}
        }
        escaped = c == '\\';
    }
    let mut keys: Vec<String> =
        split(before.trim_end_matches(';')).into_iter().filter(|key| !key.is_empty()).collect();
    let mut level = level.to_owned();
    if level == "log" {
        keys.remove(0);
        level = "info or debug".to_owned();
    }
    let key = |key: String| key.split([' ', ':', '=']).next().unwrap().to_owned();
    Some((
        level,
        message.split_whitespace().collect::<Vec<_>>().join(" "),
        keys.into_iter().map(key).collect(),
    ))
}

/// Splits at commas that stand in no brackets.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

#[test]
fn every_line_of_the_log_is_in_the_paper_as_the_code_writes_it() {
    let mut lines = BTreeSet::new();
    for (file, text) in sources("src").into_iter().filter(|(file, _)| !is_test_file(file)) {
        let part = file.trim_end_matches(".rs").split('/').next().unwrap().to_owned();
        for call in program(&text).split("log::").skip(1) {
            // What differs as a whole is a warning of the start, or an error in the words of whoever made it.
            if let Some((level, message, keys)) = log_line(call).filter(|(_, message, _)| message != "…") {
                lines.insert((part.clone(), message, level, keys));
            }
        }
    }
    assert!(lines.len() > 50);
    let mut table = "|---|---|---|---|\n".to_owned();
    for (part, message, level, keys) in lines {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        let keys = if keys.is_empty() { "–".to_owned() } else { keys.join(", ") };
        writeln!(table, "| {part} | {level} | `{}` | {keys} |", message.replace('|', "\\|")).unwrap();
    }
    expect_table("docs/logs.md", "| part | level | message | keys |", &table);
}

#[test]
fn a_call_of_the_log_is_read_with_its_keys() {
    let line = |call: &str| log_line(call).map(|(level, message, keys)| (level, message, keys.join(" ")));
    let found = |level: &str, message: &str, keys: &str| {
        Some((level.to_owned(), message.to_owned(), keys.to_owned()))
    };
    assert_eq!(
        line(r#"warn!(client, reason; "auth refused");"#),
        found("warn", "auth refused", "client reason")
    );
    assert_eq!(
        line(r#"log!(self.log_level(), session, user = user.as_str(), status:?; "a {b} \"c\"")"#),
        found("info or debug", r#"a … "c""#, "session user status")
    );
    assert_eq!(line("Level::Info"), None);
}
