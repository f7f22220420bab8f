//! What passes in one connection, counted where quinn hands packets to its cryptography.
//!
//! quinn has no packet log, but its TLS session is a trait. These wrappers delegate every call to
//! quinn's own rustls session and count on the way: packets by type, 1-RTT packets by key
//! generation, valid Retry packets, early data keys. Nothing is inferred from what was asked for.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use quinn::crypto::{
    ClientConfig, CryptoError, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig,
    Session, UnsupportedVersion,
};
use quinn::{ConnectError, ConnectionId, Side};
use quinn_proto::TransportError;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::KeyLog;
use serde_json::{Map, Value, json};

use crate::early::EarlyStreams;

/// A version that no server speaks (RFC 9000 section 15), sent to provoke Version Negotiation.
pub const GREASE_VERSION: u32 = 0x1a2a_3a4a;
const VERSION_1: u32 = 1;

const LEVELS: [&str; 4] = ["initial", "handshake", "0rtt", "1rtt"];
const INITIAL: usize = 0;
const HANDSHAKE: usize = 1;
const ZERO_RTT: usize = 2;
const ONE_RTT: usize = 3;

#[derive(Debug, Default)]
pub struct Observed {
    sent: [AtomicU64; 4],
    received: [AtomicU64; 4],
    /// 1-RTT packets by key generation; the key phase is the generation modulo 2
    generations: Mutex<Vec<Generation>>,
    /// What the client's 0-RTT packets carried
    pub early: Mutex<EarlyStreams>,
    pub retries: AtomicU64,
    pub early_keys: AtomicBool,
    pub handshake_complete: AtomicBool,
    /// CertificateVerify signatures made: none in a resumed handshake
    pub signatures: AtomicU64,
    confidentiality_limit: AtomicU64,
    secret_length: AtomicUsize,
}

#[derive(Debug)]
struct Generation {
    sent: u64,
    received: u64,
    /// Who used the new keys first began the update
    begun_locally: bool,
}

impl Observed {
    fn count(&self, key: &CountedKey, sent: bool, payload: &[u8]) {
        let side = if sent { &self.sent } else { &self.received };
        side[key.level].fetch_add(1, Relaxed);
        if key.level == ZERO_RTT {
            self.early.lock().unwrap().read(payload);
        }
        if key.level == ONE_RTT {
            let mut generations = self.generations.lock().unwrap();
            while generations.len() <= key.generation {
                generations.push(Generation { sent: 0, received: 0, begun_locally: sent });
            }
            let generation = &mut generations[key.generation];
            *(if sent { &mut generation.sent } else { &mut generation.received }) += 1;
        }
    }

    /// Which suite protects 1-RTT packets. quinn does not say, but the suites differ in how many
    /// packets a key may protect and in the length of their secrets.
    pub fn cipher(&self) -> Option<&'static str> {
        let length = self.secret_length.load(Relaxed);
        match (self.confidentiality_limit.load(Relaxed), length) {
            (0, _) | (_, 0) => None,
            (u64::MAX, _) => Some("TLS_CHACHA20_POLY1305_SHA256"),
            (_, 48) => Some("TLS_AES_256_GCM_SHA384"),
            _ => Some("TLS_AES_128_GCM_SHA256"),
        }
    }

    pub fn packets(&self) -> Value {
        let counts = |side: &[AtomicU64; 4]| {
            let mut object = Map::new();
            for (name, count) in LEVELS.iter().zip(side) {
                if count.load(Relaxed) > 0 {
                    object.insert((*name).into(), count.load(Relaxed).into());
                }
            }
            object
        };
        json!({"sent": counts(&self.sent), "received": counts(&self.received)})
    }

    pub fn key_generations(&self) -> Value {
        let generations = self.generations.lock().unwrap();
        json!({
            "sent": generations.iter().map(|g| g.sent).collect::<Vec<_>>(),
            "received": generations.iter().map(|g| g.received).collect::<Vec<_>>(),
        })
    }

    /// Key updates that took place, by who began them.
    pub fn key_updates(&self) -> Value {
        let generations = self.generations.lock().unwrap();
        let updates = generations.len().saturating_sub(1);
        let local = generations.iter().skip(1).filter(|g| g.begun_locally).count();
        json!({"local": local, "remote": updates - local})
    }

    fn keys(self: &Arc<Self>, keys: Keys, level: usize) -> Keys {
        Keys { header: keys.header, packet: self.pair(keys.packet, level, 0) }
    }

    fn pair(
        self: &Arc<Self>,
        pair: KeyPair<Box<dyn PacketKey>>,
        level: usize,
        generation: usize,
    ) -> KeyPair<Box<dyn PacketKey>> {
        KeyPair {
            local: self.key(pair.local, level, generation),
            remote: self.key(pair.remote, level, generation),
        }
    }

    fn key(
        self: &Arc<Self>,
        inner: Box<dyn PacketKey>,
        level: usize,
        generation: usize,
    ) -> Box<dyn PacketKey> {
        Box::new(CountedKey { inner, observed: self.clone(), level, generation })
    }
}

