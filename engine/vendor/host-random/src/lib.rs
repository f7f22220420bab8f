//! The engine's only source of randomness.
//!
//! In WebAssembly the bytes come from the import `skein.random_fill(ptr, len)`, which the host must back by a
//! cryptographically secure generator. A host that cannot deliver throws, which traps the instance; there is no result
//! code to forget. In native builds (the engine's own tests) the bytes come from the operating system.
//!
//! The local replacements of `getrandom` 0.2 (for ring) and 0.4 (for rand) are thin layers over this crate.

use std::collections::hash_map::RandomState;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod imp {
    #[link(wasm_import_module = "skein")]
    unsafe extern "C" {
        fn random_fill(ptr: *mut u8, len: usize);
    }

    pub(crate) fn fill(dest: &mut [u8]) -> Result<(), crate::Unavailable> {
        // SAFETY: the host writes exactly `len` bytes from `ptr` on, which is what the slice covers.
        unsafe { random_fill(dest.as_mut_ptr(), dest.len()) }
        Ok(())
    }
}

#[cfg(unix)]
mod imp {
    use std::fs::File;
    use std::io::Read;
    use std::sync::OnceLock;

    pub(crate) fn fill(dest: &mut [u8]) -> Result<(), crate::Unavailable> {
        static DEVICE: OnceLock<Option<File>> = OnceLock::new();
        let device = DEVICE.get_or_init(|| File::open("/dev/urandom").ok());
        let mut device = device.as_ref().ok_or(crate::Unavailable)?;
        device.read_exact(dest).map_err(|_| crate::Unavailable)
    }
}

#[cfg(not(any(unix, all(target_family = "wasm", target_os = "unknown"))))]
compile_error!("native builds of the engine need a Unix system; the WebAssembly build runs everywhere");

/// The operating system delivered no random bytes. Never happens in WebAssembly, where the host traps instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Overwrites `dest` with random bytes fit for keys.
///
/// # Errors
/// [`Unavailable`] when a native build cannot read the system's random device; `dest` may then be partly written.
#[inline]
pub fn fill(dest: &mut [u8]) -> Result<(), Unavailable> {
    if dest.is_empty() { Ok(()) } else { imp::fill(dest) }
}

/// Moves the seeds of the standard library's hash maps to a place a remote cannot guess; call it once, before the first
/// `HashMap` is made.
///
/// On wasm32-unknown-unknown the standard library has no randomness and takes its two SipHash keys from the addresses
/// of a stack slot and of a heap block: the same in every instance of one module. noq keys such maps by what a remote
/// chooses (addresses, first connection IDs), so constant keys would let it prepare collisions. Both inputs can be moved
/// from outside: a random amount of heap up to 256 KiB, given back afterwards, shifts the second key (14 bits, since
/// blocks start at multiples of 16), and each new `RandomState` advances the first by one (20 bits, about 1 ms). That is
/// no 128-bit key, but collisions can no longer be prepared in advance. Does nothing in native builds, where the keys
/// are random already.
pub fn scatter_hash_seeds() {
    if !cfg!(all(target_family = "wasm", target_os = "unknown")) {
        return;
    }
    let mut seed = [0; 8];
    if fill(&mut seed).is_err() {
        return;
    }
    let seed = u64::from_le_bytes(seed);
    let padding = Vec::<u64>::with_capacity((seed & 0x7fff) as usize);
    std::hint::black_box(&padding);
    let steps = (seed >> 15) & 0xf_ffff;
    for _ in 0..=steps {
        std::hint::black_box(RandomState::new());
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn two_fills_differ_and_every_byte_is_written() {
        let (mut a, mut b) = ([0; 64], [0; 64]);
        fill(&mut a).unwrap();
        fill(&mut b).unwrap();
        assert_ne!(a, b);
        let mut seen = [0u8; 64];
        for _ in 0..64 {
            fill(&mut a).unwrap();
            seen.iter_mut().zip(a).for_each(|(s, byte)| *s |= byte);
        }
        assert!(seen.iter().all(|&byte| byte != 0));
    }

    #[test]
    fn nothing_to_fill_is_no_error() {
        assert_eq!(fill(&mut []), Ok(()));
    }
}
