//! The same messages through *ring* and through ours: they must agree on every byte.

use ring::aead;

use super::random::Random;
use crate::aes_gcm::Key;

/// Every length up to several strides, each with a random length of additional data.
pub fn short_lengths() {
    let mut random = Random(11);
    for length in 0..=400 {
        for _ in 0..4 {
            let aad_length = random.below(80);
            compare(&mut random, length, aad_length);
        }
    }
}

/// Every length of additional data up to several blocks.
pub fn additional_data_lengths() {
    let mut random = Random(12);
    for aad_length in 0..=300 {
        let length = random.below(100);
        compare(&mut random, length, aad_length);
    }
}

/// What QUIC packets have: 1,200 to 1,500 bytes, jumbo frames, loopback's largest, and all around them.
pub fn packet_lengths() {
    let mut random = Random(13);
    for length in (1180..1300).chain(1400..1540).chain(8_990..9_010).chain(65_520..65_530) {
        let aad_length = 1 + random.below(40);
        compare(&mut random, length, aad_length);
    }
}

/// Random lengths up to 70,000.
pub fn random_lengths() {
    let mut random = Random(14);
    for _ in 0..150 {
        let (length, aad_length) = (random.below(70_001), random.below(2_000));
        compare(&mut random, length, aad_length);
    }
}

/// Extreme bytes reach GHASH as additional data, which nothing hides from it.
pub fn extreme_bytes() {
    let mut random = Random(15);
    for byte in [0x00, 0x01, 0x7f, 0x80, 0xaa, 0xfe, 0xff] {
        for key_byte in [0x00, 0x55, 0x80, 0xff] {
            for length in [0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1452] {
                same(&[key_byte; 32][..16], &[byte; 12], &vec![byte; length], &vec![byte; random.below(100)]);
                same(&[key_byte; 32], &[byte; 12], &vec![byte; length], &vec![byte; random.below(100)]);
            }
        }
    }
}

/// Header protection masks.
pub fn masks() {
    let mut random = Random(16);
    for _ in 0..2_000 {
        let key: [u8; 32] = random.array();
        let sample: [u8; 16] = random.array();
        for (algorithm, key) in [(&aead::quic::AES_128, &key[..16]), (&aead::quic::AES_256, &key[..])] {
            let theirs = aead::quic::HeaderProtectionKey::new(algorithm, key)
                .and_then(|key| key.new_mask(&sample))
                .expect("a mask");
            assert_eq!(Key::new(key).mask(&sample), theirs);
        }
    }
}

fn compare(random: &mut Random, length: usize, aad_length: usize) {
    let key: [u8; 32] = random.array();
    let nonce = random.array();
    let aad = random.bytes(aad_length);
    let plaintext = random.bytes(length);
    same(&key[..16], &nonce, &aad, &plaintext);
    same(&key, &nonce, &aad, &plaintext);
}

fn same(key: &[u8], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) {
    let length = plaintext.len();
    let algorithm = if key.len() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
    let theirs = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).expect("a key"));
    let their_nonce = aead::Nonce::assume_unique_for_key(*nonce);
    let mut sealed = plaintext.to_vec();
    let their_tag =
        theirs.seal_in_place_separate_tag(their_nonce, aead::Aad::from(aad), &mut sealed).expect("sealed");

    let key = Key::new(key);
    let mut ours = plaintext.to_vec();
    let tag = key.seal_in_place(nonce, aad, &mut ours);
    assert!(ours == sealed, "ciphertext of {length} bytes differs");
    assert_eq!(tag, their_tag.as_ref(), "tag of {length} bytes, {} of additional data", aad.len());

    ours.extend_from_slice(&tag);
    let opened = key.open_in_place(nonce, aad, &mut ours).expect("opened");
    assert!(opened == plaintext, "plaintext of {length} bytes differs");
}
