//! The rustls crypto provider of the engine.

use rustls::crypto::{CipherSuiteCommon, CryptoProvider, ring};
use rustls::{CipherSuite, SupportedCipherSuite, Tls13CipherSuite};

use super::quic_suite::ChaCha20Poly1305;
use super::signatures::{Keys, verification_algorithms};

/// The cipher suites in the order of preference that suits this engine: ChaCha20-Poly1305 runs on simd128, AES-GCM in
/// WebAssembly is several times slower and kept for peers that insist.
pub const DEFAULT_SUITES: &[CipherSuite] = &[
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
];

/// *ring*'s TLS_CHACHA20_POLY1305_SHA256 with our packet protection.
static CHACHA20_POLY1305: Tls13CipherSuite = {
    let suite = match ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256 {
        SupportedCipherSuite::Tls13(suite) => suite,
        // Exists only where something enables rustls's feature for TLS 1.2.
        #[allow(unreachable_patterns)]
        _ => unreachable!(),
    };
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: suite.common.hash_provider,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: suite.aead_alg,
        quic: Some(&ChaCha20Poly1305),
    }
};

/// TLS_CHACHA20_POLY1305_SHA256: key schedule and TLS records by *ring*, QUIC packets by [`super::chacha20_poly1305`].
pub fn quic_suite() -> SupportedCipherSuite {
    SupportedCipherSuite::Tls13(&CHACHA20_POLY1305)
}

/// *ring*'s provider with the TLS 1.3 suites among `suites`, in that order, ChaCha20-Poly1305 being ours, and with
/// signatures by the host where it can.
///
/// Empty means [`DEFAULT_SUITES`]. Suites that do not exist in TLS 1.3 or that *ring* lacks are left out, so the
/// provider has none when nothing in `suites` is known; rustls then refuses to build a configuration.
pub fn provider(suites: &[CipherSuite]) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let wanted = if suites.is_empty() { DEFAULT_SUITES } else { suites };
    provider.cipher_suites = wanted.iter().filter_map(|&suite| supported(suite)).collect();
    provider.signature_verification_algorithms = verification_algorithms();
    provider.key_provider = &Keys;
    provider
}

fn supported(suite: CipherSuite) -> Option<SupportedCipherSuite> {
    match suite {
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => Some(quic_suite()),
        CipherSuite::TLS13_AES_128_GCM_SHA256 => Some(ring::cipher_suite::TLS13_AES_128_GCM_SHA256),
        CipherSuite::TLS13_AES_256_GCM_SHA384 => Some(ring::cipher_suite::TLS13_AES_256_GCM_SHA384),
        _ => None,
    }
}
