//! AES-128-GCM and AES-256-GCM (NIST SP 800-38D) for QUIC packets, in WebAssembly's simd128.
//!
//! No branch and no index depends on a secret: only on lengths, and, when a message is opened, on whether its tag is
//! right. AES is made of permutations of bytes within vectors, whose time does not depend on what they are.

pub(crate) mod aes;
mod bytes;
pub(crate) mod ghash;
mod tables;

use core::fmt;

use aes::BLOCK;
use bytes::Bytes;
use ghash::{Ghash, HashKey};

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes of an authentication tag.
pub const TAG_LEN: usize = 16;
/// Bytes of ciphertext that a header protection mask is made from (RFC 9001 section 5.4.2).
pub const SAMPLE_LEN: usize = 16;
/// Bytes of a header protection mask (RFC 9001 section 5.4.1).
pub const MASK_LEN: usize = 5;
/// The longest message: blocks are counted in 32 bits, and block 1 hides the tag (SP 800-38D section 5.2.1.1).
pub const MAX_LEN: u64 = ((1 << 32) - 2) * BLOCK as u64;

/// Blocks that are encrypted at a time.
const STRIDE: usize = 4;

/// A message was not opened: it is too short to hold a tag, or it, its additional data, its nonce or the key is not
/// what was sealed. Which of these, nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenError;

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message does not authenticate under this key and nonce")
    }
}

impl core::error::Error for OpenError {}

/// A key of AES-GCM, wiped from memory when dropped.
pub struct Key {
    aes: aes::Key,
    hash: HashKey,
}

impl Key {
    /// Expands a key. Panics unless it has 16 or 32 bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let aes = aes::Key::new(bytes);
        let mut zeros = [0; BLOCK];
        encrypt_block(&aes, &mut zeros);
        Self { hash: HashKey::new(&zeros), aes }
    }

    /// Encrypts `buf` in place and returns its tag, which covers `aad` too (SP 800-38D section 7.1).
    ///
    /// A nonce must never be used twice with one key. Panics if `buf` is longer than [`MAX_LEN`].
    pub fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buf: &mut [u8]) -> [u8; TAG_LEN] {
        assert!(buf.len() as u64 <= MAX_LEN, "one nonce encrypts at most {MAX_LEN} bytes");
        self.encrypt(nonce, buf);
        self.tag(nonce, aad, buf)
    }

    /// Decrypts `buf`, which is ciphertext and tag, in place and returns the plaintext (SP 800-38D section 7.2).
    ///
    /// What does not authenticate stays as it was.
    pub fn open_in_place<'a>(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buf: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        let (ciphertext, tag) = buf.split_last_chunk_mut::<TAG_LEN>().ok_or(OpenError)?;
        if ciphertext.len() as u64 > MAX_LEN {
            return Err(OpenError);
        }
        if !equal(&self.tag(nonce, aad, ciphertext), tag) {
            return Err(OpenError);
        }
        self.encrypt(nonce, ciphertext);
        Ok(ciphertext)
    }

    /// The header protection mask for a sample of ciphertext (RFC 9001 section 5.4.3). The key is one of its own there.
    pub fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let mut block = *sample;
        encrypt_block(&self.aes, &mut block);
        let [a, b, c, d, e, ..] = block;
        [a, b, c, d, e]
    }

    /// Encrypts or decrypts. One function for both, so that an engine compiles these rounds of AES once.
    #[inline(never)]
    fn encrypt(&self, nonce: &[u8; NONCE_LEN], bytes: &mut [u8]) {
        let mut counter = Counter::new(nonce);
        for stride in bytes.chunks_mut(STRIDE * BLOCK) {
            self.encrypt_stride(&mut counter, stride);
        }
    }

    /// Encrypts or decrypts up to [`STRIDE`] blocks, of which the last may be short.
    #[inline(always)]
    fn encrypt_stride(&self, counter: &mut Counter, bytes: &mut [u8]) {
        let stream = self.aes.encrypt::<STRIDE>(core::array::from_fn(|_| counter.next()));
        let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
        for (block, stream) in blocks.iter_mut().zip(stream) {
            Bytes::load(block).xor(stream).store(block);
        }
        if !rest.is_empty() {
            let mut block = [0; BLOCK];
            stream[blocks.len()].store(&mut block);
            for (byte, stream) in rest.iter_mut().zip(block) {
                *byte ^= stream;
            }
        }
    }

    #[inline(never)]
    fn tag(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], ciphertext: &[u8]) -> [u8; TAG_LEN] {
        let mut lengths = [0; BLOCK];
        lengths[..8].copy_from_slice(&(aad.len() as u64 * 8).to_be_bytes());
        lengths[8..].copy_from_slice(&(ciphertext.len() as u64 * 8).to_be_bytes());
        let mut hash = Ghash::new();
        for part in [aad, ciphertext, &lengths] {
            hash.padded(&self.hash, part);
        }
        let mut mask = Counter::block(nonce, 1);
        encrypt_block(&self.aes, &mut mask);
        let mut tag = hash.finish();
        Bytes::load(&tag).xor(Bytes::load(&mask)).store(&mut tag);
        tag
    }
}

/// Encrypts a block that is alone. One function for all such.
#[inline(never)]
fn encrypt_block(aes: &aes::Key, block: &mut [u8; BLOCK]) {
    let [encrypted] = aes.encrypt([Bytes::load(block)]);
    encrypted.store(block);
}

/// Counter blocks from the second on.
struct Counter<'a> {
    nonce: &'a [u8; NONCE_LEN],
    next: u32,
}

impl<'a> Counter<'a> {
    fn new(nonce: &'a [u8; NONCE_LEN]) -> Self {
        Self { nonce, next: 2 }
    }

    #[inline(always)]
    fn block(nonce: &[u8; NONCE_LEN], count: u32) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..NONCE_LEN].copy_from_slice(nonce);
        block[NONCE_LEN..].copy_from_slice(&count.to_be_bytes());
        block
    }

    #[inline(always)]
    fn next(&mut self) -> Bytes {
        let block = Bytes::load(&Self::block(self.nonce, self.next));
        // The last stride of the longest message makes blocks that nobody uses.
        self.next = self.next.wrapping_add(1);
        block
    }
}

/// Compares two tags in a time that does not depend on where they differ.
#[inline(always)]
fn equal(a: &[u8; TAG_LEN], b: &[u8; TAG_LEN]) -> bool {
    let difference = u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b);
    // The optimiser does not look through this, so it cannot turn the comparison into one with an early exit.
    core::hint::black_box(difference) == 0
}
