//! One connection: its life, what it tells about itself, datagrams and paths.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use noq_proto::coding::{Decodable, Encodable};
use noq_proto::{
    ClientConfig, ClosePathError, ConnectionError, ConnectionHandle, Dir, Event, FourTuple, PathAbandonReason,
    PathError, PathEvent, PathId, PathStats, PathStatus, SendDatagramError, StreamEvent, StreamId, TransportConfig,
    VarInt,
};
use rustc_hash::FxHashSet;
use serde::Serialize;
use serde_json::json;

use crate::abi::{Address, EventKind, EventRecord, Failure, PathAbandonCause};
use crate::clock::instant;
use crate::config::ConnectSettings;
use crate::engine::{Engine, socket_ip};
use crate::failure::Refusal;
use crate::handles::Handle;
use crate::observe::QlogQueue;
use crate::tls::{HandshakeData, describe};

/// A connection of noq with what the boundary needs beside it.
pub struct Connection {
    pub(crate) inner: noq_proto::Connection,
    pub(crate) noq: ConnectionHandle,
    pub(crate) dirty: bool,
    pub(crate) drained: bool,
    pub(crate) deadline: Option<crate::clock::Instant>,
    pub(crate) qlog: Option<QlogQueue>,
    /// Why it was lost, once it was.
    pub(crate) close_reason: Option<ConnectionError>,
    /// Last known remote address of path 0, to notice migration.
    remote: Option<std::net::SocketAddr>,
    tickets_seen: u32,
    /// Set on a server until the client has proved its address, which its first Handshake packet does.
    pub(crate) amplification: Option<Amplification>,
    /// A key update was asked for and could not begin yet.
    key_update_wanted: bool,
    /// Streams reported readable and not read to the end since: one event is enough.
    pub(crate) readable: FxHashSet<u64>,
}

/// Bytes from and to an address that is not validated yet (RFC 9000 8.1).
///
/// noq stops before a datagram when the limit is reached, and so can pass it by one datagram; here what would pass it is
/// dropped, as if the network had lost it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amplification {
    pub received: usize,
    pub sent: usize,
}

impl Amplification {
    const FACTOR: usize = 3;

    /// Whether so many bytes may be sent; counts them if so.
    pub fn admit(&mut self, bytes: usize) -> bool {
        let admitted = self.sent + bytes <= Self::FACTOR * self.received;
        if admitted {
            self.sent += bytes;
        }
        admitted
    }
}

/// An event with up to two 62-bit values.
fn event(kind: EventKind, connection: Handle, first: u64, second: u64) -> EventRecord {
    EventRecord {
        kind: kind as u32,
        connection: connection.0,
        a: first as u32,
        b: (first >> 32) as u32,
        c: second as u32,
        d: (second >> 32) as u32,
        e: 0,
        f: 0,
    }
}

