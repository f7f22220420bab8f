//! Which streams have data in 0-RTT packets, read from the packets themselves.
//!
//! quinn knows only whether the handshake was over when a stream was accepted, which is later than
//! its data came. So the frames of 0-RTT packets are read here, beside quinn's own reading of them.

use std::collections::BTreeSet;

use quinn_proto::VarInt;
use quinn_proto::coding::Codec;

#[derive(Debug, Default)]
pub struct EarlyStreams {
    pub ids: BTreeSet<u64>,
    pub bytes: u64,
}

impl EarlyStreams {
    /// Note the STREAM frames of one decrypted 0-RTT packet (RFC 9000 sections 12.4 and 19).
    pub fn read(&mut self, mut payload: &[u8]) {
        while self.frame(&mut payload).is_some() {}
    }

    /// One frame; `None` at the end, or at a frame that has no business in a 0-RTT packet.
    fn frame(&mut self, rest: &mut &[u8]) -> Option<()> {
        let kind = integer(rest)?;
        let integers = match kind {
            // PADDING, PING
            0x00 | 0x01 => 0,
            // RESET_STREAM
            0x04 => 3,
            // STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED
            0x05 | 0x11 | 0x15 => 2,
            0x08..=0x0f => return self.stream(kind, rest),
            // MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED, RETIRE_CONNECTION_ID
            0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => 1,
            // NEW_CONNECTION_ID: sequence number, retire prior to, ID, stateless reset token
            0x18 => {
                integer(rest)?;
                integer(rest)?;
                let length = take(rest, 1)?[0];
                take(rest, usize::from(length) + 16)?;
                0
            }
            // PATH_CHALLENGE
            0x1a => take(rest, 8).map(|_| 0)?,
            // DATAGRAM without and with a length
            0x30 => take(rest, rest.len()).map(|_| 0)?,
            0x31 => {
                let length = integer(rest)?;
                take(rest, length as usize).map(|_| 0)?
            }
            _ => return None,
        };
        for _ in 0..integers {
            integer(rest)?;
        }
        Some(())
    }

    fn stream(&mut self, kind: u64, rest: &mut &[u8]) -> Option<()> {
        let id = integer(rest)?;
        if kind & 0x04 != 0 {
            integer(rest)?; // offset
        }
        let length = if kind & 0x02 != 0 { integer(rest)? as usize } else { rest.len() };
        take(rest, length)?;
        self.ids.insert(id);
        self.bytes += length as u64;
        Some(())
    }
}

fn integer(rest: &mut &[u8]) -> Option<u64> {
    VarInt::decode(rest).ok().map(VarInt::into_inner)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::EarlyStreams;

    #[test]
    fn reads_streams_between_other_frames() {
        let mut early = EarlyStreams::default();
        // PING, STREAM 4 with offset 1 and length 2, MAX_DATA, PADDING, STREAM 64 up to the end
        let packet = [0x01, 0x0e, 4, 1, 2, 9, 9, 0x10, 0x40, 0xff, 0x00, 0x00, 0x08, 0x40, 0x40, 7, 7, 7];
        early.read(&packet);
        assert_eq!(early.ids.iter().copied().collect::<Vec<_>>(), [4, 64]);
        assert_eq!(early.bytes, 5);
    }

    #[test]
    fn stops_at_what_it_cannot_read() {
        let mut early = EarlyStreams::default();
        early.read(&[0x0a, 0, 200, 1]);
        early.read(&[0xff]);
        assert!(early.ids.is_empty());
    }
}
