//! rustls configurations, with the hooks that show whether a handshake was resumed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue, WebPkiServerVerifier,
};
use rustls::crypto::ring::{cipher_suite, default_provider, sign::any_supported_type};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions, WebPkiClientVerifier,
};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureAlgorithm, SignatureScheme};
use tokio::sync::Notify;

use crate::observe::Observed;
use crate::report::Failure;

const SESSIONS: usize = 256;

pub fn provider(chacha20_only: bool) -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    if chacha20_only {
        provider.cipher_suites = vec![cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    }
    Arc::new(provider)
}

/// Initial packets are AES-128-GCM whatever is negotiated afterwards (RFC 9001 section 5.2).
pub fn initial_suite() -> rustls::quic::Suite {
    cipher_suite::TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(|suite| suite.quic_suite())
        .expect("ring has AES-128-GCM for QUIC")
}

pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = fs::read(path).map_err(|e| Failure(format!("{}: {e}", path.display())))?;
    Ok(CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>()?)
}

pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    let pem = fs::read(path).map_err(|e| Failure(format!("{}: {e}", path.display())))?;
    Ok(PrivateKeyDer::from_pem_slice(&pem)?)
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, Failure> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate)?;
    }
    Ok(Arc::new(store))
}

/// Checks the server's certificate and counts how often one came: a resumed handshake has none.
#[derive(Debug)]
pub struct CountingVerifier {
    web_pki: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    pub certificates: AtomicU64,
}

impl CountingVerifier {
    /// Without `ca` any certificate will do (its key must still sign the handshake).
    pub fn new(ca: Option<&Path>, provider: Arc<CryptoProvider>) -> Result<Arc<Self>, Failure> {
        let web_pki = match ca {
            Some(ca) => {
                let builder = WebPkiServerVerifier::builder_with_provider(roots(ca)?, provider.clone());
                Some(builder.build()?)
            }
            None => None,
        };
        Ok(Arc::new(Self { web_pki, provider, certificates: AtomicU64::new(0) }))
    }
}

impl ServerCertVerifier for CountingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.certificates.fetch_add(1, Relaxed);
        match &self.web_pki {
            Some(verifier) => {
                verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("QUIC has no TLS 1.2".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The client's session tickets; tells when one has come.
#[derive(Debug)]
pub struct Tickets {
    cache: ClientSessionMemoryCache,
    pub arrived: Notify,
}

impl Tickets {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { cache: ClientSessionMemoryCache::new(SESSIONS), arrived: Notify::new() })
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.cache.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.cache.kx_hint(server_name)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.cache.insert_tls13_ticket(server_name, value);
        self.arrived.notify_one();
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.cache.take_tls13_ticket(name)
    }
}

pub fn client(
    verifier: Arc<CountingVerifier>,
    tickets: Arc<Tickets>,
    alpn: &str,
    identity: Option<(&Path, &Path)>,
) -> Result<rustls::ClientConfig, Failure> {
    let builder = rustls::ClientConfig::builder_with_provider(verifier.provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Some((cert, key)) => builder.with_client_auth_cert(certificates(cert)?, private_key(key)?)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.into()];
    config.resumption = Resumption::store(tickets);
    Ok(config)
}

pub fn server(
    identity: Arc<CertifiedKey>,
    client_ca: Option<&Path>,
    alpn: &[String],
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ServerConfig, Failure> {
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match client_ca {
        Some(ca) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots(ca)?, provider);
            builder.with_client_cert_verifier(verifier.build()?)
        }
        None => builder.with_no_client_auth(),
    };
    // replaced for each connection by one that counts
    let mut config = builder.with_cert_resolver(Arc::new(Identity(identity)));
    config.alpn_protocols = alpn.iter().map(|name| name.clone().into()).collect();
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.max_early_data_size = u32::MAX;
    Ok(config)
}

pub fn identity(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Failure> {
    let key = any_supported_type(&private_key(key)?)?;
    let identity = CertifiedKey::new(certificates(cert)?, key);
    identity.keys_match()?;
    Ok(Arc::new(identity))
}

/// Issues tickets and remembers none.
#[derive(Debug)]
pub struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Identity(Arc<CertifiedKey>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// The server's identity for one connection, which counts the signatures it makes.
pub fn counting_identity(identity: &CertifiedKey, observed: &Arc<Observed>) -> Arc<dyn ResolvesServerCert> {
    let key = CountingKey { inner: identity.key.clone(), observed: observed.clone() };
    let certified = CertifiedKey::new(identity.cert.clone(), Arc::new(key));
    Arc::new(Identity(Arc::new(certified)))
}

#[derive(Debug)]
struct CountingKey {
    inner: Arc<dyn SigningKey>,
    observed: Arc<Observed>,
}

impl SigningKey for CountingKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(CountingSigner {
            inner: self.inner.choose_scheme(offered)?,
            observed: self.observed.clone(),
        }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.inner.algorithm()
    }
}

#[derive(Debug)]
struct CountingSigner {
    inner: Box<dyn Signer>,
    observed: Arc<Observed>,
}

impl Signer for CountingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.observed.signatures.fetch_add(1, Relaxed);
        self.inner.sign(message)
    }

    fn scheme(&self) -> SignatureScheme {
        self.inner.scheme()
    }
}
