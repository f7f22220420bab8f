//! The server: files over `hq-interop`, echo over `skein-echo`, and what each connection showed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, EndpointConfig, Incoming, TokioRuntime, VarInt};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::observe::{Observed, ObservedKeyLog, ObservedServer};
use crate::report::{self, Failure, LIBRARY, Reports, emit, merge};
use crate::service::Service;
use crate::{ALPN_ECHO, ALPN_FILES, RejectEarlyData, ServerArgs, tls, transport};

/// How often the client's address is looked at: quinn does not tell when it changes.
const LOOK: Duration = Duration::from_millis(5);

struct Server {
    args: Arc<ServerArgs>,
    root: PathBuf,
    tls: rustls::ServerConfig,
    identity: Arc<CertifiedKey>,
    quic: quinn::ServerConfig,
    key_log: Arc<rustls::KeyLogFile>,
}

pub async fn run(args: Arc<ServerArgs>, closed: Reports) -> Result<(), Failure> {
    let provider = tls::provider(args.common.chacha20);
    let identity = tls::identity(&args.cert, &args.key)?;
    let alpn = match args.alpn.is_empty() {
        true => vec![ALPN_FILES.to_owned(), ALPN_ECHO.to_owned()],
        false => args.alpn.clone(),
    };
    let mut config = tls::server(identity.clone(), args.client_ca.as_deref(), &alpn, provider)?;
    if args.reject_early_data == Some(RejectEarlyData::Forget) {
        config.session_storage = Arc::new(tls::Forgetful);
    }
    let crypto = QuicServerConfig::with_initial(Arc::new(config.clone()), tls::initial_suite())?;
    let mut quic = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let mut transport = transport(&args.common);
    if let Some(limit) = args.max_streams {
        transport.max_concurrent_bidi_streams(VarInt::from_u32(limit));
        transport.max_concurrent_uni_streams(VarInt::from_u32(limit));
    }
    quic.transport_config(Arc::new(transport));

    let address = SocketAddr::new(args.common.host.parse::<IpAddr>()?, args.common.port);
    let socket = std::net::UdpSocket::bind(address)?;
    let runtime = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(EndpointConfig::default(), Some(quic.clone()), socket, runtime)?;
    let local = endpoint.local_addr()?;
    let server = Arc::new(Server {
        root: args.root.canonicalize()?,
        tls: config,
        identity,
        quic,
        key_log: Arc::new(rustls::KeyLogFile::new()),
        args: args.clone(),
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (ended, mut reports) = mpsc::unbounded_channel();
    let mut accepted = 0;
    emit(json!({
        "listening": local.port(), "address": local.to_string(), "library": LIBRARY, "pid": std::process::id(),
    }));
    loop {
        tokio::select! {
            Some(incoming) = endpoint.accept() => {
                if args.retry && !incoming.remote_address_validated() {
                    emit(json!({"event": "retry", "remote": incoming.remote_address().to_string()}));
                    incoming.retry()?;
                    continue;
                }
                accepted += 1;
                let (server, ended, number) = (server.clone(), ended.clone(), accepted);
                tokio::spawn(async move {
                    let _ = ended.send(server.connection(incoming, number).await);
                });
            }
            Some(report) = reports.recv() => {
                let mut closed = closed.lock().unwrap();
                closed.push(report);
                if args.connections > 0 && closed.len() >= args.connections {
                    break;
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    endpoint.close(VarInt::from_u32(0), b"");
    let _ = tokio::time::timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
    Ok(())
}

impl Server {
    /// The configuration of one connection, with its own counters.
    fn config(&self, number: u64, observed: &Arc<Observed>) -> Result<quinn::ServerConfig, Failure> {
        let mut tls = self.tls.clone();
        tls.cert_resolver = tls::counting_identity(&self.identity, observed);
        tls.key_log = Arc::new(ObservedKeyLog { file: self.key_log.clone(), observed: observed.clone() });
        // the first connection's tickets allow early data; those that come with them find it refused
        if number > 1 && self.args.reject_early_data == Some(RejectEarlyData::Resume) {
            tls.max_early_data_size = 0;
        }
        let inner = QuicServerConfig::with_initial(Arc::new(tls), tls::initial_suite())?;
        let mut config = self.quic.clone();
        config.crypto = Arc::new(ObservedServer { inner: Arc::new(inner), observed: observed.clone() });
        Ok(config)
    }

    /// One connection from its first packet to its end; returns what the summary repeats.
    async fn connection(self: Arc<Self>, incoming: Incoming, number: u64) -> Value {
        match self.serve(incoming, number).await {
            Ok(report) => report,
            Err(failure) => {
                let report =
                    json!({"by": "local", "kind": "refused", "code": null, "reason": failure.to_string()});
                emit(merge([json!({"event": "closed", "connection": number}), report.clone()]));
                report
            }
        }
    }

    async fn serve(&self, incoming: Incoming, number: u64) -> Result<Value, Failure> {
        let observed = Arc::new(Observed::default());
        let retried = !incoming.may_retry();
        let new_token = incoming.remote_address_validated() && !retried;
        let remote = incoming.remote_address().to_string();
        let connecting = incoming.accept_with(Arc::new(self.config(number, &observed)?))?;
        // 0.5-RTT: streams are accepted while the handshake runs, which is how early data shows
        let Ok((connection, handshake)) = connecting.into_0rtt() else {
            return Err(Failure("quinn refused 0.5-RTT".into()));
        };
        let remotes = Arc::new(Mutex::new(vec![remote.clone()]));
        tokio::spawn(watch_address(connection.clone(), remotes.clone()));
        let service = Service::start(
            self.args.clone(),
            self.root.clone(),
            connection.clone(),
            observed.clone(),
            number,
        );
        handshake.await;
        if observed.handshake_complete.load(Relaxed) {
            let early = observed.early_keys.load(Relaxed);
            emit(json!({
                "event": "handshake",
                "connection": number,
                "alpn": report::alpn(&connection),
                "version": "0x00000001",
                "cipher": observed.cipher(),
                "resumed": observed.signatures.load(Relaxed) == 0,
                "earlyData": if early { "accepted" } else { "none" },
                "retry": retried,
                "newToken": new_token,
                "peerCertificate": report::peer_certificate(&connection),
                "remote": remote,
            }));
        }
        let error = connection.closed().await;
        let (code, reason) = (self.args.common.close_code, &self.args.common.close_reason);
        let closed = report::close_report(&error, Some((code.unwrap_or(0).into(), reason)));
        let requests = json!({"requests": service.requests.load(Relaxed)});
        emit(merge([
            json!({"event": "closed", "connection": number}),
            closed.clone(),
            requests.clone(),
            service.report(),
            json!({"remotes": *remotes.lock().unwrap()}),
            report::observed(&connection, &observed),
        ]));
        Ok(merge([closed, requests]))
    }
}

async fn watch_address(connection: Connection, remotes: Arc<Mutex<Vec<String>>>) {
    while connection.close_reason().is_none() {
        let remote = connection.remote_address().to_string();
        {
            let mut remotes = remotes.lock().unwrap();
            if !remotes.contains(&remote) {
                remotes.push(remote);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
