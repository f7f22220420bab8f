//! Handshakes and transfers between two engines under a virtual clock.

mod pair;

use pair::{Pair, Wire, drain};
use serde_json::json;
use skein_engine::abi::{EventKind, Failure, STATS_FIELDS};
use skein_engine::engine::Engine;
use skein_engine::handles::Handle;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn write_some(engine: &mut Engine, connection: Handle, stream: u64, bytes: &[u8], sent: &mut usize) {
    let mut code = 0;
    while *sent < bytes.len() {
        match engine.write(connection, stream, &bytes[*sent..], &mut code) {
            Ok(len) => *sent += len,
            Err(Failure::Blocked) => return,
            Err(failure) => panic!("write: {failure:?}"),
        }
    }
}

fn transfer(pair: &mut Pair, client: Handle, server: Handle, len: usize) {
    let data = pattern(len);
    let stream = pair.client.open_stream(client, true).unwrap();
    let (mut sent, mut received, mut finished) = (0, Vec::new(), false);
    pair.run_until(600_000.0, |pair| {
        if sent < data.len() {
            write_some(&mut pair.client, client, stream, &data, &mut sent);
            if sent == data.len() {
                pair.client.finish(client, stream, &mut 0).unwrap();
            }
        }
        let opened = Pair::find(&pair.server_events, EventKind::StreamOpened).is_some();
        finished = finished || (opened && drain(&mut pair.server, server, stream, &mut received));
        finished
    });
    assert!(received == data, "received bytes differ");
}

#[test]
fn a_megabyte_arrives_whole() {
    let mut pair = Pair::new(1, Wire::default());
    let profile = pair.profile(&json!({}));
    let (client, server) = pair.establish(profile);
    transfer(&mut pair, client, server, 1 << 20);
    let stats = pair.client.stats(client, None).unwrap();
    assert!(stats[0] > 9.0 && stats[0] < 60.0, "round trip {} ms", stats[0]);
}

#[test]
fn a_megabyte_arrives_whole_over_a_bad_wire() {
    for seed in 1..6 {
        let wire = Wire { loss_percent: 10, reorder_percent: 20, ..Wire::default() };
        let mut pair = Pair::new(seed, wire);
        let profile = pair.profile(&json!({}));
        let (client, server) = pair.establish(profile);
        transfer(&mut pair, client, server, 1 << 20);
        assert!(pair.client.stats(client, None).unwrap()[5] > 0.0, "packets were lost");
    }
}

#[test]
fn retry_validates_the_address_first() {
    let mut pair = Pair::new(7, Wire::default());
    pair.retry = true;
    let profile = pair.profile(&json!({}));
    let (client, server) = pair.establish(profile);
    let attempts: Vec<u32> = pair.server_events.iter().filter(|e| e.kind == EventKind::Incoming as u32).map(|e| e.a).collect();
    assert_eq!(attempts.len(), 2, "one attempt before the Retry, one after");
    assert_eq!(attempts[1] & 1, 1, "the second is validated");
    transfer(&mut pair, client, server, 1000);
}

#[test]
fn as_many_tokens_as_configured_however_long_the_flight_of_the_client() {
    let mut pair = Pair::with(12, Wire::default(), &json!({ "clientAuth": "requireAny" }), &json!({}));
    pair.retry = true;
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = (0..300).map(|index| format!("client{index}.test")).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let profile = pair.profile(&json!({ "certificate": certificate.pem(), "key": key.serialize_pem() }));
    let (client, server) = pair.establish(profile);
    transfer(&mut pair, client, server, 1000);
    let count = |name: &str| STATS_FIELDS.iter().position(|field| *field == name).unwrap();
    assert_eq!(pair.server.stats(server, None).unwrap()[count("newTokensSent")], 2.0);
    assert_eq!(pair.client.stats(client, None).unwrap()[count("newTokensReceived")], 2.0);
}

