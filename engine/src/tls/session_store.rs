//! Sessions that a server remembers for resumption, by their tickets.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use rustls::server::StoresServerSessions;

/// A store that forgets the oldest session first. rustls has one that looks for a ticket among all of them whenever one is used.
pub struct SessionStore(Mutex<Sessions>);

impl SessionStore {
    /// `capacity`: sessions remembered at a time.
    pub fn new(capacity: usize) -> Self {
        Self(Mutex::new(Sessions { capacity, by_ticket: HashMap::new(), order: VecDeque::new(), put: 0 }))
    }
}

impl fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").finish_non_exhaustive()
    }
}

impl StoresServerSessions for SessionStore {
    fn put(&self, ticket: Vec<u8>, session: Vec<u8>) -> bool {
        self.0.lock().unwrap().put(ticket.into(), session);
        true
    }

    fn get(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap().by_ticket.get(ticket).map(|(_, session)| session.clone())
    }

    fn take(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap().by_ticket.remove(ticket).map(|(_, session)| session)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// Sessions by their tickets, each with its number.
type ByTicket = HashMap<Arc<[u8]>, (u64, Vec<u8>)>;

/// Whether the ticket has still the session with this number: it was neither used nor put again.
fn is_current(by_ticket: &ByTicket, number: u64, ticket: &[u8]) -> bool {
    by_ticket.get(ticket).is_some_and(|(current, _)| *current == number)
}

struct Sessions {
    capacity: usize,
    by_ticket: ByTicket,
    /// Tickets by age, and the numbers of their sessions. Those that were used stay until they are the oldest, or as many as
    /// sessions may be.
    order: VecDeque<(u64, Arc<[u8]>)>,
    /// Sessions put so far.
    put: u64,
}

impl Sessions {
    fn put(&mut self, ticket: Arc<[u8]>, session: Vec<u8>) {
        self.put += 1;
        self.by_ticket.insert(ticket.clone(), (self.put, session));
        self.order.push_back((self.put, ticket));
        while self.by_ticket.len() > self.capacity {
            self.forget_oldest();
        }
        if self.order.len() > 2 * self.capacity {
            let Self { by_ticket, order, .. } = self;
            order.retain(|(number, ticket)| is_current(by_ticket, *number, ticket));
        }
    }

    fn forget_oldest(&mut self) {
        let Some((number, ticket)) = self.order.pop_front() else { return };
        if is_current(&self.by_ticket, number, &ticket) {
            self.by_ticket.remove(&ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u32) -> Vec<u8> {
        number.to_le_bytes().to_vec()
    }

    #[test]
    fn a_session_is_taken_once() {
        let store = SessionStore::new(2);
        assert!(store.put(ticket(1), vec![7]));
        assert_eq!(store.get(&ticket(1)), Some(vec![7]));
        assert_eq!(store.take(&ticket(1)), Some(vec![7]));
        assert_eq!(store.take(&ticket(1)), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_used_ones_do_not_count() {
        let store = SessionStore::new(3);
        for number in 0..3 {
            store.put(ticket(number), vec![number as u8]);
        }
        store.take(&ticket(1));
        store.put(ticket(3), vec![3]);
        assert_eq!(store.get(&ticket(0)), Some(vec![0]));
        store.put(ticket(4), vec![4]);
        assert_eq!(store.get(&ticket(0)), None);
        assert_eq!([2, 3, 4].map(|number| store.get(&ticket(number)).is_some()), [true; 3]);
    }

    #[test]
    fn a_ticket_put_again_counts_from_then_on() {
        let store = SessionStore::new(2);
        for (number, value) in [(1, 1), (2, 2), (1, 3), (3, 4)] {
            store.put(ticket(number), vec![value]);
        }
        assert_eq!([1, 2, 3].map(|number| store.get(&ticket(number))), [Some(vec![3]), None, Some(vec![4])]);
    }

    #[test]
    fn what_is_remembered_is_bounded_however_many_come_and_go() {
        let store = SessionStore::new(100);
        for number in 0..10_000 {
            store.put(ticket(number), vec![0; 8]);
            if number % 3 == 1 {
                store.take(&ticket(number));
            }
        }
        let sessions = store.0.lock().unwrap();
        assert_eq!(sessions.by_ticket.len(), 100);
        assert!(sessions.order.len() <= 200);
    }
}
