//! The QUIC engine of skein: noq-proto and rustls behind a flat, batch-oriented boundary.
//!
//! No sockets, no clock, no policy. JavaScript feeds datagrams and the time, drains transmits and events, and decides.
//! [`engine::Engine`] is the safe core, tested natively; [`ffi`] is its C face for WebAssembly.

pub mod abi;
pub mod clock;
pub mod config;
pub mod congestion;
pub mod connection;
pub mod crypto;
pub mod engine;
pub mod failure;
#[cfg(target_family = "wasm")]
mod ffi;
pub mod handles;
mod host;
mod incoming;
pub mod observe;
mod streams;
pub mod tls;
