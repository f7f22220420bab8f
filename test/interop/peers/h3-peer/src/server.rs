//! Serves files, `/echo` and `/digest`, and goes away where asked to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use h3::server::RequestResolver;
use http::{HeaderMap, Method, Response, StatusCode};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, Incoming};
use serde_json::json;

use crate::message::{Content, PIECE, merge};
use crate::{ALPN, Failure, NO_ERROR, ServerArgs, certificates, close_report, emit, private_key};

struct Settings {
    root: PathBuf,
    goaway_after: u64,
}

pub async fn run(args: ServerArgs) -> Result<(), Failure> {
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates(&args.cert)?, private_key(&args.key)?)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(args.common.transport()));
    let endpoint = Endpoint::server(config, args.common.address()?)?;
    emit(json!({"listening": endpoint.local_addr()?.port()}));
    let settings = Arc::new(Settings { root: args.root.canonicalize()?, goaway_after: args.goaway_after });
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut number = 0_u64;
    loop {
        tokio::select! {
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { break };
                number += 1;
                let settings = settings.clone();
                tokio::spawn(async move {
                    if let Err(failure) = serve(incoming, number, settings).await {
                        eprintln!("connection {number}: {failure}");
                    }
                });
            }
            _ = terminate.recv() => break,
        }
    }
    endpoint.close(NO_ERROR, b"");
    endpoint.wait_idle().await;
    Ok(())
}

async fn serve(incoming: Incoming, number: u64, settings: Arc<Settings>) -> Result<(), Failure> {
    let quic = incoming.await?;
    emit(json!({"event": "handshake", "connection": number, "alpn": "h3"}));
    let mut http = h3::server::Connection::new(h3_quinn::Connection::new(quic.clone())).await?;
    let mut requests = 0;
    let mut goaways = 0;
    loop {
        match http.accept().await {
            Ok(Some(resolver)) => {
                requests += 1;
                // Before the response, so that whoever has read it can wait for nothing but what is on its way.
                if settings.goaway_after > 0 && requests == settings.goaway_after {
                    // One more than what was accepted last: that is the first that is not taken.
                    http.shutdown(1).await?;
                    goaways += 1;
                }
                let settings = settings.clone();
                tokio::spawn(async move {
                    if let Err(failure) = answer(resolver, number, &settings.root).await {
                        eprintln!("connection {number}, request {requests}: {failure}");
                    }
                });
            }
            Ok(None) => break,
            Err(error) => {
                eprintln!("connection {number}: {error}");
                break;
            }
        }
    }
    let closed = quic.closed().await;
    let report = json!({"event": "closed", "connection": number, "requests": requests, "goaways": goaways});
    emit(merge(report, close_report(&closed)));
    drop(http);
    Ok(())
}

async fn answer(
    resolver: RequestResolver<h3_quinn::Connection, Bytes>,
    number: u64,
    root: &Path,
) -> Result<(), Failure> {
    let (request, mut stream) = resolver.resolve_request().await?;
    let path = request.uri().path().to_owned();
    let mut content = Content::new(path == "/echo");
    while let Some(piece) = stream.recv_data().await? {
        content.add(piece);
    }
    let trailers = stream.recv_trailers().await?;
    let about = json!({
        "event": "request", "connection": number, "method": request.method().as_str(), "path": path,
    });
    emit(merge(about, content.report(request.headers(), trailers.as_ref())));

    let (status, body) = match path.as_str() {
        "/echo" => (StatusCode::OK, content.kept),
        "/digest" | "/trailers" => (StatusCode::OK, content.sha256().into_bytes()),
        _ => match file(root, &path).await {
            Some(bytes) => (StatusCode::OK, bytes),
            None => (StatusCode::NOT_FOUND, b"not found".to_vec()),
        },
    };
    let mut response = Response::builder().status(status).header("content-length", body.len());
    for (name, value) in request.headers() {
        if name.as_str().starts_with("x-") {
            response = response.header(name, value);
        }
    }
    stream.send_response(response.body(())?).await?;
    if request.method() != Method::HEAD {
        let body = Bytes::from(body);
        for start in (0..body.len()).step_by(PIECE) {
            stream.send_data(body.slice(start..body.len().min(start + PIECE))).await?;
        }
    }
    if path == "/trailers" {
        let mut answer = HeaderMap::new();
        let asked = trailers.as_ref().and_then(|fields| fields.get("x-checksum"));
        answer.insert("x-checksum", asked.cloned().unwrap_or_else(|| "none".parse().expect("a value")));
        stream.send_trailers(answer).await?;
    }
    stream.finish().await?;
    Ok(())
}

async fn file(root: &Path, path: &str) -> Option<Vec<u8>> {
    let file = root.join(path.trim_start_matches('/')).canonicalize().ok()?;
    if !file.starts_with(root) || !file.is_file() {
        return None;
    }
    tokio::fs::read(file).await.ok()
}
