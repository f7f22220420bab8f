//! The part of getrandom 0.4's interface that rand uses, without wasm-bindgen: bytes come from [`skein_host_random`].
//!
//! The crate's own custom backend would not do: noq-proto switches on its feature `wasm_js`, and with that wasm-bindgen
//! is in the graph whatever the backend.

use std::fmt;

/// No random bytes could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(());

impl Error {
    /// The source delivered nothing.
    pub const UNEXPECTED: Self = Self(());
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no random bytes from the system")
    }
}

impl std::error::Error for Error {}

/// Fills `dest` with random bytes.
///
/// # Errors
/// [`Error::UNEXPECTED`] when the operating system delivers none (native builds only).
#[inline]
pub fn fill(dest: &mut [u8]) -> Result<(), Error> {
    skein_host_random::fill(dest).map_err(|_| Error::UNEXPECTED)
}

/// A random number.
///
/// # Errors
/// As [`fill`].
pub fn u32() -> Result<u32, Error> {
    let mut bytes = [0; 4];
    fill(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}

/// A random number.
///
/// # Errors
/// As [`fill`].
pub fn u64() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(feature = "sys_rng")]
pub use sys_rng::SysRng;

#[cfg(feature = "sys_rng")]
mod sys_rng {
    use rand_core::{TryCryptoRng, TryRng};

    use crate::Error;

    /// The system's generator in rand's terms.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct SysRng;

    impl TryRng for SysRng {
        type Error = Error;

        fn try_next_u32(&mut self) -> Result<u32, Error> {
            crate::u32()
        }

        fn try_next_u64(&mut self) -> Result<u64, Error> {
            crate::u64()
        }

        fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
            crate::fill(dest)
        }
    }

    impl TryCryptoRng for SysRng {}
}
