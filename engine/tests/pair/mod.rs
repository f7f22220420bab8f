//! Two engines with a virtual clock and a wire between them.

#![allow(dead_code)]

use std::collections::BinaryHeap;
use std::cmp::Reverse;

use serde_json::{Value, json};
use skein_engine::abi::{Address, EventKind, EventRecord, Failure, RxRecord};
use skein_engine::config::EngineConfig;
use skein_engine::engine::Engine;
use skein_engine::handles::Handle;

/// A wall clock inside the validity of the certificates.
const WALL_MS: f64 = 1_750_000_000_000.0;

/// What the wire does with datagrams, decided by a small seeded generator.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    pub delay_ms: f64,
    pub loss_percent: u64,
    pub reorder_percent: u64,
    pub max_datagram: usize,
}

impl Default for Wire {
    fn default() -> Self {
        Self { delay_ms: 5.0, loss_percent: 0, reorder_percent: 0, max_datagram: 65_527 }
    }
}

struct InFlight {
    at_us: u64,
    serial: u64,
    to_server: bool,
    from: Address,
    bytes: Vec<u8>,
}

impl PartialEq for InFlight {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.serial) == (other.at_us, other.serial)
    }
}
impl Eq for InFlight {}
impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.serial).cmp(&(other.at_us, other.serial))
    }
}

pub struct Pair {
    pub client: Engine,
    pub server: Engine,
    pub now_ms: f64,
    pub wire: Wire,
    pub client_address: Address,
    pub server_address: Address,
    pub client_events: Vec<EventRecord>,
    pub server_events: Vec<EventRecord>,
    pub retry: bool,
    pub ca: String,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    random: u64,
    serial: u64,
}

pub fn transport() -> Value {
    json!({
        "maxBidirectionalStreams": 100, "maxUnidirectionalStreams": 100, "idleTimeoutMs": 30000, "keepAliveMs": 0,
        "streamReceiveWindow": 1_572_864, "connectionReceiveWindow": 2_097_152, "sendWindow": 2_097_152,
        "congestion": "cubic", "initialCongestionWindow": 12000, "initialMtu": 1200, "mtuUpperBound": 1452,
        "mtuDiscoveryDelayMs": 100, "mtuDiscoveryIntervalMs": 600_000, "mtuBlackHoleCooldownMs": 60_000, "initialRttMs": 333,
        "datagramReceiveBuffer": 65536, "datagramSendBuffer": 65536, "maxPaths": 0, "pathIdleTimeoutMs": 0,
        "pathKeepAliveMs": 0, "sendFairness": true, "streamCopies": false, "ackThreshold": 0, "reportAddress": false, "learnAddress": false, "qlog": false,
    })
}

pub fn engine(seed: u8) -> Engine {
    let config: EngineConfig = serde_json::from_value(json!({
        "seed": format!("{seed:02x}").repeat(32), "statelessResetKey": null, "maxUdpPayload": 65527,
        "greaseQuicBit": true, "sessionCapacity": 256,
    }))
    .unwrap();
    Engine::new(&config).unwrap()
}

pub fn merged(mut base: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().into_iter().flatten() {
        base[key] = value.clone();
    }
    base
}

impl Pair {
    pub fn new(seed: u64, wire: Wire) -> Self {
        Self::with(seed, wire, &json!({}), &json!({}))
    }

