//! How a user wants to be told, on a real file.

use super::*;
use crate::domain::{QuietHours, Zone};

#[actix::test]
async fn preferences_are_those_of_one_user_and_the_last_ones_said() {
    let store = TestStore::new();
    let read = async |name: &str| store.link.ask(ReadPreferences { user: user(name) }).await.unwrap();
    let set = async |quiet: Option<(&str, &str)>, push| {
        let quiet = quiet.map(|(from, to)| {
            let zone = Zone::stored("Once/Known".to_owned());
            QuietHours::new(zone, from.parse().unwrap(), to.parse().unwrap()).unwrap()
        });
        let preferences = Preferences { quiet, push };
        let message = SetPreferences { user: user("alice"), preferences: preferences.clone() };
        store.link.ask(message).await.unwrap();
        preferences
    };
    assert_eq!(read("alice").await, Preferences::default());
    for (quiet, push) in [(Some(("23:59", "00:00")), true), (None, false), (Some(("07:00", "22:30")), false)]
    {
        assert_eq!(set(quiet, push).await, read("alice").await);
    }
    assert_eq!(read("bob").await, Preferences::default());
}
