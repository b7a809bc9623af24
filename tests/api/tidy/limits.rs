//! README says the defaults and limits that the code has: whoever changes one of them is told where the other is.

use std::fs;

use serde_json::Value;
use tidings::config::{Config, reference};

use super::reading::{program, root, rows, ticked};

/// (row of the table of limits that has a constant, the constants: file in src, name).
const CONSTANTS: [(&str, &[(&str, &str)]); 44] = [
    // Of the library; the test of B50 meets them.
    ("request head", &[]),
    ("URI", &[("http/uri.rs", "URI_BYTES_MAX")]),
    ("time to take an answer", &[("app/server.rs", "ANSWER_TIMEOUT"), ("app/server.rs", "ANSWER_RATE")]),
    ("time between requests", &[("app/server.rs", "KEEP_ALIVE")]),
    ("idle connections of a node", &[("http/patience.rs", "SCARCE_IDLE")]),
    ("answers that are not read", &[]),
    ("payload", &[("domain/notification.rs", "PAYLOAD_BYTES_MAX")]),
    ("recipients", &[("domain/notification.rs", "RECIPIENTS_MAX")]),
    ("text of a send", &[("http/notifications.rs", "TEXT_BYTES_MAX")]),
    ("idempotency key", &[("http/notifications.rs", "IDEMPOTENCY_KEY_CHARS_MAX")]),
    ("JSON depth", &[("domain/json.rs", "JSON_DEPTH_MAX")]),
    ("names", &[("domain/ids.rs", "NAME_MAX"), ("domain/ids.rs", "LABEL_MAX")]),
    ("token", &[("auth/verifier.rs", "TOKEN_BYTES_MAX")]),
    ("tickets", &[("auth/tickets.rs", "LIFETIME")]),
    ("cursor", &[("domain/cursor.rs", "CURSOR_MAX")]),
    ("page of a list", &[("http/inbox.rs", "LIMIT_MAX"), ("http/admin/nodes.rs", "LIMIT_MAX")]),
    ("page of a room's history", &[("http/rooms.rs", "LIMIT_MAX"), ("http/rooms.rs", "PAGE_BYTES_MAX")]),
    ("ids of a mark", &[("domain/mark.rs", "MARK_IDS_MAX")]),
    ("words of a push", &[("domain/push.rs", "PUSH_BYTES_MAX")]),
    ("pushes kept", &[("store/push_history.rs", "ENDED_AGE"), ("store/push_history.rs", "DEAD_AGE")]),
    ("pushes tried again", &[("http/admin/push.rs", "RETRIES_MAX")]),
    ("summary of a push", &[("store/due.rs", "SUMMARY_MAX")]),
    ("endpoint of a push subscription", &[("egress/endpoint.rs", "ENDPOINT_MAX")]),
    ("message of a push", &[("push/encrypt.rs", "PLAIN_MAX")]),
    ("pushes on their way", &[("push/mod.rs", "IN_FLIGHT_MAX"), ("egress/mod.rs", "ATTEMPT_MAX")]),
    ("attempts of a push", &[("push/outcome.rs", "ATTEMPTS_MAX")]),
    ("answer of a push service", &[("egress/client.rs", "ANSWER_MAX")]),
    ("webhooks on their way", &[("webhooks/mod.rs", "IN_FLIGHT_MAX"), ("egress/mod.rs", "ATTEMPT_MAX")]),
    ("webhooks tried again", &[("http/admin/webhooks.rs", "RETRIES_MAX")]),
    ("webhooks kept", &[("store/webhook_history.rs", "SENT_AGE"), ("store/webhook_history.rs", "DEAD_AGE")]),
    ("who comes and goes, untold", &[("hub/live_queue.rs", "LIVE_FACTS_MAX")]),
    ("rooms of an event stream or a poll", &[("domain/cursor.rs", "CURSOR_ROOMS_MAX")]),
    ("wait of a poll", &[("http/wait.rs", "WAIT_MAX_SECS")]),
    ("events of a poll", &[("transport/poll.rs", "EVENTS_MAX")]),
    ("users named of a room", &[("hub/messages.rs", "PRESENCE_MAX"), ("domain/typing.rs", "USERS_MAX")]),
    ("typing", &[("domain/typing.rs", "PAUSE")]),
    (
        "comings and goings",
        &[("hub/rooms/room.rs", "PRESENCE_PER_SECOND"), ("hub/rooms/room.rs", "PRESENCE_BURST")],
    ),
    (
        "`typing` and `pong` commands",
        &[("session/manners.rs", "UNCOUNTED_PER_SECOND"), ("session/manners.rs", "PRESSURE_MAX")],
    ),
    (
        "control frames",
        &[("session/manners.rs", "CONTROL_FRAMES_PER_SECOND"), ("session/manners.rs", "PRESSURE_MAX")],
    ),
    ("commands", &[("session/manners.rs", "PRESSURE_MAX")]),
    ("errors", &[("session/manners.rs", "ERRORS_MAX"), ("session/manners.rs", "ERRORS_WINDOW")]),
    (
        "refused credentials in the log",
        &[("auth/gate.rs", "REFUSALS_PER_SECOND"), ("auth/gate.rs", "REFUSALS_BURST")],
    ),
    ("outboxes of a node", &[("app/policies.rs", "OUTBOXES_PART"), ("outbox/queue.rs", "FAIR_BYTES")]),
    // They follow from what the machine allows, and not from a number.
    ("connections of a node", &[]),
];

