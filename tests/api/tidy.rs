//! The house is in order: who may know whom, how long a file is, and that every promise has a test.
//!
//! A promise is named by a test when test code holds its words: a command, an event or an error code in
//! double quotes (`"mark"`), a close code as a number or its word (`4012`, `"no_pong"`), a call as `GET /v1/me` or as the client
//! of the tests makes it (`get("/v1/me"`). Any comment counts. A bad input is the name of a test that sends it to
//! the program (`b14_`), and a threat that of one that tries it (`t2_`).

pub mod limits;
mod papers;
pub mod reading;
mod requirements;

use std::fs;

use reading::{
    code, functions, has_word, imports, inside_tests, is_called, is_case_named, is_test_file, outside_tests,
    program, root, rows, sources, ticked,
};

/// A module may use those before it. What is named on two levels is an actor's messages: they are known
/// to more than its inside is; and the gate, which asks the store.
const ORDER: [&str; 32] = [
    "domain",
    "random",
    "clock",
    "mailbox",
    "stream",
    "protocol",
    "observe::metrics",
    "outbox",
    "auth",
    "config",
    "observe",
    "limits",
    "hub::messages",
    "store::messages",
    "bridge::messages",
    "peers::messages",
    "hub",
    "store",
    "bridge",
    "auth::gate",
    "peers",
    "egress",
    "push",
    "webhooks",
    "session",
    "http",
    "transport",
    "documents",
    "pages",
    "app",
    "load",
    "cli",
];

/// (file, module it uses, why that is right).
const AGAINST_THE_ORDER: [(&str, &str, &str); 0] = [];

/// (crate or word, the one place for it).
const CONFINED: [(&str, &str); 5] = [
    ("actix_web_actors", "transport/ws.rs"),
    ("diesel", "store/"),
    ("diesel_migrations", "store/"),
    ("do_send", "mailbox.rs"),
    ("use redis", "bridge/"),
];

/// What an actor's folder shows of itself.
const SHOWN: [(&str, &[&str]); 6] = [
    ("bridge/mod.rs", &["messages"]),
    // The policies that the root builds and the pulse that sessions show; the shard that workers start; the
    // slots and seats in which sessions stand.
    ("hub/mod.rs", &["liveness", "messages", "rooms", "seats", "shard", "slots"]),
    ("peers/mod.rs", &["messages"]),
    ("push/mod.rs", &[]),
    // What verbs do to the database without the actor.
    ("store/mod.rs", &["messages", "offline"]),
    ("webhooks/mod.rs", &[]),
];

/// Folders that the code map of ARCHITECTURE.md shows in one line.
const MAPPED_AS_ONE: [&str; 6] =
    ["config/sections/", "config/table/", "config/reference/", "cli/bench/", "cli/doctor/", "cli/listen/"];

const LINES_MAX: usize = 300;

/// (file, why it is longer).
const LONG: [(&str, &str); 0] = [];

