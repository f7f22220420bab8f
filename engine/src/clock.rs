//! Time as an argument.
//!
//! The engine never reads a clock. Monotonic time arrives with every call as milliseconds since an origin that the
//! caller chose; wall time, which only certificates and tokens need, is set from outside as well.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::UnixTime;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use web_time::{Instant, SystemTime, UNIX_EPOCH};

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The caller's origin, moved forward by an hour, so that the state machine may subtract from early instants.
const HEADROOM: Duration = Duration::from_secs(3600);

/// Turns the caller's monotonic milliseconds into the state machine's instant.
pub fn instant(now_ms: f64) -> Instant {
    origin() + HEADROOM + Duration::from_micros((now_ms.max(0.0) * 1000.0).round() as u64)
}

/// The inverse of [`instant`]: milliseconds since the caller's origin, never negative. Rounded up to a microsecond, so
/// that a caller who waits until then finds the deadline passed.
pub fn to_ms(at: Instant) -> f64 {
    at.saturating_duration_since(origin() + HEADROOM).as_nanos().div_ceil(1000) as f64 / 1000.0
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn origin() -> Instant {
    web_time::ORIGIN
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn origin() -> Instant {
    use std::sync::OnceLock;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Wall time in milliseconds since 1970, as last told by the caller.
///
/// An atomic rather than a field, because rustls and noq take their time sources behind `Arc<dyn Send + Sync>`.
#[derive(Debug, Default)]
pub struct WallClock(AtomicU64);

impl WallClock {
    pub fn set(&self, unix_ms: f64) {
        self.0.store(unix_ms.max(0.0) as u64, Ordering::Relaxed);
    }

    fn since_epoch(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl rustls::time_provider::TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.since_epoch()))
    }
}

impl noq_proto::TimeSource for WallClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.since_epoch()
    }
}
