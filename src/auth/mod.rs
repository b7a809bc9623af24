//! Who somebody is and what that one may do (PROTOCOL.md section 2).

pub mod tokens;