/// (row of README's table of limits, words in the test code that show it).
const LIMITS: [(&str, &str); 75] = [
    ("request head", "B50"),
    ("URI", "B07"),
    ("time for a request head", "t12_b52_a_second_head_that_does_not_come_is_given_up_as_the_first_is"),
    ("request body", "B38"),
    ("time for a request body", "http.body_timeout"),
    ("time to take an answer", "t12_an_answer_that_is_read_at_a_trickle_ends_its_connection"),
    ("time between requests", "who_waits_for_an_answer_and_who_asks_now_and_then_is_left_alone"),
    ("idle connections of a node", "t12_one_address_with_all_connections_shuts_nobody_out"),
    ("answers that are not read", "t12_who_asks_on_and_reads_nothing_is_cut_off"),
    ("payload", "every_fault_is_named_with_its_pointer"),
    ("recipients", "every_fault_is_named_with_its_pointer"),
    ("text of a send", "413"),
    ("idempotency key", "B45"),
    ("JSON depth", "depth_keys_and_numbers_have_limits"),
    ("names", "B42"),
    ("token", "B07"),
    ("tickets", "limits.tickets"),
    ("cursor", "B33"),
    ("page of a list", "B48"),
    ("page of a room's history", "the_history_is_read_over_http_page_by_page_up_to_the_top"),
    ("ids of a mark", "what_is_no_mark_says_why"),
    ("mutes of a user", "limits.mutes"),
    ("push subscriptions of a user", "limits.push_subscriptions"),
    ("words of a push", "every_fault_is_named_with_its_pointer"),
    ("pushes kept", "what_has_ended_is_forgotten_after_a_week_and_what_was_given_up_after_a_month"),
    ("pushes tried again", "what_was_given_up_is_tried_again_when_somebody_says_so"),
    ("summary of a push", "a_summary_tells_of_five_hundred_at_most"),
    ("endpoint of a push subscription", "t9_b54_only_push_services_are_endpoints"),
    ("message of a push", "long_words_are_shortened_between_characters"),
    ("pushes on their way", "x30_publishing_and_live_delivery_do_not_wait_for_push_services"),
    ("attempts of a push", "what_may_go_better_is_tried_three_times_more_each_after_a_longer_pause"),
    ("answer of a push service", "x30_hostile_answers_cost_little_and_lead_nowhere"),
    ("webhooks on their way", "x30_publishing_does_not_wait_for_a_receiver_that_does_not_answer"),
    ("webhooks tried again", "what_was_given_up_is_sent_again_under_its_old_id_when_somebody_says_so"),
    ("attempts of a webhook", "webhooks.retries"),
    ("failures of a receiver", "webhooks.disable_after"),
    ("webhooks that wait", "beyond_what_may_wait_the_oldest_events_are_forgotten_and_counted"),
    ("webhooks that were given up", "beyond_what_is_kept_those_given_up_first_are_forgotten_and_counted"),
    ("webhooks kept", "what_was_sent_is_forgotten_after_a_day_and_what_was_given_up_after_a_month"),
    ("who comes and goes, untold", "what_does_not_fit_is_said_to_be_missing_until_all_is_asked_for_anew"),
    ("notifications kept", "retention.max_read_per_user"),
    ("WebSocket message", "B19"),
    ("fragments", "B20"),
    ("echo", "session.data_bytes"),
    ("message to a room", "data_over_its_limit_is_too_large"),
    ("messages to a room", "limits.room_messages_per_second"),
    ("rooms of a WebSocket", "B29"),
    ("rooms of an event stream or a poll", "session.sse_rooms"),
    ("wait of a poll", "B37"),
    ("events of a poll", "an_answer_has_five_hundred_events_at_most_and_the_next_one_the_rest"),
    ("rooms of a node", "limits.rooms"),
    ("history of a room", "rooms.history_size"),
    ("history of all rooms", "rooms.total_bytes"),
    ("numbering of an empty room", "rooms.position_ttl"),
    ("users named of a room", "an_answer_names_at_most_two_hundred_users_and_counts_all"),
    ("typing", "flipping_is_told_at_most_four_times_a_second_and_ends_at_the_truth"),
    ("comings and goings", "a_crowd_is_told_as_far_as_the_rate_allows_and_counted_in_full"),
    ("`typing` and `pong` commands", "t12_a_flood_of_typing_is_refused_and_then_ended"),
    ("control frames", "t12_a_flood_of_control_frames"),
    ("commands", "B25"),
    ("errors", "B24"),
    ("time to authenticate", "B14"),
    ("heartbeat", "a_silent_session_is_pinged_and_then_ended"),
    ("outbox", "a_full_outbox_has_ten_seconds_to_fall_below_half"),
    ("handshakes of a client address", "limits.handshakes_per_second"),
    ("refused credentials in the log", "t12_a_flood_of_bad_credentials_is_refused_and_fills_no_log"),
    ("sessions of a client address", "an_address_has_two_hundred_sessions_and_no_more_until_one_has_left"),
    ("requests of a user", "limits.requests_per_second"),
    ("publishes of a `sub`", "limits.publishes_per_second"),
    ("sessions of a user", "4504"),
    ("polls of a user", "one_request_too_many_that_waits_is_refused_and_makes_nobody_go"),
    ("outboxes of a node", "x24_sockets_and_readers_that_do_not_read_stay_below_a_ceiling_of_memory"),
    ("connections of a node", "x23_more_sockets_come_than_there_are_files"),
    ("sessions of a node", "limits.sessions"),
    ("waiting requests to the store", "Overloaded"),
];

