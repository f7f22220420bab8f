//! Poly1305 (RFC 8439 section 2.5) in limbs of 32 bits, with the 64-bit products that WebAssembly has.
//!
//! The accumulator is h0 + h1 * 2^32 + h2 * 2^64 + h3 * 2^96, each limb in a `u64`. Clamping leaves every word of r
//! below 2^28 and its upper three words divisible by 4. As 2^130 = 5 (mod p), a product at 2^128 comes back as 5 / 4 of
//! itself, exactly, so sixteen multiplications a block suffice where limbs of 26 bits need twenty-five.
//!
//! Why no sum of products overflows: between blocks h1 and h2 are below 2^32 and h3, which holds what is above 2^128
//! too, below 2^34. A block adds less than 2^32 to each limb and another 2^32 to the last. Say that makes h0 less than
//! x * 2^32. Then d3 < 2^60 * (x + 2 + 2 + 6), of which h0 gets 5 * d3 / 2^34, so x < 2 + 5 / 64 * (x + 10) < 3.02. The
//! largest sum is d0 < 2^60 * (x + 5 / 4 * (2 + 2 + 6)) < 2^60 * 15.6.

/// Bytes of one Poly1305 block.
pub(crate) const BLOCK: usize = 16;

/// The bit above a block of sixteen bytes, in the fourth limb.
const ABOVE: u64 = 1 << 32;

const LOW_32: u64 = (1 << 32) - 1;
const LOW_34: u64 = (1 << 34) - 1;

/// One-time authenticator: lives for one packet, on the stack.
pub(crate) struct Poly1305 {
    pub(crate) multiplier: Multiplier,
    pub(crate) accumulator: Accumulator,
    /// Added at the end (the second half of the one-time key).
    pad: [u32; 4],
}

/// r, and s = 5 / 4 * r of its upper words.
#[derive(Clone, Copy)]
pub(crate) struct Multiplier {
    r0: u64,
    r1: u64,
    r2: u64,
    r3: u64,
    s1: u64,
    s2: u64,
    s3: u64,
}

/// The accumulator, between blocks.
#[derive(Clone, Copy)]
pub(crate) struct Accumulator {
    h0: u64,
    h1: u64,
    h2: u64,
    h3: u64,
}

impl Accumulator {
    /// (self + block + 2^128) * r, partly reduced.
    #[inline(always)]
    pub(crate) fn absorb(self, block: &[u8; BLOCK], m: &Multiplier) -> Self {
        self.absorb_with(block, ABOVE, m)
    }

    #[inline(always)]
    fn absorb_with(self, block: &[u8; BLOCK], above: u64, m: &Multiplier) -> Self {
        let (words, _) = block.as_chunks::<4>();
        let word = |i: usize| u64::from(u32::from_le_bytes(words[i]));
        let h0 = self.h0 + word(0);
        let h1 = self.h1 + word(1);
        let h2 = self.h2 + word(2);
        let h3 = self.h3 + word(3) + above;

        // h0 is the last to be ready, so its products are added last.
        let d0 = h1 * m.s3 + h2 * m.s2 + h3 * m.s1 + h0 * m.r0;
        let d1 = h1 * m.r0 + h2 * m.s3 + h3 * m.s2 + h0 * m.r1 + (d0 >> 32);
        let d2 = h1 * m.r1 + h2 * m.r0 + h3 * m.s3 + h0 * m.r2 + (d1 >> 32);
        let d3 = h1 * m.r2 + h2 * m.r1 + h3 * m.r0 + h0 * m.r3 + (d2 >> 32);

        Self { h0: (d0 & LOW_32) + (d3 >> 34) * 5, h1: d1 & LOW_32, h2: d2 & LOW_32, h3: d3 & LOW_34 }
    }

    /// The limbs of self mod p, each below 2^32, without what is above 2^128.
    #[inline(always)]
    fn reduced(self) -> [u64; 4] {
        let Self { mut h0, mut h1, mut h2, mut h3 } = self;
        // Once around leaves h0 as the only limb that may be out of its range, by less than 5, and that only after a
        // carry out of h3, which is 0 then. So the second time around cannot carry out of h3 again, and ends with all
        // in range.
        for _ in 0..2 {
            h1 += h0 >> 32;
            h2 += h1 >> 32;
            h3 += h2 >> 32;
            h0 = (h0 & LOW_32) + (h3 >> 34) * 5;
            h1 &= LOW_32;
            h2 &= LOW_32;
            h3 &= LOW_34;
        }
        // h + 5 reaches 2^130 exactly when h >= p. Both are computed and a mask chooses.
        let g0 = h0 + 5;
        let g1 = h1 + (g0 >> 32);
        let g2 = h2 + (g1 >> 32);
        let g3 = h3 + (g2 >> 32);
        // Hidden from the optimiser, so that it cannot make a branch of the choice.
        let subtract = core::hint::black_box(0u64.wrapping_sub(g3 >> 34));
        let choose = |h: u64, g: u64| ((h & !subtract) | (g & subtract)) & LOW_32;
        [choose(h0, g0), choose(h1, g1), choose(h2, g2), choose(h3, g3)]
    }
}

impl Poly1305 {
    /// `key` is the one-time key as words: r, then the pad.
    #[inline(always)]
    pub(crate) fn new(key: [u32; 8]) -> Self {
        let r0 = u64::from(key[0] & 0x0fff_ffff);
        let r1 = u64::from(key[1] & 0x0fff_fffc);
        let r2 = u64::from(key[2] & 0x0fff_fffc);
        let r3 = u64::from(key[3] & 0x0fff_fffc);
        Self {
            multiplier: Multiplier { r0, r1, r2, r3, s1: r1 + r1 / 4, s2: r2 + r2 / 4, s3: r3 + r3 / 4 },
            accumulator: Accumulator { h0: 0, h1: 0, h2: 0, h3: 0 },
            pad: [key[4], key[5], key[6], key[7]],
        }
    }

    /// Absorbs whole blocks.
    #[inline(always)]
    pub(crate) fn blocks(&mut self, blocks: &[[u8; BLOCK]]) {
        let m = self.multiplier;
        self.accumulator = blocks.iter().fold(self.accumulator, |h, block| h.absorb(block, &m));
    }

    /// Absorbs `data` followed by zeroes up to a multiple of 16, as the AEAD does (RFC 8439 section 2.8).
    #[inline(always)]
    pub(crate) fn padded(&mut self, data: &[u8]) {
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        self.blocks(blocks);
        if !rest.is_empty() {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            self.blocks(&[last]);
        }
    }

    /// Absorbs a message's end as Poly1305 does outside the AEAD: its own test vectors need it.
    #[allow(dead_code)]
    pub(crate) fn unpadded(&mut self, data: &[u8]) {
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        self.blocks(blocks);
        if !rest.is_empty() {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            last[rest.len()] = 1;
            self.accumulator = self.accumulator.absorb_with(&last, 0, &self.multiplier);
        }
    }

    /// The tag: the accumulator mod p, plus the pad, modulo 2^128.
    #[inline(always)]
    pub(crate) fn tag(&self) -> [u8; 16] {
        let mut tag = [0; 16];
        let (words, _) = tag.as_chunks_mut::<4>();
        let mut carry = 0;
        for (i, h) in self.accumulator.reduced().into_iter().enumerate() {
            let sum = h + u64::from(self.pad[i]) + carry;
            words[i] = (sum as u32).to_le_bytes();
            carry = sum >> 32;
        }
        tag
    }
}
