//! Everything that crosses the boundary as raw memory: flat records of 32-bit words, event kinds, error codes.
//!
//! Declared here once. `src/engine/layout.ts` is generated from [`typescript`]; a test compares the committed file with
//! it, and `UPDATE_LAYOUT=1 cargo test layout` rewrites it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Raised with every change of a record, a code or an export, so that a stale TypeScript side refuses a new engine.
pub const ABI_VERSION: u32 = 6;

/// Bytes of the receive arena; one batch of received datagrams must fit.
pub const RX_ARENA_BYTES: usize = 512 * 1024;
/// Datagrams per call of `handle_datagrams`.
pub const RX_RECORDS: usize = 256;
/// Transmits per call of `poll_transmits`; each may hold several datagrams of one size (segments).
pub const TX_RECORDS: usize = 32;
/// Events per call of `poll_events`.
pub const EVENT_RECORDS: usize = 512;
/// Bytes of the stream buffer through which stream data passes in both directions.
pub const STREAM_BUFFER_BYTES: usize = 256 * 1024;

/// A socket address: `family` is 4, 6 or 0 (absent).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub family: u32,
    pub port: u32,
    pub scope: u32,
    /// Network byte order; an IPv4 address takes the first four bytes.
    pub ip: [u8; 16],
}

impl Address {
    pub fn to_socket_addr(self) -> Option<SocketAddr> {
        let port = u16::try_from(self.port).ok()?;
        match self.family {
            4 => {
                let [a, b, c, d, ..] = self.ip;
                Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), port))
            }
            6 => Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(self.ip), port, 0, self.scope))),
            _ => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        let mut ip = [0; 16];
        let (family, scope) = match addr {
            SocketAddr::V4(v4) => {
                ip[..4].copy_from_slice(&v4.ip().octets());
                (4, 0)
            }
            SocketAddr::V6(v6) => {
                ip = v6.ip().octets();
                (6, v6.scope_id())
            }
        };
        Self { family, port: addr.port().into(), scope, ip }
    }
}

/// One received datagram (or several of one size, when `segment_size` is not 0) in the receive arena.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RxRecord {
    pub offset: u32,
    pub len: u32,
    pub segment_size: u32,
    /// Number of the socket that received it, from 1.
    pub socket: u32,
    /// The two ECN bits of the IP header; 0 where the socket cannot tell.
    pub ecn: u32,
    pub remote: Address,
}

/// One transmit: `len` bytes at `ptr`, to be cut into datagrams of `segment_size` where that is not 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TxRecord {
    pub ptr: u32,
    pub len: u32,
    pub segment_size: u32,
    /// Number of the socket to send from; 0 means the connection's own choice.
    pub socket: u32,
    pub ecn: u32,
    /// The connection it belongs to, or [`NO_CONNECTION`].
    pub connection: u32,
    pub remote: Address,
}

/// `TxRecord::connection` of what the endpoint itself sends: Retry, version negotiation, stateless reset, refusals.
pub const NO_CONNECTION: u32 = u32::MAX;

/// Something that happened; what `a`..`f` mean depends on `kind` (see [`EventKind`]).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventRecord {
    pub kind: u32,
    pub connection: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub d: u32,
    pub e: u32,
    pub f: u32,
}

/// Declares a fieldless enum of 32-bit codes together with the table from which the TypeScript side is made.
macro_rules! codes {
    ($(#[$outer:meta])* $name:ident : $repr:ty { $($(#[$inner:meta])* $variant:ident = $value:expr,)* }) => {
        $(#[$outer])*
        #[repr($repr)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant = $value,)* }
        impl $name {
            /// Names and values, in order of declaration.
            pub const ALL: &'static [(&'static str, i64)] = &[$((stringify!($variant), $value as i64),)*];
        }
    };
}

