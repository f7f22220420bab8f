//! The client's half: whom to trust, what to show, what to offer.

use std::sync::Arc;

use ring::digest;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig};
use serde::Deserialize;

use super::session::ClientSessions;
use super::signature_checks::signature_checks;
use super::tickets::ServerTickets;
use super::{KeyLogQueue, certified_key, parse_ciphers, parse_roots};
use crate::clock::WallClock;
use crate::failure::Refusal;

/// Everything about TLS that many connections of one client share.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientProfileConfig {
    /// Trust anchors as a PEM bundle; may be absent only where `verify_peer` is false.
    pub ca: Option<String>,
    /// Whether the chain, the name and the dates are checked.
    pub verify_peer: bool,
    /// SHA-256 of the end-entity certificate (DER), hex; any match will do.
    #[serde(default)]
    pub certificate_pins: Vec<String>,
    /// SHA-256 of the end-entity's SubjectPublicKeyInfo (DER), hex; any match will do.
    #[serde(default)]
    pub public_key_pins: Vec<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
    #[serde(default)]
    pub ciphers: Vec<String>,
    pub enable_early_data: bool,
    pub enable_sni: bool,
    pub key_log: bool,
}

/// A checked [`ClientProfileConfig`].
pub struct ClientProfile {
    config: ClientConfig,
}

impl ClientProfile {
    pub fn new(
        config: &ClientProfileConfig,
        clock: Arc<WallClock>,
        key_log: Arc<KeyLogQueue>,
    ) -> Result<Self, Refusal> {
        let suites = parse_ciphers(&config.ciphers)?;
        debug_assert!(super::session::usable(&suites));
        let provider = Arc::new(crate::crypto::provider(&suites));
        let chain = if config.verify_peer {
            let ca = config.ca.as_deref().ok_or_else(|| Refusal::new("ca", "no CA certificates to verify with"))?;
            Some(
                WebPkiServerVerifier::builder_with_provider(parse_roots(ca)?, provider.clone())
                    .build()
                    .map_err(|error| Refusal::new("ca", error.to_string()))?,
            )
        } else {
            None
        };
        let verifier = Arc::new(Verifier {
            chain,
            provider: provider.clone(),
            certificate_pins: parse_pins(&config.certificate_pins)?,
            public_key_pins: parse_pins(&config.public_key_pins)?,
        });
        let builder = ClientConfig::builder_with_details(provider.clone(), clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Refusal::new("config", error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut tls = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                certified_key(&provider, certificate, key)?,
            ))),
            (None, None) => builder.with_no_client_auth(),
            _ => {
                return Err(Refusal::new("key", "a client certificate needs both certificate and key"));
            }
        };
        tls.enable_early_data = config.enable_early_data;
        tls.enable_sni = config.enable_sni;
        if config.key_log {
            tls.key_log = key_log;
        }
        Ok(Self { config: tls })
    }

    /// The TLS configuration of one attempt.
    pub fn sessions(&self, alpn: Vec<Vec<u8>>, tickets: Option<Arc<ServerTickets>>) -> ClientSessions {
        let mut config = self.config.clone();
        match tickets {
            Some(tickets) => config.resumption = Resumption::store(tickets),
            None => {
                config.resumption = Resumption::disabled();
                config.enable_early_data = false;
            }
        }
        ClientSessions { config: Arc::new(config), alpn }
    }
}

fn parse_pins(pins: &[String]) -> Result<Vec<[u8; 32]>, Refusal> {
    pins.iter()
        .map(|pin| {
            let invalid = || Refusal::new("pin", format!("{pin:?} is not a SHA-256 in hex"));
            let bytes = pin.as_bytes();
            if bytes.len() != 64 || !pin.is_ascii() {
                return Err(invalid());
            }
            let mut out = [0; 32];
            for (index, byte) in out.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&pin[index * 2..index * 2 + 2], 16).map_err(|_| invalid())?;
            }
            Ok(out)
        })
        .collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Verifies the chain (where asked), then the pins (where given). Possession of the private key is always verified.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    certificate_pins: Vec<[u8; 32]>,
    public_key_pins: Vec<[u8; 32]>,
}

impl Verifier {
    fn matches_pin(&self, end_entity: &CertificateDer<'_>) -> Result<bool, rustls::Error> {
        if self.certificate_pins.is_empty() && self.public_key_pins.is_empty() {
            return Ok(true);
        }
        if self.certificate_pins.contains(&sha256(end_entity)) {
            return Ok(true);
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        Ok(self.public_key_pins.contains(&sha256(&parsed.subject_public_key_info())))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(chain) = &self.chain {
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        }
        if !self.matches_pin(end_entity)? {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    signature_checks!();
}
