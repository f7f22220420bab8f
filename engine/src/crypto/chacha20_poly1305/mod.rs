//! ChaCha20-Poly1305 (RFC 8439) for QUIC packets, in WebAssembly's simd128.
//!
//! No branch and no index depends on a secret: only on lengths, and, when a message is opened, on whether its tag is
//! right.

pub(crate) mod chacha20;
pub(crate) mod key_stream;
mod lanes;
pub(crate) mod poly1305;

use core::fmt;
use core::mem::MaybeUninit;

use chacha20::BLOCK;
use key_stream::{KeyStream, MOST_ABSORBED, STRIDE, xor, xor_stride};
use poly1305::Poly1305;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes of an authentication tag.
pub const TAG_LEN: usize = 16;
/// Bytes of ciphertext that a header protection mask is made from (RFC 9001 section 5.4.2).
pub const SAMPLE_LEN: usize = 16;
/// Bytes of a header protection mask (RFC 9001 section 5.4.1).
pub const MASK_LEN: usize = 5;
/// The longest message: blocks are counted in 32 bits, and block 0 makes the one-time key (RFC 8439 section 2.8).
pub const MAX_LEN: u64 = ((1 << 32) - 1) * BLOCK as u64;

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

/// A ChaCha20-Poly1305 key, wiped from memory when dropped.
pub struct Key(chacha20::Key);

impl Key {
    /// Takes a copy of the key's 32 bytes.
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self(chacha20::Key::new(bytes))
    }

    /// Encrypts `buf` in place and returns its tag, which covers `aad` too (RFC 8439 section 2.8).
    ///
    /// A nonce must never be used twice with one key. Panics if `buf` is longer than [`MAX_LEN`].
    pub fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buf: &mut [u8]) -> [u8; TAG_LEN] {
        assert!(buf.len() as u64 <= MAX_LEN, "one nonce encrypts at most {MAX_LEN} bytes");
        let mut key_stream = KeyStream::new(&self.0, 0, words(nonce));
        let mut memory = MaybeUninit::uninit();
        let (mut poly, stream) = start(&mut key_stream, &mut memory);
        poly.padded(aad);

        let mut sealed = buf.len().min(STRIDE - BLOCK);
        xor(&mut buf[..sealed], &stream[BLOCK..]);
        // Poly1305 follows one stride behind, absorbing ciphertext while key stream is made for what comes next.
        let mut absorbed = 0;
        while sealed < buf.len() {
            let (ciphertext, plaintext) = buf.split_at_mut(sealed);
            let (blocks, _) = ciphertext[absorbed..].as_chunks();
            let stream = key_stream.next(&mut memory, &mut poly, blocks);
            absorbed = sealed;
            sealed += plaintext.len().min(STRIDE);
            xor_stride(&mut buf[absorbed..sealed], stream);
        }
        poly.padded(&buf[absorbed..]);
        finish(poly, aad.len(), buf.len())
    }

    /// Checks the tag at the end of `buf` against the ciphertext before it and `aad`, and only then decrypts in place.
    ///
    /// Returns the plaintext. On error `buf` is what it was.
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
        let mut key_stream = KeyStream::new(&self.0, 0, words(nonce));
        let mut memory = MaybeUninit::uninit();
        let (mut poly, stream) = start(&mut key_stream, &mut memory);
        poly.padded(aad);

        let mut held = [const { MaybeUninit::uninit() }; MOST_HELD];
        let held = absorb_and_hold(&mut poly, ciphertext, &mut key_stream, &mut held);
        if !equal(&finish(poly, aad.len(), ciphertext.len()), tag) {
            return Err(OpenError);
        }

        let (head, rest) = ciphertext.split_at_mut(ciphertext.len().min(STRIDE - BLOCK));
        xor(head, &stream[BLOCK..]);
        let mut chunks = rest.chunks_mut(STRIDE);
        for (held, chunk) in held.iter().zip(&mut chunks) {
            xor_stride(chunk, held);
        }
        let mut nothing = Poly1305::new([0; 8]);
        for chunk in chunks {
            let stream = key_stream.next(&mut memory, &mut nothing, &[]);
            xor_stride(chunk, stream);
        }
        Ok(ciphertext)
    }

    /// The header protection mask for a sample of ciphertext (RFC 9001 section 5.4.4).
    pub fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let [counter, nonce @ ..]: [u32; 4] = words(sample);
        let [first, second, ..] = self.0.block(counter, nonce);
        let [a, b, c, d] = first.to_le_bytes();
        [a, b, c, d, second as u8]
    }
}

/// Makes the first stride of key stream, whose first block is the one-time key (RFC 8439 section 2.6).
#[inline(always)]
fn start<'a>(
    key_stream: &mut KeyStream,
    memory: &'a mut MaybeUninit<[u8; STRIDE]>,
) -> (Poly1305, &'a [u8; STRIDE]) {
    let stream = key_stream.next(memory, &mut Poly1305::new([0; 8]), &[]);
    let (one_time_key, _) = stream.as_chunks::<32>();
    (Poly1305::new(words(&one_time_key[0])), stream)
}

/// Strides of key stream that are held until the tag is checked: enough for the longest UDP datagram, 64 KiB of stack.
/// What a longer message needs is made after the check.
const MOST_HELD: usize = 65_527_usize.div_ceil(STRIDE);

/// Absorbs the ciphertext, and in Poly1305's company makes the key stream that will decrypt all after its first two
/// blocks.
#[inline(always)]
fn absorb_and_hold<'a>(
    poly: &mut Poly1305,
    ciphertext: &[u8],
    key_stream: &mut KeyStream,
    held: &'a mut [MaybeUninit<[u8; STRIDE]>; MOST_HELD],
) -> &'a [[u8; STRIDE]] {
    let strides = ciphertext.len().saturating_sub(STRIDE - BLOCK).div_ceil(STRIDE).min(MOST_HELD);
    let (mut blocks, rest) = ciphertext.as_chunks();
    for (i, stream) in held[..strides].iter_mut().enumerate() {
        let share = blocks.len().div_ceil(strides - i).min(MOST_ABSORBED);
        let (now, later) = blocks.split_at(share);
        key_stream.next(stream, poly, now);
        blocks = later;
    }
    poly.blocks(blocks);
    poly.padded(rest);
    // SAFETY: the loop has written the first `strides` elements, and MaybeUninit has the layout of what it holds.
    unsafe { core::slice::from_raw_parts(held.as_ptr().cast(), strides) }
}

/// Absorbs the lengths, as the AEAD does at last, and makes the tag.
#[inline(always)]
fn finish(mut poly: Poly1305, aad: usize, ciphertext: usize) -> [u8; TAG_LEN] {
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(aad as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(ciphertext as u64).to_le_bytes());
    poly.blocks(&[lengths]);
    poly.tag()
}

/// Compares two tags in a time that does not depend on where they differ.
#[inline(always)]
fn equal(a: &[u8; TAG_LEN], b: &[u8; TAG_LEN]) -> bool {
    let difference = u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b);
    // The optimiser does not look through this, so it cannot turn the comparison into one with an early exit.
    core::hint::black_box(difference) == 0
}

/// Little-endian words.
#[inline(always)]
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    const { assert!(BYTES == WORDS * 4) };
    let (words, _) = bytes.as_chunks::<4>();
    core::array::from_fn(|i| u32::from_le_bytes(words[i]))
}
