//! The one idea: a stream is numbered without holes and has a truth that can be read again.
//!
//! Pure, and the same for every stream and transport. What arrives live is only a doorbell; by
//! [`delivery`] it is dropped, delivered, or answered by reading the truth ([`replay`]).
//! [`subscription`] is that rule with its state, for one session and one stream.
//! The truth of an inbox is the database, that of a room a [`room_log`].

pub mod delivery;
pub mod replay;
pub mod room_log;
pub mod subscription;

pub use delivery::{Verdict, judge};
pub use replay::{Gap, GapReason, Head, Item, Page, PageLimit, Resume};
pub use room_log::{LogLimits, RoomLog};
pub use subscription::{Offered, Subscription, Turn};
