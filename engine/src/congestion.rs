//! Congestion controllers by name, and the burst that a connection may begin with.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use noq_proto::RttEstimator;
use noq_proto::congestion::{Bbr3Config, Controller, ControllerFactory, ControllerMetrics, CubicConfig, NewRenoConfig};

use crate::clock::Instant;
use crate::config::CongestionControl;

/// Paces nothing: what the congestion window allows may leave at once.
const UNPACED: u64 = u32::MAX as u64;

/// Builds controllers of one kind, each wrapped in an [`InitialBurst`].
pub struct Factory {
    kind: CongestionControl,
    initial_window: u64,
}

impl Factory {
    /// `initial_window`: bytes.
    pub fn new(kind: CongestionControl, initial_window: u64) -> Self {
        Self { kind, initial_window }
    }
}

impl ControllerFactory for Factory {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        let inner = match self.kind {
            CongestionControl::Cubic => {
                let mut config = CubicConfig::default();
                config.initial_window(self.initial_window);
                Arc::new(config).build(now, mtu)
            }
            CongestionControl::Newreno => {
                let mut config = NewRenoConfig::default();
                config.initial_window(self.initial_window);
                Arc::new(config).build(now, mtu)
            }
            CongestionControl::Bbr => {
                let mut config = Bbr3Config::default();
                config.initial_window(self.initial_window);
                Arc::new(config).build(now, mtu)
            }
        };
        Box::new(InitialBurst { inner, measured: false })
    }
}

/// Lets the initial window leave in one burst, as RFC 9002 7.7 allows, until a round trip was measured.
///
/// noq paces the first flight by the round-trip time that it assumes, 333 ms: a packet each 27 ms. A server whose
/// certificates take two packets would finish its handshake that much later, on the shortest path too.
#[derive(Debug)]
struct InitialBurst {
    inner: Box<dyn Controller>,
    measured: bool,
}

impl Controller for InitialBurst {
    fn on_sent(&mut self, now: Instant, bytes: u64, largest_pn: u64) {
        self.inner.on_sent(now, bytes, largest_pn);
    }

    fn on_packet_sent(&mut self, now: Instant, bytes: u16, pn: u64) {
        self.inner.on_packet_sent(now, bytes, pn);
    }

    fn on_cwnd_limited(&mut self) {
        self.inner.on_cwnd_limited();
    }

    fn on_begin_acks(&mut self, in_flight: u64) {
        self.inner.on_begin_acks(in_flight);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, pn: u64, app_limited: bool, rtt: &RttEstimator) {
        self.measured = true;
        self.inner.on_ack(now, sent, bytes, pn, app_limited, rtt);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest_acked: Option<u64>) {
        self.inner.on_end_acks(now, in_flight, app_limited, largest_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        is_ecn: bool,
        lost_bytes: u64,
        largest_lost_pn: u64,
    ) {
        self.inner.on_congestion_event(now, sent, is_persistent_congestion, is_ecn, lost_bytes, largest_lost_pn);
    }

    fn on_packet_lost(&mut self, lost_bytes: u16, pn: u64, now: Instant) {
        self.inner.on_packet_lost(lost_bytes, pn, now);
    }

    fn on_spurious_congestion_event(&mut self) {
        self.inner.on_spurious_congestion_event();
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }

    fn on_ack_frequency_update(&mut self, ack_eliciting_threshold: u64, requested_max_ack_delay: Duration) {
        self.inner.on_ack_frequency_update(ack_eliciting_threshold, requested_max_ack_delay);
    }

    fn window(&self) -> u64 {
        self.inner.window()
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.inner.metrics();
        if !self.measured {
            metrics.pacing_rate = Some(UNPACED);
        }
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self { inner: self.inner.clone_box(), measured: self.measured })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self.inner.into_any()
    }
}
