//! Four `u32` side by side: the only vector type ChaCha20 needs.
//!
//! With WebAssembly's simd128 a [`Lanes`] is one `v128`. Elsewhere (the native builds that run the Rust tests, or a
//! WebAssembly build without simd128) it is an array with the same operations, so that one ChaCha20 serves both.

use core::mem::MaybeUninit;

pub(crate) use imp::Lanes;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod imp {
    use core::arch::wasm32::*;

    use super::MaybeUninit;

    /// Four `u32`, as one `v128`.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(v128);

    impl Lanes {
        #[inline(always)]
        pub(crate) fn new(a: u32, b: u32, c: u32, d: u32) -> Self {
            Self(u32x4(a, b, c, d))
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(u32x4_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }

        /// Rotates every lane left by `N` bits, 0 < `N` < 32.
        #[inline(always)]
        pub(crate) fn rotate_left<const N: u32>(self) -> Self {
            if N == 16 {
                // Swapping 16-bit halves is two instructions after V8, two shifts and an or are three. (A byte shuffle
                // for N = 8 would be one instruction, but V8 rebuilds its mask each time; a swizzle, which takes it
                // from a register, needs one register too many.)
                return Self(u16x8_shuffle::<1, 0, 3, 2, 5, 4, 7, 6>(self.0, self.0));
            }
            Self(v128_or(u32x4_shl(self.0, N), u32x4_shr(self.0, 32 - N)))
        }

        /// Moves lane `(i + N) % 4` to lane `i`, 0 < `N` < 4.
        #[inline(always)]
        pub(crate) fn rotate_lanes<const N: usize>(self) -> Self {
            Self(match N {
                1 => u32x4_shuffle::<1, 2, 3, 0>(self.0, self.0),
                2 => u32x4_shuffle::<2, 3, 0, 1>(self.0, self.0),
                3 => u32x4_shuffle::<3, 0, 1, 2>(self.0, self.0),
                _ => unreachable!(),
            })
        }

        /// Reads four little-endian words.
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; 16]) -> Self {
            // SAFETY: 16 bytes are readable behind the reference; v128_load asks for no alignment.
            Self(unsafe { v128_load(bytes.as_ptr().cast()) })
        }

        /// Writes four little-endian words.
        #[inline(always)]
        pub(crate) fn store(self, bytes: &mut [u8; 16]) {
            // SAFETY: 16 bytes are writable behind the reference; v128_store asks for no alignment.
            unsafe { v128_store(bytes.as_mut_ptr().cast(), self.0) }
        }

        /// As [`Lanes::store`], where nothing has been written yet.
        #[inline(always)]
        pub(crate) fn init(self, bytes: &mut MaybeUninit<[u8; 16]>) {
            // SAFETY: as above; nothing is read.
            unsafe { v128_store(bytes.as_mut_ptr().cast(), self.0) }
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod imp {
    use core::array::from_fn;

    use super::MaybeUninit;

    /// Four `u32`, as an array.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([u32; 4]);

    impl Lanes {
        #[inline(always)]
        pub(crate) fn new(a: u32, b: u32, c: u32, d: u32) -> Self {
            Self([a, b, c, d])
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i].wrapping_add(other.0[i])))
        }

        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i] ^ other.0[i]))
        }

        /// Rotates every lane left by `N` bits, 0 < `N` < 32.
        #[inline(always)]
        pub(crate) fn rotate_left<const N: u32>(self) -> Self {
            Self(self.0.map(|word| word.rotate_left(N)))
        }

        /// Moves lane `(i + N) % 4` to lane `i`, 0 < `N` < 4.
        #[inline(always)]
        pub(crate) fn rotate_lanes<const N: usize>(self) -> Self {
            Self(from_fn(|i| self.0[(i + N) % 4]))
        }

        /// Reads four little-endian words.
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; 16]) -> Self {
            let (words, _) = bytes.as_chunks::<4>();
            Self(from_fn(|i| u32::from_le_bytes(words[i])))
        }

        /// Writes four little-endian words.
        #[inline(always)]
        pub(crate) fn store(self, bytes: &mut [u8; 16]) {
            let (words, _) = bytes.as_chunks_mut::<4>();
            for (bytes, word) in words.iter_mut().zip(self.0) {
                *bytes = word.to_le_bytes();
            }
        }

        /// As [`Lanes::store`], where nothing has been written yet.
        #[inline(always)]
        pub(crate) fn init(self, bytes: &mut MaybeUninit<[u8; 16]>) {
            self.store(bytes.write([0; 16]));
        }
    }
}
