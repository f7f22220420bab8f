//! A map by [`PathId`] for the few paths that a connection has.

use std::vec;
use std::vec::Vec;

use super::PathId;

/// A sorted list with the interface of a map. Nearly every connection has one path, which several lookups for each packet
/// want: here they are one comparison, and neither a hash nor a walk down a tree.
#[derive(Debug)]
pub(super) struct PathMap<V>(Vec<(PathId, V)>);

impl<V> Default for PathMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> PathMap<V> {
    /// A map with one entry.
    pub(super) fn of(id: PathId, value: V) -> Self {
        Self(vec![(id, value)])
    }

    #[inline]
    fn position(&self, id: PathId) -> Result<usize, usize> {
        match self.0.first() {
            Some((first, _)) if *first == id => Ok(0),
            _ => self.search(id),
        }
    }

    #[inline(never)]
    fn search(&self, id: PathId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id)
    }

    #[inline]
    pub(super) fn get(&self, id: &PathId) -> Option<&V> {
        let at = self.position(*id).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: &PathId) -> Option<&mut V> {
        let at = self.position(*id).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    #[inline]
    pub(super) fn contains_key(&self, id: &PathId) -> bool {
        self.position(*id).is_ok()
    }

    /// The value of `id`, which `make` makes if there is none.
    #[inline]
    pub(super) fn get_or_insert_with(&mut self, id: PathId, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.position(id) {
            Ok(at) => at,
            Err(at) => {
                self.insert_at(at, id, make());
                at
            }
        };
        &mut self.0[at].1
    }

    /// Inserts a value and returns the one that was there before.
    pub(super) fn insert(&mut self, id: PathId, value: V) -> Option<V> {
        match self.position(id) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.insert_at(at, id, value);
                None
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_at(&mut self, at: usize, id: PathId, value: V) {
        // Room for one more, not for four as a `Vec` makes by itself: values can be large, and mostly one stays alone.
        self.0.reserve_exact(1);
        self.0.insert(at, (id, value));
    }

    pub(super) fn remove(&mut self, id: &PathId) -> Option<V> {
        let at = self.position(*id).ok()?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn first_key(&self) -> Option<PathId> {
        self.0.first().map(|(id, _)| *id)
    }

    /// In ascending order, as all that follow.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &PathId> {
        self.0.iter().map(|(id, _)| id)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PathId, &V)> {
        self.0.iter().map(|(id, value)| (id, value))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&PathId, &mut V)> {
        self.0.iter_mut().map(|(id, value)| (&*id, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_paths_in_order() {
        let mut map = PathMap::of(PathId(2), "two");
        assert_eq!(map.insert(PathId(7), "seven"), None);
        assert_eq!(map.insert(PathId(0), "zero"), None);
        assert_eq!(map.insert(PathId(2), "deux"), Some("two"));
        assert_eq!(map.keys().copied().collect::<Vec<_>>(), [PathId(0), PathId(2), PathId(7)]);
        assert_eq!(map.first_key(), Some(PathId(0)));
        assert_eq!(map.get(&PathId(2)), Some(&"deux"));
        assert_eq!(map.get(&PathId(1)), None);
        assert_eq!(*map.get_or_insert_with(PathId(1), || "one"), "one");
        assert_eq!(map.remove(&PathId(0)), Some("zero"));
        assert_eq!(map.remove(&PathId(0)), None);
        assert_eq!(map.values().copied().collect::<Vec<_>>(), ["one", "deux", "seven"]);
        assert!(map.contains_key(&PathId(7)) && !map.contains_key(&PathId(0)));
    }
}
