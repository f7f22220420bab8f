//! Exports the checks and the benchmark to JavaScript, one call each, without imports.

#[path = "../../../../src/crypto/chacha20_poly1305/mod.rs"]
#[allow(dead_code)]
mod chacha20_poly1305;

#[path = "../../../../src/crypto/aes_gcm/mod.rs"]
#[allow(dead_code)]
mod aes_gcm;

pub mod bench;

#[cfg(target_arch = "wasm32")]
#[path = "../../../aes_gcm/checks/mod.rs"]
mod aes_checks;

#[cfg(target_arch = "wasm32")]
#[path = "../../checks/mod.rs"]
mod checks;

#[cfg(target_arch = "wasm32")]
mod exports;