impl Connection {
    pub(crate) fn new(noq: ConnectionHandle, inner: noq_proto::Connection, qlog: Option<QlogQueue>) -> Self {
        let remote = inner.network_path(PathId::ZERO).ok().map(|path| path.remote());
        Self {
            inner,
            noq,
            dirty: false,
            drained: false,
            deadline: None,
            qlog,
            close_reason: None,
            remote,
            tickets_seen: 0,
            amplification: None,
            key_update_wanted: false,
            readable: FxHashSet::default(),
        }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    /// Counts no longer once noq has seen the client prove its address.
    pub(crate) fn lift_amplification_limit(&mut self) {
        if self.amplification.is_some() && self.inner.is_path_validated(PathId::ZERO) {
            self.amplification = None;
        }
    }

    fn handshake_data(&self) -> Option<HandshakeData> {
        self.inner.crypto_session().handshake_data()?.downcast::<HandshakeData>().ok().map(|data| *data)
    }

    /// Turns what happened into records.
    pub(crate) fn poll_events(&mut self, handle: Handle, out: &mut VecDeque<EventRecord>) {
        while let Some(happened) = self.inner.poll() {
            // One place that appends, instead of one for each kind: it is as much code as all else of this.
            let told = match happened {
                Event::HandshakeDataReady => event(EventKind::HandshakeData, handle, 0, 0),
                Event::Connected => {
                    let resumed = u64::from(self.handshake_data().is_some_and(|data| data.resumed));
                    let early = u64::from(self.inner.accepted_0rtt()) << 1;
                    event(EventKind::Connected, handle, resumed | early, 0)
                }
                Event::HandshakeConfirmed => event(EventKind::HandshakeConfirmed, handle, 0, 0),
                Event::ConnectionLost { reason } => {
                    let plain = plain_code(&reason);
                    self.close_reason = Some(reason);
                    event(EventKind::Closed, handle, plain.is_some().into(), plain.unwrap_or(0))
                }
                Event::Stream(happened) => {
                    self.stream_event(handle, happened, out);
                    continue;
                }
                Event::DatagramReceived => event(EventKind::DatagramReceived, handle, 0, 0),
                Event::DatagramsUnblocked => event(EventKind::DatagramsUnblocked, handle, 0, 0),
                Event::Path(happened) => {
                    path_event(handle, &happened, out);
                    continue;
                }
                Event::NatTraversal(_) => continue,
            };
            out.push_back(told);
        }
        self.notice_migration(handle, out);
        self.notice_tickets(handle, out);
        if self.qlog.as_ref().is_some_and(|queue| queue.waiting() > 0) {
            let notice = event(EventKind::Qlog, handle, 0, 0);
            if out.back() != Some(&notice) {
                out.push_back(notice);
            }
        }
    }

    fn stream_event(&mut self, handle: Handle, happened: StreamEvent, out: &mut VecDeque<EventRecord>) {
        let told = match happened {
            StreamEvent::Opened { dir } => {
                let early = u64::from(self.inner.is_handshaking());
                while let Some(id) = self.inner.streams().accept(dir) {
                    out.push_back(event(EventKind::StreamOpened, handle, raw(id), early));
                    self.notice_reset(handle, id, out);
                }
                return;
            }
            StreamEvent::Readable { id } => {
                if self.notice_reset(handle, id, out) || !self.readable.insert(raw(id)) {
                    return;
                }
                event(EventKind::StreamReadable, handle, raw(id), 0)
            }
            StreamEvent::Writable { id } => event(EventKind::StreamWritable, handle, raw(id), 0),
            StreamEvent::Finished { id } => event(EventKind::StreamFinished, handle, raw(id), 0),
            StreamEvent::Stopped { id, error_code } => {
                event(EventKind::StreamStopped, handle, raw(id), error_code.into())
            }
            StreamEvent::Available { dir } => event(EventKind::StreamsAvailable, handle, dir as u64, 0),
        };
        out.push_back(told);
    }

    /// A reset is told at once, whether or not somebody reads: the stream is over.
    fn notice_reset(&mut self, handle: Handle, id: StreamId, out: &mut VecDeque<EventRecord>) -> bool {
        let Ok(Some(code)) = self.inner.recv_stream(id).received_reset() else { return false };
        self.readable.remove(&raw(id));
        out.push_back(event(EventKind::StreamReset, handle, raw(id), code.into()));
        true
    }

    /// Begins the key update that was asked for, if it may begin now; true when it did. The PING lets the remote know.
    pub(crate) fn begin_wanted_key_update(&mut self) -> bool {
        if !self.key_update_wanted || !self.inner.is_key_update_permitted() {
            return false;
        }
        self.key_update_wanted = false;
        self.inner.force_key_update();
        self.inner.ping();
        true
    }

    fn notice_migration(&mut self, handle: Handle, out: &mut VecDeque<EventRecord>) {
        let Ok(path) = self.inner.network_path(PathId::ZERO) else { return };
        if self.remote != Some(path.remote()) {
            self.remote = Some(path.remote());
            out.push_back(event(EventKind::PathMigrated, handle, 0, 0));
        }
    }

    fn notice_tickets(&mut self, handle: Handle, out: &mut VecDeque<EventRecord>) {
        if self.inner.side().is_server() || self.inner.is_handshaking() || self.tickets_seen >= MAX_TICKETS_ANNOUNCED {
            return;
        }
        let received = self.inner.crypto_session().tickets_received();
        if received > self.tickets_seen {
            self.tickets_seen = received;
            out.push_back(event(EventKind::SessionTicket, handle, received.into(), 0));
        }
    }
}

/// The code of a remote that closed with a code and nothing else, as most do: that needs no JSON. JavaScript has it exactly.
fn plain_code(reason: &ConnectionError) -> Option<u64> {
    match reason {
        ConnectionError::ApplicationClosed(close) if close.reason.is_empty() => {
            Some(close.error_code.into_inner()).filter(|&code| code < 1 << 53)
        }
        _ => None,
    }
}

/// Tickets come right after the handshake; looking for them forever would cost every batch.
const MAX_TICKETS_ANNOUNCED: u32 = 1;

pub(crate) fn raw(id: StreamId) -> u64 {
    VarInt::from(id).into_inner()
}

/// noq keeps a path ID's number to itself, except on the wire: there it is a variable-length integer.
fn path_number(id: PathId) -> u32 {
    let mut bytes = [0; 8];
    id.encode(&mut bytes.as_mut_slice());
    VarInt::decode(&mut bytes.as_slice()).map_or(u32::MAX, |number| number.into_inner() as u32)
}

#[cold]
#[inline(never)]
fn path_event(handle: Handle, happened: &PathEvent, out: &mut VecDeque<EventRecord>) {
    let path = |id: &PathId| u64::from(path_number(*id));
    match happened {
        PathEvent::Established { id, .. } => out.push_back(event(EventKind::PathEstablished, handle, path(id), 0)),
        PathEvent::Abandoned { id, reason, .. } => {
            let (cause, code) = match reason {
                PathAbandonReason::ApplicationClosed { error_code } => (PathAbandonCause::Local, *error_code),
                PathAbandonReason::RemoteAbandoned { error_code } => (PathAbandonCause::Remote, *error_code),
                PathAbandonReason::UnusableAfterNetworkChange => (PathAbandonCause::NetworkChange, VarInt::from_u32(0)),
                _ => (PathAbandonCause::TimedOut, VarInt::from_u32(0)),
            };
            let mut record = event(EventKind::PathAbandoned, handle, path(id), code.into());
            record.b = cause as u32;
            out.push_back(record);
        }
        PathEvent::Discarded { id, .. } => out.push_back(event(EventKind::PathDiscarded, handle, path(id), 0)),
        PathEvent::RemoteStatus { id, status, .. } => {
            let mut record = event(EventKind::PathRemoteStatus, handle, path(id), 0);
            record.b = u32::from(*status == PathStatus::Backup);
            out.push_back(record);
        }
        PathEvent::ObservedAddr { id, .. } => out.push_back(event(EventKind::ObservedAddress, handle, path(id), 0)),
        _ => {}
    }
}

/// What `connection_info` tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    alpn: Option<String>,
    server_name: Option<String>,
    cipher: Option<&'static str>,
    key_exchange: Option<&'static str>,
    resumed: bool,
    tickets_received: u32,
    handshaking: bool,
    early_data_accepted: bool,
    multipath: bool,
}

