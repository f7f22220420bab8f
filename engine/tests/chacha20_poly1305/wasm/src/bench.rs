//! The work that is measured: the same packets through ours and through *ring*.

use std::hint::black_box;

use ring::aead;

use crate::{aes_gcm, chacha20_poly1305};

/// Which cipher, and whose implementation of it.
#[derive(Clone, Copy)]
pub enum Cipher {
    ChaCha20Poly1305,
    RingChaCha20Poly1305,
    Aes128Gcm,
    RingAes128Gcm,
}

/// What is done per packet.
#[derive(Clone, Copy)]
pub enum Work {
    Seal,
    Open,
    Mask,
}

/// A short header with an 8-byte connection ID and a packet number of 2 bytes.
const HEADER: [u8; 11] = [0x41; 11];

/// One key, one packet.
pub struct Bench {
    work: Work,
    keys: Keys,
    nonce: u64,
    /// What `Open` finds: a packet sealed under the nonce of zeroes.
    sealed: Vec<u8>,
    packet: Vec<u8>,
}

enum Keys {
    ChaCha20Poly1305(chacha20_poly1305::Key),
    Aes128Gcm(aes_gcm::Key),
    Ring(aead::LessSafeKey, aead::quic::HeaderProtectionKey),
}

impl Bench {
    /// `length` bytes of plaintext, to which a tag is added.
    pub fn new(cipher: Cipher, work: Work, length: usize) -> Self {
        let key: [u8; 32] = core::array::from_fn(|i| i as u8);
        let keys = match cipher {
            Cipher::ChaCha20Poly1305 => Keys::ChaCha20Poly1305(chacha20_poly1305::Key::new(&key)),
            Cipher::Aes128Gcm => Keys::Aes128Gcm(aes_gcm::Key::new(&key[..16])),
            Cipher::RingChaCha20Poly1305 => ring_keys(&aead::CHACHA20_POLY1305, &aead::quic::CHACHA20, &key),
            Cipher::RingAes128Gcm => ring_keys(&aead::AES_128_GCM, &aead::quic::AES_128, &key[..16]),
        };
        let plaintext: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let mut packet = plaintext.clone();
        packet.resize(length + aead::CHACHA20_POLY1305.tag_len(), 0);
        let mut bench = Self { work, keys, nonce: 0, sealed: Vec::new(), packet };
        bench.seal();
        bench.sealed = bench.packet.clone();
        bench
    }

    /// Does the work `count` times.
    pub fn run(&mut self, count: usize) {
        for _ in 0..count {
            match self.work {
                Work::Seal => {
                    self.nonce += 1;
                    self.seal();
                }
                Work::Open => self.open(),
                Work::Mask => self.mask(),
            }
        }
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.nonce.to_be_bytes());
        nonce
    }

    fn seal(&mut self) {
        let nonce = self.nonce();
        let length = self.packet.len() - 16;
        let (payload, tag) = self.packet.split_at_mut(length);
        match &self.keys {
            Keys::ChaCha20Poly1305(key) => tag.copy_from_slice(&key.seal_in_place(&nonce, &HEADER, payload)),
            Keys::Aes128Gcm(key) => tag.copy_from_slice(&key.seal_in_place(&nonce, &HEADER, payload)),
            Keys::Ring(key, _) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                let sealed = key.seal_in_place_separate_tag(nonce, aead::Aad::from(&HEADER), payload);
                tag.copy_from_slice(sealed.expect("sealed").as_ref());
            }
        }
        black_box(&self.packet);
    }

    /// Opening destroys the ciphertext, so each round begins with a copy of it: that is measured too, for both alike.
    fn open(&mut self) {
        self.packet.copy_from_slice(&self.sealed);
        let nonce = self.nonce();
        match &self.keys {
            Keys::ChaCha20Poly1305(key) => {
                assert!(key.open_in_place(&nonce, &HEADER, &mut self.packet).is_ok(), "opened");
            }
            Keys::Aes128Gcm(key) => assert!(key.open_in_place(&nonce, &HEADER, &mut self.packet).is_ok(), "opened"),
            Keys::Ring(key, _) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                let opened = key.open_in_place(nonce, aead::Aad::from(&HEADER), &mut self.packet);
                assert!(opened.is_ok(), "opened");
            }
        }
        black_box(&self.packet);
    }

    fn mask(&mut self) {
        let sample = self.packet.first_chunk::<16>().expect("16 bytes");
        let mask = match &self.keys {
            Keys::ChaCha20Poly1305(key) => key.mask(black_box(sample)),
            Keys::Aes128Gcm(key) => key.mask(black_box(sample)),
            Keys::Ring(_, key) => key.new_mask(black_box(sample)).expect("a mask"),
        };
        black_box(mask);
    }
}

fn ring_keys(packets: &'static aead::Algorithm, headers: &'static aead::quic::Algorithm, key: &[u8]) -> Keys {
    Keys::Ring(
        aead::LessSafeKey::new(aead::UnboundKey::new(packets, key).expect("a key")),
        aead::quic::HeaderProtectionKey::new(headers, key).expect("a key"),
    )
}
