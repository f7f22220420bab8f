//! qlog: one byte queue per connection, drained by TypeScript into files.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use noq_proto::{ConnectionId, QlogConfig, QlogFactory, Side};

use crate::clock::Instant;

/// Bytes one connection may have waiting; what comes beyond is dropped and counted, never buffered without bound.
const MAX_QUEUED: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    dropped: u64,
}

/// The queue of one connection.
#[derive(Clone, Debug, Default)]
pub struct QlogQueue(Arc<Mutex<Queue>>);

impl QlogQueue {
    /// Takes what has gathered.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap().bytes)
    }

    /// Bytes waiting.
    pub fn waiting(&self) -> usize {
        self.0.lock().unwrap().bytes.len()
    }
}

impl io::Write for QlogQueue {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut queue = self.0.lock().unwrap();
        if queue.bytes.len() + buf.len() > MAX_QUEUED {
            queue.dropped += buf.len() as u64;
        } else {
            queue.bytes.extend_from_slice(buf);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands a fresh queue to each connection that is made, and leaves it where the engine picks it up.
#[derive(Debug, Default)]
pub struct QlogQueues(Mutex<Option<QlogQueue>>);

impl QlogQueues {
    /// The queue of the connection that was made last, if it got one.
    pub fn take_newest(&self) -> Option<QlogQueue> {
        self.0.lock().unwrap().take()
    }
}

impl QlogFactory for QlogQueues {
    fn for_connection(&self, _: Side, _: SocketAddr, _: ConnectionId, _: Instant) -> Option<QlogConfig> {
        let queue = QlogQueue::default();
        *self.0.lock().unwrap() = Some(queue.clone());
        let mut config = QlogConfig::new(Box::new(queue));
        config.title(Some("skein".into()));
        Some(config)
    }
}