impl Engine {
    pub(crate) fn connection(&mut self, handle: Handle) -> Result<&mut Connection, Failure> {
        self.connections.get_mut(handle).ok_or(Failure::StaleHandle)
    }

    /// A connection about to be changed: it will be looked at by the next `poll_transmits`.
    pub(crate) fn connection_to_change(&mut self, handle: Handle) -> Result<&mut Connection, Failure> {
        self.mark_dirty(handle);
        self.connection(handle)
    }

    /// Starts a connection.
    pub fn connect(&mut self, now_ms: f64, settings: &ConnectSettings) -> Result<Handle, Refusal> {
        let transport = Arc::new(settings.transport.build(&self.qlog)?);
        self.connect_over(now_ms, settings, transport)
    }

    /// As [`Self::connect`], `transport` having been built of the settings already.
    pub fn connect_over(
        &mut self,
        now_ms: f64,
        settings: &ConnectSettings,
        transport: Arc<TransportConfig>,
    ) -> Result<Handle, Refusal> {
        let profile = self
            .profiles
            .get(settings.profile as usize)
            .cloned()
            .ok_or_else(|| Refusal::new("config", "no such TLS profile"))?;
        let remote = settings
            .address()
            .to_socket_addr()
            .ok_or_else(|| Refusal::new("address", "not an IPv4 or IPv6 address with a port"))?;
        let tickets = settings.ticket_key.clone().map(|key| self.tickets.for_server(key));
        let alpn = settings.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let sessions = profile.sessions(alpn, tickets.clone());
        let mut config = ClientConfig::new(Arc::new(sessions));
        config.transport_config(transport);
        match tickets {
            Some(tickets) => config.token_store(tickets),
            None => config.token_store(Arc::new(noq_proto::NoneTokenStore)),
        };
        if let Some(version) = settings.version {
            config.version(version);
        }
        let (noq, inner) = self.endpoint.connect(instant(now_ms), config, remote, &settings.server_name).map_err(
            |error| match error {
                noq_proto::ConnectError::InvalidServerName(name) => {
                    Refusal::new("serverName", format!("{name:?} is not a host name or IP address"))
                }
                noq_proto::ConnectError::InvalidRemoteAddress(address) => {
                    Refusal::new("address", format!("{address} cannot be connected to"))
                }
                other => Refusal::new("config", other.to_string()),
            },
        )?;
        let connection = Connection::new(noq, inner, self.qlog.take_newest());
        self.adopt(connection).ok_or_else(|| Refusal::new("limit", "this endpoint has no room for more connections"))
    }

