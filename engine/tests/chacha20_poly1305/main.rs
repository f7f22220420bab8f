//! ChaCha20-Poly1305 natively, on the portable lanes. `wasm/run.mjs` runs the same checks on simd128.

#[path = "../../src/crypto/chacha20_poly1305/mod.rs"]
#[allow(dead_code)]
mod chacha20_poly1305;
mod checks;
