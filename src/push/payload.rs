//! What a browser is told: a declarative push message (Push API, "declarative push message"), which Safari shows
//! by itself, and which our service worker reads everywhere else.
//!
//! Pure. It always fits: words are shortened, addresses that are too long are left out.

use std::collections::BTreeMap;

use awc::http::Uri;
use serde::Serialize;

use super::encrypt::PLAIN_MAX;
use crate::{
    domain::{NotificationId, NotificationType, Position, Timestamp},
    store::messages::ClaimedPush,
};

/// What tells a declarative message from any other JSON.
const WEB_PUSH: u16 = 8030;

/// Longest address that a click leads to, and longest title, in bytes of their JSON.
const NAVIGATE_MAX: usize = 1024;
const TITLE_MAX: usize = 512;

const ELLIPSIS: &str = "…";

/// Makes messages.
pub struct Payload {
    /// Where people reach the server; without it an address that is not whole stays as it is, and only a service
    /// worker knows against what it is read.
    pub public_url: Option<String>,
}

#[derive(Serialize)]
struct Message<'a> {
    web_push: u16,
    notification: Shown<'a>,
    /// Here by the proposal for the Push API, which newer versions of Safari follow.
    app_badge: u64,
    /// What was shown here and has been dealt with elsewhere: tags, each with the last position that is meant.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    close: BTreeMap<&'a str, Position>,
}

#[derive(Serialize)]
struct Shown<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    /// Where a click leads; a message without it is not declarative.
    navigate: &'a str,
    tag: &'a str,
    /// When it happened, in milliseconds: a device may have been away for hours.
    timestamp: u64,
    /// Here by the first version of Safari that knew it (18.4).
    app_badge: u64,
    data: Data<'a>,
}

/// What the service worker needs to know of it.
#[derive(Serialize)]
struct Data<'a> {
    id: &'a NotificationId,
    #[serde(rename = "type")]
    notification_type: &'a NotificationType,
    position: Position,
    created_at: Timestamp,
    /// How many it stands for.
    count: usize,
}

impl Payload {
    /// The message, of at most [`PLAIN_MAX`] bytes.
    pub fn text(&self, push: &ClaimedPush) -> Vec<u8> {
        let navigate = self.address(push.text.url.as_deref());
        let title = shortened(&push.text.title, TITLE_MAX);
        let message = |body: Option<&str>| {
            let notification = &push.notification;
            let created_at = notification.created_at;
            let message = Message {
                web_push: WEB_PUSH,
                notification: Shown {
                    title: &title,
                    body,
                    navigate: &navigate,
                    tag: push.tag.as_str(),
                    timestamp: u64::try_from(created_at.as_micros() / 1000).unwrap_or_default(),
                    app_badge: push.unseen,
                    data: Data {
                        id: &notification.id,
                        notification_type: &notification.notification_type,
                        position: notification.position,
                        created_at,
                        count: push.count,
                    },
                },
                app_badge: push.unseen,
                close: push.close.iter().map(|(tag, up_to)| (tag.as_str(), *up_to)).collect(),
            };
            // Plain structs always have a text.
            serde_json::to_vec(&message).unwrap_or_default()
        };
        let whole = message(push.text.body.as_deref());
        let Some(body) = push.text.body.as_deref().filter(|_| whole.len() > PLAIN_MAX) else { return whole };
        let room = PLAIN_MAX.saturating_sub(message(Some("")).len());
        message(Some(&shortened(body, room)))
    }

    /// An address that a browser can go to, wherever it stands; that of the server for one that leads nowhere. Safari
    /// takes no message with another for a declarative one.
    fn address(&self, url: Option<&str>) -> String {
        let base = self.public_url.as_deref().map_or("", |url| url.trim_end_matches('/'));
        // As browsers write it; beyond ASCII they read what stands there.
        let url = url.map(|url| url.trim().replace(' ', "%20"));
        let url = url.filter(|url| !url.is_empty() && json_bytes(url) <= NAVIGATE_MAX);
        let address = url.map(|url| {
            match url.strip_prefix('/') {
                _ if has_scheme(&url) => url.clone(),
                // Another host, by the scheme of the page.
                Some(rest) if rest.starts_with('/') => {
                    format!("{}:{url}", base.split_once(':').map_or("https", |(scheme, _)| scheme))
                }
                Some(_) => format!("{}{url}", origin(base)),
                None => format!("{base}/{url}"),
            }
        });
        let leads_somewhere = |address: &String| {
            let ascii: String = address.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
            let read = ascii.parse::<Uri>();
            read.is_ok_and(|uri| uri.scheme().is_some() == uri.host().is_some_and(|host| !host.is_empty()))
        };
        address.filter(leads_somewhere).unwrap_or_else(|| format!("{base}/"))
    }
}

/// Whether it says by what it is reached (RFC 3986 section 3.1).
fn has_scheme(url: &str) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// `https://example.com` of `https://example.com/app`.
fn origin(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end =
        url.get(after_scheme..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| after_scheme + at);
    url.get(..end).unwrap_or(url)
}

/// As much of a text as has room, in bytes of its JSON.
fn shortened(text: &str, room: usize) -> std::borrow::Cow<'_, str> {
    if json_bytes(text) <= room {
        return text.into();
    }
    let Some(room) = room.checked_sub(ELLIPSIS.len()) else { return "".into() };
    let mut taken = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            taken += json_bytes_of(*c);
            taken <= room
        })
        .collect();
    format!("{}{ELLIPSIS}", kept.trim_end()).into()
}