codes! {
    /// Kinds of [`EventRecord`]. Stream IDs and error codes of 62 bits take two words, low word first.
    EventKind: u32 {
        /// A client wants to connect. `connection`: incoming handle; `a`: 1 address validated, 2 Retry possible;
        /// `b`: family; `c`: port; `d`..: not used (read the address with `incoming_address`).
        Incoming = 1,
        /// ALPN and SNI are known.
        HandshakeData = 2,
        /// The handshake completed. `a`: 1 resumed, 2 early data accepted.
        Connected = 3,
        /// The handshake is confirmed (RFC 9001 4.1.2).
        HandshakeConfirmed = 4,
        /// The connection was lost or closed by the remote. `a`: 1 closed by the remote's application without words, with the
        /// error code in `c`,`d`; else details by `connection_close_reason`.
        Closed = 5,
        /// Nothing more will come; the handle is stale from here on.
        Drained = 6,
        /// The remote opened a stream. `a`,`b`: stream ID; `c`: 1 in early data.
        StreamOpened = 7,
        /// `a`,`b`: stream ID.
        StreamReadable = 8,
        /// `a`,`b`: stream ID.
        StreamWritable = 9,
        /// All data and the FIN were acknowledged. `a`,`b`: stream ID.
        StreamFinished = 10,
        /// STOP_SENDING came. `a`,`b`: stream ID; `c`,`d`: error code.
        StreamStopped = 11,
        /// Credit to open streams grew. `a`: 0 bidirectional, 1 unidirectional.
        StreamsAvailable = 12,
        /// At least one QUIC datagram waits.
        DatagramReceived = 13,
        /// The datagram send buffer has room again.
        DatagramsUnblocked = 14,
        /// `a`: path ID.
        PathEstablished = 15,
        /// `a`: path ID; `b`: [`PathAbandonCause`]; `c`,`d`: error code.
        PathAbandoned = 16,
        /// State of the path is gone. `a`: path ID.
        PathDiscarded = 17,
        /// The remote set the path's status. `a`: path ID; `b`: 0 available, 1 backup.
        PathRemoteStatus = 18,
        /// The remote address of a path changed (NAT rebinding or migration). `a`: path ID.
        PathMigrated = 19,
        /// The remote told our address as it sees it (address discovery). `a`: path ID.
        ObservedAddress = 20,
        /// Key log lines wait in `take_key_log`.
        KeyLog = 21,
        /// qlog records wait in `take_qlog`.
        Qlog = 22,
        /// A session ticket arrived. `a`: how many so far.
        SessionTicket = 23,
        /// RESET_STREAM came: what was not read is void, and nothing more can be. `a`,`b`: stream ID; `c`,`d`: error code.
        StreamReset = 24,
    }
}

codes! {
    /// Why a path was abandoned.
    PathAbandonCause: u32 {
        /// By the local application.
        Local = 0,
        /// By the remote.
        Remote = 1,
        /// Nothing came for the path's idle timeout.
        TimedOut = 2,
        /// The network changed and the path could not be kept.
        NetworkChange = 3,
    }
}

codes! {
    /// Negative results of the exported functions.
    Failure: i32 {
        /// The handle names no live connection or incoming attempt.
        StaleHandle = -1,
        /// The stream does not exist, or its half was finished, reset or stopped.
        ClosedStream = -2,
        /// No room, no credit or no data now; an event will say when to try again.
        Blocked = -3,
        /// The remote sent STOP_SENDING; `last_code` holds the error code.
        Stopped = -4,
        /// The remote sent RESET_STREAM; `last_code` holds the error code.
        Reset = -5,
        /// An argument or the configuration was refused; scratch holds a JSON object.
        Refused = -6,
        /// The remote does not support the extension, or it is disabled here.
        Unsupported = -7,
        /// Larger than what fits.
        TooLarge = -8,
        /// The path does not exist.
        ClosedPath = -9,
        /// The last open path cannot be closed.
        LastOpenPath = -10,
        /// No path can be opened now: the limit of paths or of connection IDs is reached.
        PathsExhausted = -11,
        /// Early data was rejected or the state does not allow the call.
        IllegalState = -12,
    }
}

codes! {
    /// Signatures that the host may make and verify in the engine's stead: key and hash.
    HostSignature: u32 {
        EcdsaP256Sha256 = 0,
        EcdsaP256Sha384 = 1,
        EcdsaP384Sha256 = 2,
        EcdsaP384Sha384 = 3,
        Ed25519 = 4,
        RsaPkcs1Sha256 = 5,
        RsaPkcs1Sha384 = 6,
        RsaPkcs1Sha512 = 7,
        /// The salt is as long as the hash.
        RsaPssSha256 = 8,
        RsaPssSha384 = 9,
        RsaPssSha512 = 10,
    }
}

codes! {
    /// Encodings (DER) of private keys for the host.
    HostKeyFormat: u32 {
        Pkcs8 = 0,
        Pkcs1 = 1,
        Sec1 = 2,
    }
}

/// Places in the status record, 64-bit floats that calls leave up to date: what would have to be asked for after each of them otherwise.
pub const STATUS_WAITING_EVENTS: usize = 0;
/// When `handle_timeout` wants to be called; infinite: never.
pub const STATUS_DEADLINE: usize = 1;
pub const STATUS_SIZE: usize = 2;

/// Fields of the statistics record that `connection_stats` and `path_stats` fill, each a 64-bit float.
pub const STATS_FIELDS: &[&str] = &[
    "rttMs",
    "congestionWindow",
    "congestionEvents",
    "spuriousCongestionEvents",
    "packetsSent",
    "packetsLost",
    "bytesLost",
    "datagramsSent",
    "datagramsReceived",
    "bytesSent",
    "bytesReceived",
    "mtu",
    "mtuProbesSent",
    "mtuProbesLost",
    "blackHolesDetected",
    "bandwidthEstimateBitsPerSecond",
    "sendBufferStreams",
    "pathChallengesSent",
    "pathChallengesReceived",
    "pathResponsesSent",
    "pathResponsesReceived",
    "acksSent",
    "acksReceived",
    "streamFramesSent",
    "streamFramesReceived",
    "datagramFramesSent",
    "datagramFramesReceived",
    "pingsSent",
    "newTokensReceived",
    "newTokensSent",
    "keyUpdates",
];

fn constant(out: &mut String, name: &str, value: usize) {
    out.push_str(&format!("export const {name} = {value};\n"));
}

