//! ChaCha20's key stream (RFC 8439 section 2.4), three blocks at a time, with Poly1305 in the gaps.
//!
//! Each block is four vectors, the rows of its state, so a column round is one quarter round on whole vectors, and
//! turning the rows makes diagonals of columns. Three blocks are twelve vectors: they stay in the sixteen registers
//! that x86-64 has, and three independent chains keep its units busy. (Measured in V8: the other arrangement, one
//! vector per word of four blocks, spills registers and needs transposing; four blocks in rows spill; two leave units
//! idle.)
//!
//! ChaCha20 uses vectors only and Poly1305 integers only, so the processor runs both at once if both are in its
//! window: the loop below takes one block through Poly1305, two where there is more to do, per double round. That hides
//! almost all of Poly1305's time. The loop body is kept that small because V8 orders the instructions of one body as it
//! likes, which in a longer one puts all of Poly1305 before all of ChaCha20.

use core::array::from_fn;
use core::mem::MaybeUninit;

use super::chacha20::{self, BLOCK, SIGMA};
use super::lanes::Lanes;
use super::poly1305::{self, Poly1305};

/// ChaCha20 blocks made at a time.
const BLOCKS: usize = 3;

/// Bytes of key stream made at a time.
pub(crate) const STRIDE: usize = BLOCKS * BLOCK;

/// Bytes of one row.
const PIECE: usize = 16;

/// ChaCha20 has twenty rounds.
const DOUBLE_ROUNDS: usize = 10;

/// The most Poly1305 blocks that [`KeyStream::next`] can take.
pub(crate) const MOST_ABSORBED: usize = 2 * DOUBLE_ROUNDS;

/// The rows of a block's state.
type Rows = [Lanes; 4];

/// The key stream of one message.
pub(crate) struct KeyStream {
    /// Of the next block.
    rows: Rows,
}

impl KeyStream {
    /// The key stream from block `counter` on.
    #[inline(always)]
    pub(crate) fn new(key: &chacha20::Key, counter: u32, nonce: [u32; 3]) -> Self {
        let [a, b, c, d] = SIGMA;
        let [e, f, g, h, i, j, k, l] = *key.words();
        let [m, n, o] = nonce;
        Self {
            rows: [
                Lanes::new(a, b, c, d),
                Lanes::new(e, f, g, h),
                Lanes::new(i, j, k, l),
                Lanes::new(counter, m, n, o),
            ],
        }
    }

    /// Makes the next three blocks of key stream while `poly` absorbs `absorbed`, at most [`MOST_ABSORBED`] blocks.
    #[inline(always)]
    pub(crate) fn next<'a>(
        &mut self,
        stream: &'a mut MaybeUninit<[u8; STRIDE]>,
        poly: &mut Poly1305,
        absorbed: &[[u8; poly1305::BLOCK]],
    ) -> &'a mut [u8; STRIDE] {
        // SAFETY: an array of pieces has the layout of all their bytes, and `fill` writes every piece.
        self.fill(unsafe { &mut *stream.as_mut_ptr().cast() }, poly, absorbed);
        // SAFETY: as above.
        unsafe { stream.assume_init_mut() }
    }

    // Not inlined: its callers share the one copy of a large loop, and what they pass in memory costs next to nothing.
    // Memory that holds nothing yet, because clearing it first would be a call out of WebAssembly for each stride.
    #[inline(never)]
    fn fill(
        &mut self,
        stream: &mut [MaybeUninit<[u8; PIECE]>; STRIDE / PIECE],
        poly: &mut Poly1305,
        absorbed: &[[u8; poly1305::BLOCK]],
    ) {
        debug_assert!(absorbed.len() <= MOST_ABSORBED);
        let [a, b, c, d] = self.rows;
        let initial: [Rows; BLOCKS] = from_fn(|i| [a, b, c, d.add(Lanes::new(i as u32, 0, 0, 0))]);
        self.rows[3] = d.add(Lanes::new(BLOCKS as u32, 0, 0, 0));

        let mut x = initial;
        let r = poly.multiplier;
        let mut h = poly.accumulator;
        let twice = absorbed.len().saturating_sub(DOUBLE_ROUNDS);
        let (pairs, singles) = absorbed.split_at(2 * twice);
        let (pairs, _) = pairs.as_chunks::<2>();
        for [first, second] in pairs {
            double_round(&mut x);
            h = h.absorb(first, &r).absorb(second, &r);
        }
        for block in singles {
            double_round(&mut x);
            h = h.absorb(block, &r);
        }
        for _ in twice + singles.len()..DOUBLE_ROUNDS {
            double_round(&mut x);
        }
        poly.accumulator = h;

        for (i, piece) in stream.iter_mut().enumerate() {
            x[i / 4][i % 4].add(initial[i / 4][i % 4]).init(piece);
        }
    }
}

/// A column round and a diagonal round of every block.
#[inline(always)]
fn double_round(blocks: &mut [Rows; BLOCKS]) {
    round(blocks);
    // The second row is the last to be ready, so the others are turned to fit it.
    for [a, _, c, d] in &mut *blocks {
        *a = a.rotate_lanes::<3>();
        *c = c.rotate_lanes::<1>();
        *d = d.rotate_lanes::<2>();
    }
    round(blocks);
    for [a, _, c, d] in &mut *blocks {
        *a = a.rotate_lanes::<1>();
        *c = c.rotate_lanes::<3>();
        *d = d.rotate_lanes::<2>();
    }
}

/// A quarter round on each column of every block.
#[inline(always)]
fn round(blocks: &mut [Rows; BLOCKS]) {
    for [a, b, _, d] in &mut *blocks {
        *a = a.add(*b);
        *d = d.xor(*a).rotate_left::<16>();
    }
    for [_, b, c, d] in &mut *blocks {
        *c = c.add(*d);
        *b = b.xor(*c).rotate_left::<12>();
    }
    for [a, b, _, d] in &mut *blocks {
        *a = a.add(*b);
        *d = d.xor(*a).rotate_left::<8>();
    }
    for [_, b, c, d] in &mut *blocks {
        *c = c.add(*d);
        *b = b.xor(*c).rotate_left::<7>();
    }
}

/// Combines `data` with the key stream, which may be longer.
#[inline(always)]
pub(crate) fn xor(data: &mut [u8], stream: &[u8]) {
    for (byte, key) in data.iter_mut().zip(stream) {
        *byte ^= key;
    }
}

/// Combines `data`, a stride or less, with a stride of key stream.
#[inline(always)]
pub(crate) fn xor_stride(data: &mut [u8], stream: &[u8; STRIDE]) {
    let Some(data) = data.first_chunk_mut::<STRIDE>() else {
        return xor(data, stream);
    };
    let (data, _) = data.as_chunks_mut::<16>();
    let (stream, _) = stream.as_chunks::<16>();
    for (data, stream) in data.iter_mut().zip(stream) {
        Lanes::load(data).xor(Lanes::load(stream)).store(data);
    }
}
