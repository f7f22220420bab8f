//! `std::time`, with an instant to count from where there is no clock.
//!
//! In WebAssembly noq-proto takes its `Instant` and `SystemTime` from the crate `web-time`, which asks JavaScript for the
//! time. The engine gets the time as an argument of every call, so this replacement has no clock and needs no import:
//! instants are [`ORIGIN`] plus what the caller says, wall time is [`UNIX_EPOCH`] plus what the caller says.
//!
//! The types are those of the standard library rather than new ones because noq-proto hands its instants to n0-qlog,
//! which takes `std::time::Instant` on every target; with the original web-time the two do not compile together for
//! wasm32-unknown-unknown. As a gain, instants behave the same in native tests and in WebAssembly.
//!
//! `Instant::now()` and `SystemTime::now()` panic on that target ("time not implemented on this platform"). Reaching
//! them is a mistake in the engine: a noq configuration without a time source, a TLS configuration without a time
//! provider, one of rustls's own session ticketers, or noq's `QlogFileFactory`.

pub use std::time::*;

/// The earliest instant there is; the engine's instants are this plus a duration.
///
/// Only where `Instant::now()` cannot deliver one.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub const ORIGIN: Instant = {
    // SAFETY: on wasm32-unknown-unknown the standard library's `Instant` is a newtype of a newtype of `Duration`, whose
    // zero is the earliest value. That is no promise of the library, so it is checked as far as it can be: `transmute`
    // refuses to compile for a type of another size, the compiler validates the value of a constant, and arithmetic on
    // it is what every test of the built module starts with.
    unsafe { std::mem::transmute::<Duration, Instant>(Duration::ZERO) }
};
