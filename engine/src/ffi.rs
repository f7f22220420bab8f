//! The exported functions. One engine per WebAssembly instance, so its state is this instance's only global.
//!
//! Numbers of 62 bits (stream IDs, error codes) come in as 64-bit floats, which hold them exactly up to 2^53, so that no
//! call makes a BigInt. Results below zero are [`Failure`]s.

use std::cell::RefCell;
use std::sync::Arc;

use noq_proto::TransportConfig;

use crate::abi::{
    ABI_VERSION, Address, EVENT_RECORDS, EventRecord, Failure, RX_ARENA_BYTES, RX_RECORDS, RxRecord, STATS_FIELDS,
    STATUS_DEADLINE, STATUS_SIZE, STATUS_WAITING_EVENTS, STREAM_BUFFER_BYTES, TX_RECORDS, TxRecord,
};
use crate::config::{ConnectSettings, EngineConfig, ServerSettings};
use crate::engine::{Engine, Outgoing};
use crate::failure::Refusal;
use crate::handles::Handle;
use crate::tls::ClientProfileConfig;

/// The engine with the memory that JavaScript sees.
struct Host {
    /// Boxed: each call takes it out and puts it back.
    engine: Option<Box<Engine>>,
    rx_arena: Box<[u8]>,
    rx_records: Box<[RxRecord]>,
    tx_records: Box<[TxRecord]>,
    event_records: Box<[EventRecord]>,
    stream_buffer: Box<[u8]>,
    /// Text and blobs in either direction.
    scratch: Vec<u8>,
    stats: Box<[f64]>,
    status: Box<[f64; STATUS_SIZE]>,
    /// Transmits handed out, kept until the next poll.
    handed_out: Vec<Outgoing>,
    last_code: u64,
    /// The last attempt to connect: the next one is the same, mostly.
    attempt: Option<Attempt>,
}

struct Attempt {
    json: Vec<u8>,
    settings: ConnectSettings,
    transport: Arc<TransportConfig>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host {
        engine: None,
        rx_arena: vec![0; RX_ARENA_BYTES].into_boxed_slice(),
        rx_records: vec![RxRecord::default(); RX_RECORDS].into_boxed_slice(),
        tx_records: vec![TxRecord::default(); TX_RECORDS].into_boxed_slice(),
        event_records: vec![EventRecord::default(); EVENT_RECORDS].into_boxed_slice(),
        stream_buffer: vec![0; STREAM_BUFFER_BYTES].into_boxed_slice(),
        scratch: Vec::new(),
        stats: vec![0.0; STATS_FIELDS.len()].into_boxed_slice(),
        status: Box::new([0.0, f64::INFINITY]),
        handed_out: Vec::new(),
        last_code: 0,
        attempt: None,
    });
}

fn with_host<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with(|host| f(&mut host.borrow_mut()))
}

/// Runs `f` with the engine; `IllegalState` before `create`.
fn call<T>(f: impl FnOnce(&mut Host, &mut Engine) -> Result<T, Failure>) -> Result<T, Failure> {
    with_host(|host| {
        let mut engine = host.engine.take().ok_or(Failure::IllegalState)?;
        let result = f(host, &mut engine);
        host.status[STATUS_WAITING_EVENTS] = engine.waiting_events() as f64;
        host.engine = Some(engine);
        result
    })
}

/// As [`call`], with a failure as its number.
fn with_engine(f: impl FnOnce(&mut Host, &mut Engine) -> Result<i32, Failure>) -> i32 {
    call(f).unwrap_or_else(|failure| failure as i32)
}

/// As [`with_engine`], where the result may be larger than 31 bits.
fn with_engine_wide(f: impl FnOnce(&mut Host, &mut Engine) -> Result<f64, Failure>) -> f64 {
    call(f).unwrap_or_else(|failure| f64::from(failure as i32))
}

impl Host {
    fn refuse(&mut self, refusal: &Refusal) -> Failure {
        self.scratch = serde_json::to_vec(refusal).unwrap_or_default();
        Failure::Refused
    }

