//! Sixteen bytes side by side: the only vector type that AES by permutation needs.
//!
//! With WebAssembly's simd128 a [`Bytes`] is one `v128`. Elsewhere (the native builds that run the Rust tests, or a
//! WebAssembly build without simd128) it is an array with the same operations, so that one AES serves both. Only the
//! former is meant for secrets: [`Bytes::look_up`] of the array is an index into memory.

pub(crate) use imp::Bytes;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod imp {
    use core::arch::wasm32::*;

    /// Sixteen bytes, as one `v128`.
    #[derive(Clone, Copy)]
    pub(crate) struct Bytes(v128);

    impl Bytes {
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; 16]) -> Self {
            // SAFETY: 16 bytes are readable behind the reference; v128_load asks for no alignment.
            Self(unsafe { v128_load(bytes.as_ptr().cast()) })
        }

        #[inline(always)]
        pub(crate) fn store(self, bytes: &mut [u8; 16]) {
            // SAFETY: 16 bytes are writable behind the reference; v128_store asks for no alignment.
            unsafe { v128_store(bytes.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }

        /// The low and the high halves of all bytes.
        #[inline(always)]
        pub(crate) fn halves(self) -> (Self, Self) {
            (Self(v128_and(self.0, u8x16_splat(0x0f))), Self(u8x16_shr(self.0, 4)))
        }

        /// For each byte of `places` the byte of `self` in that place, and 0 where there is none (16 and above).
        #[inline(always)]
        pub(crate) fn look_up(self, places: Self) -> Self {
            Self(u8x16_swizzle(self.0, places.0))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod imp {
    use core::array::from_fn;

    /// Sixteen bytes, as an array.
    #[derive(Clone, Copy)]
    pub(crate) struct Bytes([u8; 16]);

    impl Bytes {
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; 16]) -> Self {
            Self(*bytes)
        }

        #[inline(always)]
        pub(crate) fn store(self, bytes: &mut [u8; 16]) {
            *bytes = self.0;
        }

        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i] ^ other.0[i]))
        }

        /// The low and the high halves of all bytes.
        #[inline(always)]
        pub(crate) fn halves(self) -> (Self, Self) {
            (Self(self.0.map(|byte| byte & 0x0f)), Self(self.0.map(|byte| byte >> 4)))
        }

        /// For each byte of `places` the byte of `self` in that place, and 0 where there is none (16 and above).
        #[inline(always)]
        pub(crate) fn look_up(self, places: Self) -> Self {
            Self(places.0.map(|place| if place < 16 { self.0[usize::from(place)] } else { 0 }))
        }
    }
}
