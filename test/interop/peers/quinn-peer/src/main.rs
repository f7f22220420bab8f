//! quinn as an independent peer: files over `hq-interop`, echo over `skein-echo`.
//! The flags and the output are those of the aioquic peers; see README.md one folder up.

mod client;
mod early;
mod echo;
mod observe;
mod report;
mod server;
mod service;
mod socket;
mod tls;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use quinn::{IdleTimeout, TransportConfig, VarInt};
use serde_json::json;

use crate::report::{EXIT_FAILED, EXIT_TIMEOUT, LIBRARY, Reports, emit, unsupported};

pub const ALPN_FILES: &str = "hq-interop";
pub const ALPN_ECHO: &str = "skein-echo";
const LAST_RESORT: Duration = Duration::from_secs(5);
/// A file that does not exist: HTTP/0.9 has no status, so the stream is reset with this code.
pub const NOT_FOUND: VarInt = VarInt::from_u32(0x404);

#[derive(Parser)]
#[command(about = "quinn as an independent QUIC peer")]
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
    /// Offer only TLS_CHACHA20_POLY1305_SHA256
    #[arg(long)]
    pub chacha20: bool,
    /// Update the 1-RTT keys in mid-transfer
    #[arg(long)]
    pub key_update: bool,
    #[arg(long)]
    pub close_code: Option<u32>,
    #[arg(long, default_value = "")]
    pub close_reason: String,
    /// s; then the program ends with exit code 124
    #[arg(long, default_value_t = 60.0)]
    pub timeout: f64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum RejectEarlyData {
    /// The server has forgotten its tickets: full handshake
    Forget,
    /// The session is resumed, its early data is not taken
    Resume,
}

#[derive(Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub common: Common,
    #[arg(long)]
    pub cert: PathBuf,
    #[arg(long)]
    pub key: PathBuf,
    /// Folder of the files served over hq-interop
    #[arg(long, default_value = ".")]
    pub root: PathBuf,
    /// Default: hq-interop and skein-echo
    #[arg(long)]
    pub alpn: Vec<String>,
    /// Answer every first Initial with Retry
    #[arg(long)]
    pub retry: bool,
    #[arg(long)]
    pub reject_early_data: Option<RejectEarlyData>,
    /// Require a client certificate issued by this CA
    #[arg(long)]
    pub client_ca: Option<PathBuf>,
    /// Initial stream limit, both kinds
    #[arg(long)]
    pub max_streams: Option<u32>,
    /// Streams, before --close-code takes effect
    #[arg(long, default_value_t = 1)]
    pub close_after: u64,
    /// End after so many connections (0: never)
    #[arg(long, default_value_t = 0)]
    pub connections: usize,
}

#[derive(Args)]
pub struct ClientArgs {
    #[command(flatten)]
    pub common: Common,
    #[arg(long, default_value = "localhost")]
    pub servername: String,
    #[arg(long)]
    pub ca: Option<PathBuf>,
    #[arg(long)]
    pub insecure: bool,
    #[arg(long)]
    pub alpn: Option<String>,
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["echo", "uni", "datagrams"])]
    pub get: Vec<String>,
    /// More paths, one a line
    #[arg(long, value_name = "FILE")]
    pub get_from: Option<PathBuf>,
    /// Write the files there, too
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub echo: usize,
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub uni: usize,
    #[arg(long, default_value_t = 1)]
    pub streams: usize,
    #[arg(long, default_value_t = 0)]
    pub datagrams: u32,
    #[arg(long, default_value_t = 1000)]
    pub datagram_size: usize,
    #[arg(long)]
    pub datagrams_min: Option<usize>,
    #[arg(long)]
    pub resume: bool,
    #[arg(long)]
    pub early_data: bool,
    #[arg(long)]
    pub version_negotiation: bool,
    #[arg(long)]
    pub quic_v2: bool,
    /// New local port, same connection ID
    #[arg(long)]
    pub rebind: bool,
    /// New local port, new connection ID
    #[arg(long)]
    pub migrate: bool,
    /// Bytes received before --key-update, --rebind, --migrate
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    pub after: u64,
    /// Do not close: wait for the server or the idle timeout
    #[arg(long)]
    pub wait_close: bool,
    #[arg(long, requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    #[arg(long)]
    pub client_key: Option<PathBuf>,
}

/// What both roles set on the transport.
pub fn transport(common: &Common) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = VarInt::from_u32(common.idle_timeout);
    transport.max_idle_timeout(Some(IdleTimeout::from(idle)));
    transport
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let (role, timeout) = match &cli.role {
        Role::Server(args) => ("server", args.common.timeout),
        Role::Client(args) if args.quic_v2 => return unsupported("quinn has no QUIC version 2"),
        Role::Client(args) => ("client", args.common.timeout),
    };
    let limit = Duration::from_secs_f64(timeout);
    std::thread::spawn(move || {
        // the last resort, should the runtime be too busy to look at its clock
        std::thread::sleep(limit + LAST_RESORT);
        std::process::exit(EXIT_TIMEOUT.into());
    });
    let reports = Reports::default();
    let outcome = runtime.block_on(async {
        let reports = reports.clone();
        match cli.role {
            Role::Server(args) => tokio::time::timeout(limit, server::run(Arc::new(args), reports)).await,
            Role::Client(args) => tokio::time::timeout(limit, client::run(args, reports)).await,
        }
    });
    let (code, error) = match outcome {
        Ok(Ok(())) => (0, None),
        Ok(Err(failure)) => (EXIT_FAILED, Some(failure.to_string())),
        Err(_) => (EXIT_TIMEOUT, Some(format!("not finished after {timeout} s"))),
    };
    let mut summary = json!({
        "ok": error.is_none(), "role": role, "library": LIBRARY, "connections": *reports.lock().unwrap(),
    });
    if let Some(error) = error {
        summary["error"] = error.into();
    }
    emit(summary);
    ExitCode::from(code)
}
