//! The part of getrandom 0.2's interface that ring uses, without wasm-bindgen: bytes come from [`skein_host_random`].

use std::fmt;
use std::num::NonZeroU32;

/// No random bytes could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(NonZeroU32);

impl Error {
    /// First of the codes that are no errno.
    pub const INTERNAL_START: u32 = 1 << 31;
    /// The source delivered nothing.
    pub const UNEXPECTED: Self = Self(NonZeroU32::new(Self::INTERNAL_START + 2).unwrap());

    /// The code as a number.
    pub const fn code(self) -> NonZeroU32 {
        self.0
    }
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
pub fn getrandom(dest: &mut [u8]) -> Result<(), Error> {
    skein_host_random::fill(dest).map_err(|_| Error::UNEXPECTED)
}
