//! `noq_proto::crypto::Session` over rustls.
//!
//! noq brings one of its own; this one differs in what it tells: cipher suite, resumption and the typed rustls error.

use std::any::Any;
use std::sync::Arc;

use noq_proto::crypto::{self, ExportKeyingMaterialError, KeyPair, Keys, UnsupportedVersion};
use noq_proto::transport_parameters::TransportParameters;
use noq_proto::{ConnectError, ConnectionId, Side, TransportError, TransportErrorCode};
use rustls::pki_types::ServerName;
use rustls::quic::{Connection, KeyChange, PacketKey, Secrets, Suite, Version};
use rustls::{CipherSuite, HandshakeKind};

use crate::crypto::aes_gcm;

/// What the handshake settled, as far as it has got.
#[derive(Clone, Debug, Default)]
pub struct HandshakeData {
    pub alpn: Option<Vec<u8>>,
    pub server_name: Option<String>,
    pub cipher: Option<&'static str>,
    pub key_exchange: Option<&'static str>,
    pub resumed: bool,
    pub tickets_received: u32,
}

const QUIC_V1: u32 = 1;

fn check_version(version: u32) -> Result<Version, UnsupportedVersion> {
    if version == QUIC_V1 { Ok(Version::V1) } else { Err(UnsupportedVersion) }
}

fn encode(params: &TransportParameters) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    params.write(&mut bytes);
    bytes
}

/// The suite that protects Initial packets (RFC 9001 5.2), whatever suites the handshake may negotiate.
pub(super) fn initial_suite() -> Suite {
    crate::crypto::quic_suite(CipherSuite::TLS13_AES_128_GCM_SHA256)
        .and_then(|suite| suite.tls13()?.quic_suite())
        .expect("AES-128-GCM is one of ours")
}

fn initial_keys(dst_cid: ConnectionId, side: Side) -> Keys {
    let side = match side {
        Side::Client => rustls::Side::Client,
        Side::Server => rustls::Side::Server,
    };
    boxed(initial_suite().keys(&dst_cid, side, Version::V1))
}

fn boxed(keys: rustls::quic::Keys) -> Keys {
    Keys {
        header: KeyPair { local: Box::new(keys.local.header), remote: Box::new(keys.remote.header) },
        packet: KeyPair { local: Box::new(keys.local.packet), remote: Box::new(keys.remote.packet) },
    }
}

/// RFC 9001 5.8.
fn retry_integrity_tag(original_dst_cid: &[u8], packet: &[&[u8]]) -> [u8; 16] {
    const KEY: [u8; 16] = [
        0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
    ];
    const NONCE: [u8; 12] = [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb];
    let mut pseudo_packet = vec![original_dst_cid.len() as u8];
    pseudo_packet.extend_from_slice(original_dst_cid);
    for part in packet {
        pseudo_packet.extend_from_slice(part);
    }
    aes_gcm::Key::new(&KEY).seal_in_place(&NONCE, &pseudo_packet, &mut [])
}

/// One connection's TLS state.
pub struct TlsSession {
    inner: Connection,
    next_secrets: Option<Secrets>,
    announced: bool,
}

impl TlsSession {
    fn side(&self) -> Side {
        match self.inner {
            Connection::Client(_) => Side::Client,
            Connection::Server(_) => Side::Server,
        }
    }

    fn server_name(&self) -> Option<&str> {
        match &self.inner {
            Connection::Client(_) => None,
            Connection::Server(server) => server.server_name(),
        }
    }

    fn data(&self) -> HandshakeData {
        HandshakeData {
            alpn: self.inner.alpn_protocol().map(<[u8]>::to_vec),
            server_name: self.server_name().map(str::to_owned),
            cipher: self.inner.negotiated_cipher_suite().map(|suite| super::cipher_name(suite.suite())),
            key_exchange: self.inner.negotiated_key_exchange_group().and_then(|group| group.name().as_str()),
            resumed: self.inner.handshake_kind() == Some(HandshakeKind::Resumed),
            tickets_received: crypto::Session::tickets_received(self),
        }
    }
}

impl crypto::Session for TlsSession {
    fn initial_keys(&self, dst_cid: ConnectionId, side: Side) -> Keys {
        initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.announced.then(|| Box::new(self.data()) as Box<dyn Any>)
    }

    fn tickets_received(&self) -> u32 {
        match &self.inner {
            Connection::Client(client) => client.tls13_tickets_received(),
            Connection::Server(_) => 0,
        }
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        let chain: Vec<Vec<u8>> = self.inner.peer_certificates()?.iter().map(|der| der.to_vec()).collect();
        Some(Box::new(chain))
    }

    fn early_crypto(&self) -> Option<(Box<dyn crypto::HeaderKey>, Box<dyn crypto::PacketKey>)> {
        let keys = self.inner.zero_rtt_keys()?;
        Some((Box::new(keys.header), Box::new(keys.packet)))
    }

