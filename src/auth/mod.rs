//!
//! Owns the keys and the rules of PROTOCOL.md section 2, and no state that changes: what it answers follows from
//! the request, the configuration and the time it is given. A request passes in this order:
//!
//! 3. [`Verifier::verify`]: who it is. Cheap checks come first, so that a flood of junk costs little.
//!
//! It must never log or print a token or a key, never take a token's word for how it is to be checked, and never

mod algorithm;
mod claims;
mod keys;
mod self_test;
#[cfg(test)]
mod signing;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::InvalidToken;
pub use keys::KeyError;
pub use verifier::{TOKEN_BYTES_MAX, Verifier, VerifierOptions};