    /// Whether early data can be sent now (client).
    pub fn has_early_data(&mut self, handle: Handle) -> Result<bool, Failure> {
        let connection = self.connection(handle)?;
        Ok(connection.inner.is_handshaking() && connection.inner.has_0rtt())
    }

    /// Closes at once with an application error code (RFC 9000 10.2).
    pub fn close(&mut self, now_ms: f64, handle: Handle, code: u64, reason: &[u8]) -> Result<(), Failure> {
        let code = VarInt::from_u64(code).map_err(|_| Failure::TooLarge)?;
        let connection = self.connection_to_change(handle)?;
        connection.inner.close(instant(now_ms), code, Bytes::copy_from_slice(reason));
        Ok(())
    }

    /// JSON about the handshake.
    pub fn info(&mut self, handle: Handle) -> Result<String, Failure> {
        let connection = self.connection(handle)?;
        let data = connection.handshake_data().unwrap_or_default();
        let info = Info {
            alpn: data.alpn.map(|alpn| String::from_utf8_lossy(&alpn).into_owned()),
            server_name: data.server_name,
            cipher: data.cipher,
            key_exchange: data.key_exchange,
            resumed: data.resumed,
            tickets_received: data.tickets_received,
            handshaking: connection.inner.is_handshaking(),
            early_data_accepted: connection.inner.accepted_0rtt(),
            multipath: connection.inner.is_multipath_negotiated(),
        };
        Ok(serde_json::to_string(&info).expect("plain data serializes"))
    }

    /// The application protocol; empty as long as there is none.
    pub fn alpn(&mut self, handle: Handle) -> Result<Vec<u8>, Failure> {
        let connection = self.connection(handle)?;
        Ok(connection.handshake_data().and_then(|data| data.alpn).unwrap_or_default())
    }

