//! The same messages through *ring* and through ours: they must agree on every byte.

use ring::aead;

use super::random::Random;
use crate::chacha20_poly1305::Key;

/// Every length up to a little more than a stride of key stream, each with a random length of additional data.
pub fn short_lengths() {
    let mut random = Random(1);
    for length in 0..=600 {
        for _ in 0..4 {
            let aad_length = random.below(80);
            compare(&mut random, length, aad_length);
        }
    }
}

/// Every length of additional data up to several Poly1305 blocks.
pub fn additional_data_lengths() {
    let mut random = Random(2);
    for aad_length in 0..=300 {
        let length = random.below(100);
        compare(&mut random, length, aad_length);
    }
}

/// What QUIC packets have: 1,200 to 1,500 bytes, jumbo frames, loopback's largest, and all around them.
pub fn packet_lengths() {
    let mut random = Random(3);
    for length in (1180..1300).chain(1400..1540).chain(8_940..9_010).chain(65_490..65_540) {
        let aad_length = 1 + random.below(40);
        compare(&mut random, length, aad_length);
    }
}

/// Random lengths up to 70,000.
pub fn random_lengths() {
    let mut random = Random(4);
    for _ in 0..300 {
        let (length, aad_length) = (random.below(70_001), random.below(2_000));
        compare(&mut random, length, aad_length);
    }
}

/// Longer than any datagram: what is opened is no longer decrypted with key stream made beforehand alone.
pub fn beyond_the_longest_datagram() {
    let mut random = Random(7);
    for length in (65_520..66_100).step_by(29).chain([200_000, 2_500_000]) {
        compare(&mut random, length, 11);
    }
}

/// Extreme bytes: they make the largest limbs and the longest carries in Poly1305.
pub fn extreme_bytes() {
    let mut random = Random(5);
    for byte in [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] {
        for key_byte in [0x00, 0x80, 0xff] {
            for length in [0, 1, 15, 16, 17, 191, 192, 193, 255, 256, 257, 1452, 5000] {
                // As plaintext, and as ciphertext: key stream would hide the extremes from Poly1305.
                let key = [key_byte; 32];
                let aad = vec![byte; random.below(64)];
                same(&key, &[byte; 12], &aad, &vec![byte; length]);
                same_opening(&key, &[byte; 12], &aad, &vec![byte; length]);
            }
        }
    }
}

/// Header protection masks.
pub fn masks() {
    let mut random = Random(6);
    for round in 0..2_000 {
        let key: [u8; 32] = random.array();
        let mut sample: [u8; 16] = random.array();
        if round % 10 == 0 {
            sample[..4].copy_from_slice(&[0xff; 4]);
        }
        let theirs = aead::quic::HeaderProtectionKey::new(&aead::quic::CHACHA20, &key)
            .and_then(|key| key.new_mask(&sample))
            .expect("a mask");
        assert_eq!(Key::new(&key).mask(&sample), theirs);
    }
}

fn compare(random: &mut Random, length: usize, aad_length: usize) {
    let key = random.array();
    let nonce = random.array();
    let aad = random.bytes(aad_length);
    let plaintext = random.bytes(length);
    same(&key, &nonce, &aad, &plaintext);
}

fn same(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) {
    let length = plaintext.len();
    let mut theirs = plaintext.to_vec();
    let their_tag =
        ring_key(key).seal_in_place_separate_tag(ring_nonce(nonce), aead::Aad::from(aad), &mut theirs).expect("sealed");

    let key = Key::new(key);
    let mut ours = plaintext.to_vec();
    let tag = key.seal_in_place(nonce, aad, &mut ours);
    assert!(ours == theirs, "ciphertext of {length} bytes differs");
    assert_eq!(tag, their_tag.as_ref(), "tag of {length} bytes, {} of additional data", aad.len());

    ours.extend_from_slice(&tag);
    let opened = key.open_in_place(nonce, aad, &mut ours).expect("opened");
    assert!(opened == plaintext, "plaintext of {length} bytes differs");
}

/// Makes *ring* find the tag of an arbitrary ciphertext: sealing twice under one key stream gives back the ciphertext.
fn same_opening(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8]) {
    let seal = |buf: &mut Vec<u8>| {
        ring_key(key).seal_in_place_separate_tag(ring_nonce(nonce), aead::Aad::from(aad), buf).expect("sealed")
    };
    let mut buf = ciphertext.to_vec();
    let _ = seal(&mut buf);
    let plaintext = buf.clone();
    let tag = seal(&mut buf);
    assert_eq!(buf, ciphertext);

    buf.extend_from_slice(tag.as_ref());
    let opened = Key::new(key).open_in_place(nonce, aad, &mut buf).expect("opened");
    assert_eq!(opened, plaintext);
}

fn ring_key(key: &[u8; 32]) -> aead::LessSafeKey {
    aead::LessSafeKey::new(aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key).expect("a key"))
}

fn ring_nonce(nonce: &[u8; 12]) -> aead::Nonce {
    aead::Nonce::assume_unique_for_key(*nonce)
}
