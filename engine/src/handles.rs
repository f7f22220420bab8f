//! Generational handles: 20 bits of slot, 12 bits of generation.
//!
//! A handle that outlives its connection is recognised and refused instead of reaching whatever took the slot over.

const SLOT_BITS: u32 = 20;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: u32 = (1 << (32 - SLOT_BITS)) - 1;

/// The most entries that one [`HandleTable`] can hold at a time.
pub const MAX_ENTRIES: usize = 1 << SLOT_BITS;

/// Names an entry of a [`HandleTable`] across the boundary to JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(pub u32);

impl Handle {
    /// The table slot that this handle names.
    pub fn slot(self) -> usize {
        (self.0 & SLOT_MASK) as usize
    }

    fn generation(self) -> u32 {
        self.0 >> SLOT_BITS
    }
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    /// Boxed: values are kilobytes large, and a growing vector of them would leave holes as large as itself.
    value: Option<Box<T>>,
}

/// A slab whose keys carry the generation of the slot.
#[derive(Debug)]
pub struct HandleTable<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for HandleTable<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> HandleTable<T> {
    /// Stores a value; `None` when the table is full.
    pub fn insert(&mut self, value: T) -> Option<Handle> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.entries.len() >= MAX_ENTRIES => return None,
            None => {
                self.entries.push(Entry { generation: 0, value: None });
                (self.entries.len() - 1) as u32
            }
        };
        let entry = &mut self.entries[slot as usize];
        entry.value = Some(Box::new(value));
        self.len += 1;
        Some(Handle(slot | (entry.generation << SLOT_BITS)))
    }

    /// Removes the entry and retires its handle.
    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        let entry = self.entries.get_mut(handle.slot())?;
        if entry.generation != handle.generation() {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = (entry.generation + 1) & GENERATION_MASK;
        self.free.push(handle.slot() as u32);
        self.len -= 1;
        Some(*value)
    }

    pub fn get(&self, handle: Handle) -> Option<&T> {
        let entry = self.entries.get(handle.slot())?;
        if entry.generation != handle.generation() {
            return None;
        }
        entry.value.as_deref()
    }

    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let entry = self.entries.get_mut(handle.slot())?;
        if entry.generation != handle.generation() {
            return None;
        }
        entry.value.as_deref_mut()
    }

    /// The number of live entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no entry is live.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_handle_is_refused_after_its_slot_was_taken_over() {
        let mut table = HandleTable::default();
        let first = table.insert("first").unwrap();
        assert_eq!(table.remove(first), Some("first"));
        let second = table.insert("second").unwrap();
        assert_eq!(first.slot(), second.slot());
        assert_ne!(first, second);
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(second), Some(&"second"));
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn generations_wrap_without_touching_the_slot_number() {
        let mut table = HandleTable::default();
        for _ in 0..(GENERATION_MASK + 3) {
            let handle = table.insert(()).unwrap();
            assert_eq!(handle.slot(), 0);
            table.remove(handle).unwrap();
        }
        assert!(table.is_empty());
    }
}