#[test]
fn a_second_connection_resumes_and_its_early_data_is_accepted() {
    let mut pair = Pair::new(8, Wire::default());
    let profile = pair.profile(&json!({}));
    let (client, _) = pair.establish(profile);
    assert!(!pair.client.has_early_data(client).unwrap());
    pair.run_until(10_000.0, |pair| Pair::find(&pair.client_events, EventKind::SessionTicket).is_some());
    pair.client.close(pair.now_ms, client, 0, b"done").unwrap();
    pair.run_until(10_000.0, |pair| Pair::find(&pair.client_events, EventKind::Drained).is_some());
    pair.client_events.clear();
    pair.server_events.clear();

    let client = pair.connect(profile, &json!({}));
    assert!(pair.client.has_early_data(client).unwrap());
    let stream = pair.client.open_stream(client, false).unwrap();
    assert_eq!(pair.client.write(client, stream, b"early", &mut 0), Ok(5));
    pair.client.finish(client, stream, &mut 0).unwrap();
    pair.run_until(10_000.0, |pair| Pair::find(&pair.client_events, EventKind::Connected).is_some());
    let connected = Pair::find(&pair.client_events, EventKind::Connected).unwrap();
    assert_eq!(connected.a, 3, "resumed, early data accepted");
    let opened = Pair::find(&pair.server_events, EventKind::StreamOpened).unwrap();
    assert_eq!(opened.c, 1, "the server saw the stream as early data");
}

#[test]
fn a_certificate_for_another_name_is_refused_with_a_typed_reason() {
    let mut pair = Pair::new(9, Wire::default());
    let profile = pair.profile(&json!({}));
    let client = pair.connect(profile, &json!({ "serverName": "other.test" }));
    pair.run_until(10_000.0, |pair| Pair::find(&pair.client_events, EventKind::Closed).is_some());
    let reason: serde_json::Value = serde_json::from_str(&pair.client.close_reason(client).unwrap()).unwrap();
    assert_eq!(reason["tls"]["kind"], "certificateNameMismatch", "{reason}");
}

#[test]
fn a_closed_connection_leaves_a_stale_handle() {
    let mut pair = Pair::new(10, Wire::default());
    let profile = pair.profile(&json!({}));
    let (client, server) = pair.establish(profile);
    pair.client.close(pair.now_ms, client, 7, b"bye").unwrap();
    pair.run_until(60_000.0, |pair| {
        Pair::find(&pair.client_events, EventKind::Drained).is_some()
            && Pair::find(&pair.server_events, EventKind::Drained).is_some()
    });
    assert!(Pair::find(&pair.server_events, EventKind::Closed).is_some());
    assert_eq!(pair.client.open_stream(client, false), Err(Failure::StaleHandle));
    assert_eq!(pair.server.ping(server), Err(Failure::StaleHandle));
}

#[test]
fn a_reset_is_told_although_nobody_reads() {
    let mut pair = Pair::new(11, Wire::default());
    let profile = pair.profile(&json!({}));
    let (client, server) = pair.establish(profile);
    let told = |pair: &Pair| Pair::find(&pair.server_events, EventKind::StreamReset).map(|e| (e.a, e.c));
    // One with data that lies unread, and one whose first packet is the reset.
    for (first, code) in [(true, 77), (false, 78)] {
        let stream = pair.client.open_stream(client, true).unwrap();
        pair.client.write(client, stream, b"never read", &mut 0).unwrap();
        if first {
            pair.run_until(10_000.0, |pair| Pair::find(&pair.server_events, EventKind::StreamOpened).is_some());
        }
        pair.client.reset(client, stream, code).unwrap();
        pair.run_until(10_000.0, |pair| told(pair).is_some());
        assert_eq!(told(&pair), Some((stream as u32, code as u32)));
        assert_eq!(pair.server.read(server, stream, &mut [0; 16], &mut 0).err(), Some(Failure::ClosedStream));
        pair.server_events.clear();
    }
}
