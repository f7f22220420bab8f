//! Session tickets and address validation tokens that a client keeps for its next visit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use noq_proto::{TokenMemoryCache, TokenStore};
use rustc_hash::FxHashMap;
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// Servers remembered at a time; the one unused for longest is forgotten first.
const MAX_SERVERS: usize = 256;
/// Tickets kept per server; each is used once (RFC 8446 C.4), so several allow several connections at once.
const MAX_TICKETS: usize = 8;

#[derive(Default)]
struct Remembered {
    tickets: VecDeque<Tls13ClientSessionValue>,
    group: Option<NamedGroup>,
    used: u64,
}

#[derive(Default)]
struct Shared {
    servers: FxHashMap<String, Remembered>,
    clock: u64,
}

impl Shared {
    fn entry(&mut self, key: &str) -> &mut Remembered {
        self.clock += 1;
        if !self.servers.contains_key(key) && self.servers.len() >= MAX_SERVERS {
            let oldest = self.servers.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.servers.remove(&oldest);
            }
        }
        let entry = self.servers.entry(key.to_owned()).or_default();
        entry.used = self.clock;
        entry
    }
}

/// What one client endpoint remembers of servers, by name, port and ALPN.
#[derive(Clone, Default)]
pub struct TicketStore {
    sessions: Arc<Mutex<Shared>>,
    tokens: Arc<TokenMemoryCache>,
}

impl TicketStore {
    /// The view of one server, as rustls and noq want it. The keys they pass hold the name only, which would hand the
    /// ticket of one port to another; so the key is fixed here.
    pub fn for_server(&self, key: String) -> Arc<ServerTickets> {
        Arc::new(ServerTickets { key, store: self.clone() })
    }
}

/// See [`TicketStore::for_server`].
pub struct ServerTickets {
    key: String,
    store: TicketStore,
}

impl fmt::Debug for ServerTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTickets").field("key", &self.key).finish_non_exhaustive()
    }
}

impl ClientSessionStore for ServerTickets {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.store.sessions.lock().unwrap().entry(&self.key).group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.store.sessions.lock().unwrap().servers.get(&self.key)?.group
    }

    // QUIC has no TLS 1.2 (RFC 9001 4.2).
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut shared = self.store.sessions.lock().unwrap();
        let tickets = &mut shared.entry(&self.key).tickets;
        if tickets.len() >= MAX_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.store.sessions.lock().unwrap().servers.get_mut(&self.key)?.tickets.pop_back()
    }
}

impl TokenStore for ServerTickets {
    fn insert(&self, _: &str, token: Bytes) {
        self.store.tokens.insert(&self.key, token);
    }

    fn take(&self, _: &str) -> Option<Bytes> {
        self.store.tokens.take(&self.key)
    }
}
