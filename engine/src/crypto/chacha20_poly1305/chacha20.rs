//! ChaCha20 (RFC 8439 section 2.3): the key, and one block of key stream at a time. [`super::key_stream`] makes many.

use zeroize::Zeroize;

/// Bytes of one ChaCha20 block.
pub(crate) const BLOCK: usize = 64;

/// "expand 32-byte k" as four little-endian words: the first row of the state.
pub(crate) const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// A ChaCha20 key as eight words, wiped when dropped.
pub(crate) struct Key([u32; 8]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Key {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        Self(core::array::from_fn(|i| u32::from_le_bytes(words[i])))
    }

    /// The key as the second and the third row of the state.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[u32; 8] {
        &self.0
    }

    /// The block of key stream for `counter` and `nonce`.
    ///
    /// In plain integers: a block alone is one chain of dependent operations, for which vectors are no faster.
    pub(crate) fn block(&self, counter: u32, nonce: [u32; 3]) -> [u32; 16] {
        let mut initial = [0; 16];
        initial[..4].copy_from_slice(&SIGMA);
        initial[4..12].copy_from_slice(&self.0);
        initial[12] = counter;
        initial[13..].copy_from_slice(&nonce);

        let mut x = initial;
        for _ in 0..10 {
            quarter_round(&mut x, 0, 4, 8, 12);
            quarter_round(&mut x, 1, 5, 9, 13);
            quarter_round(&mut x, 2, 6, 10, 14);
            quarter_round(&mut x, 3, 7, 11, 15);
            quarter_round(&mut x, 0, 5, 10, 15);
            quarter_round(&mut x, 1, 6, 11, 12);
            quarter_round(&mut x, 2, 7, 8, 13);
            quarter_round(&mut x, 3, 4, 9, 14);
        }
        core::array::from_fn(|i| x[i].wrapping_add(initial[i]))
    }
}

#[inline(always)]
fn quarter_round(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}
