//! Streams: open, write, read, finish, reset, stop.

use noq_proto::{Dir, FinishError, ReadError, ReadableError, StreamId, VarInt, WriteError};

use crate::abi::Failure;
use crate::connection::raw;
use crate::engine::Engine;
use crate::handles::Handle;

/// Outcome of a read beside the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    pub len: usize,
    /// The end of the stream was reached; nothing more can be read.
    pub finished: bool,
}

fn id_of(id: u64) -> Result<StreamId, Failure> {
    Ok(StreamId::from(VarInt::from_u64(id).map_err(|_| Failure::ClosedStream)?))
}

impl Engine {
    /// Opens a stream; `Blocked` while the remote's credit is used up.
    pub fn open_stream(&mut self, handle: Handle, unidirectional: bool) -> Result<u64, Failure> {
        let connection = self.connection_to_change(handle)?;
        if connection.inner.is_closed() {
            return Err(Failure::IllegalState);
        }
        let dir = if unidirectional { Dir::Uni } else { Dir::Bi };
        connection.inner.streams().open(dir).map(raw).ok_or(Failure::Blocked)
    }

    /// Whether this side may use the sending (or receiving) half of a stream at all: noq asserts it.
    fn half(&mut self, handle: Handle, id: u64, sending: bool) -> Result<StreamId, Failure> {
        let id = id_of(id)?;
        let own = id.initiator() == self.connection(handle)?.inner.side();
        if id.dir() == Dir::Uni && own != sending {
            return Err(Failure::ClosedStream);
        }
        Ok(id)
    }

    /// Writes as much as flow control and the send buffer take; `Stopped` leaves the code in `code`.
    pub fn write(&mut self, handle: Handle, id: u64, bytes: &[u8], code: &mut u64) -> Result<usize, Failure> {
        let id = self.half(handle, id, true)?;
        let connection = self.connection_to_change(handle)?;
        match connection.inner.send_stream(id).write(bytes) {
            Ok(len) => Ok(len),
            Err(WriteError::Blocked) => Err(Failure::Blocked),
            Err(WriteError::Stopped(reason)) => {
                *code = reason.into_inner();
                Err(Failure::Stopped)
            }
            Err(WriteError::ClosedStream) => Err(Failure::ClosedStream),
        }
    }

    /// Sends FIN behind what was written.
    pub fn finish(&mut self, handle: Handle, id: u64, code: &mut u64) -> Result<(), Failure> {
        let id = self.half(handle, id, true)?;
        let connection = self.connection_to_change(handle)?;
        match connection.inner.send_stream(id).finish() {
            Ok(()) => Ok(()),
            Err(FinishError::Stopped(reason)) => {
                *code = reason.into_inner();
                Err(Failure::Stopped)
            }
            Err(FinishError::ClosedStream) => Err(Failure::ClosedStream),
        }
    }

    /// RESET_STREAM.
    pub fn reset(&mut self, handle: Handle, id: u64, code: u64) -> Result<(), Failure> {
        let id = self.half(handle, id, true)?;
        let code = VarInt::from_u64(code).map_err(|_| Failure::TooLarge)?;
        let connection = self.connection_to_change(handle)?;
        connection.inner.send_stream(id).reset(code).map_err(|_| Failure::ClosedStream)
    }

    /// STOP_SENDING.
    pub fn stop_sending(&mut self, handle: Handle, id: u64, code: u64) -> Result<(), Failure> {
        let id = self.half(handle, id, false)?;
        let code = VarInt::from_u64(code).map_err(|_| Failure::TooLarge)?;
        let connection = self.connection_to_change(handle)?;
        connection.readable.remove(&raw(id));
        connection.inner.recv_stream(id).stop(code).map_err(|_| Failure::ClosedStream)
    }

    /// Higher goes first; 0 is the default.
    pub fn set_priority(&mut self, handle: Handle, id: u64, priority: i32) -> Result<(), Failure> {
        let id = self.half(handle, id, true)?;
        let connection = self.connection(handle)?;
        connection.inner.send_stream(id).set_priority(priority).map_err(|_| Failure::ClosedStream)
    }

    /// Reads up to `out.len()` bytes in order. `Blocked` when none are there, `Reset` when the remote gave up.
    pub fn read(&mut self, handle: Handle, id: u64, out: &mut [u8], code: &mut u64) -> Result<Read, Failure> {
        let id = self.half(handle, id, false)?;
        let connection = self.connection(handle)?;
        let mut stream = connection.inner.recv_stream(id);
        let mut chunks = match stream.read(true) {
            Ok(chunks) => chunks,
            Err(ReadableError::ClosedStream | ReadableError::IllegalOrderedRead) => return Err(Failure::ClosedStream),
        };
        let mut len = 0;
        let mut drained = false;
        let mut result = Ok(false);
        while len < out.len() {
            match chunks.next(out.len() - len) {
                Ok(Some(chunk)) => {
                    out[len..len + chunk.bytes.len()].copy_from_slice(&chunk.bytes);
                    len += chunk.bytes.len();
                }
                Ok(None) => {
                    drained = true;
                    result = Ok(true);
                    break;
                }
                Err(ReadError::Blocked) => {
                    drained = true;
                    break;
                }
                Err(ReadError::Reset(reason)) => {
                    drained = true;
                    *code = reason.into_inner();
                    result = Err(Failure::Reset);
                    break;
                }
            }
        }
        // New credit, or a stream that may now be forgotten, wants to be told to the remote.
        let transmit = chunks.finalize().should_transmit();
        if drained {
            connection.readable.remove(&raw(id));
        }
        if transmit || drained {
            self.mark_dirty(handle);
        }
        match result? {
            false if len == 0 => Err(Failure::Blocked),
            finished => Ok(Read { len, finished }),
        }
    }
}
