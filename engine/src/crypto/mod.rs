//! The engine's cryptography: *ring* through rustls, except that
//!
//! - packets are protected by our own ChaCha20-Poly1305 and AES-GCM, which in WebAssembly take two fifths and less of the
//!   time of *ring*'s portable C;
//! - signatures are made and verified by the host where it can, which takes a fraction of the time.

pub mod aes_gcm;
pub mod chacha20_poly1305;
mod provider;
mod quic_suite;
mod signatures;
mod token_key;

pub use provider::{DEFAULT_SUITES, provider, quic_suite};
pub use token_key::TokenKey;
