//! The client: dials, does its work (`work.rs`), closes, tells what it saw.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connecting, Connection, ConnectionError, Endpoint, EndpointConfig, TokenMemoryCache,
    TokioRuntime, VarInt, ZeroRttAccepted,
};
use serde_json::{Value, json};

use crate::observe::{GREASE_VERSION, Observed, ObservedClient, ObservedKeyLog};
use crate::report::{self, Failure, Reports, emit, merge};
use crate::socket::SwapSocket;
use crate::tls::{CountingVerifier, Tickets};
use crate::work::{Job, Session};
use crate::{ALPN_ECHO, ALPN_FILES, ClientArgs, tls, transport};

const VERSION_1: u32 = 1;
const TICKET_PATIENCE: Duration = Duration::from_secs(5);
/// A client behind a NAT has to speak first after a rebinding, or the server goes on sending to the old address.
const KEEP_ALIVE: Duration = Duration::from_millis(50);
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

pub async fn run(mut args: ClientArgs, reports: Reports) -> Result<(), Failure> {
    if let Some(file) = &args.get_from {
        let list = std::fs::read_to_string(file)?;
        args.get.extend(list.split_whitespace().map(str::to_owned));
    }
    let client = Client::new(args, reports)?;
    let args = &client.args;
    if args.version_negotiation {
        client.provoke_version_negotiation().await?;
    }
    if args.resume || args.early_data {
        client.connect(1, false, Job::first_of_two(args), false).await?;
        client.connect(2, args.early_data, Job::all(args), true).await
    } else {
        client.connect(1, false, Job::all(args), true).await
    }
}

struct Client {
    args: Arc<ClientArgs>,
    remote: SocketAddr,
    tls: rustls::ClientConfig,
    verifier: Arc<CountingVerifier>,
    tickets: Arc<Tickets>,
    tokens: Arc<TokenMemoryCache>,
    key_log: Arc<rustls::KeyLogFile>,
    reports: Reports,
}

/// A connection attempt and what belongs to it.
struct Attempt {
    endpoint: Endpoint,
    socket: Arc<SwapSocket>,
    observed: Arc<Observed>,
    connecting: Connecting,
}

impl Client {
    fn new(args: ClientArgs, reports: Reports) -> Result<Self, Failure> {
        let remote = (args.common.host.as_str(), args.common.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| Failure(format!("{} has no address", args.common.host)))?;
        let ca = match (&args.ca, args.insecure) {
            (_, true) => None,
            (Some(ca), false) => Some(ca.as_path()),
            (None, false) => return Err(Failure("give --ca FILE or --insecure".into())),
        };
        let verifier = CountingVerifier::new(ca, tls::provider(args.common.chacha20))?;
        let tickets = Tickets::new();
        let echo = args.echo + args.uni + args.datagrams as usize > 0;
        let alpn = args.alpn.as_deref().unwrap_or(if echo { ALPN_ECHO } else { ALPN_FILES });
        let identity = args.client_cert.as_deref().zip(args.client_key.as_deref());
        let tls = tls::client(verifier.clone(), tickets.clone(), alpn, identity)?;
        Ok(Self {
            args: Arc::new(args),
            remote,
            tls,
            verifier,
            tickets,
            tokens: Arc::new(TokenMemoryCache::default()),
            key_log: Arc::new(rustls::KeyLogFile::new()),
            reports,
        })
    }

    fn dial(&self, version: u32, early: bool) -> Result<Attempt, Failure> {
        let observed = Arc::new(Observed::default());
        let mut tls = self.tls.clone();
        tls.enable_early_data = early;
        tls.key_log = Arc::new(ObservedKeyLog { file: self.key_log.clone(), observed: observed.clone() });
        let inner = QuicClientConfig::with_initial(Arc::new(tls), tls::initial_suite())?;
        let mut config = ClientConfig::new(Arc::new(ObservedClient {
            inner: Arc::new(inner),
            observed: observed.clone(),
        }));
        let mut transport = transport(&self.args.common);
        if self.args.rebind {
            transport.keep_alive_interval(Some(KEEP_ALIVE));
        }
        config.version(version).token_store(self.tokens.clone()).transport_config(Arc::new(transport));
        let socket = SwapSocket::bind(any_port(self.remote))?;
        let mut endpoint_config = EndpointConfig::default();
        endpoint_config.supported_versions(vec![VERSION_1, version]);
        let endpoint = Endpoint::new_with_abstract_socket(
            endpoint_config,
            None,
            socket.clone(),
            Arc::new(TokioRuntime),
        )?;
        let connecting = endpoint.connect_with(config, self.remote, &self.args.servername)?;
        Ok(Attempt { endpoint, socket, observed, connecting })
    }

