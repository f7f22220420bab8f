//! The engine's cryptography: *ring* through rustls, except that
//!
//! - the packets of TLS_CHACHA20_POLY1305_SHA256 are protected by our own ChaCha20-Poly1305, which in WebAssembly takes two
//!   fifths of the time of *ring*'s portable C;
//! - signatures are made and verified by the host where it can, which takes a fraction of the time.

pub mod chacha20_poly1305;
mod provider;
mod quic_suite;
mod signatures;
mod token_key;

pub use provider::{DEFAULT_SUITES, provider, quic_suite};
pub use token_key::TokenKey;
