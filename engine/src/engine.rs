//! One endpoint with its connections: the four verbs (feed datagrams, advance the clock, drain transmits, drain events).

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::BytesMut;
use noq_proto::{
    ConnectionHandle, DatagramEvent, EcnCodepoint, Endpoint, EndpointConfig, EndpointEvent, FourTuple,
    HashedConnectionIdGenerator, Incoming, ServerConfig, Transmit,
};
use ring::{digest, hmac};
use rustc_hash::FxHashMap;

use crate::abi::{Address, EventKind, EventRecord, NO_CONNECTION, RxRecord};
use crate::clock::{Instant, WallClock, instant, to_ms};
use crate::config::{EngineConfig, ServerSettings, parse_hex};
use crate::connection::Connection;
use crate::crypto::TokenKey;
use crate::failure::Refusal;
use crate::handles::{Handle, HandleTable};
use crate::observe::QlogQueues;
use crate::tls::{ClientProfile, ClientProfileConfig, KeyLogQueue, ServerTls, TicketStore};

/// Datagrams that one connection may send before the next one gets its turn.
const TRANSMITS_PER_TURN: usize = 4;
/// Milliseconds of the caller's clock at whose multiples closing and draining periods end.
const CLOSING_STEP: f64 = 32.0;
/// Datagrams in one transmit (GSO segments): bounded, so that a batch stays within a socket buffer.
const MAX_SEGMENTS: usize = 16;
/// Bytes in one transmit.
const MAX_TRANSMIT_BYTES: usize = 65_536;
/// Replies of the endpoint itself that may wait; under a flood the rest is dropped, as UDP would.
const MAX_REPLIES: usize = 256;

/// A transmit with its bytes.
#[derive(Debug)]
pub struct Outgoing {
    pub bytes: Vec<u8>,
    pub segment_size: usize,
    pub socket: u32,
    pub ecn: u32,
    pub connection: u32,
    pub remote: Address,
}

/// What a server keeps besides its noq configuration.
pub(crate) struct Listening {
    pub settings: ServerSettings,
    /// By upper bound of the path MTU search, which depends on where a client comes from.
    pub by_mtu: FxHashMap<u16, Arc<ServerConfig>>,
}

/// An endpoint and its connections.
pub struct Engine {
    pub(crate) endpoint: Endpoint,
    pub(crate) connections: HandleTable<Connection>,
    /// From noq's connection handles to ours.
    pub(crate) by_noq: FxHashMap<ConnectionHandle, Handle>,
    pub(crate) incoming: HandleTable<Incoming>,
    pub(crate) listening: Option<Listening>,
    pub(crate) profiles: Vec<Arc<ClientProfile>>,
    pub(crate) tickets: TicketStore,
    pub(crate) qlog: Arc<QlogQueues>,
    pub(crate) key_log: Arc<KeyLogQueue>,
    pub(crate) wall_clock: Arc<WallClock>,
    server_tls: ServerTls,
    events: VecDeque<EventRecord>,
    /// Connections that may have something to transmit or to tell, each at most once.
    dirty: VecDeque<Handle>,
    deadlines: BTreeSet<(Instant, u32)>,
    replies: VecDeque<Outgoing>,
    spare: Vec<Vec<u8>>,
}

/// The socket number as the local address that noq sees. A JavaScript runtime does not tell which local address a
/// datagram arrived on, and the state machine only compares it; so its place carries the number of the socket, which is
/// what migration and multipath over several sockets need.
pub(crate) fn socket_ip(socket: u32) -> Option<IpAddr> {
    (socket != 0).then(|| IpAddr::V4(Ipv4Addr::from_bits(socket)))
}

fn socket_number(ip: Option<IpAddr>) -> u32 {
    match ip {
        Some(IpAddr::V4(v4)) => v4.to_bits(),
        _ => 0,
    }
}

