//! Configuration as it arrives from TypeScript (JSON), and what it becomes for the state machine.
//!
//! Defaults live in TypeScript, where people read them; here every field is mandatory.

use std::sync::Arc;
use std::time::Duration;

use noq_proto::{AckFrequencyConfig, IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};
use serde::Deserialize;

use crate::abi::{Address, RX_ARENA_BYTES};
use crate::congestion::Factory;
use crate::failure::Refusal;
use crate::observe::QlogQueues;
use crate::tls::ServerTlsConfig;

/// What an engine instance, that is one endpoint, is made with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineConfig {
    /// 64 hex digits seed the state machine's random numbers, for reproducible simulations; absent: the host's.
    pub seed: Option<String>,
    /// Hex; whoever holds it can reset connections after a restart (RFC 9000 10.3). Absent: random.
    pub stateless_reset_key: Option<String>,
    /// The largest datagram that will be accepted, announced as max_udp_payload_size.
    pub max_udp_payload: u16,
    pub grease_quic_bit: bool,
    /// Sessions a server remembers for resumption.
    pub session_capacity: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSettings {
    pub tls: ServerTlsConfig,
    pub transport: TransportSettings,
    pub migration: bool,
    pub retry_token_lifetime_ms: u64,
    pub validation_token_lifetime_ms: u64,
    /// NEW_TOKEN frames sent once a path is validated.
    pub validation_tokens: u32,
    /// Initial packets that wait for a decision at a time.
    pub max_incoming: usize,
    /// Bytes buffered for one waiting attempt and for all of them.
    pub incoming_buffer: u64,
    pub incoming_buffer_total: u64,
    pub preferred_address_v4: Option<std::net::SocketAddrV4>,
    pub preferred_address_v6: Option<std::net::SocketAddrV6>,
}

/// One attempt of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectSettings {
    pub profile: u32,
    pub server_name: String,
    pub family: u32,
    pub port: u32,
    #[serde(default)]
    pub scope: u32,
    pub ip: [u8; 16],
    pub alpn: Vec<String>,
    /// What tickets and tokens are kept under; absent: none are used or kept.
    pub ticket_key: Option<String>,
    pub transport: TransportSettings,
    /// First version offered, for tests of version negotiation; absent: 1.
    pub version: Option<u32>,
}

impl ConnectSettings {
    pub fn address(&self) -> Address {
        Address { family: self.family, port: self.port, scope: self.scope, ip: self.ip }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum CongestionControl {
    Cubic,
    Newreno,
    Bbr,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransportSettings {
    pub max_bidirectional_streams: u64,
    pub max_unidirectional_streams: u64,
    /// 0: never.
    pub idle_timeout_ms: u64,
    /// 0: no keep-alive.
    pub keep_alive_ms: u64,
    pub stream_receive_window: u64,
    pub connection_receive_window: u64,
    pub send_window: u64,
    pub congestion: CongestionControl,
    /// Bytes.
    pub initial_congestion_window: u64,
    /// UDP payload before discovery has found more; at least 1200.
    pub initial_mtu: u16,
    /// Upper end of the search; not above `initial_mtu`: no discovery.
    pub mtu_upper_bound: u16,
    /// A path waits so long with its first search, unless it carries much before; 0: none.
    pub mtu_discovery_delay_ms: u64,
    pub mtu_discovery_interval_ms: u64,
    pub mtu_black_hole_cooldown_ms: u64,
    pub initial_rtt_ms: u64,
    /// 0 switches QUIC datagrams off.
    pub datagram_receive_buffer: usize,
    pub datagram_send_buffer: usize,
    /// Paths at a time; 0: multipath is not offered.
    pub max_paths: u32,
    /// For each path under multipath; 0: the connection's idle timeout only.
    pub path_idle_timeout_ms: u64,
    pub path_keep_alive_ms: u64,
    pub send_fairness: bool,
    pub stream_copies: bool,
    /// Packets after which an acknowledgement is asked for (ack frequency extension); 0: not asked.
    pub ack_threshold: u32,
    /// Tell the remote its address as seen from here; learn our own from it (address discovery). noq would put such a
    /// report into 0-RTT packets, where it is forbidden, so a client must not report.
    pub report_address: bool,
    pub learn_address: bool,
    pub qlog: bool,
}

fn varint(name: &str, value: u64) -> Result<VarInt, Refusal> {
    VarInt::from_u64(value).map_err(|_| Refusal::new("config", format!("{name}: {value} is above 2^62-1")))
}

fn optional_ms(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

impl TransportSettings {
    pub fn build(&self, qlog: &Arc<QlogQueues>) -> Result<TransportConfig, Refusal> {
        if usize::from(self.mtu_upper_bound) > RX_ARENA_BYTES {
            return Err(Refusal::new("config", "mtuUpperBound is larger than the receive arena"));
        }
        let mut config = TransportConfig::default();
        let idle = match self.idle_timeout_ms {
            0 => None,
            ms => Some(IdleTimeout::from(varint("idleTimeout", ms)?)),
        };
        config
            .max_concurrent_bidi_streams(varint("maxConcurrentStreams", self.max_bidirectional_streams)?)
            .max_concurrent_uni_streams(varint("maxConcurrentStreams", self.max_unidirectional_streams)?)
            .max_idle_timeout(idle)
            .keep_alive_interval(optional_ms(self.keep_alive_ms))
            .stream_receive_window(varint("streamReceiveWindow", self.stream_receive_window)?)
            .receive_window(varint("connectionReceiveWindow", self.connection_receive_window)?)
            .send_window(self.send_window)
            .send_fairness(self.send_fairness)
            .stream_copies(self.stream_copies)
            .initial_mtu(self.initial_mtu)
            .initial_rtt(Duration::from_millis(self.initial_rtt_ms))
            .datagram_receive_buffer_size((self.datagram_receive_buffer > 0).then_some(self.datagram_receive_buffer))
            .datagram_send_buffer_size(self.datagram_send_buffer)
            .max_concurrent_multipath_paths(self.max_paths)
            .default_path_max_idle_timeout(optional_ms(self.path_idle_timeout_ms))
            .default_path_keep_alive_interval(optional_ms(self.path_keep_alive_ms))
            .send_observed_address_reports(self.report_address)
            .receive_observed_address_reports(self.learn_address)
            .congestion_controller_factory(Arc::new(Factory::new(self.congestion, self.initial_congestion_window)))
            .mtu_discovery_config(self.mtu_discovery());
        if self.ack_threshold > 0 {
            let mut ack = AckFrequencyConfig::default();
            ack.ack_eliciting_threshold(self.ack_threshold.into());
            config.ack_frequency_config(Some(ack));
        }
        if self.qlog {
            config.qlog_factory(qlog.clone());
        }
        Ok(config)
    }

    fn mtu_discovery(&self) -> Option<MtuDiscoveryConfig> {
        if self.mtu_upper_bound <= self.initial_mtu {
            return None;
        }
        let mut discovery = MtuDiscoveryConfig::default();
        discovery
            .upper_bound(self.mtu_upper_bound)
            .delay(Duration::from_millis(self.mtu_discovery_delay_ms))
            .interval(Duration::from_millis(self.mtu_discovery_interval_ms))
            .black_hole_cooldown(Duration::from_millis(self.mtu_black_hole_cooldown_ms));
        Some(discovery)
    }
}

/// Hex text to bytes; `subject` names the setting in the refusal.
pub fn parse_hex(subject: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    let invalid = || Refusal::new("config", format!("{subject} must be an even number of hex digits"));
    if text.len() % 2 != 0 || !text.is_ascii() {
        return Err(invalid());
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| invalid())).collect()
}
