//! Who is asking: finds the credential of a request, and turns a token into an [`Identity`](crate::domain::Identity).
//!
//! Owns the keys, the rules of PROTOCOL.md section 2, and what is revoked; that is all its state that changes, and
//! the store has it, too, as it has the open tickets. Else what it answers follows from the request, the
//! configuration and the time it is given. A request passes in this order:
//!
//! 1. [`CredentialOptions::find`](credential::CredentialOptions::find): which token or ticket the request carries, if any; one that cannot be used is an error.
//! 2. [`OriginRule::check`]: whether a page of that origin may use it.
//! 3. [`Verifier::verify`], or the store for a ticket: who it is. Cheap checks come first, so that a flood of junk
//!    costs little.
//! 4. [`Revocations::is_revoked`](revocations::Revocations::is_revoked): whether it is good still.
//!
//! It must never log or print a token or a key, never take a token's word for how it is to be checked, and never
//! answer "nobody" where a credential was presented and is bad.

mod algorithm;
mod claims;
mod credential;
pub mod forwarded;
pub mod gate;
mod key_pair;
mod keys;
mod origin;
pub mod revocations;
mod self_test;
#[cfg(test)]
mod signing;
pub mod tickets;
pub mod tokens;
mod verifier;

pub use algorithm::Algorithm;
pub use key_pair::KeyPair;
pub use keys::{check_secret, is_key_id};
pub use origin::OriginRule;
pub use verifier::{Verifier, VerifierOptions};
