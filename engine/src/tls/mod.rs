//! TLS 1.3 for QUIC (RFC 9001) by rustls: sessions, certificates and their verification, tickets, key log.

mod client;
mod failure;
mod server;
mod session;
mod session_store;
mod signature_checks;
mod tickets;

pub use client::{ClientProfile, ClientProfileConfig};
pub use failure::{TlsFailure, describe};
pub use server::{ServerTls, ServerTlsConfig};
pub use session::HandshakeData;
pub use tickets::TicketStore;

use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, KeyLog, RootCertStore};

use crate::failure::Refusal;

/// Cipher suites offered by the client and preferred by the server, best first: in WebAssembly ChaCha20-Poly1305 is
/// several times faster than AES without its instructions.
pub const DEFAULT_CIPHERS: [CipherSuite; 3] = [
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
];

/// Name of a suite as IANA, OpenSSL and `node:tls` write it.
pub fn cipher_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        _ => "unknown",
    }
}

fn parse_ciphers(names: &[String]) -> Result<Vec<CipherSuite>, Refusal> {
    if names.is_empty() {
        return Ok(DEFAULT_CIPHERS.to_vec());
    }
    names
        .iter()
        .map(|name| {
            DEFAULT_CIPHERS
                .into_iter()
                .find(|suite| cipher_name(*suite) == name)
                .ok_or_else(|| Refusal::new("cipher", format!("unknown TLS 1.3 cipher suite {name:?}")))
        })
        .collect()
}

fn parse_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|error| Refusal::new("certificate", format!("certificate PEM: {error}")))?;
    if chain.is_empty() {
        return Err(Refusal::new("certificate", "no certificate in the PEM text"));
    }
    Ok(chain)
}

fn parse_key(pem: &str) -> Result<PrivateKeyDer<'static>, Refusal> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| Refusal::new("key", format!("private key PEM: {error}")))
}

/// Builds a certificate with its key; refuses a key that does not belong to the certificate.
fn certified_key(
    provider: &rustls::crypto::CryptoProvider,
    certificate: &str,
    key: &str,
) -> Result<Arc<rustls::sign::CertifiedKey>, Refusal> {
    rustls::sign::CertifiedKey::from_der(parse_chain(certificate)?, parse_key(key)?, provider).map(Arc::new).map_err(
        |error| match error {
            rustls::Error::InconsistentKeys(_) => {
                Refusal::new("keyMismatch", "the private key does not belong to the certificate")
            }
            other => Refusal::new("key", format!("certificate and key: {other}")),
        },
    )
}

/// Trust anchors out of a PEM bundle. Like operating systems' bundles, single certificates that cannot be anchors are
/// passed over; a bundle with none at all is refused.
fn parse_roots(pem: &str) -> Result<Arc<RootCertStore>, Refusal> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| Refusal::new("ca", format!("CA bundle PEM: {error}")))?;
        // A root that webpki cannot read would never verify anything; leaving it out changes no outcome.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(Refusal::new("ca", "the CA bundle holds no usable certificate"));
    }
    Ok(Arc::new(roots))
}

/// Bytes of key log lines that may wait, some five thousand lines; those that come beyond are dropped.
const MAX_KEY_LOG: usize = 1024 * 1024;

/// Collects lines of the NSS key log format until JavaScript takes them.
#[derive(Debug, Default)]
pub struct KeyLogQueue(Mutex<KeyLogLines>);

#[derive(Debug, Default)]
struct KeyLogLines {
    text: String,
    dropped: u64,
}

impl KeyLogQueue {
    /// Takes what has gathered; empty when nothing has. A comment at the end tells how many lines were dropped.
    pub fn take(&self) -> String {
        let KeyLogLines { mut text, dropped } = std::mem::take(&mut *self.0.lock().unwrap());
        if dropped > 0 {
            text.push_str(&format!("# {dropped} lines dropped: too many secrets at once\n"));
        }
        text
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().text.is_empty()
    }
}

impl KeyLog for KeyLogQueue {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let lines = &mut *self.0.lock().unwrap();
        if lines.text.len() + label.len() + 2 * (client_random.len() + secret.len()) + 3 > MAX_KEY_LOG {
            lines.dropped += 1;
            return;
        }
        let queue = &mut lines.text;
        queue.push_str(label);
        queue.push(' ');
        push_hex(queue, client_random);
        queue.push(' ');
        push_hex(queue, secret);
        queue.push('\n');
    }
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_log_is_bounded_and_says_what_it_dropped() {
        let queue = KeyLogQueue::default();
        for _ in 0..MAX_KEY_LOG / 100 {
            queue.log("CLIENT_TRAFFIC_SECRET_0", &[1; 32], &[2; 48]);
        }
        let text = queue.take();
        let line = "CLIENT_TRAFFIC_SECRET_0".len() + 2 * (32 + 48) + 3;
        let kept = MAX_KEY_LOG / line;
        let dropped = MAX_KEY_LOG / 100 - kept;
        assert_eq!(text.lines().count(), kept + 1);
        assert!(text.ends_with(&format!("# {dropped} lines dropped: too many secrets at once\n")));
        assert!(queue.is_empty());
        queue.log("EXPORTER_SECRET", &[1; 32], &[2; 48]);
        assert_eq!(queue.take().lines().count(), 1);
    }
}
