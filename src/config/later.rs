//! What has a name already, so that a file can be written for the versions to come, and does nothing yet.

use super::Config;
use super::check::{Problem, refuse_if};

/// Nothing of ours reads these.
const WITHOUT_EFFECT: [&str; 7] = [
    "limits.push_subscriptions",
    "push.vapid_private_key",
    "push.subject",
    "push.grace",
    "push.ttl",
    "push.allowed_hosts",
    "push.test_ca",
];

/// Refuses what somebody would count on: a push that is asked for and not there.
pub fn refuse(config: &Config) -> Result<(), Problem> {
    let Config { push, .. } = config;
    refuse_if(push.enabled, "push.enabled", "Web Push is not in this version; leave it false")
}

/// One line for each of the settings that was set and does nothing.
pub fn warnings(is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let idle = WITHOUT_EFFECT.into_iter().filter(move |key| is_set(key));
    idle.map(|key| format!("{key} has no effect in this version"))
}

#[cfg(test)]
mod tests {
    use super::{super::keys, *};

    #[test]
    fn what_has_no_effect_is_a_setting() {
        let known = keys::all();
        for key in WITHOUT_EFFECT {
            assert!(known.iter().any(|name| name == key), "{key}");
        }
    }
}
