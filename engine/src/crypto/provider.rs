//! The rustls crypto provider of the engine.

use rustls::crypto::{CipherSuiteCommon, CryptoProvider, ring};
use rustls::quic::Algorithm;
use rustls::{CipherSuite, SupportedCipherSuite, Tls13CipherSuite};

use super::quic_suite::{AesGcm, ChaCha20Poly1305};
use super::signatures::{Keys, verification_algorithms};

/// The cipher suites in the order of preference that suits this engine: ChaCha20-Poly1305 runs on simd128 several
/// times as fast as AES-GCM, which is kept for peers that insist.
pub const DEFAULT_SUITES: &[CipherSuite] = &[
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
];

/// A suite of *ring*'s with our packet protection.
const fn with_packets_by(suite: SupportedCipherSuite, quic: &'static dyn Algorithm) -> Tls13CipherSuite {
    let suite = match suite {
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
        quic: Some(quic),
    }
}

static CHACHA20_POLY1305: Tls13CipherSuite =
    with_packets_by(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, &ChaCha20Poly1305);
static AES_128_GCM: Tls13CipherSuite = with_packets_by(ring::cipher_suite::TLS13_AES_128_GCM_SHA256, &AesGcm(16));
static AES_256_GCM: Tls13CipherSuite = with_packets_by(ring::cipher_suite::TLS13_AES_256_GCM_SHA384, &AesGcm(32));

/// The suite of that name: key schedule and TLS records by *ring*, QUIC packets by [`super::chacha20_poly1305`] and
/// [`super::aes_gcm`]. `None` when it does not exist in TLS 1.3, or *ring* lacks it.
pub fn quic_suite(suite: CipherSuite) -> Option<SupportedCipherSuite> {
    [&CHACHA20_POLY1305, &AES_128_GCM, &AES_256_GCM]
        .into_iter()
        .find(|ours| ours.common.suite == suite)
        .map(SupportedCipherSuite::Tls13)
}

/// *ring*'s provider with the TLS 1.3 suites among `suites`, in that order and with our packet protection, and with
/// signatures by the host where it can.
///
/// Empty means [`DEFAULT_SUITES`]. Suites that do not exist in TLS 1.3 or that *ring* lacks are left out, so the
/// provider has none when nothing in `suites` is known; rustls then refuses to build a configuration.
pub fn provider(suites: &[CipherSuite]) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let wanted = if suites.is_empty() { DEFAULT_SUITES } else { suites };
    provider.cipher_suites = wanted.iter().filter_map(|&suite| quic_suite(suite)).collect();
    provider.signature_verification_algorithms = verification_algorithms();
    provider.key_provider = &Keys;
    provider
}
