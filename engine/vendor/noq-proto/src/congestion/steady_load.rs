//! Tells whether a path carries what the application sends, although some packets are lost on it

use crate::Duration;
use crate::connection::RttEstimator;

/// Packets of one of two periods that losses are counted over.
const PERIOD: u32 = 512;

/// Of so many packets one may be lost, and [`LOSSES_BY_CHANCE`] more: the loss that BBRv3 tolerates.
const PACKETS_PER_LOSS: u32 = 50;
const LOSSES_BY_CHANCE: u32 = 3;

/// A round-trip time longer than the shortest one by a quarter and this shows a queue.
const JITTER: Duration = Duration::from_millis(5);

/// Weight of one acknowledged packet in the share of those that came while nothing waited.
const WEIGHT: f32 = 1.0 / 32.0;

/// Acknowledgements after which the mark of what was in flight is taken anew.
const PEAK_PERIOD: u32 = 256;

/// Watches a sender that is limited by its application, not by the window.
///
/// Such a sender does not look for bandwidth. When it loses a packet now and then and no queue is building up, the loss is
/// not of its making, and to send less would not end it: its own load is all that it ever sends. Then the window is left
/// large enough for this load. With a queue, with more losses, or with data waiting for the window, loss is congestion.
#[derive(Debug, Clone, Default)]
pub(super) struct SteadyLoad {
    /// Share of recently acknowledged packets that were so while nothing waited to be sent.
    idle_share: f32,
    /// Packets and losses of the present period and of the one before.
    packets: [u32; 2],
    losses: [u32; 2],
    /// Most bytes in flight in the present period and in the one before.
    peak: [u64; 2],
    peak_acks: u32,
    queueing: bool,
}

impl SteadyLoad {
    pub(super) fn on_begin_acks(&mut self, in_flight: u64) {
        self.peak[0] = self.peak[0].max(in_flight);
        self.peak_acks += 1;
        if self.peak_acks == PEAK_PERIOD {
            self.peak = [0, self.peak[0]];
            self.peak_acks = 0;
        }
    }

    pub(super) fn on_ack(&mut self, app_limited: bool, rtt: &RttEstimator) {
        let idle = if app_limited { 1.0 } else { 0.0 };
        self.idle_share += (idle - self.idle_share) * WEIGHT;
        self.queueing = rtt.get() > rtt.min() + rtt.min() / 4 + JITTER;
        self.count();
    }

    pub(super) fn on_packet_lost(&mut self) {
        self.losses[0] += 1;
        self.count();
    }

    fn count(&mut self) {
        self.packets[0] += 1;
        if self.packets[0] == PERIOD {
            self.packets = [0, PERIOD];
            self.losses = [0, self.losses[0]];
        }
    }

    /// The window that loss of `lost_bytes` leaves to the load; 0 when the loss is to be taken for congestion.
    pub(super) fn window(&self, lost_bytes: u64) -> u64 {
        let packets = self.packets[0] + self.packets[1];
        let losses = self.losses[0] + self.losses[1];
        let peak = self.peak[0].max(self.peak[1]);
        let is_steady = self.idle_share > 0.5
            && !self.queueing
            && losses <= packets / PACKETS_PER_LOSS + LOSSES_BY_CHANCE
            && lost_bytes <= peak / 2;
        if is_steady { 2 * peak } else { 0 }
    }
}