    /// JSON about why the connection was lost.
    pub fn close_reason(&mut self, handle: Handle) -> Result<String, Failure> {
        let connection = self.connection(handle)?;
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let value = match &connection.close_reason {
            None => json!({ "kind": "none" }),
            Some(ConnectionError::TransportError(error)) => json!({
                "kind": "transport",
                "remote": false,
                "code": u64::from(error.code).to_string(),
                "reason": error.reason,
                "name": error.code.to_string(),
                "tls": error.crypto.as_ref().and_then(|error| describe(&**error)),
            }),
            Some(ConnectionError::ConnectionClosed(close)) => json!({
                "kind": "transport",
                "remote": true,
                "code": u64::from(close.error_code).to_string(),
                "reason": text(&close.reason),
                "name": close.error_code.to_string(),
            }),
            Some(ConnectionError::ApplicationClosed(close)) => json!({
                "kind": "application",
                "remote": true,
                "code": close.error_code.into_inner().to_string(),
                "reason": text(&close.reason),
            }),
            Some(ConnectionError::VersionMismatch) => json!({ "kind": "version", "remote": true }),
            Some(ConnectionError::Reset) => json!({ "kind": "reset", "remote": true }),
            Some(ConnectionError::TimedOut) => json!({ "kind": "timeout", "remote": false }),
            Some(ConnectionError::LocallyClosed) => json!({ "kind": "local", "remote": false }),
            Some(ConnectionError::CidsExhausted) => json!({ "kind": "limit", "remote": false }),
        };
        Ok(value.to_string())
    }

    /// DER certificates of the remote, end-entity first; empty when it showed none.
    pub fn peer_certificates(&mut self, handle: Handle) -> Result<Vec<Vec<u8>>, Failure> {
        let identity = self.connection(handle)?.inner.crypto_session().peer_identity();
        Ok(identity.and_then(|chain| chain.downcast::<Vec<Vec<u8>>>().ok()).map(|chain| *chain).unwrap_or_default())
    }

    /// Keying material (RFC 8446 7.5).
    pub fn export(&mut self, handle: Handle, out: &mut [u8], label: &[u8], context: &[u8]) -> Result<(), Failure> {
        let session = self.connection(handle)?.inner.crypto_session();
        session.export_keying_material(out, label, context).map_err(|_| Failure::IllegalState)
    }

    pub fn ping(&mut self, handle: Handle) -> Result<(), Failure> {
        self.connection_to_change(handle)?.inner.ping();
        Ok(())
    }

    /// Initiates a key update, as soon as RFC 9001 6.1 lets it: once the handshake is confirmed, and a packet of the
    /// present keys was acknowledged. Until then the wish is kept, and asking again changes nothing.
    pub fn update_keys(&mut self, handle: Handle) -> Result<(), Failure> {
        let connection = self.connection_to_change(handle)?;
        if connection.inner.is_handshaking() {
            return Err(Failure::IllegalState);
        }
        connection.key_update_wanted = true;
        if !connection.begin_wanted_key_update() {
            // Its acknowledgement will let the update begin.
            connection.inner.ping();
        }
        Ok(())
    }

    /// Tells the state machine that the local address changed: paths are probed anew with fresh connection IDs.
    pub fn network_changed(&mut self, now_ms: f64, handle: Handle) -> Result<(), Failure> {
        let connection = self.connection_to_change(handle)?;
        connection.inner.handle_network_change(None, instant(now_ms));
        Ok(())
    }

    /// Bidirectional (false) or unidirectional (true) streams that the remote may have open at a time.
    pub fn set_max_streams(&mut self, handle: Handle, unidirectional: bool, count: u64) -> Result<(), Failure> {
        let count = VarInt::from_u64(count).map_err(|_| Failure::TooLarge)?;
        let dir = if unidirectional { Dir::Uni } else { Dir::Bi };
        self.connection_to_change(handle)?.inner.set_max_concurrent_streams(dir, count);
        Ok(())
    }

    pub fn take_qlog(&mut self, handle: Handle) -> Result<Vec<u8>, Failure> {
        Ok(self.connection(handle)?.qlog.as_ref().map(QlogQueue::take).unwrap_or_default())
    }

    // Datagrams (RFC 9221).

