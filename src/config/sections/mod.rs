//! The settings, one struct for each section of the file; field names are the names of the keys.
//!
//! Pure data with defaults. What must hold between settings is in `check`.

mod auth;
mod http;
mod limits;
mod live;
mod process;
mod store;
mod webhooks;

pub use crate::auth::Algorithm;
pub use auth::Auth;
pub use http::Http;
pub use limits::Limits;
pub use live::{Bridge, Rooms, Session};
pub use process::{Log, LogFormat, Push, Shutdown};
pub use store::{Retention, ServerUrl, Store, StoreUrl, Synchronous};
pub use webhooks::{Pause, Webhooks};
