//! The truth of inboxes.
pub mod messages;
