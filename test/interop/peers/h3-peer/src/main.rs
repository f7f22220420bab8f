//! h3 over quinn as an independent HTTP/3 peer. Flags and output are those of the HTTP/3 programs of aioquic, as far as
//! they go; see README.md one folder up.

mod client;
mod message;
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use quinn::{ConnectionError, IdleTimeout, TransportConfig, VarInt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

pub const LIBRARY: &str = "h3 0.0.8, h3-quinn 0.0.10, quinn 0.11.12";
pub const ALPN: &[u8] = b"h3";
/// H3_NO_ERROR
pub const NO_ERROR: VarInt = VarInt::from_u32(0x100);
const EXIT_FAILED: u8 = 1;
const EXIT_TIMEOUT: u8 = 124;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "h3 over quinn as an independent HTTP/3 peer")]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    Server(ServerArgs),
    Client(ClientArgs),
}

#[derive(Args)]
pub struct Common {
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// ms
    #[arg(long, default_value_t = 30_000)]
    pub idle_timeout: u32,
    /// s; then the program ends with exit code 124
    #[arg(long, default_value_t = 60.0)]
    pub timeout: f64,
}

impl Common {
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        Ok(SocketAddr::new(self.host.parse()?, self.port))
    }

    pub fn transport(&self) -> TransportConfig {
        let mut transport = TransportConfig::default();
        transport.max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(self.idle_timeout))));
        transport.max_concurrent_bidi_streams(VarInt::from_u32(1000));
        transport
    }
}

#[derive(Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub common: Common,
    #[arg(long)]
    pub cert: PathBuf,
    #[arg(long)]
    pub key: PathBuf,
    /// Folder of the files that are served
    #[arg(long, default_value = ".")]
    pub root: PathBuf,
    /// GOAWAY with the Nth request of a connection (0: never)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub goaway_after: u64,
}

#[derive(Args)]
pub struct ClientArgs {
    #[command(flatten)]
    pub common: Common,
    #[arg(long, default_value = "localhost")]
    pub servername: String,
    #[arg(long)]
    pub ca: PathBuf,
    /// JSON: groups of requests
    #[arg(long, value_name = "FILE")]
    pub requests: PathBuf,
    /// Do not close: wait for the server or the timeout
    #[arg(long)]
    pub wait_close: bool,
}

/// Print one event as one line.
pub fn emit(event: Value) {
    println!("{event}");
}

pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    Ok(CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?)
}

pub fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    Ok(PrivateKeyDer::from_pem_file(file)?)
}

/// How a connection ended.
pub fn close_report(error: &ConnectionError) -> Value {
    match error {
        ConnectionError::ApplicationClosed(close) => json!({
            "by": "peer", "kind": "application", "code": close.error_code.into_inner(),
            "reason": String::from_utf8_lossy(&close.reason),
        }),
        ConnectionError::ConnectionClosed(close) => json!({
            "by": "peer", "kind": "transport", "code": u64::from(close.error_code),
            "reason": String::from_utf8_lossy(&close.reason),
        }),
        ConnectionError::TimedOut => json!({"by": "timeout", "kind": "idle-timeout", "code": null}),
        ConnectionError::LocallyClosed => json!({"by": "local", "kind": "application", "code": NO_ERROR.into_inner()}),
        other => json!({"by": "local", "kind": "other", "code": null, "reason": other.to_string()}),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (role, timeout) = match &cli.role {
        Role::Server(args) => ("server", args.common.timeout),
        Role::Client(args) => ("client", args.common.timeout),
    };
    let run = async {
        match cli.role {
            Role::Server(args) => server::run(args).await,
            Role::Client(args) => client::run(args).await,
        }
    };
    match tokio::time::timeout(Duration::from_secs_f64(timeout), run).await {
        Ok(Ok(())) => {
            emit(json!({"ok": true, "role": role, "library": LIBRARY}));
            ExitCode::SUCCESS
        }
        Ok(Err(failure)) => {
            emit(json!({"ok": false, "role": role, "error": failure.to_string()}));
            ExitCode::from(EXIT_FAILED)
        }
        Err(_) => {
            emit(json!({"ok": false, "role": role, "error": format!("not finished after {timeout} s")}));
            ExitCode::from(EXIT_TIMEOUT)
        }
    }
}
