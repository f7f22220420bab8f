//! A message that is not exactly what was sealed is not opened, and stays as it is.

use super::random::Random;
use crate::aes_gcm::{Key, OpenError};

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
    message.extend(tag);
    Sealed { key, nonce, aad, message }
}

impl Sealed {
    fn refused(&self, what: &str) {
        let mut buf = self.message.clone();
        let opened = Key::new(&self.key).open_in_place(&self.nonce, &self.aad, &mut buf);
        assert_eq!(opened, Err(OpenError), "{what}");
        assert_eq!(buf, self.message, "{what}: nothing is released");
    }
}

/// Every bit of the tag.
pub fn tag() {
    let mut random = Random(21);
    for length in [0, 1, 16, 100, 1452] {
        let mut sealed = sealed(&mut random, length);
        for bit in 0..128 {
            sealed.message[length + bit / 8] ^= 1 << (bit % 8);
            sealed.refused("a bit of the tag");
            sealed.message[length + bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A bit of every byte of the ciphertext.
pub fn ciphertext() {
    let mut random = Random(22);
    for length in [1, 16, 17, 64, 300] {
        let mut sealed = sealed(&mut random, length);
        for place in 0..length {
            let bit = 1 << random.below(8);
            sealed.message[place] ^= bit;
            sealed.refused("a bit of the ciphertext");
            sealed.message[place] ^= bit;
        }
    }
}

/// Additional data, nonce, key, the length, and the boundary between additional data and ciphertext.
pub fn everything_else() {
    let mut random = Random(23);
    for length in [0, 5, 16, 40, 1200] {
        let mut changed = sealed(&mut random, length);
        for place in 0..changed.aad.len() {
            changed.aad[place] ^= 1;
            changed.refused("additional data");
            changed.aad[place] ^= 1;
        }
        for place in 0..12 {
            changed.nonce[place] ^= 0x80;
            changed.refused("the nonce");
            changed.nonce[place] ^= 0x80;
        }
        for place in 0..32 {
            changed.key[place] ^= 0x10;
            changed.refused("the key");
            changed.key[place] ^= 0x10;
        }
        changed.message.push(0);
        changed.refused("a byte more");
        changed.message.truncate(length + 15);
        changed.refused("a byte less");
    }
    let mut moved = sealed(&mut random, 64);
    let head: Vec<u8> = moved.message.drain(..16).collect();
    moved.aad.extend(head);
    moved.refused("a moved boundary");
}
