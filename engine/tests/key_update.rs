//! When a key update may begin (RFC 9001 6.1).

mod pair;

use pair::{Pair, Wire};
use serde_json::json;
use skein_engine::abi::{EventKind, Failure, STATS_FIELDS};
use skein_engine::engine::Engine;
use skein_engine::handles::Handle;

fn key_updates(engine: &mut Engine, connection: Handle) -> f64 {
    let field = STATS_FIELDS.iter().position(|name| *name == "keyUpdates").unwrap();
    engine.stats(connection, None).unwrap()[field]
}

/// Up to the moment at which the client, or the server, has completed the handshake; the other side's handle may be none yet.
fn half_established(pair: &mut Pair, server_too: bool) -> (Handle, Option<Handle>) {
    let profile = pair.profile(&json!({}));
    let client = pair.connect(profile, &json!({}));
    assert_eq!(pair.client.update_keys(client), Err(Failure::IllegalState), "there are no keys to update yet");
    pair.run_until(10_000.0, |pair| match server_too {
        true => pair.server_connection().is_some(),
        false => Pair::find(&pair.client_events, EventKind::Connected).is_some(),
    });
    (client, pair.server_connection())
}

#[test]
fn a_server_waits_until_a_packet_was_acknowledged() {
    let mut pair = Pair::new(21, Wire::default());
    let (client, server) = half_established(&mut pair, true);
    let server = server.unwrap();
    pair.server.update_keys(server).unwrap();
    pair.flush();
    assert_eq!(key_updates(&mut pair.server, server), 0.0, "none of its packets has arrived yet");
    pair.run_until(10_000.0, |pair| key_updates(&mut pair.client, client) == 1.0);
    assert_eq!(key_updates(&mut pair.server, server), 1.0);
}

#[test]
fn a_client_waits_for_the_confirmation() {
    let mut pair = Pair::new(22, Wire::default());
    let (client, _) = half_established(&mut pair, false);
    pair.client.update_keys(client).unwrap();
    pair.run_until(10_000.0, |pair| {
        let confirmed = Pair::find(&pair.client_events, EventKind::HandshakeConfirmed).is_some();
        assert!(confirmed || key_updates(&mut pair.client, client) == 0.0, "the handshake is not confirmed");
        confirmed
    });
    pair.run_until(10_000.0, |pair| key_updates(&mut pair.client, client) == 1.0);
    let server = pair.server_connection().unwrap();
    pair.run_until(10_000.0, |pair| key_updates(&mut pair.server, server) == 1.0);
}

#[test]
fn the_next_update_waits_for_the_one_under_way() {
    let mut pair = Pair::new(23, Wire::default());
    let profile = pair.profile(&json!({}));
    let (client, server) = pair.establish(profile);
    pair.run_until(10_000.0, |pair| Pair::find(&pair.client_events, EventKind::HandshakeConfirmed).is_some());
    pair.client.update_keys(client).unwrap();
    pair.run_until(10_000.0, |pair| key_updates(&mut pair.client, client) == 1.0);
    for _ in 0..3 {
        pair.client.update_keys(client).unwrap();
        assert_eq!(key_updates(&mut pair.client, client), 1.0, "the first one was not acknowledged yet");
    }
    pair.run_until(10_000.0, |pair| key_updates(&mut pair.server, server) == 2.0);
    let end = pair.now_ms + 10_000.0;
    while pair.now_ms < end && pair.step() {}
    assert_eq!(key_updates(&mut pair.client, client), 2.0, "asked for three times while waiting, done once");
}