fn table(out: &mut String, name: &str, entries: &[(&str, i64)]) {
    out.push_str(&format!("\nexport const {name} = {{\n"));
    for (key, value) in entries {
        let mut chars = key.chars();
        let lower: String = chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect();
        out.push_str(&format!("  {lower}: {value},\n"));
    }
    out.push_str("} as const;\n");
}

/// The text of `src/engine/layout.ts`.
pub fn typescript() -> String {
    use std::mem::{offset_of, size_of};
    let mut out = String::from(
        "// Generated from engine/src/abi.rs; do not edit. `UPDATE_LAYOUT=1 cargo test layout` in engine/ rewrites it.\n\n",
    );
    constant(&mut out, "ABI_VERSION", ABI_VERSION as usize);
    constant(&mut out, "RX_ARENA_BYTES", RX_ARENA_BYTES);
    constant(&mut out, "RX_RECORDS", RX_RECORDS);
    constant(&mut out, "TX_RECORDS", TX_RECORDS);
    constant(&mut out, "EVENT_RECORDS", EVENT_RECORDS);
    constant(&mut out, "STREAM_BUFFER_BYTES", STREAM_BUFFER_BYTES);
    constant(&mut out, "NO_CONNECTION", NO_CONNECTION as usize);
    out.push_str("\n/** Offsets and sizes of the records, in 32-bit words. */\n");
    let words = |bytes: usize| {
        assert_eq!(bytes % 4, 0);
        (bytes / 4) as i64
    };
    table(
        &mut out,
        "ADDRESS",
        &[
            ("family", words(offset_of!(Address, family))),
            ("port", words(offset_of!(Address, port))),
            ("scope", words(offset_of!(Address, scope))),
            ("ip", words(offset_of!(Address, ip))),
            ("size", words(size_of::<Address>())),
        ],
    );
    table(
        &mut out,
        "RX_RECORD",
        &[
            ("offset", words(offset_of!(RxRecord, offset))),
            ("len", words(offset_of!(RxRecord, len))),
            ("segmentSize", words(offset_of!(RxRecord, segment_size))),
            ("socket", words(offset_of!(RxRecord, socket))),
            ("ecn", words(offset_of!(RxRecord, ecn))),
            ("remote", words(offset_of!(RxRecord, remote))),
            ("size", words(size_of::<RxRecord>())),
        ],
    );
    table(
        &mut out,
        "TX_RECORD",
        &[
            ("ptr", words(offset_of!(TxRecord, ptr))),
            ("len", words(offset_of!(TxRecord, len))),
            ("segmentSize", words(offset_of!(TxRecord, segment_size))),
            ("socket", words(offset_of!(TxRecord, socket))),
            ("ecn", words(offset_of!(TxRecord, ecn))),
            ("connection", words(offset_of!(TxRecord, connection))),
            ("remote", words(offset_of!(TxRecord, remote))),
            ("size", words(size_of::<TxRecord>())),
        ],
    );
    table(
        &mut out,
        "EVENT_RECORD",
        &[
            ("kind", words(offset_of!(EventRecord, kind))),
            ("connection", words(offset_of!(EventRecord, connection))),
            ("a", words(offset_of!(EventRecord, a))),
            ("b", words(offset_of!(EventRecord, b))),
            ("c", words(offset_of!(EventRecord, c))),
            ("d", words(offset_of!(EventRecord, d))),
            ("e", words(offset_of!(EventRecord, e))),
            ("f", words(offset_of!(EventRecord, f))),
            ("size", words(size_of::<EventRecord>())),
        ],
    );
    table(
        &mut out,
        "STATUS",
        &[
            ("waitingEvents", STATUS_WAITING_EVENTS as i64),
            ("deadline", STATUS_DEADLINE as i64),
            ("size", STATUS_SIZE as i64),
        ],
    );
    table(&mut out, "EVENT", EventKind::ALL);
    table(&mut out, "PATH_ABANDON_CAUSE", PathAbandonCause::ALL);
    table(&mut out, "FAILURE", Failure::ALL);
    table(&mut out, "HOST_SIGNATURE", HostSignature::ALL);
    table(&mut out, "HOST_KEY_FORMAT", HostKeyFormat::ALL);
    out.push_str(
        "\n/** Names of the statistics fields, in the order of the record. */\nexport const STATS_FIELDS = [\n",
    );
    for field in STATS_FIELDS {
        out.push_str(&format!("  '{field}',\n"));
    }
    out.push_str("] as const;\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_of_the_typescript_side_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/engine/layout.ts");
        if std::env::var_os("UPDATE_LAYOUT").is_some() {
            std::fs::write(path, typescript()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == typescript(), "src/engine/layout.ts is stale: UPDATE_LAYOUT=1 cargo test layout");
    }

    #[test]
    fn addresses_survive_the_crossing() {
        for text in ["127.0.0.1:4433", "[::1]:65535", "[fe80::1%3]:1", "255.255.255.255:0"] {
            let addr: SocketAddr = text.parse().unwrap();
            assert_eq!(Address::from(addr).to_socket_addr(), Some(addr));
        }
        assert_eq!(Address::default().to_socket_addr(), None);
    }
}
