//! JSON lines, exit codes, and the shape in which both libraries' peers report what they saw.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use quinn::{Connection, ConnectionError, FrameStats};
use rustls::pki_types::CertificateDer;
use serde_json::{Map, Value, json};

use crate::observe::Observed;

pub const LIBRARY: &str = "quinn 0.11.12";
pub const EXIT_FAILED: u8 = 1;
pub const EXIT_TIMEOUT: u8 = 124;
pub const EXIT_UNSUPPORTED: u8 = 127;

/// The connections that came to their end, for the summary.
pub type Reports = Arc<Mutex<Vec<Value>>>;

/// Why a run did not do what it was asked for, in words.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Print one event as one line.
pub fn emit(event: Value) {
    println!("{event}");
}

/// End as the interop runner does for a case that the library cannot do.
pub fn unsupported(what: &str) -> ExitCode {
    emit(json!({ "unsupported": what }));
    ExitCode::from(EXIT_UNSUPPORTED)
}

/// The members of `parts` as one object; later ones win.
pub fn merge<const N: usize>(parts: [Value; N]) -> Value {
    let mut all = Map::new();
    for part in parts {
        if let Value::Object(object) = part {
            all.extend(object);
        }
    }
    Value::Object(all)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of the peer's certificate, if it sent one (or sent one in the session that was resumed).
pub fn peer_certificate(connection: &Connection) -> Option<String> {
    let identity = connection.peer_identity()?;
    let chain = identity.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    Some(sha256(chain.first()?))
}

pub fn alpn(connection: &Connection) -> Option<String> {
    let data = connection.handshake_data()?;
    let data = data.downcast::<quinn::crypto::rustls::HandshakeData>().ok()?;
    Some(String::from_utf8_lossy(&data.protocol?).into_owned())
}

/// How a connection ended. `local` is the code and reason given to `close` on this side.
pub fn close_report(error: &ConnectionError, local: Option<(u64, &str)>) -> Value {
    let (by, kind, code, reason) = match error {
        ConnectionError::ApplicationClosed(close) => (
            "peer",
            "application",
            Some(close.error_code.into_inner()),
            String::from_utf8_lossy(&close.reason).into_owned(),
        ),
        ConnectionError::ConnectionClosed(close) => (
            "peer",
            "transport",
            Some(u64::from(close.error_code)),
            String::from_utf8_lossy(&close.reason).into_owned(),
        ),
        ConnectionError::TransportError(error) => {
            ("local", "transport", Some(u64::from(error.code)), error.reason.clone())
        }
        ConnectionError::TimedOut => ("timeout", "idle-timeout", None, String::new()),
        ConnectionError::Reset => ("peer", "stateless-reset", None, String::new()),
        ConnectionError::LocallyClosed => {
            let (code, reason) = local.unwrap_or((0, ""));
            ("local", "application", Some(code), reason.to_owned())
        }
        other => ("local", "other", None, other.to_string()),
    };
    json!({"by": by, "kind": kind, "code": code, "reason": reason})
}

/// Everything counted in a connection.
pub fn observed(connection: &Connection, observed: &Observed) -> Value {
    let stats = connection.stats();
    let early = observed.early.lock().unwrap();
    json!({
        "earlyStreams": early.ids.len(),
        "earlyBytes": early.bytes,
        "packets": observed.packets(),
        "frames": {"sent": frames(&stats.frame_tx), "received": frames(&stats.frame_rx)},
        "keyUpdates": observed.key_updates(),
        "keyGenerations": observed.key_generations(),
        "lost": stats.path.lost_packets,
    })
}

/// Frames by type, named as qlog names them; types that did not occur are left out.
fn frames(stats: &FrameStats) -> Value {
    let counts = [
        ("ack", stats.acks),
        ("connection_close", stats.connection_close),
        ("crypto", stats.crypto),
        ("data_blocked", stats.data_blocked),
        ("datagram", stats.datagram),
        ("handshake_done", stats.handshake_done.into()),
        ("max_data", stats.max_data),
        ("max_stream_data", stats.max_stream_data),
        ("max_streams", stats.max_streams_bidi + stats.max_streams_uni),
        ("new_connection_id", stats.new_connection_id),
        ("new_token", stats.new_token),
        ("path_challenge", stats.path_challenge),
        ("path_response", stats.path_response),
        ("ping", stats.ping),
        ("reset_stream", stats.reset_stream),
        ("retire_connection_id", stats.retire_connection_id),
        ("stop_sending", stats.stop_sending),
        ("stream", stats.stream),
        ("stream_data_blocked", stats.stream_data_blocked),
        ("streams_blocked", stats.streams_blocked_bidi + stats.streams_blocked_uni),
    ];
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect::<Map<_, _>>()
        .into()
}
