//! AES-GCM natively, on the portable vectors. `chacha20_poly1305/wasm/run.mjs` runs the same checks on simd128.

#[path = "../../src/crypto/aes_gcm/mod.rs"]
#[allow(dead_code)]
mod aes_gcm;
mod checks;
