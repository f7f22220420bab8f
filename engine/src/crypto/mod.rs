//! The engine's cryptography: *ring* through rustls, except that the packets of TLS_CHACHA20_POLY1305_SHA256 are
//! protected by our own ChaCha20-Poly1305, which in WebAssembly takes two fifths of the time of *ring*'s portable C.

pub mod chacha20_poly1305;
mod provider;
mod quic_suite;

pub use provider::{DEFAULT_SUITES, provider, quic_suite};
