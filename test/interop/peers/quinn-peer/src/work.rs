//! What the client does on a connection: fetch files, one stream each, and move in between.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use quinn::{Connection, ConnectionError, Endpoint, ReadError, RecvStream, SendStream, WriteError};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ClientArgs;
use crate::client::any_port;
use crate::report::{Failure, emit, hex};
use crate::socket::SwapSocket;

const CHUNK: usize = 64 << 10;

#[derive(Clone)]
pub struct Job {
    pub get: Vec<String>,
    pub echo: usize,
    pub uni: usize,
    pub streams: usize,
    pub datagrams: u32,
}

impl Job {
    pub fn all(args: &ClientArgs) -> Self {
        Self {
            get: args.get.clone(),
            echo: args.echo,
            uni: args.uni,
            streams: args.streams,
            datagrams: args.datagrams,
        }
    }

    /// A small part of the job, for the connection that only fetches a ticket.
    pub fn first_of_two(args: &ClientArgs) -> Self {
        let get: Vec<_> = args.get.iter().take(1).cloned().collect();
        Self { echo: get.is_empty().into(), get, uni: 0, streams: 1, datagrams: 0 }
    }
}

/// Something to send on a stream of its own; the answer goes to a file if `--save` says so.
#[derive(Clone)]
pub struct Exchange {
    pub body: Bytes,
    pub path: Option<String>,
}

/// Why a stream came to nothing.
enum StreamError {
    /// The server did not take the early data that the stream was opened with: do it again
    EarlyDataRejected,
    /// No stream credit in the first flight: do it after the handshake
    Postponed,
    Other(Failure),
}

impl From<WriteError> for StreamError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::ZeroRttRejected => Self::EarlyDataRejected,
            other => Self::Other(other.into()),
        }
    }
}

impl From<ReadError> for StreamError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::ZeroRttRejected => Self::EarlyDataRejected,
            other => Self::Other(other.into()),
        }
    }
}

impl From<ConnectionError> for StreamError {
    fn from(error: ConnectionError) -> Self {
        Self::Other(error.into())
    }
}

/// What came back on a stream.
pub struct Answer {
    pub bytes: u64,
    pub sha256: String,
    pub first_flight: bool,
}

pub struct Session {
    pub args: Arc<ClientArgs>,
    pub connection: Connection,
    endpoint: Endpoint,
    socket: Arc<SwapSocket>,
    pub number: u64,
    locals: Mutex<Vec<String>>,
    pub handshake_done: AtomicBool,
    received: AtomicU64,
    moved: AtomicBool,
    blocked: AtomicU64,
    reissued: AtomicU64,
}