struct CountedKey {
    inner: Box<dyn PacketKey>,
    observed: Arc<Observed>,
    level: usize,
    generation: usize,
}

impl PacketKey for CountedKey {
    fn encrypt(&self, packet: u64, buf: &mut [u8], header_len: usize) {
        self.observed.count(self, true, &buf[header_len..buf.len() - self.tag_len()]);
        self.inner.encrypt(packet, buf, header_len);
    }

    fn decrypt(&self, packet: u64, header: &[u8], payload: &mut BytesMut) -> Result<(), CryptoError> {
        self.inner.decrypt(packet, header, payload)?;
        self.observed.count(self, false, payload);
        Ok(())
    }

    fn tag_len(&self) -> usize {
        self.inner.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.inner.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.inner.integrity_limit()
    }
}

struct ObservedSession {
    inner: Box<dyn Session>,
    observed: Arc<Observed>,
    handshake_keys: bool,
    generation: usize,
}

impl Session for ObservedSession {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        let keys = self.inner.initial_keys(dst_cid, side);
        self.observed.keys(keys, INITIAL)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        let (header, packet) = self.inner.early_crypto()?;
        self.observed.early_keys.store(true, Relaxed);
        Some((header, self.observed.key(packet, ZERO_RTT, 0)))
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        let ready = self.inner.read_handshake(buf)?;
        if !self.inner.is_handshaking() {
            self.observed.handshake_complete.store(true, Relaxed);
        }
        Ok(ready)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let keys = self.inner.write_handshake(buf)?;
        // the first keys are for Handshake packets, the second for 1-RTT packets
        if !self.handshake_keys {
            self.handshake_keys = true;
            return Some(self.observed.keys(keys, HANDSHAKE));
        }
        let limit = keys.packet.local.confidentiality_limit();
        self.observed.confidentiality_limit.store(limit, Relaxed);
        Some(self.observed.keys(keys, ONE_RTT))
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        let keys = self.inner.next_1rtt_keys()?;
        self.generation += 1;
        Some(self.observed.pair(keys, ONE_RTT, self.generation))
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        let valid = self.inner.is_valid_retry(orig_dst_cid, header, payload);
        self.observed.retries.fetch_add(valid.into(), Relaxed);
        valid
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

fn observed_session(inner: Box<dyn Session>, observed: &Arc<Observed>) -> Box<dyn Session> {
    Box::new(ObservedSession { inner, observed: observed.clone(), handshake_keys: false, generation: 0 })
}

/// One connection's client configuration.
pub struct ObservedClient<C> {
    pub inner: Arc<C>,
    pub observed: Arc<Observed>,
}

impl<C: ClientConfig> ClientConfig for ObservedClient<C> {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        // nobody answers the grease version with more than Version Negotiation: any keys will do
        let version = if version == GREASE_VERSION { VERSION_1 } else { version };
        let inner = self.inner.clone().start_session(version, server_name, params)?;
        Ok(observed_session(inner, &self.observed))
    }
}

/// One connection's server configuration.
pub struct ObservedServer<C> {
    pub inner: Arc<C>,
    pub observed: Arc<Observed>,
}

impl<C: ServerConfig> ServerConfig for ObservedServer<C> {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.inner.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.inner.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn Session> {
        observed_session(self.inner.clone().start_session(version, params), &self.observed)
    }
}

/// Notes the length of the secrets, and hands them on to the file that SSLKEYLOGFILE names.
#[derive(Debug)]
pub struct ObservedKeyLog {
    pub file: Arc<rustls::KeyLogFile>,
    pub observed: Arc<Observed>,
}

impl KeyLog for ObservedKeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if label == "CLIENT_TRAFFIC_SECRET_0" {
            self.observed.secret_length.store(secret.len(), Relaxed);
        }
        self.file.log(label, client_random, secret);
    }
}
