//! The server's half: certificates by SNI, client certificates, tickets.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{DistinguishedName, ServerConfig};
use serde::Deserialize;

use super::session::ServerSessions;
use super::session_store::SessionStore;
use super::signature_checks::signature_checks;
use super::{KeyLogQueue, certified_key, parse_ciphers, parse_roots};
use crate::clock::WallClock;
use crate::failure::Refusal;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerTlsConfig {
    /// The first identity without names is the one shown to clients whose SNI matches none.
    pub identities: Vec<Identity>,
    pub alpn: Vec<String>,
    pub client_auth: ClientAuth,
    pub client_ca: Option<String>,
    #[serde(default)]
    pub ciphers: Vec<String>,
    pub enable_early_data: bool,
    /// Session tickets sent after each handshake; 0 switches resumption off.
    pub tickets: usize,
    pub key_log: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Host names, `*.example.org` allowed; empty means any.
    #[serde(default)]
    pub names: Vec<String>,
    pub certificate: String,
    pub key: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ClientAuth {
    None,
    /// Ask; verify what comes.
    Request,
    /// Ask; refuse clients without a verified certificate.
    Require,
    /// Ask; take any certificate whose key the client proves to hold, and leave the judgement to the application.
    RequestAny,
    /// Like `RequestAny`, but a certificate must come.
    RequireAny,
}

/// What outlives a reload of certificates: tickets already given stay good.
pub struct ServerTls {
    sessions: Arc<SessionStore>,
}

impl ServerTls {
    /// `capacity`: sessions remembered at a time; the oldest are forgotten first.
    pub fn new(capacity: usize) -> Self {
        Self { sessions: Arc::new(SessionStore::new(capacity)) }
    }

    pub fn configure(
        &self,
        config: &ServerTlsConfig,
        clock: Arc<WallClock>,
        key_log: Arc<KeyLogQueue>,
    ) -> Result<ServerSessions, Refusal> {
        let suites = parse_ciphers(&config.ciphers)?;
        let provider = Arc::new(crate::crypto::provider(&suites));
        let verifier = client_verifier(config, &provider)?;
        let mut tls = ServerConfig::builder_with_details(provider.clone(), clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Refusal::new("config", error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SniResolver::new(&config.identities, &provider)?));
        tls.alpn_protocols = config.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        // Ours are ordered by their speed in WebAssembly, which the client cannot know.
        tls.ignore_client_order = true;
        // Stateful tickets are taken out of the store when used: single use, and so no replay of early data
        // (RFC 8446 8.1).
        tls.session_storage = self.sessions.clone();
        tls.send_tls13_tickets = config.tickets;
        tls.max_early_data_size = if config.enable_early_data && config.tickets > 0 { u32::MAX } else { 0 };
        tls.send_half_rtt_data = config.client_auth == ClientAuth::None;
        if config.key_log {
            tls.key_log = key_log;
        }
        Ok(ServerSessions { config: Arc::new(tls) })
    }
}

fn client_verifier(
    config: &ServerTlsConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Refusal> {
    let verified = || -> Result<_, Refusal> {
        let ca = config
            .client_ca
            .as_deref()
            .ok_or_else(|| Refusal::new("ca", "no CA certificates to verify client certificates with"))?;
        Ok(WebPkiClientVerifier::builder_with_provider(parse_roots(ca)?, provider.clone()))
    };
    let built = match config.client_auth {
        ClientAuth::None => return Ok(Arc::new(NoClientAuth)),
        ClientAuth::Request => verified()?.allow_unauthenticated().build(),
        ClientAuth::Require => verified()?.build(),
        ClientAuth::RequestAny | ClientAuth::RequireAny => {
            return Ok(Arc::new(AnyClient {
                provider: provider.clone(),
                mandatory: config.client_auth == ClientAuth::RequireAny,
            }));
        }
    };
    built.map_err(|error| Refusal::new("ca", error.to_string()))
}

#[derive(Debug)]
struct SniResolver {
    exact: FxHashMap<String, Arc<CertifiedKey>>,
    /// Keys are the part behind `*.`.
    wildcard: FxHashMap<String, Arc<CertifiedKey>>,
    fallback: Option<Arc<CertifiedKey>>,
}

impl SniResolver {
    fn new(identities: &[Identity], provider: &CryptoProvider) -> Result<Self, Refusal> {
        let mut resolver = Self { exact: FxHashMap::default(), wildcard: FxHashMap::default(), fallback: None };
        for identity in identities {
            let key = certified_key(provider, &identity.certificate, &identity.key)?;
            if identity.names.is_empty() {
                resolver.fallback.get_or_insert_with(|| key.clone());
            }
            for name in &identity.names {
                let name = name.to_ascii_lowercase();
                match name.strip_prefix("*.") {
                    Some(suffix) => resolver.wildcard.insert(suffix.to_owned(), key.clone()),
                    None => resolver.exact.insert(name, key.clone()),
                };
            }
        }
        if identities.is_empty() {
            return Err(Refusal::new("certificate", "a server needs at least one certificate with its key"));
        }
        Ok(resolver)
    }
}

impl ResolvesServerCert for SniResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls lower-cases the name and has checked that it is one.
        let by_name = hello.server_name().and_then(|name| {
            let suffix = name.split_once('.').map(|(_, suffix)| suffix);
            self.exact.get(name).or_else(|| suffix.and_then(|suffix| self.wildcard.get(suffix)))
        });
        by_name.or(self.fallback.as_ref()).cloned()
    }
}

/// Takes any client certificate, as long as the client proves to hold its key.
#[derive(Debug)]
struct AnyClient {
    provider: Arc<CryptoProvider>,
    mandatory: bool,
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    signature_checks!();
}
