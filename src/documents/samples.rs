//! The samples of the wire, which a test holds against the running server: examples that cannot be wrong.

use serde_json::Value;

macro_rules! samples {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../tests/golden/", $name, ".json")))),*]
    };
}

const SAMPLES: &[(&str, &str)] = samples![
    "command_ack" "command_auth" "command_echo" "command_join" "command_leave" "command_mark_all" "command_mark_ids"
    "command_mark_up_to" "command_message" "command_ping" "command_pong" "command_resume" "command_typing"
    "error" "error_not_joined" "error_rate_limited" "error_unknown_type" "gap" "goodbye" "left"
    "marked_all" "marked_deleted" "marked_ids" "marked_up_to" "message" "message_full" "notification" "notification_full"
    "ok_ack" "ok_auth" "ok_echo" "ok_join" "ok_leave" "ok_mark" "ok_message" "ok_resume" "ok_typing"
    "ping" "pong" "skip" "typing" "unread" "user_joined" "user_left" "welcome"
];

/// The samples of one message: the one of this name, and those of the name with something behind it.
pub fn of(name: &str) -> Vec<(&'static str, Value)> {
    let is_of =
        |sample: &str| sample.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    let of_it = SAMPLES.iter().filter(|(sample, _)| is_of(sample));
    of_it.map(|(sample, text)| (*sample, serde_json::from_str(text).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn all_samples_of_the_folder_are_examples() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let jsons = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut there: Vec<String> =
            jsons.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        there.sort();
        let mut known: Vec<&str> = SAMPLES.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(known, there);
    }
}
