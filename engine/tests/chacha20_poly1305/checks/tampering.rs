//! Whatever was changed since sealing, the message is refused and the buffer keeps what was received.

use super::random::Random;
use crate::chacha20_poly1305::{Key, OpenError, TAG_LEN};

const LENGTHS: [usize; 12] = [0, 1, 15, 16, 63, 64, 191, 192, 193, 1452, 9_000, 65_000];

struct Sealed {
    key: [u8; 32],
    nonce: [u8; 12],
    aad: Vec<u8>,
    message: Vec<u8>,
}

fn sealed(random: &mut Random, length: usize) -> Sealed {
    let (key, nonce, aad) = (random.array(), random.array(), random.bytes(21));
    let mut message = random.bytes(length);
    let tag = Key::new(&key).seal_in_place(&nonce, &aad, &mut message);
    message.extend_from_slice(&tag);
    Sealed { key, nonce, aad, message }
}

fn refused(s: &Sealed, what: &str) {
    let mut buf = s.message.clone();
    let opened = Key::new(&s.key).open_in_place(&s.nonce, &s.aad, &mut buf);
    assert_eq!(opened, Err(OpenError), "{what} of {} bytes", s.message.len() - TAG_LEN);
    assert!(buf == s.message, "{what}: the buffer was touched");
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    let at = random.below(bytes.len());
    bytes[at] ^= 1 << random.below(8);
}

/// Every bit of the tag, alone.
pub fn tag() {
    let mut random = Random(10);
    for length in LENGTHS {
        let mut s = sealed(&mut random, length);
        for bit in 0..8 * TAG_LEN {
            s.message[length + bit / 8] ^= 1 << (bit % 8);
            refused(&s, "changed tag");
            s.message[length + bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Every byte of short ciphertexts, and bytes here and there of longer ones, the first and the last among them.
pub fn ciphertext() {
    let mut random = Random(11);
    for length in LENGTHS {
        let mut s = sealed(&mut random, length);
        let step = 1 + length / 300;
        for at in (0..length).step_by(step).chain(length.checked_sub(1)) {
            let bit = 1 << random.below(8);
            s.message[at] ^= bit;
            refused(&s, "changed ciphertext");
            s.message[at] ^= bit;
        }
    }
}

pub fn additional_data_nonce_and_key() {
    let mut random = Random(12);
    for length in LENGTHS {
        for _ in 0..16 {
            let mut s = sealed(&mut random, length);
            flip(&mut random, &mut s.aad);
            refused(&s, "changed additional data");

            let mut s = sealed(&mut random, length);
            s.aad.push(0);
            refused(&s, "longer additional data");

            let mut s = sealed(&mut random, length);
            s.aad.pop();
            refused(&s, "shorter additional data");

            let mut s = sealed(&mut random, length);
            flip(&mut random, &mut s.nonce);
            refused(&s, "another nonce");

            let mut s = sealed(&mut random, length);
            flip(&mut random, &mut s.key);
            refused(&s, "another key");
        }
    }
}

pub fn truncated_or_extended() {
    let mut random = Random(13);
    for length in LENGTHS {
        let mut s = sealed(&mut random, length);
        s.message.push(0);
        refused(&s, "longer message");
        s.message.truncate(length + TAG_LEN);
        while s.message.len() > TAG_LEN && s.message.len() + 40 > length + TAG_LEN {
            s.message.pop();
            refused(&s, "shorter message");
        }
    }
}

/// Bytes that move from the ciphertext to the additional data or back leave Poly1305's blocks alike: the lengths tell.
pub fn moved_boundary() {
    let mut random = Random(14);
    let mut s = sealed(&mut random, 64);
    s.aad = vec![0; 16];
    let mut message = vec![0; 64];
    let tag = Key::new(&s.key).seal_in_place(&s.nonce, &s.aad, &mut message);
    s.aad.extend_from_slice(&message[..16]);
    s.message = [&message[16..], &tag].concat();
    refused(&s, "moved boundary");
}
