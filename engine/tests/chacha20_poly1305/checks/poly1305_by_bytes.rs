//! Poly1305 against the slowest possible one, byte by byte. Native test builds check for overflow, so the extremes
//! below also test that no sum of products leaves 64 bits.

use super::random::Random;
use crate::chacha20_poly1305::poly1305::Poly1305;

/// 2^130 - 5 has seventeen bytes.
const BYTES: usize = 17;

fn by_bytes(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let mut r = [0u32; BYTES];
    for (i, &byte) in key[..16].iter().enumerate() {
        let clamped = match i {
            3 | 7 | 11 | 15 => byte & 0x0f,
            4 | 8 | 12 => byte & 0xfc,
            _ => byte,
        };
        r[i] = clamped.into();
    }
    let mut h = [0u32; BYTES];
    for block in message.chunks(16) {
        for (i, &byte) in block.iter().chain(&[1]).enumerate() {
            h[i] += u32::from(byte);
        }
        h = modulo(core::array::from_fn(|i| {
            // Places from 2^136 on come back at 2^136 / 2^130 * 5 = 320 times their worth.
            let product = |j: usize| if j <= i { h[j] * r[i - j] } else { 320 * h[j] * r[BYTES + i - j] };
            (0..BYTES).map(product).sum()
        }));
    }
    // A number below 2^130 is at or above p when adding 5 carries into 2^130.
    let mut plus_five = h;
    plus_five[0] += 5;
    for i in 1..BYTES {
        plus_five[i] += plus_five[i - 1] >> 8;
        plus_five[i - 1] &= 0xff;
    }
    let reduced = if plus_five[16] >= 4 { plus_five } else { h };
    let mut carry = 0;
    core::array::from_fn(|i| {
        let sum = reduced[i] + u32::from(key[16 + i]) + carry;
        carry = sum >> 8;
        sum as u8
    })
}

/// Carries until every place is a byte and the last below 4.
fn modulo(mut h: [u32; BYTES]) -> [u32; BYTES] {
    while h[..16].iter().any(|&place| place > 0xff) || h[16] > 3 {
        h[0] += (h[16] >> 2) * 5;
        h[16] &= 3;
        for i in 1..BYTES {
            h[i] += h[i - 1] >> 8;
            h[i - 1] &= 0xff;
        }
    }
    h
}

fn compare(key: &[u8; 32], message: &[u8]) {
    let (words, _) = key.as_chunks::<4>();
    let mut poly = Poly1305::new(core::array::from_fn(|i| u32::from_le_bytes(words[i])));
    poly.unpadded(message);
    assert_eq!(poly.tag(), by_bytes(key, message), "key {key:02x?}, {} bytes", message.len());
}

/// The largest and the smallest r with the largest and the smallest blocks, and mixtures of them.
pub fn extremes() {
    let mut random = Random(30);
    let extreme = |random: &mut Random| [0x00, 0x01, 0x7f, 0x80, 0xfc, 0xfe, 0xff, 0xff, 0xff][random.below(9)];
    for key_byte in [0x00, 0x01, 0x80, 0xff] {
        for byte in [0x00, 0x01, 0xfa, 0xfb, 0xff] {
            for length in 0..100 {
                compare(&[key_byte; 32], &vec![byte; length]);
            }
        }
    }
    for _ in 0..2_000 {
        let key = core::array::from_fn(|_| extreme(&mut random));
        let message: Vec<u8> = (0..random.below(200)).map(|_| extreme(&mut random)).collect();
        compare(&key, &message);
    }
}

pub fn random_messages() {
    let mut random = Random(31);
    for length in 0..500 {
        let key = random.array();
        compare(&key, &random.bytes(length));
    }
}