/// Faults of parts that come later.
const LATER_FAULTS: [u8; 0] = [];

/// In this version, and not yet named by a test.
const AWAITED: [&str; 0] = [];

/// The tests of this file, which are none of the others.
const OWN: &str = include_str!("tidy.rs");

#[test]
fn modules_use_only_those_below_them() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let own = place(&file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::"));
        for path in imports(&program(&text)) {
            let used = place(&path);
            let is_excused = AGAINST_THE_ORDER
                .iter()
                .any(|(excused, module, _)| *excused == file && path.starts_with(module));
            if own.is_some() && used.is_none() {
                wrong.push(format!("{file} uses {path}, which has no place in the order"));
            } else if own < used && !is_same_folder(own, used) && !is_excused {
                wrong.push(format!("{file} uses {path}, which stands above it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_confined_stays_in_its_place() {
    for (file, text) in sources("src") {
        for (word, home) in CONFINED {
            assert!(file.starts_with(home) || !has_word(&code(&program(&text)), word), "{file} has {word}");
        }
    }
}

#[test]
fn the_folders_of_actors_show_what_they_mean_to() {
    for (file, shown) in SHOWN {
        let text = fs::read_to_string(root().join("src").join(file)).unwrap();
        let public: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
        assert_eq!(public, shown, "{file}");
    }
}

#[test]
fn no_file_is_long_without_a_reason() {
    for (file, text) in sources("src") {
        let has_reason = LONG.iter().any(|(long, _)| *long == file);
        assert_eq!(text.lines().count() > LINES_MAX, has_reason, "{file}");
    }
}

#[test]
fn the_code_map_shows_every_file() {
    let map: String = rows("ARCHITECTURE.md", &["## Code map"]).concat().concat();
    for (file, _) in sources("src").into_iter().filter(|(file, _)| !is_test_file(file)) {
        let folder_is_shown = MAPPED_AS_ONE.iter().any(|folder| file.starts_with(folder));
        let name = file.rsplit('/').next().unwrap();
        assert!(
            folder_is_shown || ticked(&map).any(|shown| shown == name),
            "{file} is not in ARCHITECTURE.md"
        );
    }
}

#[test]
fn every_promise_is_named_by_a_test() {
    let outside = outside_tests();
    let tests = format!("{outside}\n{}", inside_tests());
    let quoted = |word: &str| tests.contains(&format!("\"{word}\""));
    let mut promises: Vec<(String, bool)> = Vec::new();
    for row in
        rows("PROTOCOL.md", &["### Client commands", "### Server events", "### Error codes of commands"])
    {
        promises.extend(ticked(&row[0]).map(|word| (word.to_owned(), quoted(word))));
    }
    for row in rows("PROTOCOL.md", &["### Close codes"]) {
        let word = row[1].replace('`', "\"");
        promises.push((row[0].clone(), has_word(&outside, &row[0]) || outside.contains(&word)));
    }
    for row in rows("PROTOCOL.md", &["## 6."]) {
        for words in ticked(&row[0]) {
            let is_named = if words.contains('/') { is_called(&outside, words) } else { quoted(words) };
            promises.push((words.to_owned(), is_named));
        }
    }
    for case in 1..=58 {
        let name = format!("B{case:02}");
        let is_named = is_case_named(&tests, &name);
        promises.push((name, is_named));
    }
    let threats = (1..=20).map(|threat| format!("T{threat}"));
    let told = rows("docs/security.md", &["## Threats"]).into_iter().map(|row| row[0].clone());
    assert!(told.eq(threats.clone()), "the threats of docs/security.md and of this test");
    let everything = format!("{tests}\n{OWN}");
    for threat in threats {
        let named = ["fn ", "_"].map(|before| format!("{before}{}_", threat.to_lowercase()));
        promises.push((threat, named.iter().any(|named| everything.contains(named))));
    }
    let limits: Vec<String> =
        rows("README.md", &["## Limits"]).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(limits, LIMITS.map(|(limit, _)| limit), "the limits of README and of this test");
    promises.extend(
        LIMITS.map(|(limit, words)| {
            (limit.to_owned(), has_word(&tests, words) || is_case_named(&tests, words))
        }),
    );

    let missing: Vec<&str> =
        promises.iter().filter(|(_, is_named)| !is_named).map(|(name, _)| name.as_str()).collect();
    assert_eq!(missing, AWAITED, "named by no test, and awaited");
}

/// After each bad input the same process serves on, and the test of it says so.
#[test]
fn every_bad_input_is_sent_to_the_program_which_serves_on() {
    let tests: Vec<(String, String)> =
        sources("tests/api").into_iter().flat_map(|(_, text)| functions(&text)).collect();
    for case in 1..=58 {
        let name = format!("b{case:02}_");
        let is_about = |test: &str| test.starts_with(&name) || test.contains(&format!("_{name}"));
        let of_case: Vec<&(String, String)> = tests.iter().filter(|(test, _)| is_about(test)).collect();
        assert!(!of_case.is_empty(), "{name} is the name of no test in tests/api");
        for (test, body) in of_case {
            assert!(body.contains("expect_healthy()"), "{test} does not look whether the process serves on");
        }
    }
}

/// What is asked of the database is a constant, and what somebody has sent is bound to it. Only what sets up a
/// connection or a file is put together, out of settings and words of our own.
#[test]
fn t8_no_sql_is_put_together_out_of_text() {
    const CONNECTIONS: [&str; 3] = ["store/database.rs", "store/file.rs", "store/server.rs"];
    for (file, text) in sources("src").into_iter().filter(|(file, _)| !is_test_file(file)) {
        let text = code(&program(&text));
        let batches = text.split("batch_execute(").skip(1).filter(|_| !CONNECTIONS.contains(&file.as_str()));
        let queries = text.split("sql_query(").skip(1).chain(batches);
        let parts = text.split(" sql::<").skip(1).filter_map(|part| Some(part.split_once(">(")?.1));
        for given in queries.chain(parts) {
            let word = given.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap();
            let is_constant = given.starts_with('"') || !word.is_empty() && word == word.to_uppercase();
            assert!(is_constant, "{file}: {word}");
        }
    }
}

#[test]
fn t20_what_is_built_is_written_down_and_holds_no_unsafe_code() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"tidings\""));
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    assert!(!ignored.contains("Cargo.lock"), "it is committed");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    // Whoever builds it takes what is written down.
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    assert!(makefile.contains("$(CARGO) build --release --locked"));
}

#[test]
fn every_fault_is_played_where_the_paper_says() {
    let faults = rows("docs/reliability.md", &["## The faults"]);
    let tests = outside_tests();
    let mut missing = Vec::new();
    for fault in (1..=34).filter(|fault| !LATER_FAULTS.contains(fault)) {
        let row = faults.iter().find(|row| row[0] == format!("X{fault}"));
        let is_named = has_word(&tests, &format!("X{fault}")) || tests.contains(&format!("fn x{fault:02}_"));
        let Some(row) = row.filter(|_| is_named) else {
            missing.push(fault);
            continue;
        };
        for file in ticked(&row[2]) {
            let folder = if file.starts_with("tests/") { "" } else { "tests/cluster/" };
            assert!(root().join(folder).join(file).exists(), "X{fault} is not in {file}");
        }
    }
    assert_eq!(missing, [0; 0], "played by no test, or not in docs/reliability.md");
}

/// Where a path stands in the order; the root of the crate and the program stand above all.
fn place(path: &str) -> Option<usize> {
    let is_within = |module: &&str| path == *module || path.starts_with(&format!("{module}::"));
    let candidates = ORDER.iter().enumerate().filter(|(_, module)| is_within(module));
    candidates.max_by_key(|(_, module)| module.len()).map(|(place, _)| place)
}

fn is_same_folder(own: Option<usize>, used: Option<usize>) -> bool {
    let folder = |place: Option<usize>| place.map(|place| ORDER[place].split("::").next());
    folder(own) == folder(used)
}