    /// Queues a QUIC datagram. With `drop_oldest`, older unsent ones make room; otherwise a full buffer is `Blocked`.
    pub fn send_datagram(&mut self, handle: Handle, bytes: &[u8], drop_oldest: bool) -> Result<(), Failure> {
        let connection = self.connection_to_change(handle)?;
        connection.inner.datagrams().send(Bytes::copy_from_slice(bytes), drop_oldest).map_err(|error| match error {
            SendDatagramError::UnsupportedByPeer | SendDatagramError::Disabled => Failure::Unsupported,
            SendDatagramError::TooLarge => Failure::TooLarge,
            SendDatagramError::Blocked(_) => Failure::Blocked,
        })
    }

    pub fn receive_datagram(&mut self, handle: Handle) -> Result<Bytes, Failure> {
        self.connection(handle)?.inner.datagrams().recv().ok_or(Failure::Blocked)
    }

    /// Largest QUIC datagram that can be sent now.
    pub fn max_datagram_size(&mut self, handle: Handle) -> Result<usize, Failure> {
        self.connection(handle)?.inner.datagrams().max_size().ok_or(Failure::Unsupported)
    }

    // Paths.

    pub fn open_path(
        &mut self,
        now_ms: f64,
        handle: Handle,
        remote: Address,
        socket: u32,
        backup: bool,
    ) -> Result<u32, Failure> {
        let remote = remote.to_socket_addr().ok_or(Failure::Refused)?;
        let connection = self.connection_to_change(handle)?;
        let path = FourTuple::new(remote, socket_ip(socket));
        match connection.inner.open_path(path, status(backup), instant(now_ms)) {
            Ok(id) => Ok(path_number(id)),
            Err(PathError::MultipathNotNegotiated) => Err(Failure::Unsupported),
            Err(PathError::ServerSideNotAllowed) => Err(Failure::IllegalState),
            Err(PathError::MaxPathIdReached | PathError::RemoteCidsExhausted) => Err(Failure::PathsExhausted),
            Err(PathError::ValidationFailed | PathError::InvalidRemoteAddress(_)) => Err(Failure::Refused),
        }
    }

    pub fn close_path(&mut self, now_ms: f64, handle: Handle, path: u32, code: u64) -> Result<(), Failure> {
        let code = VarInt::from_u64(code).map_err(|_| Failure::TooLarge)?;
        let connection = self.connection_to_change(handle)?;
        connection.inner.close_path(instant(now_ms), PathId::from(path), code).map_err(|error| match error {
            ClosePathError::MultipathNotNegotiated => Failure::Unsupported,
            ClosePathError::ClosedPath => Failure::ClosedPath,
            ClosePathError::LastOpenPath => Failure::LastOpenPath,
        })
    }

    pub fn set_path_status(&mut self, handle: Handle, path: u32, backup: bool) -> Result<(), Failure> {
        let connection = self.connection_to_change(handle)?;
        connection.inner.set_path_status(PathId::from(path), status(backup)).map_err(|error| match error {
            noq_proto::SetPathStatusError::ClosedPath => Failure::ClosedPath,
            noq_proto::SetPathStatusError::MultipathNotNegotiated => Failure::Unsupported,
        })?;
        Ok(())
    }

    /// Remote address and socket of a path, and its local and remote status.
    pub fn path(&mut self, handle: Handle, path: u32) -> Result<PathInfo, Failure> {
        let connection = self.connection(handle)?;
        let id = PathId::from(path);
        let network_path = connection.inner.network_path(id).map_err(|_| Failure::ClosedPath)?;
        let backup = |status: Option<PathStatus>| match status {
            None => 0,
            Some(PathStatus::Available) => 1,
            Some(PathStatus::Backup) => 2,
        };
        Ok(PathInfo {
            remote: network_path.remote().into(),
            local_status: backup(connection.inner.path_status(id).ok()),
            remote_status: backup(connection.inner.remote_path_status(id)),
            observed: connection.inner.path_observed_address(id).ok().flatten().map(Address::from).unwrap_or_default(),
        })
    }

