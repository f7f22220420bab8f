//! What an idle connection holds on to.

mod pair;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use pair::{Pair, Wire, merged, transport};
use serde_json::json;
use skein_engine::abi::EventKind;

/// The system's allocator, counting the bytes that live.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes for both sides of one connection together. Pointers are twice as large here as in WebAssembly.
const LIMIT: usize = 56_000;
const WARM_UP: usize = 64;
/// As many again: vectors and maps shared by all connections have then doubled exactly once.
const COUNT: usize = 64;

#[test]
fn an_idle_connection_is_small() {
    let forever = json!({ "idleTimeoutMs": 0 });
    let mut pair = Pair::with(1, Wire::default(), &json!({}), &forever);
    let profile = pair.profile(&json!({}));
    let transport = json!({ "transport": merged(transport(), &forever) });
    let mut open = |count| {
        for _ in 0..count {
            let client = pair.connect(profile, &transport);
            pair.run_until(60_000.0, |pair| {
                let confirmed = EventKind::HandshakeConfirmed as u32;
                pair.client_events.iter().any(|event| event.kind == confirmed && event.connection == client.0)
            });
        }
        // Acknowledgements, tickets and the search for the path MTU.
        let end = pair.now_ms + 10_000.0;
        while pair.now_ms < end && pair.step() {}
        pair.client_events = Vec::new();
        pair.server_events = Vec::new();
    };
    open(WARM_UP);
    let before = LIVE.load(Ordering::Relaxed);
    open(COUNT);
    let each = (LIVE.load(Ordering::Relaxed) - before) / COUNT;
    println!("{each} bytes for both sides of an idle connection");
    assert!(each <= LIMIT, "{each} bytes for both sides of an idle connection, more than {LIMIT}");
}