    /// Parses the first `len` bytes of scratch.
    fn parse<T: serde::de::DeserializeOwned>(&mut self, len: usize) -> Result<T, Failure> {
        let text = self.scratch.get(..len).ok_or(Failure::TooLarge)?;
        match serde_json::from_slice(text) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.refuse(&error.into())),
        }
    }

    /// Reads the first `len` bytes of scratch, unless they are what was read before.
    fn read_attempt(&mut self, len: usize, engine: &Engine) -> Result<(), Failure> {
        let json = self.scratch.get(..len).ok_or(Failure::TooLarge)?;
        if self.attempt.as_ref().is_some_and(|attempt| attempt.json == json) {
            return Ok(());
        }
        let json = json.to_vec();
        let settings: ConnectSettings = self.parse(len)?;
        let transport = match settings.transport.build(&engine.qlog) {
            Ok(transport) => Arc::new(transport),
            Err(refusal) => return Err(self.refuse(&refusal)),
        };
        self.attempt = Some(Attempt { json, settings, transport });
        Ok(())
    }

    fn answer(&mut self, bytes: Vec<u8>) -> i32 {
        self.scratch = bytes;
        self.scratch.len() as i32
    }
}

fn done(_: ()) -> i32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn abi_version() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn rx_arena() -> *mut u8 {
    with_host(|host| host.rx_arena.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn rx_records() -> *mut RxRecord {
    with_host(|host| host.rx_records.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn tx_records() -> *mut TxRecord {
    with_host(|host| host.tx_records.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn event_records() -> *mut EventRecord {
    with_host(|host| host.event_records.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn stream_buffer() -> *mut u8 {
    with_host(|host| host.stream_buffer.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn stats_record() -> *mut f64 {
    with_host(|host| host.stats.as_mut_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn status_record() -> *mut f64 {
    with_host(|host| host.status.as_mut_ptr())
}

/// Where text and blobs lie; at least `len` bytes. Valid until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn scratch(len: u32) -> *mut u8 {
    with_host(|host| {
        if host.scratch.len() < len as usize {
            host.scratch.resize(len as usize, 0);
        }
        host.scratch.as_mut_ptr()
    })
}

/// Bytes of the JSON that the last `Refused` left in scratch.
#[unsafe(no_mangle)]
pub extern "C" fn refusal_len() -> u32 {
    with_host(|host| host.scratch.len() as u32)
}

/// The error code that came with the last `Stopped` or `Reset`.
#[unsafe(no_mangle)]
pub extern "C" fn last_code() -> f64 {
    with_host(|host| host.last_code as f64)
}

/// Makes the engine from JSON in scratch.
#[unsafe(no_mangle)]
pub extern "C" fn create(len: u32, wall_ms: f64) -> i32 {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        crate::host::report_panic(&text);
    }));
    // Before the first map is made: the standard library's hash seeds are the same in every instance otherwise.
    skein_host_random::scatter_hash_seeds();
    with_host(|host| {
        let made = host.parse::<EngineConfig>(len as usize).and_then(|config| {
            Engine::new(&config).map_err(|refusal| host.refuse(&refusal))
        });
        match made {
            Ok(engine) => {
                engine.set_wall_clock(wall_ms);
                host.engine = Some(Box::new(engine));
                0
            }
            Err(failure) => failure as i32,
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn set_wall_clock(wall_ms: f64) -> i32 {
    with_engine(|_, engine| {
        engine.set_wall_clock(wall_ms);
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn listen(len: u32) -> i32 {
    with_engine(|host, engine| {
        let settings: ServerSettings = host.parse(len as usize)?;
        engine.listen(settings).map(done).map_err(|refusal| host.refuse(&refusal))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn stop_listening() -> i32 {
    with_engine(|_, engine| {
        engine.stop_listening();
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn add_profile(len: u32) -> i32 {
    with_engine(|host, engine| {
        let config: ClientProfileConfig = host.parse(len as usize)?;
        engine.add_profile(&config).map(|id| id as i32).map_err(|refusal| host.refuse(&refusal))
    })
}

/// Feeds the first `count` receive records.
#[unsafe(no_mangle)]
pub extern "C" fn handle_datagrams(now: f64, count: u32) -> i32 {
    with_engine(|host, engine| {
        let records = host.rx_records.get(..count as usize).ok_or(Failure::TooLarge)?;
        for record in records {
            let end = record.offset.saturating_add(record.len) as usize;
            let bytes = host.rx_arena.get(record.offset as usize..end).ok_or(Failure::TooLarge)?;
            engine.handle_datagram(now, record, bytes);
        }
        engine.settle_events();
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn handle_timeout(now: f64) -> i32 {
    with_engine(|host, engine| {
        engine.handle_timeout(now);
        engine.settle_events();
        host.status[STATUS_DEADLINE] = engine.poll_timeout();
        Ok(0)
    })
}

/// Fills the event records; returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn poll_events() -> i32 {
    with_engine(|host, engine| {
        let mut count = 0;
        for slot in &mut host.event_records {
            let Some(event) = engine.poll_event() else { break };
            *slot = event;
            count += 1;
        }
        Ok(count)
    })
}

/// Fills the transmit records; their bytes stay until the next call. Returns how many; fewer than all: done for now.
#[unsafe(no_mangle)]
pub extern "C" fn poll_transmits(now: f64) -> i32 {
    with_engine(|host, engine| {
        for outgoing in host.handed_out.drain(..) {
            engine.recycle(outgoing.bytes);
        }
        engine.poll_transmits(now, TX_RECORDS, &mut host.handed_out);
        host.status[STATUS_DEADLINE] = engine.poll_timeout();
        for (record, outgoing) in host.tx_records.iter_mut().zip(&host.handed_out) {
            *record = TxRecord {
                ptr: outgoing.bytes.as_ptr() as usize as u32,
                len: outgoing.bytes.len() as u32,
                segment_size: outgoing.segment_size as u32,
                socket: outgoing.socket,
                ecn: outgoing.ecn,
                connection: outgoing.connection,
                remote: outgoing.remote,
            };
        }
        Ok(host.handed_out.len() as i32)
    })
}

// Attempts of clients.

#[unsafe(no_mangle)]
pub extern "C" fn incoming_address(incoming: u32) -> i32 {
    with_engine(|host, engine| {
        let address = engine.incoming_address(Handle(incoming))?;
        Ok(host.answer(address_bytes(&address)))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn incoming_accept(now: f64, incoming: u32, mtu_upper_bound: u32) -> f64 {
    with_engine_wide(|_, engine| {
        let bound = mtu_upper_bound.min(u32::from(u16::MAX)) as u16;
        engine.incoming_accept(now, Handle(incoming), bound).map(|handle| f64::from(handle.0))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn incoming_refuse(incoming: u32) -> i32 {
    with_engine(|_, engine| engine.incoming_refuse(Handle(incoming)).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn incoming_retry(incoming: u32) -> i32 {
    with_engine(|_, engine| engine.incoming_retry(Handle(incoming)).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn incoming_ignore(incoming: u32) -> i32 {
    with_engine(|_, engine| engine.incoming_ignore(Handle(incoming)).map(done))
}

// Connections.

/// Starts a connection from JSON in scratch; its handle, or a failure.
#[unsafe(no_mangle)]
pub extern "C" fn connect(now: f64, len: u32) -> f64 {
    with_engine_wide(|host, engine| {
        host.read_attempt(len as usize, engine)?;
        let attempt = host.attempt.as_ref().ok_or(Failure::IllegalState)?;
        match engine.connect_over(now, &attempt.settings, attempt.transport.clone()) {
            Ok(handle) => Ok(f64::from(handle.0)),
            Err(refusal) => Err(host.refuse(&refusal)),
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn has_early_data(connection: u32) -> i32 {
    with_engine(|_, engine| engine.has_early_data(Handle(connection)).map(i32::from))
}

/// Closes with the reason in the first `len` bytes of scratch.
#[unsafe(no_mangle)]
pub extern "C" fn close(now: f64, connection: u32, code: f64, len: u32) -> i32 {
    with_engine(|host, engine| {
        let reason = host.scratch.get(..len as usize).ok_or(Failure::TooLarge)?;
        engine.close(now, Handle(connection), code as u64, reason).map(done)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn connection_info(connection: u32) -> i32 {
    with_engine(|host, engine| Ok(host.answer(engine.info(Handle(connection))?.into_bytes())))
}

#[unsafe(no_mangle)]
pub extern "C" fn connection_close_reason(connection: u32) -> i32 {
    with_engine(|host, engine| Ok(host.answer(engine.close_reason(Handle(connection))?.into_bytes())))
}

#[unsafe(no_mangle)]
pub extern "C" fn connection_alpn(connection: u32) -> i32 {
    with_engine(|host, engine| Ok(host.answer(engine.alpn(Handle(connection))?)))
}

/// Certificates as 32-bit little-endian length and DER, one after the other.
#[unsafe(no_mangle)]
pub extern "C" fn peer_certificates(connection: u32) -> i32 {
    with_engine(|host, engine| {
        let mut out = Vec::new();
        append_certificates(engine, connection, &mut out)?;
        Ok(host.answer(out))
    })
}

fn append_certificates(engine: &mut Engine, connection: u32, out: &mut Vec<u8>) -> Result<(), Failure> {
    for der in engine.peer_certificates(Handle(connection))? {
        out.extend_from_slice(&(der.len() as u32).to_le_bytes());
        out.extend_from_slice(&der);
    }
    Ok(())
}

/// What is kept of a connection at its end, in one piece: the statistics over all paths, the 32-bit little-endian length of
/// what `connection_info` answers, that, and what `peer_certificates` answers.
#[unsafe(no_mangle)]
pub extern "C" fn connection_facts(connection: u32) -> i32 {
    with_engine(|host, engine| {
        let mut out = Vec::with_capacity(4096);
        for value in engine.stats(Handle(connection), None)? {
            out.extend_from_slice(&value.to_le_bytes());
        }
        let info = engine.info(Handle(connection))?;
        out.extend_from_slice(&(info.len() as u32).to_le_bytes());
        out.extend_from_slice(info.as_bytes());
        append_certificates(engine, connection, &mut out)?;
        Ok(host.answer(out))
    })
}

/// Label, then context, lie in scratch; `out_len` bytes of keying material take their place.
#[unsafe(no_mangle)]
pub extern "C" fn export_keying_material(connection: u32, label_len: u32, context_len: u32, out_len: u32) -> i32 {
    with_engine(|host, engine| {
        let end = label_len as usize + context_len as usize;
        let label = host.scratch.get(..label_len as usize).ok_or(Failure::TooLarge)?;
        let context = host.scratch.get(label_len as usize..end).ok_or(Failure::TooLarge)?;
        let mut out = vec![0; out_len as usize];
        engine.export(Handle(connection), &mut out, label, context)?;
        Ok(host.answer(out))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn ping(connection: u32) -> i32 {
    with_engine(|_, engine| engine.ping(Handle(connection)).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn update_keys(connection: u32) -> i32 {
    with_engine(|_, engine| engine.update_keys(Handle(connection)).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn network_changed(now: f64, connection: u32) -> i32 {
    with_engine(|_, engine| engine.network_changed(now, Handle(connection)).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn set_max_streams(connection: u32, unidirectional: u32, count: f64) -> i32 {
    with_engine(|_, engine| engine.set_max_streams(Handle(connection), unidirectional != 0, count as u64).map(done))
}

/// Fills the statistics record; `path` below zero sums over all paths.
#[unsafe(no_mangle)]
pub extern "C" fn connection_stats(connection: u32, path: i32) -> i32 {
    with_engine(|host, engine| {
        let record = engine.stats(Handle(connection), u32::try_from(path).ok())?;
        host.stats.copy_from_slice(&record);
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn take_key_log() -> i32 {
    with_engine(|host, engine| Ok(host.answer(engine.key_log.take().into_bytes())))
}

#[unsafe(no_mangle)]
pub extern "C" fn take_qlog(connection: u32) -> i32 {
    with_engine(|host, engine| Ok(host.answer(engine.take_qlog(Handle(connection))?)))
}

// Streams; data passes through the stream buffer.

#[unsafe(no_mangle)]
pub extern "C" fn stream_open(connection: u32, unidirectional: u32) -> f64 {
    with_engine_wide(|_, engine| engine.open_stream(Handle(connection), unidirectional != 0).map(|id| id as f64))
}

/// Writes the first `len` bytes of the stream buffer; how many were taken. With `fin`, FIN goes behind them if all were.
#[unsafe(no_mangle)]
pub extern "C" fn stream_write(connection: u32, id: f64, len: u32, fin: u32) -> i32 {
    with_engine(|host, engine| {
        let (connection, id) = (Handle(connection), id as u64);
        let bytes = host.stream_buffer.get(..len as usize).ok_or(Failure::TooLarge)?;
        let taken = engine.write(connection, id, bytes, &mut host.last_code)?;
        if fin != 0 && taken == bytes.len() {
            engine.finish(connection, id, &mut host.last_code)?;
        }
        Ok(taken as i32)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn stream_finish(connection: u32, id: f64) -> i32 {
    with_engine(|host, engine| engine.finish(Handle(connection), id as u64, &mut host.last_code).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn stream_reset(connection: u32, id: f64, code: f64) -> i32 {
    with_engine(|_, engine| engine.reset(Handle(connection), id as u64, code as u64).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn stream_stop_sending(connection: u32, id: f64, code: f64) -> i32 {
    with_engine(|_, engine| engine.stop_sending(Handle(connection), id as u64, code as u64).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn stream_set_priority(connection: u32, id: f64, priority: i32) -> i32 {
    with_engine(|_, engine| engine.set_priority(Handle(connection), id as u64, priority).map(done))
}

/// Reads up to `max` bytes into the stream buffer. The result is twice the length, plus one at the end of the stream.
#[unsafe(no_mangle)]
pub extern "C" fn stream_read(connection: u32, id: f64, max: u32) -> i32 {
    with_engine(|host, engine| {
        let max = (max as usize).min(host.stream_buffer.len());
        let read = engine.read(Handle(connection), id as u64, &mut host.stream_buffer[..max], &mut host.last_code)?;
        Ok((read.len as i32) << 1 | i32::from(read.finished))
    })
}

// QUIC datagrams, through the stream buffer too.

#[unsafe(no_mangle)]
pub extern "C" fn datagram_send(connection: u32, len: u32, drop_oldest: u32) -> i32 {
    with_engine(|host, engine| {
        let bytes = host.stream_buffer.get(..len as usize).ok_or(Failure::TooLarge)?;
        engine.send_datagram(Handle(connection), bytes, drop_oldest != 0).map(done)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn datagram_receive(connection: u32) -> i32 {
    with_engine(|host, engine| {
        let bytes = engine.receive_datagram(Handle(connection))?;
        host.stream_buffer.get_mut(..bytes.len()).ok_or(Failure::TooLarge)?.copy_from_slice(&bytes);
        Ok(bytes.len() as i32)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn datagram_max_size(connection: u32) -> i32 {
    with_engine(|_, engine| engine.max_datagram_size(Handle(connection)).map(|size| size as i32))
}

// Paths.

fn address_bytes(address: &Address) -> Vec<u8> {
    let mut out = Vec::with_capacity(size_of::<Address>());
    for word in [address.family, address.port, address.scope] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&address.ip);
    out
}

fn address_from(bytes: &[u8]) -> Option<Address> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some(Address { family: word(0)?, port: word(4)?, scope: word(8)?, ip: bytes.get(12..28)?.try_into().ok()? })
}

/// Opens a path to the address in scratch, from the given socket.
#[unsafe(no_mangle)]
pub extern "C" fn path_open(now: f64, connection: u32, socket: u32, backup: u32) -> i32 {
    with_engine(|host, engine| {
        let remote = address_from(&host.scratch).ok_or(Failure::Refused)?;
        engine.open_path(now, Handle(connection), remote, socket, backup != 0).map(|id| id as i32)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn path_close(now: f64, connection: u32, path: u32, code: f64) -> i32 {
    with_engine(|_, engine| engine.close_path(now, Handle(connection), path, code as u64).map(done))
}

#[unsafe(no_mangle)]
pub extern "C" fn path_set_status(connection: u32, path: u32, backup: u32) -> i32 {
    with_engine(|_, engine| engine.set_path_status(Handle(connection), path, backup != 0).map(done))
}

/// Answers with address, local status, remote status and observed address of a path.
#[unsafe(no_mangle)]
pub extern "C" fn path_info(connection: u32, path: u32) -> i32 {
    with_engine(|host, engine| {
        let info = engine.path(Handle(connection), path)?;
        let mut out = address_bytes(&info.remote);
        out.extend_from_slice(&info.local_status.to_le_bytes());
        out.extend_from_slice(&info.remote_status.to_le_bytes());
        out.extend_from_slice(&address_bytes(&info.observed));
        Ok(host.answer(out))
    })
}

/// Answers with the IDs of the paths, 32 bits each.
#[unsafe(no_mangle)]
pub extern "C" fn path_list(connection: u32) -> i32 {
    with_engine(|host, engine| {
        let ids = engine.paths(Handle(connection))?;
        Ok(host.answer(ids.into_iter().flat_map(u32::to_le_bytes).collect()))
    })
}
