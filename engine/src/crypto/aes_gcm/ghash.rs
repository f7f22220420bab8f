//! GHASH (NIST SP 800-38D section 6.4) by multiplications of integers.
//!
//! A product of polynomials over GF(2) is a product of integers without carries. Integers whose bits are three places
//! apart leave room for the carries, which are masked away. Of a product of 64 bits this gives the low half; the high half
//! is the low half of the reversed product of the reversed factors. (The construction is Thomas Pornin's, of BearSSL.)

use zeroize::Zeroize;

/// A hash key, ready to be multiplied with; wiped from memory when dropped.
pub(crate) struct HashKey {
    /// Low half, high half and their sum; then the same reversed.
    factors: [u64; 6],
}

impl Drop for HashKey {
    fn drop(&mut self) {
        self.factors.zeroize();
    }
}

impl HashKey {
    pub(crate) fn new(block: &[u8; 16]) -> Self {
        let [high, low] = halves(block);
        let (high_reversed, low_reversed) = (high.reverse_bits(), low.reverse_bits());
        Self { factors: [low, high, low ^ high, low_reversed, high_reversed, low_reversed ^ high_reversed] }
    }
}

/// A hash in the making.
#[derive(Clone, Copy)]
pub(crate) struct Ghash {
    high: u64,
    low: u64,
}

/// Big-endian halves of a block.
#[inline(always)]
fn halves(block: &[u8; 16]) -> [u64; 2] {
    let (halves, _) = block.as_chunks::<8>();
    [u64::from_be_bytes(halves[0]), u64::from_be_bytes(halves[1])]
}

/// The low 64 bits of the product of two polynomials.
#[inline(always)]
fn multiply(x: u64, y: u64) -> u64 {
    const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;
    let apart = |value: u64| -> [u64; 4] { core::array::from_fn(|i| value & (EVERY_FOURTH << i)) };
    let (x, y) = (apart(x), apart(y));
    let place = |i: usize| {
        let sum = (0..4).map(|j| x[j].wrapping_mul(y[(4 + i - j) % 4])).fold(0, |sum, product| sum ^ product);
        sum & (EVERY_FOURTH << i)
    };
    place(0) | place(1) | place(2) | place(3)
}

impl Ghash {
    pub(crate) fn new() -> Self {
        Self { high: 0, low: 0 }
    }

    /// Absorbs a block.
    #[inline(always)]
    pub(crate) fn block(&mut self, key: &HashKey, block: &[u8; 16]) {
        let [high, low] = halves(block);
        let (high, low) = (self.high ^ high, self.low ^ low);
        let (high_reversed, low_reversed) = (high.reverse_bits(), low.reverse_bits());
        let [key_low, key_high, key_sum, key_low_reversed, key_high_reversed, key_sum_reversed] = key.factors;

        // Karatsuba's three products, each in two halves.
        let low_product = multiply(low, key_low);
        let high_product = multiply(high, key_high);
        let middle = multiply(low ^ high, key_sum) ^ low_product ^ high_product;
        let low_over = multiply(low_reversed, key_low_reversed);
        let high_over = multiply(high_reversed, key_high_reversed);
        let middle_over = multiply(low_reversed ^ high_reversed, key_sum_reversed) ^ low_over ^ high_over;
        let upper = |reversed: u64| reversed.reverse_bits() >> 1;

        let product =
            [low_product, upper(low_over) ^ middle, high_product ^ upper(middle_over), upper(high_over)];
        // GHASH's bits run the other way: the product of 255 bits is one place too low.
        let [a, b, c, d] = product;
        let [a, b, c, d] = [a << 1, b << 1 | a >> 63, c << 1 | b >> 63, d << 1 | c >> 63];
        // Modulo x^128 + x^7 + x^2 + x + 1.
        let fold = |word: u64| word ^ word >> 1 ^ word >> 2 ^ word >> 7;
        let fold_over = |word: u64| word << 63 ^ word << 62 ^ word << 57;
        let (b, c) = (b ^ fold_over(a), c ^ fold(a));
        self.low = c ^ fold_over(b);
        self.high = d ^ fold(b);
    }

    /// Absorbs bytes, the last block filled up with zeros.
    #[inline(always)]
    pub(crate) fn padded(&mut self, key: &HashKey, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<16>();
        let last = (!rest.is_empty()).then(|| {
            let mut block = [0; 16];
            block[..rest.len()].copy_from_slice(rest);
            block
        });
        // One loop for both, so that the multiplication is there once.
        for block in blocks.iter().chain(&last) {
            self.block(key, block);
        }
    }

    pub(crate) fn finish(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_be_bytes()
    }
}