impl Engine {
    pub fn new(config: &EngineConfig) -> Result<Self, Refusal> {
        let reset_key = match &config.stateless_reset_key {
            Some(hex) => parse_hex("statelessResetKey", hex)?,
            None => {
                let mut key = vec![0; 64];
                rand::Rng::fill_bytes(&mut rand::rng(), &mut key);
                key
            }
        };
        if reset_key.len() < 16 {
            return Err(Refusal::new("config", "statelessResetKey must have at least 16 bytes"));
        }
        let mut endpoint = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &reset_key)));
        // Connection IDs are keyed by the same secret, so that after a restart the endpoint still recognises its own
        // and answers them with a stateless reset.
        let cid_key = digest::digest(&digest::SHA256, &[b"skein connection id", reset_key.as_slice()].concat());
        let cid_key = u64::from_le_bytes(cid_key.as_ref()[..8].try_into().expect("eight bytes"));
        endpoint
            .cid_generator(Arc::new(move || Box::new(HashedConnectionIdGenerator::from_key(cid_key))))
            .supported_versions(vec![1])
            .grease_quic_bit(config.grease_quic_bit)
            .max_udp_payload_size(config.max_udp_payload)
            .map_err(|_| Refusal::new("config", "maxUdpPayload must be from 1200 to 65527"))?;
        if let Some(hex) = &config.seed {
            let seed: [u8; 32] = parse_hex("seed", hex)?
                .try_into()
                .map_err(|_| Refusal::new("config", "seed must be 64 hex digits"))?;
            endpoint.rng_seed(Some(seed));
        }
        Ok(Self {
            endpoint: Endpoint::new(Arc::new(endpoint), None, true),
            connections: HandleTable::default(),
            by_noq: FxHashMap::default(),
            incoming: HandleTable::default(),
            listening: None,
            profiles: Vec::new(),
            tickets: TicketStore::default(),
            qlog: Arc::default(),
            key_log: Arc::default(),
            wall_clock: Arc::default(),
            server_tls: ServerTls::new(config.session_capacity),
            events: VecDeque::new(),
            dirty: VecDeque::new(),
            deadlines: BTreeSet::new(),
            replies: VecDeque::new(),
            spare: Vec::new(),
        })
    }

    /// Tells the wall time, which certificates and tokens are judged by.
    pub fn set_wall_clock(&self, unix_ms: f64) {
        self.wall_clock.set(unix_ms);
    }

    /// Starts listening, or replaces certificates and settings for connections to come.
    pub fn listen(&mut self, settings: ServerSettings) -> Result<(), Refusal> {
        let sessions = self.server_tls.configure(&settings.tls, self.wall_clock.clone(), self.key_log.clone())?;
        let crypto = Arc::new(sessions);
        // The keys of Retry and NEW_TOKEN tokens stay over a reload.
        let previous = self.listening.as_ref().and_then(|listening| listening.by_mtu.values().next());
        let mut config = match previous {
            Some(previous) => {
                let mut config = (**previous).clone();
                config.crypto = crypto;
                config
            }
            None => ServerConfig::new(crypto, Arc::new(TokenKey::random())),
        };
        crate::incoming::apply(&mut config, &settings, &self.wall_clock, &self.qlog)?;
        let config = Arc::new(config);
        let by_mtu = FxHashMap::from_iter([(settings.transport.mtu_upper_bound, config.clone())]);
        self.listening = Some(Listening { settings, by_mtu });
        self.endpoint.set_server_config(Some(config));
        Ok(())
    }

    /// Stops taking new connections; those there are go on.
    pub fn stop_listening(&mut self) {
        self.listening = None;
        self.endpoint.set_server_config(None);
    }

    /// Registers TLS settings shared by connections to come; returns their number.
    pub fn add_profile(&mut self, config: &ClientProfileConfig) -> Result<u32, Refusal> {
        let profile = ClientProfile::new(config, self.wall_clock.clone(), self.key_log.clone())?;
        self.profiles.push(Arc::new(profile));
        Ok((self.profiles.len() - 1) as u32)
    }

    /// Feeds one UDP payload, or several of `segment_size` bytes.
    pub fn handle_datagram(&mut self, now_ms: f64, record: &RxRecord, bytes: &[u8]) {
        let Some(remote) = record.remote.to_socket_addr() else { return };
        let now = instant(now_ms);
        let network_path = FourTuple::new(remote, socket_ip(record.socket));
        let ecn = EcnCodepoint::from_bits(record.ecn as u8);
        let segment = if record.segment_size == 0 { bytes.len() } else { record.segment_size as usize };
        for datagram in bytes.chunks(segment.max(1)) {
            self.handle_one(now, network_path, ecn, datagram);
        }
    }

    fn handle_one(&mut self, now: Instant, network_path: FourTuple, ecn: Option<EcnCodepoint>, datagram: &[u8]) {
        let mut reply = self.spare.pop().unwrap_or_default();
        match self.endpoint.handle(now, network_path, ecn, BytesMut::from(datagram), &mut reply) {
            Some(DatagramEvent::ConnectionEvent(noq, event)) => {
                self.spare.push(reply);
                let Some(&handle) = self.by_noq.get(&noq) else { return };
                let Some(connection) = self.connections.get_mut(handle) else { return };
                if let Some(amplification) = &mut connection.amplification {
                    amplification.received += datagram.len();
                }
                connection.inner.handle_event(event);
                connection.lift_amplification_limit();
                // While the handshake runs, events are taken after each datagram: it decides which streams count as
                // early data. Afterwards once per batch is enough.
                if connection.is_handshaking() {
                    connection.poll_events(handle, &mut self.events);
                }
                self.mark_dirty(handle);
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.spare.push(reply);
                self.announce_incoming(incoming);
            }
            Some(DatagramEvent::Response(transmit)) => self.push_reply(transmit, reply),
            None => self.spare.push(reply),
        }
    }

    pub(crate) fn push_reply(&mut self, transmit: Transmit, mut bytes: Vec<u8>) {
        if self.replies.len() >= MAX_REPLIES {
            bytes.clear();
            self.spare.push(bytes);
            return;
        }
        bytes.truncate(transmit.size);
        self.replies.push_back(outgoing(&transmit, bytes, NO_CONNECTION));
    }

    pub(crate) fn push_event(&mut self, event: EventRecord) {
        self.events.push_back(event);
    }

    /// Remembers that a connection has work to do.
    pub(crate) fn mark_dirty(&mut self, handle: Handle) {
        if let Some(connection) = self.connections.get_mut(handle)
            && !std::mem::replace(&mut connection.dirty, true)
        {
            self.dirty.push_back(handle);
        }
    }

    /// Advances the clock: every connection whose deadline has come handles it.
    pub fn handle_timeout(&mut self, now_ms: f64) {
        let now = instant(now_ms);
        while let Some(&(deadline, handle)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            let handle = Handle(handle);
            if let Some(connection) = self.connections.get_mut(handle) {
                connection.deadline = None;
                connection.inner.handle_timeout(now);
                self.mark_dirty(handle);
            }
        }
    }

    /// Milliseconds on the caller's clock at which `handle_timeout` wants to be called; infinite when never.
    pub fn poll_timeout(&self) -> f64 {
        self.deadlines.first().map_or(f64::INFINITY, |(deadline, _)| to_ms(*deadline))
    }

    /// Lets every dirty connection tell what happened, without transmitting.
    pub fn settle_events(&mut self) {
        for index in 0..self.dirty.len() {
            let handle = self.dirty[index];
            self.exchange(handle);
        }
    }

    /// Passes endpoint events between a connection and the endpoint, then collects application events.
    /// Returns whether the connection may want to transmit something because of that.
    #[inline(never)]
    pub(crate) fn exchange(&mut self, handle: Handle) -> bool {
        let Some(connection) = self.connections.get_mut(handle) else { return false };
        let mut answered = false;
        while let Some(event) = connection.inner.poll_endpoint_events() {
            answered |= tell_endpoint(&mut self.endpoint, connection, event);
        }
        let updating = connection.begin_wanted_key_update();
        connection.poll_events(handle, &mut self.events);
        answered || updating
    }

    /// Events that `poll_event` has not yet taken.
    pub fn waiting_events(&self) -> usize {
        self.events.len()
    }

    /// Takes the next event.
    pub fn poll_event(&mut self) -> Option<EventRecord> {
        self.events.pop_front()
    }

    /// Takes up to `max` transmits, connection by connection in turns. Fewer than `max`: nothing more to send now.
    pub fn poll_transmits(&mut self, now_ms: f64, max: usize, out: &mut Vec<Outgoing>) {
        let now = instant(now_ms);
        while out.len() < max {
            let Some(reply) = self.replies.pop_front() else { break };
            out.push(reply);
        }
        while out.len() < max {
            let Some(handle) = self.dirty.pop_front() else { break };
            if self.transmit_turn(now, handle, max, out) {
                self.dirty.push_back(handle);
            } else {
                self.rest(handle);
            }
        }
        if !self.key_log.is_empty() {
            self.events.push_back(EventRecord { kind: EventKind::KeyLog as u32, ..EventRecord::default() });
        }
    }

    /// One connection's turn; true when it has more to send.
    #[inline(never)]
    fn transmit_turn(&mut self, now: Instant, handle: Handle, max: usize, out: &mut Vec<Outgoing>) -> bool {
        for _ in 0..TRANSMITS_PER_TURN {
            if out.len() >= max {
                return true;
            }
            let Some(connection) = self.connections.get_mut(handle) else { return false };
            let mut bytes = self.spare.pop().unwrap_or_default();
            let segments = (MAX_TRANSMIT_BYTES / usize::from(connection.inner.current_mtu())).clamp(1, MAX_SEGMENTS);
            let segments = NonZeroUsize::new(segments).unwrap_or(NonZeroUsize::MIN);
            match connection.inner.poll_transmit(now, segments, &mut bytes) {
                Some(transmit) => {
                    bytes.truncate(transmit.size);
                    if connection.amplification.as_mut().is_some_and(|limit| !limit.admit(bytes.len())) {
                        self.recycle(bytes);
                    } else {
                        out.push(outgoing(&transmit, bytes, handle.0));
                    }
                }
                None => {
                    self.spare.push(bytes);
                    return false;
                }
            }
        }
        true
    }

    /// After a connection has sent all it could: events, deadline, and the end of those that are drained.
    #[inline(never)]
    fn rest(&mut self, handle: Handle) {
        if let Some(connection) = self.connections.get_mut(handle) {
            connection.dirty = false;
        }
        if self.exchange(handle) {
            self.mark_dirty(handle);
        }
        let Some(connection) = self.connections.get_mut(handle) else { return };
        if let Some(deadline) = connection.deadline.take() {
            self.deadlines.remove(&(deadline, handle.0));
        }
        if connection.drained {
            self.forget(handle);
            return;
        }
        connection.deadline = match connection.inner.is_closed() {
            // One timer for many closing periods, which need not end to the millisecond.
            true => connection.inner.poll_timeout().map(|at| instant((to_ms(at) / CLOSING_STEP).ceil() * CLOSING_STEP)),
            false => connection.inner.poll_timeout(),
        };
        if let Some(deadline) = connection.deadline {
            self.deadlines.insert((deadline, handle.0));
        }
    }

    /// Ends a connection that is drained.
    #[cold]
    #[inline(never)]
    fn forget(&mut self, handle: Handle) {
        let Some(connection) = self.connections.get_mut(handle) else { return };
        self.by_noq.remove(&connection.noq);
        self.connections.remove(handle);
        self.events.push_back(EventRecord {
            kind: EventKind::Drained as u32,
            connection: handle.0,
            ..EventRecord::default()
        });
    }

    /// Whether `poll_transmits` has anything to look at.
    pub fn has_work(&self) -> bool {
        !self.dirty.is_empty() || !self.replies.is_empty()
    }

    /// Gives a transmit's buffer back for reuse.
    pub fn recycle(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        if self.spare.len() < 2 * MAX_SEGMENTS {
            self.spare.push(bytes);
        }
    }
}

/// One event for the endpoint; whether it answered.
#[cold]
#[inline(never)]
fn tell_endpoint(endpoint: &mut Endpoint, connection: &mut Connection, event: EndpointEvent) -> bool {
    if event.is_drained() {
        connection.drained = true;
    }
    let Some(answer) = endpoint.handle_event(connection.noq, event) else { return false };
    connection.inner.handle_event(answer);
    true
}

fn outgoing(transmit: &Transmit, bytes: Vec<u8>, connection: u32) -> Outgoing {
    Outgoing {
        segment_size: transmit.segment_size.unwrap_or(0),
        socket: socket_number(transmit.src_ip),
        ecn: transmit.ecn.map_or(0, |ecn| ecn as u32),
        connection,
        remote: transmit.destination.into(),
        bytes,
    }
}