/// Numbers of the table that are no setting and no constant of ours.
const GIVEN: [(&str, &[f64]); 3] =
    [("request head", &[96.0, 131_072.0]), ("recipients", &[1.0]), ("connections of a node", &[4.0])];

/// (unit, what it stands for: bytes, or seconds).
const UNITS: [(&str, f64); 11] = [
    ("", 1.0),
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("minutes", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("days", 86_400.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

#[test]
fn the_limits_of_the_readme_are_those_of_the_code() {
    let settings = settings();
    let mut with_constants = Vec::new();
    for row in rows("README.md", &["## Limits"]) {
        let [limit, default, setting, beyond] = row.try_into().unwrap();
        let mut said = numbers(&words(&default).replace("an eighth", "8").replace("a quarter", "4"));
        // The others are status codes and close codes.
        said.extend(amounts(&words(&beyond)).filter(|(_, unit)| !unit.is_empty()).map(|(number, _)| number));

        let mut held: Vec<f64> = ticked(&setting).filter_map(|key| number(value(&settings, key))).collect();
        match words(&setting).replace([',', ' '], "").as_str() {
            "" => {}
            "constant" => {
                let constants = CONSTANTS.iter().find(|(row, _)| *row == limit);
                let (_, constants) = constants.unwrap_or_else(|| panic!("{limit}: which constant?"));
                held.extend(constants.iter().map(|(file, name)| constant(file, name)));
                with_constants.push(limit.clone());
            }
            other => panic!("{limit}: {other} is no setting"),
        }
        held.extend(GIVEN.iter().filter(|(row, _)| *row == limit).flat_map(|(_, numbers)| *numbers));
        assert_eq!(sorted(said), sorted(held), "{limit}: what README says, and what the code has");
    }
    assert_eq!(with_constants, CONSTANTS.map(|(row, _)| row));
}

/// `TIDINGS_TEST_WRITE=1` makes it anew; it is what `tidings config doc --markdown` prints.
#[test]
fn the_table_of_settings_in_the_readme_is_that_of_the_code() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, part) = text.split_once("\n## Configuration\n").unwrap();
    let part = part.split("\n## ").next().unwrap();
    let told: String =
        part.lines().filter(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    let table = reference::markdown();
    if std::env::var("TIDINGS_TEST_WRITE").is_ok() {
        return fs::write(root().join("README.md"), text.replacen(&told, &table, 1)).unwrap();
    }
    let missing: Vec<&str> = table.lines().filter(|row| !told.lines().any(|line| line == *row)).collect();
    assert_eq!(missing, [""; 0], "rows of the code that README does not have");
    assert!(told == table, "README's table has rows more, or another order");
}

fn settings() -> Value {
    serde_json::to_value(Config::default()).unwrap()
}

fn value<'a>(settings: &'a Value, key: &str) -> &'a Value {
    let (section, name) = key.split_once('.').unwrap();
    settings[section].get(name).unwrap_or(&Value::Null)
}

/// Without what is in backticks.
fn words(cell: &str) -> String {
    cell.split('`').step_by(2).collect()
}

/// What a setting is as a number; a limit that is off is none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => match amounts(text).collect::<Vec<_>>()[..] {
            [(number, ref unit)] if text.trim_start_matches(|c: char| c.is_ascii_digit()) == unit => {
                Some(number)
            }
            _ => None,
        },
        value => value.as_f64(),
    }
}

fn numbers(text: &str) -> Vec<f64> {
    amounts(text).map(|(number, _)| number).collect()
}

/// The numbers in a text, in bytes or seconds, and the unit of each.
fn amounts(text: &str) -> impl Iterator<Item = (f64, String)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_ascii_digit())?;
        let from = &rest[start..];
        let end = from.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(from.len());
        let digits = from[..end].trim_end_matches(',');
        rest = &from[digits.len()..];
        let after = rest.strip_prefix(' ').unwrap_or(rest);
        let word: String = after.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
        let unit = UNITS.iter().find(|(unit, _)| *unit == word).unwrap_or(&UNITS[0]);
        Some((digits.replace(',', "").parse::<f64>().unwrap() * unit.1, unit.0.to_owned()))
    })
}

/// What a constant is: a product of numbers, or a duration.
pub fn constant(file: &str, name: &str) -> f64 {
    let text = program(&fs::read_to_string(root().join("src").join(file)).unwrap());
    let (_, from) = text.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{name} in {file}"));
    let (_, expression) = from.split(';').next().unwrap().split_once(" = ").unwrap();
    let (product, unit) = [("Duration::from_secs(", 1.0), ("Duration::from_millis(", 0.001)]
        .into_iter()
        .find_map(|(call, unit)| Some((expression.strip_prefix(call)?.strip_suffix(')')?, unit)))
        .unwrap_or((expression, 1.0));
    product.split(" * ").map(|factor| factor.replace('_', "").parse::<f64>().unwrap()).product::<f64>() * unit
}

/// Each once.
fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.retain(|number| *number != 0.0);
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}
