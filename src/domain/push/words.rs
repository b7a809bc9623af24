//! What a push says: in the words of the publisher, else in those of the notification.

use serde::{Deserialize, Serialize};

use super::Urgency;
use crate::domain::{Notification, NotificationType};

/// How the publisher wants a notification to be pushed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PushWish {
    pub words: PushWords,
    pub urgency: Urgency,
}

/// What the publisher says of a push; what is left out is taken from the notification.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PushWords {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where a click leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl PushWords {
    /// What to show of a notification.
    pub fn told_of(self, notification: &Notification) -> PushText {
        /// What a payload may say of itself; whatever is no text says nothing.
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Said {
            title: serde_json::Value,
            text: serde_json::Value,
            body: serde_json::Value,
            url: serde_json::Value,
        }
        let said: Said = serde_json::from_str(notification.payload.as_str()).unwrap_or_default();
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let title = self.title.filter(|title| !title.is_empty()).or_else(|| text(said.title));
        PushText {
            title: title.unwrap_or_else(|| readable(&notification.notification_type)),
            body: self.body.or_else(|| text(said.text)).or_else(|| text(said.body)),
            url: self.url.or_else(|| text(said.url)),
        }
    }
}

/// `comment.created` as a person would say it: `Comment created`.
fn readable(notification_type: &NotificationType) -> String {
    let mut words = notification_type.as_str().replace(['.', '_'], " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// The words of one push. They may be longer than what fits into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushText {
    pub title: String,
    pub body: Option<String>,
    /// Where a click leads.
    pub url: Option<String>,
}

/// Titles that a summary shows.
const SUMMARY_TITLES: usize = 3;

impl PushText {
    /// What to show of several that waited for the end of the quiet hours, the newest first; one is shown as itself.
    /// `has_more` says that there are others behind them.
    pub fn summary(newest_first: Vec<Self>, has_more: bool) -> Option<Self> {
        let count = newest_first.len();
        let mut texts = newest_first.into_iter();
        if count <= 1 {
            return texts.next();
        }
        let titles: Vec<String> = texts.take(SUMMARY_TITLES).map(|text| text.title).collect();
        let more_than = if has_more { "More than " } else { "" };
        let title = format!("{more_than}{count} new notifications");
        Some(Self { title, body: Some(titles.join("\n")), url: None })
    }
}
