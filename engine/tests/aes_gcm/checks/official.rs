//! The vectors of FIPS 197, and those that McGrew and Viega gave with GCM ("The Galois/Counter Mode of Operation").

use super::hex;
use crate::aes_gcm::{Key, OpenError};

/// One block by itself. The mask of header protection is the beginning of one.
fn encrypt(key: &[u8], block: [u8; 16]) -> [u8; 16] {
    // Sealing a block of zeros shows what the counter block became.
    let mut buf = [0; 16];
    let nonce: [u8; 12] = block[..12].try_into().expect("12 bytes");
    assert_eq!(block[12..], [0, 0, 0, 2], "the counter of the first block");
    Key::new(key).seal_in_place(&nonce, &[], &mut buf);
    buf
}

/// The whole S-box (FIPS 197 figure 7), computed from its definition: SubWord shows in the key expansion of a key of
/// equal bytes, and a mask of zeros shows it in the rounds.
pub fn s_box() {
    for byte in 0..=255u8 {
        // Two implementations of ours and one of ring's agree for keys and blocks of each byte.
        let key = [byte; 32];
        for key in [&key[..16], &key[..]] {
            let ours = Key::new(key).mask(&[byte; 16]);
            let algorithm = if key.len() == 16 { &ring::aead::quic::AES_128 } else { &ring::aead::quic::AES_256 };
            let theirs = ring::aead::quic::HeaderProtectionKey::new(algorithm, key).expect("a key");
            assert_eq!(ours, theirs.new_mask(&[byte; 16]).expect("a mask"));
        }
    }
}

/// FIPS 197 appendix C, of whose blocks header protection shows the first five bytes; and a counter block in full.
pub fn blocks() {
    let key: [u8; 32] = core::array::from_fn(|i| i as u8);
    let plain: [u8; 16] = core::array::from_fn(|i| i as u8 * 0x11);
    assert_eq!(Key::new(&key[..16]).mask(&plain), hex::array("69c4e0d86a"));
    assert_eq!(Key::new(&key).mask(&plain), hex::array("8ea2b7ca51"));
    let counter = hex::array("00000000000000000000000000000002");
    assert_eq!(encrypt(&[0; 16], counter), hex::array("0388dace60b6a392f328c2b971b2fe78"));
    assert_eq!(encrypt(&[0; 32], counter), hex::array("cea7403d4d606b6e074ec5d3baf39d18"));
}

const KEY: &str = "feffe9928665731c6d6a8f9467308308";
const NONCE: &str = "cafebabefacedbaddecaf888";
const AAD: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const PLAINTEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";

/// Test cases 1 to 4 and 13 to 16, those with nonces of 96 bits.
pub fn messages() {
    let zeros = "00".repeat(32);
    let twice = KEY.repeat(2);
    let without_four = &PLAINTEXT[..120];
    let (nonce, block) = (&zeros[..24], &zeros[..32]);
    let ciphertext_128 = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
                          21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985";
    let ciphertext_256 = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                          8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
    let cases: [(&str, &str, &str, &str, &str, &str); 8] = [
        (&zeros[..32], nonce, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"),
        (&zeros[..32], nonce, "", block, "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"),
        (KEY, NONCE, "", PLAINTEXT, ciphertext_128, "4d5c2af327cd64a62cf35abd2ba6fab4"),
        (KEY, NONCE, AAD, without_four, &ciphertext_128[..120], "5bc94fbc3221a5db94fae95ae7121a47"),
        (&zeros, nonce, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        (&zeros, nonce, "", block, "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"),
        (&twice, NONCE, "", PLAINTEXT, ciphertext_256, "b094dac5d93471bdec1a502270e3cc6c"),
        (&twice, NONCE, AAD, without_four, &ciphertext_256[..120], "76fc6ece0f4e1768cddf8853bb2d551b"),
    ];
    for (key, nonce, aad, plaintext, ciphertext, tag) in cases {
        let (key, nonce, aad) = (Key::new(&hex::bytes(key)), hex::array(nonce), hex::bytes(aad));
        let mut buf = hex::bytes(plaintext);
        let sealed = key.seal_in_place(&nonce, &aad, &mut buf);
        assert_eq!(buf, hex::bytes(ciphertext));
        assert_eq!(sealed[..], hex::bytes(tag));
        buf.extend(sealed);
        assert_eq!(key.open_in_place(&nonce, &aad, &mut buf).as_deref(), Ok(&hex::bytes(plaintext)[..]));
    }
}

pub fn too_short_for_a_tag() {
    for length in 0..16 {
        assert_eq!(Key::new(&[1; 16]).open_in_place(&[0; 12], &[], &mut vec![0; length]), Err(OpenError));
    }
}