    /// `tls` and `transport_changes` override fields of the server's settings.
    pub fn with(seed: u64, wire: Wire, tls: &Value, transport_changes: &Value) -> Self {
        println!("seed {seed}");
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["server.test".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let mut server = engine(1);
        let client = engine(2);
        let tls = merged(
            json!({
                "identities": [{ "names": [], "certificate": certificate.pem(), "key": key.serialize_pem() }],
                "alpn": ["test"], "clientAuth": "none", "clientCa": null, "enableEarlyData": true, "tickets": 2,
                "keyLog": false,
            }),
            tls,
        );
        let settings = json!({
            "tls": tls, "transport": merged(transport(), transport_changes), "migration": true,
            "retryTokenLifetimeMs": 15_000, "validationTokenLifetimeMs": 86_400_000, "validationTokens": 2,
            "maxIncoming": 1000, "incomingBuffer": 1_000_000, "incomingBufferTotal": 10_000_000,
            "preferredAddressV4": null, "preferredAddressV6": null,
        });
        server.listen(serde_json::from_value(settings).unwrap()).unwrap();
        set_wall_clocks(&server, &client);
        Self {
            client,
            server,
            now_ms: 0.0,
            wire,
            client_address: Address::from("10.0.0.1:1000".parse::<std::net::SocketAddr>().unwrap()),
            server_address: Address::from("10.0.0.2:4433".parse::<std::net::SocketAddr>().unwrap()),
            client_events: Vec::new(),
            server_events: Vec::new(),
            retry: false,
            ca: certificate.pem(),
            in_flight: BinaryHeap::new(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            serial: 0,
        }
    }

    pub fn profile(&mut self, changes: &Value) -> u32 {
        let profile = merged(
            json!({ "ca": self.ca, "verifyPeer": true, "certificate": null, "key": null, "enableEarlyData": true,
                    "enableSni": true, "keyLog": false }),
            changes,
        );
        self.client.add_profile(&serde_json::from_value(profile).unwrap()).unwrap()
    }

    pub fn connect(&mut self, profile: u32, changes: &Value) -> Handle {
        let mut settings = merged(
            json!({ "profile": profile, "serverName": "server.test", "alpn": ["test"],
                    "ticketKey": "server.test:4433", "transport": transport() }),
            changes,
        );
        settings["family"] = self.server_address.family.into();
        settings["port"] = self.server_address.port.into();
        settings["ip"] = self.server_address.ip.to_vec().into();
        self.client.connect(self.now_ms, &serde_json::from_value(settings).unwrap()).unwrap()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn send(&mut self, to_server: bool, datagram: &[u8]) {
        if datagram.len() > self.wire.max_datagram || self.random(100) < self.wire.loss_percent {
            return;
        }
        let extra = if self.random(100) < self.wire.reorder_percent { 3.0 } else { 0.0 };
        self.serial += 1;
        self.in_flight.push(Reverse(InFlight {
            at_us: ((self.now_ms + self.wire.delay_ms + extra) * 1000.0) as u64,
            serial: self.serial,
            to_server,
            from: if to_server { self.client_address } else { self.server_address },
            bytes: datagram.to_vec(),
        }));
    }

    /// Lets both sides send what they can and collects their events.
    pub fn flush(&mut self) {
        for to_server in [true, false] {
            loop {
                let engine = if to_server { &mut self.client } else { &mut self.server };
                let mut out = Vec::new();
                engine.poll_transmits(self.now_ms, 32, &mut out);
                let count = out.len();
                for outgoing in &out {
                    let segment = if outgoing.segment_size == 0 { outgoing.bytes.len() } else { outgoing.segment_size };
                    for datagram in outgoing.bytes.chunks(segment) {
                        self.send(to_server, datagram);
                    }
                }
                if count < 32 {
                    break;
                }
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.client_events.push(event);
        }
        while let Some(event) = self.server.poll_event() {
            if event.kind == EventKind::Incoming as u32 {
                let incoming = Handle(event.connection);
                if self.retry && event.a & 2 != 0 && event.a & 1 == 0 {
                    self.server.incoming_retry(incoming).unwrap();
                } else {
                    self.server.incoming_accept(self.now_ms, incoming, 1452).unwrap();
                }
            }
            self.server_events.push(event);
        }
    }

    /// Moves to the next arrival or deadline; false when nothing will ever happen.
    pub fn step(&mut self) -> bool {
        self.flush();
        if self.client.has_work() || self.server.has_work() {
            self.flush();
        }
        let arrival = self.in_flight.peek().map_or(f64::INFINITY, |Reverse(next)| next.at_us as f64 / 1000.0);
        let next = arrival.min(self.client.poll_timeout()).min(self.server.poll_timeout());
        if next.is_infinite() {
            return false;
        }
        self.now_ms = self.now_ms.max(next);
        while self.in_flight.peek().is_some_and(|Reverse(next)| next.at_us as f64 / 1000.0 <= self.now_ms) {
            let Some(Reverse(arrived)) = self.in_flight.pop() else { break };
            let record = RxRecord { socket: 1, remote: arrived.from, ..RxRecord::default() };
            let engine = if arrived.to_server { &mut self.server } else { &mut self.client };
            engine.handle_datagram(self.now_ms, &record, &arrived.bytes);
        }
        for engine in [&mut self.client, &mut self.server] {
            engine.handle_timeout(self.now_ms);
            engine.settle_events();
        }
        self.flush();
        true
    }

    /// Steps until `done` says so; panics after `limit_ms` of virtual time.
    pub fn run_until(&mut self, limit_ms: f64, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now_ms + limit_ms;
        while !done(self) {
            assert!(self.step(), "nothing left to happen");
            assert!(self.now_ms < end, "not done after {limit_ms} ms of virtual time");
        }
    }

    pub fn find(events: &[EventRecord], kind: EventKind) -> Option<EventRecord> {
        events.iter().find(|event| event.kind == kind as u32).copied()
    }

    /// The server's handle of the connection accepted last.
    pub fn server_connection(&self) -> Option<Handle> {
        self.server_events
            .iter()
            .rev()
            .find(|event| event.kind == EventKind::Connected as u32)
            .map(|event| Handle(event.connection))
    }

    /// Connects and waits for both sides.
    pub fn establish(&mut self, profile: u32) -> (Handle, Handle) {
        let client = self.connect(profile, &json!({}));
        self.client_events.clear();
        self.server_events.clear();
        self.run_until(60_000.0, |pair| {
            Self::find(&pair.client_events, EventKind::Connected).is_some() && pair.server_connection().is_some()
        });
        (client, self.server_connection().unwrap())
    }
}

fn set_wall_clocks(server: &Engine, client: &Engine) {
    server.set_wall_clock(WALL_MS);
    client.set_wall_clock(WALL_MS);
}

/// Reads all that is there; true at the end of the stream.
pub fn drain(engine: &mut Engine, connection: Handle, stream: u64, into: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    let mut code = 0;
    loop {
        match engine.read(connection, stream, &mut buffer, &mut code) {
            Ok(read) => {
                into.extend_from_slice(&buffer[..read.len]);
                if read.finished {
                    return true;
                }
            }
            Err(Failure::Blocked) => return false,
            Err(failure) => panic!("read: {failure:?}"),
        }
    }
}
