//! What the server does with the streams and datagrams of one connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use quinn::{Connection, ReadError, RecvStream, SendStream, VarInt};
use serde_json::{Value, json};

use crate::observe::Observed;
use crate::report::{self, Failure, emit};
use crate::{ALPN_FILES, NOT_FOUND, ServerArgs};

const MAX_REQUEST_LINE: usize = 4096;
const MAX_UNIDIRECTIONAL: usize = 64 << 20;
const CHUNK: usize = 64 << 10;

pub struct Service {
    args: Arc<ServerArgs>,
    root: PathBuf,
    connection: Connection,
    observed: Arc<Observed>,
    number: u64,
    pub requests: AtomicU64,
    early_requests: AtomicU64,
    streams: AtomicU64,
    unidirectional: AtomicU64,
    datagrams: AtomicU64,
    bytes: AtomicU64,
    completed: AtomicU64,
    key_update_due: AtomicBool,
}

impl Service {
    /// Serve whatever the client opens, until the connection ends.
    pub fn start(
        args: Arc<ServerArgs>,
        root: PathBuf,
        connection: Connection,
        observed: Arc<Observed>,
        number: u64,
    ) -> Arc<Self> {
        let service = Arc::new(Self {
            key_update_due: AtomicBool::new(args.common.key_update),
            args,
            root,
            connection,
            observed,
            number,
            requests: AtomicU64::new(0),
            early_requests: AtomicU64::new(0),
            streams: AtomicU64::new(0),
            unidirectional: AtomicU64::new(0),
            datagrams: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            completed: AtomicU64::new(0),
        });
        tokio::spawn(service.clone().accept());
        service
    }

    pub fn report(&self) -> Value {
        json!({
            "earlyRequests": self.early_requests.load(Relaxed),
            "echoed": {
                "streams": self.streams.load(Relaxed),
                "unidirectional": self.unidirectional.load(Relaxed),
                "datagrams": self.datagrams.load(Relaxed),
                "bytes": self.bytes.load(Relaxed),
            },
        })
    }

    async fn accept(self: Arc<Self>) {
        let connection = self.connection.clone();
        loop {
            let service = self.clone();
            tokio::select! {
                Ok((send, recv)) = connection.accept_bi() => {
                    tokio::spawn(async move {
                        let stream = recv.id();
                        let outcome = service.bidirectional(send, recv).await;
                        service.note(stream.into(), outcome);
                    });
                }
                Ok(recv) = connection.accept_uni() => {
                    tokio::spawn(async move {
                        let stream = recv.id();
                        let outcome = service.unidirectional(recv).await;
                        service.note(stream.into(), outcome);
                    });
                }
                Ok(datagram) = connection.read_datagram() => {
                    self.datagrams.fetch_add(1, Relaxed);
                    // not sent if it does not fit the path: a QUIC datagram may be lost
                    let _ = connection.send_datagram(datagram);
                }
                else => return,
            }
        }
    }

    fn note(&self, stream: u64, outcome: Result<(), Failure>) {
        // streams that end with the connection are told of by its own report
        if let Err(failure) = outcome
            && self.connection.close_reason().is_none()
        {
            emit(json!({
                "event": "stream_error", "connection": self.number, "stream": stream, "error": failure.to_string(),
            }));
        }
    }

    fn reset(&self, stream: u64, error: &ReadError) {
        if let ReadError::Reset(code) = error {
            emit(json!({
                "event": "stream_reset", "connection": self.number, "stream": stream, "code": code.into_inner(),
            }));
        }
    }

    async fn bidirectional(&self, mut send: SendStream, mut recv: RecvStream) -> Result<(), Failure> {
        if report::alpn(&self.connection).as_deref() == Some(ALPN_FILES) {
            self.request(&mut send, &mut recv).await?;
        } else {
            let stream = u64::from(recv.id());
            loop {
                let chunk = recv.read_chunk(CHUNK, true).await;
                let Some(chunk) = chunk.inspect_err(|error| self.reset(stream, error))? else {
                    break;
                };
                self.bytes.fetch_add(chunk.bytes.len() as u64, Relaxed);
                send.write_chunk(chunk.bytes).await?;
                self.update_keys();
            }
            send.finish()?;
            self.streams.fetch_add(1, Relaxed);
        }
        self.complete(send).await
    }

    async fn request(&self, send: &mut SendStream, recv: &mut RecvStream) -> Result<(), Failure> {
        let stream = u64::from(recv.id());
        let early = self.observed.early.lock().unwrap().ids.contains(&stream);
        let line = recv.read_to_end(MAX_REQUEST_LINE).await?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let path = line.strip_prefix("GET ").unwrap_or("").trim_end().to_owned();
        let event = json!({
            "event": "request", "connection": self.number, "stream": stream, "path": path,
        });
        let Some(body) = self.file(&path) else {
            emit(report::merge([event, json!({"error": "not found"})]));
            send.reset(NOT_FOUND)?;
            return Ok(());
        };
        self.requests.fetch_add(1, Relaxed);
        self.early_requests.fetch_add(early.into(), Relaxed);
        for chunk in body.chunks(CHUNK) {
            send.write_all(chunk).await?;
            self.update_keys();
        }
        send.finish()?;
        let served = json!({"bytes": body.len(), "sha256": report::sha256(&body), "early": early});
        emit(report::merge([event, served]));
        Ok(())
    }

    /// The file's bytes, if it exists and lies under the root.
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let relative = Path::new(path.strip_prefix('/')?);
        let file = self.root.join(relative).canonicalize().ok()?;
        if !file.starts_with(&self.root) {
            return None;
        }
        std::fs::read(file).ok()
    }

    async fn unidirectional(&self, mut recv: RecvStream) -> Result<(), Failure> {
        let body = recv.read_to_end(MAX_UNIDIRECTIONAL).await?;
        let mut send = self.connection.open_uni().await?;
        send.write_all(&body).await?;
        send.finish()?;
        self.unidirectional.fetch_add(1, Relaxed);
        self.bytes.fetch_add(body.len() as u64, Relaxed);
        self.complete(send).await
    }

    fn update_keys(&self) {
        if self.key_update_due.swap(false, Relaxed) {
            self.connection.force_key_update();
        }
    }

    /// After the stream that `--close-after` names: wait until the client has all of it, then close.
    async fn complete(&self, send: SendStream) -> Result<(), Failure> {
        let completed = self.completed.fetch_add(1, Relaxed) + 1;
        if let Some(code) = self.args.common.close_code
            && completed == self.args.close_after
        {
            send.stopped().await?;
            let reason = self.args.common.close_reason.as_bytes();
            self.connection.close(VarInt::from_u32(code), reason);
        }
        Ok(())
    }
}
