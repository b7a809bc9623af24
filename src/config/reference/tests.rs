use std::{collections::HashMap, fs};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::*;
use crate::config::{
    Config, HIDDEN, Sources,
    table::{Fresh, Kind},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";

fn validator() -> Validator {
    let schema = schema();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn made() -> String {
    let value = |(key, fresh)| (key, if fresh == Fresh::Vapid { KEY } else { SECRET }.into());
    file(&to_be_made().map(value).collect::<HashMap<_, _>>())
}

/// With the default in the place of everything that is commented out.
fn uncommented(text: &str) -> String {
    let uncommented = |line: &str| {
        let setting = line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
        setting.unwrap_or(line).to_owned() + "\n"
    };
    text.lines().map(uncommented).collect()
}

fn json_of(toml: &str) -> Value {
    let read = config::Config::builder().add_source(config::File::from_str(toml, config::FileFormat::Toml));
    read.build().unwrap().try_deserialize().unwrap()
}

fn load(file: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tidings.toml"), file).unwrap();
    let sources = Sources { folder: folder.path().to_owned(), ..Sources::default() };
    Config::load(&sources).unwrap().0
}

#[test]
fn the_file_of_init_starts_a_server_as_it_is_and_with_every_default_written_out() {
    let file = made();
    assert!(validator().is_valid(&json_of(&file)));
    let config = load(&file);
    let mut values = table::values(&config);
    assert_eq!(
        (values["auth"]["secret"].take(), values["push"]["vapid_private_key"].take()),
        (json!(HIDDEN), json!(HIDDEN))
    );
    assert_eq!(values, table::defaults());

    let file = uncommented(&file);
    let errors: Vec<String> =
        validator().iter_errors(&json_of(&file)).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let written = table::values(&load(&file));
    let defaults = table::defaults();
    for setting in table::all().filter(|setting| !setting.is_secret() && setting.kind != Kind::Count) {
        assert_eq!(setting.value_in(&written), setting.value_in(&defaults), "{}", setting.key);
    }
    assert_eq!(file.matches(" = ").count(), table::all().count());
}

#[test]
fn the_variables_are_the_defaults_and_fit_the_schema() {
    let text = uncommented(&variables());
    let pairs: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| line.starts_with("TIDINGS_"))
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(pairs.len(), table::all().count());
    let mut environment: std::collections::BTreeMap<String, std::ffi::OsString> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    environment.insert("TIDINGS_AUTH_SECRET".to_owned(), SECRET.into());
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources { folder: folder.path().to_owned(), environment, ..Sources::default() };
    let mut values = table::values(&Config::load(&sources).unwrap().0);
    values["auth"]["secret"].take();
    assert_eq!(values, table::defaults());

    // As the file would have them: an empty variable is not set, a list has commas.
    let mut sections = Map::new();
    for (setting, (name, value)) in table::all().zip(pairs) {
        assert_eq!(setting.variable(), name);
        let value = match setting.kind {
            _ if value.is_empty() => continue,
            Kind::Count | Kind::Limit => json!(value.parse::<u64>().unwrap()),
            Kind::Flag => json!(value.parse::<bool>().unwrap()),
            _ => json!(value),
        };
        let section = sections.entry(setting.section()).or_insert_with(|| json!({}));
        section[setting.name()] = value;
    }
    let errors: Vec<String> =
        validator().iter_errors(&Value::from(sections)).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn the_schema_refuses_what_the_program_does() {
    let validator = validator();
    for (section, bad) in [
        ("http", json!({ "lisen": "127.0.0.1:1" })),
        ("web", json!({})),
        ("http", json!({ "listen": "here" })),
        ("http", json!({ "listen": "" })),
        ("session", json!({ "ping_interval": "25" })),
        ("session", json!({ "ping_interval": 25 })),
        ("session", json!({ "message_bytes": "64KB" })),
        ("limits", json!({ "sessions": -1 })),
        ("auth", json!({ "algorithm": "none" })),
        ("push", json!({ "enabled": "perhaps" })),
    ] {
        assert!(!validator.is_valid(&json!({ section: bad })), "{section} {bad}");
    }
    for (section, good) in [
        ("http", json!({ "admin_listen": "", "body_limit": 1024, "trusted_proxies": ["10.0.0.0/8"] })),
        ("http", json!({ "trusted_proxies": "10.0.0.0/8, ::1", "listen": "[::1]:0" })),
        ("auth", json!({ "leeway": 0, "expiry_grace": "0" })),
    ] {
        assert!(validator.is_valid(&json!({ section: good })), "{section} {good}");
    }
}

#[test]
fn the_reference_can_be_narrowed_and_lines_stay_short() {
    let text = text("bridge.");
    assert_eq!(text.matches("TIDINGS_BRIDGE_").count(), 4);
    assert!(text.starts_with("bridge.url (secret; default: none)\n    `redis://"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    assert_eq!(json("log").as_array().unwrap().len(), 2);
    assert_eq!(json("log.level")[0]["default"], "info");
    assert!(markdown().contains("| `session.ping_interval` | duration | `25s` | "));
}

#[test]
fn what_json_writes_is_toml() {
    for text in ["", "a \"b\" \\ c", "two\nlines\ttab", "\u{7f}\u{0}\u{1b}", "ü ☃"] {
        let file = format!("[http]\npublic_url = {}", literal(&text.into()));
        assert_eq!(json_of(&file)["http"]["public_url"], text);
    }
}