    /// IDs of the paths there are.
    pub fn paths(&mut self, handle: Handle) -> Result<Vec<u32>, Failure> {
        Ok(self.connection(handle)?.inner.paths().into_iter().map(path_number).collect())
    }

    /// Fills the record described by `STATS_FIELDS`; `path` of `None` sums over all paths, and takes what cannot be summed
    /// from the path that data goes over.
    pub fn stats(&mut self, handle: Handle, path: Option<u32>) -> Result<[f64; crate::abi::STATS_FIELDS.len()], Failure> {
        let connection = self.connection(handle)?;
        let of = path.map(PathId::from).or_else(|| connection.inner.data_path()).unwrap_or(PathId::ZERO);
        let stats = match connection.inner.path_stats(of) {
            Some(stats) => stats,
            None if path.is_some() => return Err(Failure::ClosedPath),
            None => PathStats::default(),
        };
        let mut out = path_record(&stats);
        out[16] = connection.inner.streams().send_streams() as f64;
        if path.is_none() {
            let all = connection.inner.stats();
            out[4] = all.sent_packets as f64;
            out[5] = all.lost_packets as f64;
            out[6] = all.lost_bytes as f64;
            out[7] = all.udp_tx.datagrams as f64;
            out[8] = all.udp_rx.datagrams as f64;
            out[9] = all.udp_tx.bytes as f64;
            out[10] = all.udp_rx.bytes as f64;
            out[30] = connection.inner.key_updates() as f64;
            frames(&mut out, &all.frame_tx, &all.frame_rx);
        }
        Ok(out)
    }
}

/// What [`Engine::path`] tells; statuses are 0 unknown, 1 available, 2 backup.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct PathInfo {
    pub remote: Address,
    pub local_status: u32,
    pub remote_status: u32,
    pub observed: Address,
}

fn status(backup: bool) -> PathStatus {
    if backup { PathStatus::Backup } else { PathStatus::Available }
}

fn path_record(stats: &PathStats) -> [f64; crate::abi::STATS_FIELDS.len()] {
    let mut out = [0.0; crate::abi::STATS_FIELDS.len()];
    out[0] = stats.rtt.as_secs_f64() * 1000.0;
    out[1] = stats.cwnd as f64;
    out[2] = stats.congestion_events as f64;
    out[3] = stats.spurious_congestion_events as f64;
    out[4] = stats.sent_packets as f64;
    out[5] = stats.lost_packets as f64;
    out[6] = stats.lost_bytes as f64;
    out[7] = stats.udp_tx.datagrams as f64;
    out[8] = stats.udp_rx.datagrams as f64;
    out[9] = stats.udp_tx.bytes as f64;
    out[10] = stats.udp_rx.bytes as f64;
    out[11] = f64::from(stats.current_mtu);
    out[12] = stats.sent_plpmtud_probes as f64;
    out[13] = stats.lost_plpmtud_probes as f64;
    out[14] = stats.black_holes_detected as f64;
    out[15] = stats.bandwidth_estimate.map_or(0.0, |bits| bits as f64);
    frames(&mut out, &stats.frame_tx, &stats.frame_rx);
    out
}

fn frames(
    out: &mut [f64; crate::abi::STATS_FIELDS.len()],
    sent: &noq_proto::FrameStats,
    received: &noq_proto::FrameStats,
) {
    out[17] = sent.path_challenge as f64;
    out[18] = received.path_challenge as f64;
    out[19] = sent.path_response as f64;
    out[20] = received.path_response as f64;
    out[21] = (sent.acks + sent.path_acks) as f64;
    out[22] = (received.acks + received.path_acks) as f64;
    out[23] = sent.stream as f64;
    out[24] = received.stream as f64;
    out[25] = sent.datagram as f64;
    out[26] = received.datagram as f64;
    out[27] = sent.ping as f64;
    out[28] = received.new_token as f64;
    out[29] = sent.new_token as f64;
}