    fn early_data_accepted(&self) -> Option<bool> {
        match &self.inner {
            Connection::Client(client) => Some(client.is_early_data_accepted()),
            Connection::Server(_) => None,
        }
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        if let Err(error) = self.inner.read_hs(buf) {
            // RFC 9001 4.8: a TLS alert becomes a CRYPTO_ERROR; an error without an alert is ours to name.
            let code = match self.inner.alert() {
                Some(alert) => TransportErrorCode::crypto(alert.into()),
                None => TransportErrorCode::PROTOCOL_VIOLATION,
            };
            let mut transport = TransportError::new(code, error.to_string());
            transport.crypto = Some(Arc::new(error));
            return Err(transport);
        }
        let known =
            self.inner.alpn_protocol().is_some() || self.server_name().is_some() || !self.inner.is_handshaking();
        Ok(known && !std::mem::replace(&mut self.announced, known))
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        match self.inner.quic_transport_parameters() {
            None => Ok(None),
            Some(mut bytes) => Ok(Some(TransportParameters::read(self.side(), &mut bytes)?)),
        }
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let keys = match self.inner.write_hs(buf)? {
            KeyChange::Handshake { keys } => keys,
            KeyChange::OneRtt { keys, next } => {
                self.next_secrets = Some(next);
                keys
            }
        };
        Some(boxed(keys))
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn crypto::PacketKey>>> {
        let keys = self.next_secrets.as_mut()?.next_packet_keys();
        let wrap = |key: Box<dyn PacketKey>| Box::new(key) as Box<dyn crypto::PacketKey>;
        Some(KeyPair { local: wrap(keys.local), remote: wrap(keys.remote) })
    }

    fn is_valid_retry(&self, orig_dst_cid: ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        let Some((token, tag)) = payload.split_last_chunk::<16>() else { return false };
        // The tag is public and its key too: nothing secret is compared here.
        retry_integrity_tag(&orig_dst_cid, &[header, token]) == *tag
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        match self.inner.export_keying_material(output, label, Some(context)) {
            Ok(_) => Ok(()),
            Err(_) => Err(ExportKeyingMaterialError),
        }
    }
}

/// Client side factory: one per attempt, as ticket store and ALPN differ from attempt to attempt.
pub struct ClientSessions {
    pub config: Arc<rustls::ClientConfig>,
    pub alpn: Vec<Vec<u8>>,
}

impl crypto::ClientConfig for ClientSessions {
    fn start_session(
        &self,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn crypto::Session>, ConnectError> {
        let invalid = || ConnectError::InvalidServerName(server_name.into());
        let version = check_version(version)?;
        let name = ServerName::try_from(server_name).map_err(|_| invalid())?.to_owned();
        let client = rustls::quic::ClientConnection::new_with_alpn(
            self.config.clone(),
            version,
            name,
            encode(params),
            self.alpn.clone(),
        )
        .map_err(|_| invalid())?;
        Ok(Box::new(TlsSession { inner: Connection::Client(client), next_secrets: None, announced: false }))
    }
}

/// Server side factory.
pub struct ServerSessions {
    pub config: Arc<rustls::ServerConfig>,
}

impl crypto::ServerConfig for ServerSessions {
    fn initial_keys(&self, version: u32, dst_cid: ConnectionId) -> Result<Keys, UnsupportedVersion> {
        check_version(version)?;
        Ok(initial_keys(dst_cid, Side::Server))
    }

    fn retry_tag(&self, _version: u32, orig_dst_cid: ConnectionId, packet: &[u8]) -> [u8; 16] {
        retry_integrity_tag(&orig_dst_cid, &[packet])
    }

    fn start_session(&self, version: u32, params: &TransportParameters) -> Box<dyn crypto::Session> {
        let version = check_version(version).unwrap_or(Version::V1);
        let server = rustls::quic::ServerConnection::new(self.config.clone(), version, encode(params))
            .expect("the server configuration was checked for TLS 1.3 and QUIC when it was made");
        Box::new(TlsSession { inner: Connection::Server(server), next_secrets: None, announced: false })
    }
}

/// Whether a suite list can run QUIC at all; kept beside the factories that rely on it.
pub(super) fn usable(suites: &[CipherSuite]) -> bool {
    suites.iter().any(|suite| super::DEFAULT_CIPHERS.contains(suite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_integrity_tag_of_rfc_9001_a_4() {
        let packet = [
            0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x08, 0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5, 0x74, 0x6f, 0x6b,
            0x65, 0x6e,
        ];
        let tag = [
            0x04, 0xa2, 0x65, 0xba, 0x2e, 0xff, 0x4d, 0x82, 0x90, 0x58, 0xfb, 0x3f, 0x0f, 0x24, 0x96, 0xba,
        ];
        let original = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        assert_eq!(retry_integrity_tag(&original, &[&packet]), tag);
    }
}