impl Session {
    pub fn new(
        args: Arc<ClientArgs>,
        connection: Connection,
        endpoint: Endpoint,
        socket: Arc<SwapSocket>,
        number: u64,
    ) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self {
            locals: Mutex::new(vec![endpoint.local_addr()?.to_string()]),
            args,
            connection,
            endpoint,
            socket,
            number,
            handshake_done: AtomicBool::new(false),
            received: AtomicU64::new(0),
            moved: AtomicBool::new(false),
            blocked: AtomicU64::new(0),
            reissued: AtomicU64::new(0),
        }))
    }

    pub fn report(&self) -> Value {
        json!({"locals": *self.locals.lock().unwrap(), "reissued": self.reissued.load(Relaxed)})
    }

    pub async fn work(self: Arc<Self>, job: Job) -> Result<Value, Failure> {
        if job.get.is_empty() { self.echo(job).await } else { self.fetch(job.get).await }
    }

    /// Get files over hq-interop: one stream each, all at once, as far as stream credit goes.
    async fn fetch(self: Arc<Self>, paths: Vec<String>) -> Result<Value, Failure> {
        let request = |path: String| Exchange { body: format!("GET {path}\r\n").into(), path: Some(path) };
        let files = paths.len();
        let requests = paths.into_iter().map(request).collect();
        let bytes = self
            .exchange_all(requests, |session, request, answer| {
                emit(json!({
                    "event": "file", "connection": session.number, "path": request.path, "bytes": answer.bytes,
                    "sha256": answer.sha256, "firstFlight": answer.first_flight,
                }));
                Ok(())
            })
            .await?;
        Ok(json!({"files": files, "bytes": bytes, "streamsBlocked": self.blocked.load(Relaxed)}))
    }

    /// Do all exchanges; those whose early data was rejected, once more. Returns the bytes that came back.
    pub async fn exchange_all(
        self: &Arc<Self>,
        mut exchanges: Vec<Exchange>,
        done: fn(&Self, &Exchange, Answer) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut bytes = 0;
        while !exchanges.is_empty() {
            let mut streams = JoinSet::new();
            for exchange in exchanges.drain(..) {
                let session = self.clone();
                streams.spawn(async move { (session.exchange(&exchange).await, exchange) });
            }
            // The second round waits for the end of the first: quinn numbers streams anew after a rejection, and
            // a rejected stream that is dropped takes with it the waker of the new stream of the same number.
            while let Some(result) = streams.join_next().await {
                match result? {
                    (Ok(answer), exchange) => {
                        bytes += answer.bytes;
                        done(self, &exchange, answer)?;
                    }
                    (Err(StreamError::EarlyDataRejected), exchange) => {
                        self.reissued.fetch_add(1, Relaxed);
                        exchanges.push(exchange);
                    }
                    (Err(StreamError::Postponed), exchange) => exchanges.push(exchange),
                    (Err(StreamError::Other(failure)), _) => return Err(failure),
                }
            }
        }
        Ok(bytes)
    }

    async fn exchange(&self, exchange: &Exchange) -> Result<Answer, StreamError> {
        let open = self.connection.open_bi();
        tokio::pin!(open);
        let (send, recv) = tokio::select! {
            biased;
            opened = &mut open => opened?,
            () = std::future::ready(()) => {
                self.blocked.fetch_add(1, Relaxed);
                if !self.handshake_done.load(Relaxed) {
                    return Err(StreamError::Postponed);
                }
                open.await?
            }
        };
        let first_flight = recv.is_0rtt();
        let path = exchange.path.as_deref();
        let (sent, answer) = tokio::join!(send_all(send, exchange.body.clone()), self.receive(recv, path));
        let (bytes, sha256) = answer?;
        sent?;
        Ok(Answer { bytes, sha256, first_flight })
    }

    async fn receive(&self, mut recv: RecvStream, path: Option<&str>) -> Result<(u64, String), StreamError> {
        let mut file = self.file(path).map_err(StreamError::Other)?;
        let (mut bytes, mut digest) = (0, Context::new(&SHA256));
        let stream = u64::from(recv.id());
        loop {
            let chunk = recv.read_chunk(CHUNK, true).await.inspect_err(|error| {
                if let ReadError::Reset(code) = error {
                    emit(json!({
                        "event": "stream_reset", "connection": self.number, "stream": stream,
                        "code": code.into_inner(),
                    }));
                }
            });
            let Some(chunk) = chunk? else { break };
            digest.update(&chunk.bytes);
            if let Some(file) = &mut file {
                file.write_all(&chunk.bytes).map_err(|error| StreamError::Other(error.into()))?;
            }
            bytes += chunk.bytes.len() as u64;
            self.mid_transfer(chunk.bytes.len() as u64).map_err(StreamError::Other)?;
        }
        Ok((bytes, hex(digest.finish().as_ref())))
    }

    fn file(&self, path: Option<&str>) -> Result<Option<File>, Failure> {
        match (&self.args.save, path) {
            (Some(folder), Some(path)) => {
                let name = path.replace('/', "_");
                Ok(Some(File::create(folder.join(name.trim_start_matches('_')))?))
            }
            _ => Ok(None),
        }
    }

    /// Count what arrived; once it is `--after` bytes, do what was asked for at that point.
    fn mid_transfer(&self, arrived: u64) -> Result<(), Failure> {
        let received = self.received.fetch_add(arrived, Relaxed) + arrived;
        let due = received >= self.args.after && self.handshake_done.load(Relaxed);
        if !due || self.moved.swap(true, Relaxed) {
            return Ok(());
        }
        if self.args.common.key_update {
            self.connection.force_key_update();
            emit(json!({
                "event": "key_update", "connection": self.number, "by": "local", "afterBytes": received,
            }));
        }
        if self.args.rebind || self.args.migrate {
            let address = any_port(self.connection.remote_address());
            if self.args.migrate {
                self.endpoint.rebind(std::net::UdpSocket::bind(address)?)?;
            } else {
                self.socket.swap(address)?;
            }
            let local = self.endpoint.local_addr()?.to_string();
            emit(json!({
                "event": "moved", "connection": self.number, "local": local,
                "newConnectionId": self.args.migrate, "afterBytes": received,
            }));
            self.locals.lock().unwrap().push(local);
        }
        Ok(())
    }
}

async fn send_all(mut send: SendStream, body: Bytes) -> Result<(), StreamError> {
    send.write_chunk(body).await?;
    // a stream that is closed by now was closed by the rejection of its early data, or by the server
    // after it had read all: either way the answer tells
    let _ = send.finish();
    Ok(())
}
