//! Sends requests from a file, group by group.

use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use h3::client::SendRequest;
use http::{Method, Request};
use h3_quinn::OpenStreams;
use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::message::{Content, PIECE, header_map, merge};
use crate::{ALPN, ClientArgs, Failure, NO_ERROR, certificates, close_report, emit};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: Option<String>,
    path: String,
    #[serde(default)]
    fields: Vec<(String, String)>,
    body_file: Option<PathBuf>,
    #[serde(default)]
    trailers: Vec<(String, String)>,
}

pub async fn run(args: ClientArgs) -> Result<(), Failure> {
    let groups: Vec<Vec<Asked>> = serde_json::from_slice(&std::fs::read(&args.requests)?)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(&args.ca)? {
        roots.add(certificate)?;
    }
    let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(Arc::new(args.common.transport()));
    let mut endpoint = Endpoint::client("0.0.0.0:0".parse()?)?;
    endpoint.set_default_client_config(config);

    let quic = endpoint.connect(args.common.address()?, &args.servername)?.await?;
    emit(json!({"event": "handshake", "connection": 1, "alpn": "h3"}));
    let (mut driver, send) = h3::client::new(h3_quinn::Connection::new(quic.clone())).await?;
    let driven = tokio::spawn(async move { poll_fn(|context| driver.poll_close(context)).await.to_string() });
    for group in groups {
        let mut tasks = JoinSet::new();
        for asked in group {
            tasks.spawn(ask(send.clone(), asked));
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
    }
    if !args.wait_close {
        quic.close(NO_ERROR, b"");
    }
    let closed = quic.closed().await;
    drop(send);
    let driver = driven.await?;
    emit(merge(json!({"event": "closed", "connection": 1, "driver": driver}), close_report(&closed)));
    endpoint.wait_idle().await;
    Ok(())
}

async fn ask(mut send: SendRequest<OpenStreams, Bytes>, asked: Asked) -> Result<(), Failure> {
    let method: Method = asked.method.as_deref().unwrap_or("GET").parse()?;
    let mut request = Request::builder().method(&method).uri(format!("https://localhost{}", asked.path)).body(())?;
    *request.headers_mut() = header_map(&asked.fields)?;
    let stream = send.send_request(request).await?;
    let (mut sending, mut receiving) = stream.split();
    let body = match &asked.body_file {
        Some(file) => tokio::fs::read(file).await?,
        None => Vec::new(),
    };
    let trailers = header_map(&asked.trailers)?;
    let sent = tokio::spawn(async move {
        let body = Bytes::from(body);
        for start in (0..body.len()).step_by(PIECE) {
            sending.send_data(body.slice(start..body.len().min(start + PIECE))).await?;
        }
        if !trailers.is_empty() {
            sending.send_trailers(trailers).await?;
        }
        sending.finish().await
    });
    let response = receiving.recv_response().await?;
    emit(json!({"event": "head", "status": response.status().as_u16()}));
    let mut content = Content::new(false);
    while let Some(piece) = receiving.recv_data().await? {
        content.add(piece);
    }
    let came = receiving.recv_trailers().await?;
    sent.await??;
    let about = json!({
        "event": "response", "method": method.as_str(), "path": asked.path, "status": response.status().as_u16(),
    });
    emit(merge(about, content.report(response.headers(), came.as_ref())));
    Ok(())
}
