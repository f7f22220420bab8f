//! The tables of AES by permutation, computed by the compiler from what they mean.
//!
//! AES's S-box is the inverse in GF(2^8), then a linear map and a constant. Permutations look up halves of bytes, so
//! the inverse is brought down to GF(2^4) (Mike Hamburg, "Accelerating AES with Vector Permute Instructions", CHES
//! 2009). GF(2^8) holds GF(2^4); with an element α of the former for which α + α^16 = 1, every byte is
//! x = iα + j(α + 1) = kα + j, i and j in GF(2^4), k = i + j. With ν = α(α + 1) and a = 1/ν, and with
//!
//! - p = 1 / (1/i + a/k) + j and q = 1 / (1/j + a/k) + i, where 1/0 is infinite and 1 over infinite is 0,
//!
//! the inverse of x is (α + 1 + ν)/p + (α + ν)/q. So it takes five looks into tables of 1/n and a/n, and two into tables
//! of the parts of any linear function of the inverse.
//!
//! Within the rounds a byte is kept *split*: i in its high half, k in its low half.

/// One table: an entry for each value of half a byte.
pub(super) type Table = [u8; 16];

/// What stands for 1/0. Added to any half of a byte it stays a place that no table has.
const INFINITE: u8 = 0x80;

/// Multiplies in AES's field, GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
const fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product, mut bit) = (a, 0, 0);
    while bit < 8 {
        if b >> bit & 1 == 1 {
            product ^= a;
        }
        a = double(a);
        bit += 1;
    }
    product
}

const fn double(a: u8) -> u8 {
    a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b }
}

const fn power(a: u8, exponent: u32) -> u8 {
    let (mut product, mut i) = (1, 0);
    while i < exponent {
        product = multiply(product, a);
        i += 1;
    }
    product
}

/// 1/0 is 0 here.
const fn inverse(a: u8) -> u8 {
    power(a, 254)
}

/// Elements of GF(2^4) by the halves of bytes that stand for them: sums of the powers 0 to 3 of an element of order 15.
const SMALL: Table = {
    let generator = power(3, 17);
    let mut small = [0; 16];
    let mut half = 0;
    while half < 16 {
        let mut bit = 0;
        while bit < 4 {
            if half >> bit & 1 == 1 {
                small[half] ^= power(generator, bit);
            }
            bit += 1;
        }
        half += 1;
    }
    small
};

/// The half of a byte that stands for an element of GF(2^4), or 16 for an element that is not of it.
const fn half_of(element: u8) -> u8 {
    let mut half = 0;
    while half < 16 && SMALL[half as usize] != element {
        half += 1;
    }
    half
}

const ALPHA: u8 = {
    let mut alpha = 0;
    while alpha ^ power(alpha, 16) != 1 {
        alpha += 1;
    }
    alpha
};
const NU: u8 = multiply(ALPHA, ALPHA ^ 1);

/// Splits a byte.
const fn split(byte: u8) -> u8 {
    let mut k = 0;
    loop {
        let j = half_of(byte ^ multiply(SMALL[k as usize], ALPHA));
        if j < 16 {
            return (j ^ k) << 4 | k;
        }
        k += 1;
    }
}

/// The linear map of the S-box (FIPS 197 section 5.1.1).
const fn s_box_map(byte: u8) -> u8 {
    byte ^ byte.rotate_left(1) ^ byte.rotate_left(2) ^ byte.rotate_left(3) ^ byte.rotate_left(4)
}

/// The constant that the S-box adds at last.
pub(super) const S_BOX_CONSTANT: u8 = 0x63;

/// `numerator` over each element of GF(2^4).
const fn over_small(numerator: u8) -> Table {
    let mut table = [INFINITE; 16];
    let mut half = 1;
    while half < 16 {
        table[half] = half_of(multiply(numerator, inverse(SMALL[half])));
        half += 1;
    }
    table
}

/// 1/n.
pub(super) const ONE_OVER: Table = over_small(1);
/// a/n.
pub(super) const A_OVER: Table = over_small(inverse(NU));

/// What a linear function of a byte gives for low and for high halves.
const fn of_halves(splitting: bool) -> [Table; 2] {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    let mut half = 0;
    while half < 16 {
        low[half as usize] = if splitting { split(half) } else { half };
        high[half as usize] = if splitting { split(half << 4) } else { half << 4 };
        half += 1;
    }
    [low, high]
}

/// Splits bytes.
pub(super) const SPLIT: [Table; 2] = of_halves(true);

/// The two parts of the S-box without its constant, for p and for q; times `factor`, split or as AES has it.
const fn s_box(factor: u8, splitting: bool) -> [Table; 2] {
    let mut tables = [[0; 16]; 2];
    let factors = [ALPHA ^ 1 ^ NU, ALPHA ^ NU];
    let mut which = 0;
    while which < 2 {
        let mut half = 0;
        while half < 16 {
            let byte = multiply(factor, s_box_map(multiply(factors[which], inverse(SMALL[half]))));
            tables[which][half] = if splitting { split(byte) } else { byte };
            half += 1;
        }
        which += 1;
    }
    tables
}

/// The S-box, split.
pub(super) const S: [Table; 2] = s_box(1, true);
/// Twice the S-box, split.
pub(super) const S_TWICE: [Table; 2] = s_box(2, true);
/// The S-box as AES has it, for the last round and for key expansion.
pub(super) const S_WHOLE: [Table; 2] = s_box(1, false);

/// Places that ShiftRows takes bytes from, each column turned by `turn` rows (FIPS 197 section 5.1.2).
const fn shift_rows(turn: usize) -> Table {
    let mut places = [0; 16];
    let mut place = 0;
    while place < 16 {
        let (column, row) = (place / 4, (place + turn) % 4);
        places[place] = ((column + row) % 4 * 4 + row) as u8;
        place += 1;
    }
    places
}

/// ShiftRows, and with columns turned by one, two and three rows as MixColumns wants them.
pub(super) const SHIFT_ROWS: [Table; 4] = [shift_rows(0), shift_rows(1), shift_rows(2), shift_rows(3)];
