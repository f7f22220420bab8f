//! Attempts of clients: announced, then accepted, refused, sent a Retry or ignored, as TypeScript decides.

use std::sync::Arc;
use std::time::Duration;

use noq_proto::{Incoming, ServerConfig, ValidationTokenConfig};

use crate::abi::{Address, EventKind, EventRecord, Failure};
use crate::clock::{WallClock, instant};
use crate::config::ServerSettings;
use crate::connection::{Amplification, Connection};
use crate::engine::Engine;
use crate::failure::Refusal;
use crate::handles::Handle;
use crate::observe::QlogQueues;

/// Flags of [`EventKind::Incoming`].
const VALIDATED: u32 = 1;
const MAY_RETRY: u32 = 2;

/// A first flight in a smaller datagram is discarded (RFC 9000 14.1).
const MIN_FIRST_DATAGRAM: usize = 1200;

/// Puts the settings into noq's configuration.
pub(crate) fn apply(
    config: &mut ServerConfig,
    settings: &ServerSettings,
    clock: &Arc<WallClock>,
    qlog: &Arc<QlogQueues>,
) -> Result<(), Refusal> {
    let mut tokens = ValidationTokenConfig::default();
    tokens
        .lifetime(Duration::from_millis(settings.validation_token_lifetime_ms))
        .sent(settings.validation_tokens);
    config
        .transport_config(Arc::new(settings.transport.build(qlog)?))
        .validation_token_config(tokens)
        .retry_token_lifetime(Duration::from_millis(settings.retry_token_lifetime_ms))
        .migration(settings.migration)
        .max_incoming(settings.max_incoming)
        .incoming_buffer_size(settings.incoming_buffer)
        .incoming_buffer_size_total(settings.incoming_buffer_total)
        .preferred_address_v4(settings.preferred_address_v4)
        .preferred_address_v6(settings.preferred_address_v6)
        .time_source(clock.clone());
    Ok(())
}

impl Engine {
    pub(crate) fn announce_incoming(&mut self, incoming: Incoming) {
        let flags = if incoming.remote_address_validated() { VALIDATED } else { 0 }
            | if incoming.may_retry() { MAY_RETRY } else { 0 };
        match self.incoming.len() < crate::handles::MAX_ENTRIES {
            true => {
                let Some(handle) = self.incoming.insert(incoming) else { return };
                self.push_event(EventRecord {
                    kind: EventKind::Incoming as u32,
                    connection: handle.0,
                    a: flags,
                    ..EventRecord::default()
                });
            }
            false => self.endpoint.ignore(incoming),
        }
    }

    /// Where an attempt comes from.
    pub fn incoming_address(&self, handle: Handle) -> Result<Address, Failure> {
        Ok(self.incoming.get(handle).ok_or(Failure::StaleHandle)?.remote_address().into())
    }

    /// Takes the connection. `mtu_upper_bound` bounds this connection's path MTU search.
    pub fn incoming_accept(&mut self, now_ms: f64, handle: Handle, mtu_upper_bound: u16) -> Result<Handle, Failure> {
        let incoming = self.incoming.remove(handle).ok_or(Failure::StaleHandle)?;
        let Some(config) = self.server_config(mtu_upper_bound) else {
            self.endpoint.ignore(incoming);
            return Err(Failure::IllegalState);
        };
        let now = instant(now_ms);
        let mut reply = Vec::new();
        let unvalidated = !incoming.remote_address_validated();
        match self.endpoint.accept(incoming, now, &mut reply, Some(config)) {
            Ok((noq, inner)) => {
                let mut connection = Connection::new(noq, inner, self.qlog.take_newest());
                if unvalidated {
                    let received = connection.inner.stats().udp_rx.bytes as usize;
                    connection.amplification =
                        Some(Amplification { received: received.max(MIN_FIRST_DATAGRAM), sent: 0 });
                }
                self.adopt(connection).ok_or(Failure::IllegalState)
            }
            Err(error) => {
                if let Some(transmit) = error.response {
                    self.push_reply(transmit, reply);
                }
                Err(Failure::Refused)
            }
        }
    }

    fn server_config(&mut self, mtu_upper_bound: u16) -> Option<Arc<ServerConfig>> {
        let listening = self.listening.as_mut()?;
        if let Some(config) = listening.by_mtu.get(&mtu_upper_bound) {
            return Some(config.clone());
        }
        let base = listening.by_mtu.values().next()?;
        let mut settings = listening.settings.transport.clone();
        settings.mtu_upper_bound = mtu_upper_bound;
        let mut config = (**base).clone();
        config.transport_config(Arc::new(settings.build(&self.qlog).ok()?));
        let config = Arc::new(config);
        listening.by_mtu.insert(mtu_upper_bound, config.clone());
        Some(config)
    }

    /// Stores a new connection under a handle of ours.
    pub(crate) fn adopt(&mut self, connection: Connection) -> Option<Handle> {
        let noq = connection.noq;
        let handle = self.connections.insert(connection)?;
        self.by_noq.insert(noq, handle);
        self.mark_dirty(handle);
        // Asks the endpoint for connection IDs before the first flight leaves: they go with it, not in a datagram of their own.
        self.exchange(handle);
        Some(handle)
    }

    /// Answers with CONNECTION_REFUSED.
    pub fn incoming_refuse(&mut self, handle: Handle) -> Result<(), Failure> {
        let incoming = self.incoming.remove(handle).ok_or(Failure::StaleHandle)?;
        let mut reply = Vec::new();
        let transmit = self.endpoint.refuse(incoming, &mut reply);
        self.push_reply(transmit, reply);
        Ok(())
    }

    /// Answers with a Retry packet (RFC 9000 8.1.2).
    pub fn incoming_retry(&mut self, handle: Handle) -> Result<(), Failure> {
        let incoming = self.incoming.remove(handle).ok_or(Failure::StaleHandle)?;
        let mut reply = Vec::new();
        match self.endpoint.retry(incoming, &mut reply) {
            Ok(transmit) => {
                self.push_reply(transmit, reply);
                Ok(())
            }
            Err(error) => {
                self.endpoint.ignore(error.into_incoming());
                Err(Failure::IllegalState)
            }
        }
    }

    /// Answers with nothing.
    pub fn incoming_ignore(&mut self, handle: Handle) -> Result<(), Failure> {
        let incoming = self.incoming.remove(handle).ok_or(Failure::StaleHandle)?;
        self.endpoint.ignore(incoming);
        Ok(())
    }
}