    /// quinn reports Version Negotiation and leaves it to the application to dial again.
    async fn provoke_version_negotiation(&self) -> Result<(), Failure> {
        match self.dial(GREASE_VERSION, false)?.connecting.await {
            Err(ConnectionError::VersionMismatch) => {
                emit(json!({"event": "version_negotiation", "offered": format!("{GREASE_VERSION:#010x}")}));
                Ok(())
            }
            Err(error) => Err(Failure(format!("no Version Negotiation: {error}"))),
            Ok(_) => Err(Failure("the server speaks a version that does not exist".into())),
        }
    }

    /// One connection from the first flight to the close.
    async fn connect(&self, number: u64, early: bool, job: Job, last: bool) -> Result<(), Failure> {
        let certificates = self.verifier.certificates.load(Relaxed);
        let started = Instant::now();
        let attempt = self.dial(VERSION_1, early)?;
        let (endpoint, observed) = (attempt.endpoint, attempt.observed);
        let (connection, accepted) = match establish(attempt.connecting, early).await {
            Ok(established) => established,
            Err(error) => {
                self.ended(number, report::close_report(&error, None));
                return Err(Failure(format!("handshake failed: {error}")));
            }
        };
        let session =
            Session::new(self.args.clone(), connection.clone(), endpoint.clone(), attempt.socket, number)?;
        // with early data this queues the requests while the first flight is on its way
        let work = tokio::spawn(session.clone().work(job));
        let early_data = match accepted {
            None => "none",
            Some(accepted) => {
                if accepted.await {
                    "accepted"
                } else {
                    "rejected"
                }
            }
        };
        let handshake = json!({
            "alpn": report::alpn(&connection),
            "version": "0x00000001",
            "cipher": observed.cipher(),
            "resumed": self.verifier.certificates.load(Relaxed) == certificates,
            "earlyData": early_data,
            "retry": observed.retries.load(Relaxed) > 0,
            "versionNegotiation": self.args.version_negotiation,
            "peerCertificate": report::peer_certificate(&connection),
            "remote": self.remote.to_string(),
        });
        if observed.handshake_complete.load(Relaxed) {
            session.handshake_done.store(true, Relaxed);
            let ms = (started.elapsed().as_secs_f64() * 1e4).round() / 10.0;
            let event = json!({"event": "handshake", "connection": number, "ms": ms});
            emit(merge([event, handshake.clone()]));
        }
        let mut outcome = work.await?;
        let waited = Instant::now();
        if outcome.is_ok() && !last && !self.ticket_arrived().await {
            outcome = Err(Failure(format!("connection {number} brought no session ticket")));
        }
        if outcome.is_ok() && last && self.args.wait_close {
            connection.closed().await;
        }
        let common = &self.args.common;
        let code = common.close_code.unwrap_or(0);
        // looked at first: closing overwrites how the connection came to its end
        let ended = connection.close_reason();
        connection.close(VarInt::from_u32(code), common.close_reason.as_bytes());
        let error = ended.unwrap_or(ConnectionError::LocallyClosed);
        let _ = tokio::time::timeout(CLOSE_PATIENCE, endpoint.wait_idle()).await;
        self.ended(
            number,
            merge([
                handshake,
                outcome.as_ref().map_or(Value::Null, Value::clone),
                json!({"waitedMs": waited.elapsed().as_millis() as u64}),
                report::close_report(&error, Some((code.into(), &common.close_reason))),
                session.report(),
                report::observed(&connection, &observed),
            ]),
        );
        outcome.map(drop)
    }

    /// The first of two connections stays until there is a ticket for the second.
    async fn ticket_arrived(&self) -> bool {
        tokio::time::timeout(TICKET_PATIENCE, self.tickets.arrived.notified()).await.is_ok()
    }

    fn ended(&self, number: u64, report: Value) {
        emit(merge([json!({"event": "closed", "connection": number}), report.clone()]));
        self.reports.lock().unwrap().push(report);
    }
}

async fn establish(
    connecting: Connecting,
    early: bool,
) -> Result<(Connection, Option<ZeroRttAccepted>), ConnectionError> {
    if !early {
        return Ok((connecting.await?, None));
    }
    match connecting.into_0rtt() {
        Ok((connection, accepted)) => Ok((connection, Some(accepted))),
        Err(connecting) => {
            emit(json!({"event": "early_data", "outcome": "no ticket allows it"}));
            Ok((connecting.await?, None))
        }
    }
}

/// Any port of the family that `remote` is reached with.
pub fn any_port(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}