fn json_bytes(text: &str) -> usize {
    text.chars().map(json_bytes_of).sum()
}

/// How many bytes `serde_json` writes for it within a string.
fn json_bytes_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{super::tests::claimed, *};
    use crate::domain::PushTag;

    fn payload(public_url: Option<&str>) -> Payload {
        Payload { public_url: public_url.map(str::to_owned) }
    }

    fn told(push: &ClaimedPush) -> Value {
        let text = payload(Some("https://example.com/app")).text(push);
        assert!(text.len() <= PLAIN_MAX, "{}", text.len());
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn a_message_is_declarative_and_says_what_the_service_worker_needs() {
        let mut push = claimed();
        let up_to: Position = "k3x9q2ab.41".parse().unwrap();
        push.close = ["ntf_1", "abc"].map(|tag| (PushTag::stored(tag), up_to)).into();
        let notification = &push.notification;
        let expected = json!({
            "web_push": 8030,
            "notification": {
                "title": "Ada commented",
                "body": "Well done",
                "navigate": "https://example.com/orders/1",
                "tag": notification.id.as_str(),
                "timestamp": 1_790_000_000_000u64,
                "app_badge": 3,
                "data": {
                    "id": notification.id.as_str(),
                    "type": "comment.created",
                    "position": notification.position.to_string(),
                    "created_at": "2026-09-21T14:13:20.000Z",
                    "count": 1,
                },
            },
            "app_badge": 3,
            "close": {"ntf_1": "k3x9q2ab.41", "abc": "k3x9q2ab.41"},
        });
        assert_eq!(told(&push), expected);
        push.close.clear();
        push.text.body = None;
        let told = told(&push);
        assert!(told.get("close").is_none() && told["notification"].get("body").is_none());
    }

    #[test]
    fn a_click_leads_to_an_address_that_is_whole_where_the_servers_own_is_known() {
        for (public_url, url, expected) in [
            (Some("https://example.com/app/"), Some("/orders/1"), "https://example.com/orders/1"),
            (
                Some("https://example.com/app"),
                Some("orders/1?a=b:c"),
                "https://example.com/app/orders/1?a=b:c",
            ),
            (Some("https://example.com"), Some("/orders/1"), "https://example.com/orders/1"),
            (Some("https://example.com"), Some("https://shop.example/1"), "https://shop.example/1"),
            (Some("https://example.com"), Some("//shop.example/1"), "https://shop.example/1"),
            (None, Some("//shop.example/1"), "https://shop.example/1"),
            (Some("https://example.com"), Some("app://orders/1"), "app://orders/1"),
            (Some("https://example.com"), Some("https://"), "https://example.com/"),
            (Some("https://example.com"), Some("javascript:alert(1)"), "https://example.com/"),
            (Some("https://example.com"), Some("https://no host/1"), "https://example.com/"),
            (Some("https://example.com"), Some(" /my report.pdf"), "https://example.com/my%20report.pdf"),
            (
                Some("https://example.com"),
                Some("/Größe/заказ?q=日本#§"),
                "https://example.com/Größe/заказ?q=日本#§",
            ),
            (None, Some("https://bücher.example/1"), "https://bücher.example/1"),
            (Some("https://example.com"), Some(""), "https://example.com/"),
            (Some("https://example.com"), None, "https://example.com/"),
            (None, Some("/orders/1"), "/orders/1"),
            (None, Some("orders/1"), "/orders/1"),
            (None, None, "/"),
        ] {
            assert_eq!(payload(public_url).address(url), expected, "{public_url:?} {url:?}");
        }
        assert_eq!(payload(None).address(Some(&"x".repeat(NAVIGATE_MAX + 1))), "/", "one that is too long");
    }

    #[test]
    fn long_words_are_shortened_between_characters() {
        let mut push = claimed();
        push.text.title = "é".repeat(1000);
        push.text.body = Some("🙂 ".repeat(4000));
        let told = told(&push);
        let title = told["notification"]["title"].as_str().unwrap();
        assert!(title.ends_with("é…") && (TITLE_MAX - 2..=TITLE_MAX).contains(&title.len()));
        let body = told["notification"]["body"].as_str().unwrap();
        assert!(body.ends_with("🙂…") && body.len() > 2500);
    }

    proptest! {
        #[test]
        fn a_message_always_fits_and_is_whole_where_it_can_be(
            title in "\\PC{0,600}|[\\x00-\\x7f]{1,600}",
            body in prop::option::of("\\PC{0,5000}|[\\x00-\\x7f]{0,5000}"),
            url in prop::option::of("[ -~]{0,1200}|\\x01{0,400}"),
            close in 0usize..=20,
        ) {
            let mut push = claimed();
            let fits = json_bytes(&title) <= TITLE_MAX && body.as_deref().is_none_or(|body| json_bytes(body) < 1000);
            push.text = crate::domain::push::PushText { title: title.clone(), body: body.clone(), url };
            let tag = |n: usize| PushTag::stored(&format!("ABCDEFGHIJKLMNOPQRSTUVWXYZ1234{n:02}"));
            let up_to: Position = "k3x9q2ab.9007199254740991".parse().unwrap();
            push.close = (0..close).map(|n| (tag(n), up_to)).collect();
            push.unseen = u64::MAX;
            let told = told(&push);
            if fits {
                prop_assert_eq!(told["notification"]["title"].as_str(), Some(title.as_str()));
                prop_assert_eq!(told["notification"]["body"].as_str(), body.as_deref());
            }
        }
    }
}
