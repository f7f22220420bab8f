//! Our ChaCha20-Poly1305 and AES-GCM as rustls's packet and header protection for QUIC (RFC 9001 section 5).

use rustls::Error;
use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::quic::{Algorithm, HeaderProtectionKey, PacketKey, Tag};
use zeroize::Zeroize;

use super::{aes_gcm, chacha20_poly1305};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const SAMPLE_LEN: usize = 16;
const MASK_LEN: usize = 5;

/// A key that protects packets, or headers.
trait Key: Send + Sync + 'static {
    /// RFC 9001 section 6.6.
    const CONFIDENTIALITY_LIMIT: u64;
    /// RFC 9001 section 6.6.
    const INTEGRITY_LIMIT: u64;
    const MAX_LEN: u64;

    fn seal(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &mut [u8]) -> [u8; TAG_LEN];

    /// `None`: it does not authenticate.
    fn open<'a>(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &'a mut [u8]) -> Option<&'a [u8]>;

    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN];
}

impl Key for chacha20_poly1305::Key {
    /// More than the packets that a connection can have.
    const CONFIDENTIALITY_LIMIT: u64 = u64::MAX;
    const INTEGRITY_LIMIT: u64 = 1 << 36;
    const MAX_LEN: u64 = chacha20_poly1305::MAX_LEN;

    fn seal(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &mut [u8]) -> [u8; TAG_LEN] {
        self.seal_in_place(nonce, header, payload)
    }

    fn open<'a>(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &'a mut [u8]) -> Option<&'a [u8]> {
        self.open_in_place(nonce, header, payload).ok().map(|plaintext| &*plaintext)
    }

    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        self.mask(sample)
    }
}

impl Key for aes_gcm::Key {
    const CONFIDENTIALITY_LIMIT: u64 = 1 << 23;
    const INTEGRITY_LIMIT: u64 = 1 << 52;
    const MAX_LEN: u64 = aes_gcm::MAX_LEN;

    fn seal(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &mut [u8]) -> [u8; TAG_LEN] {
        self.seal_in_place(nonce, header, payload)
    }

    fn open<'a>(&self, nonce: &[u8; NONCE_LEN], header: &[u8], payload: &'a mut [u8]) -> Option<&'a [u8]> {
        self.open_in_place(nonce, header, payload).ok().map(|plaintext| &*plaintext)
    }

    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        self.mask(sample)
    }
}

/// Makes packet keys and header protection keys; goes into [`rustls::Tls13CipherSuite::quic`].
pub struct ChaCha20Poly1305;

impl Algorithm for ChaCha20Poly1305 {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        Box::new(OurPacketKey::new(chacha20_key(&key), &iv))
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        Box::new(OurHeaderKey(chacha20_key(&key)))
    }

    fn aead_key_len(&self) -> usize {
        chacha20_poly1305::KEY_LEN
    }
}

fn chacha20_key(key: &AeadKey) -> chacha20_poly1305::Key {
    let bytes = key.as_ref().try_into();
    chacha20_poly1305::Key::new(bytes.expect("rustls derives keys of aead_key_len() bytes"))
}

/// As [`ChaCha20Poly1305`], with keys of so many bytes: 16 or 32.
pub struct AesGcm(pub usize);

impl Algorithm for AesGcm {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        Box::new(OurPacketKey::new(aes_gcm::Key::new(key.as_ref()), &iv))
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        Box::new(OurHeaderKey(aes_gcm::Key::new(key.as_ref())))
    }

    fn aead_key_len(&self) -> usize {
        self.0
    }
}

struct OurPacketKey<K> {
    key: K,
    iv: [u8; NONCE_LEN],
}

impl<K> Drop for OurPacketKey<K> {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

impl<K: Key> OurPacketKey<K> {
    fn new(key: K, iv: &Iv) -> Self {
        let iv = iv.as_ref().try_into();
        Self { key, iv: iv.expect("rustls has IVs of 12 bytes") }
    }

    /// RFC 9001 section 5.3, and for paths other than 0 the nonce of the multipath extension
    /// (draft-ietf-quic-multipath).
    fn nonce(&self, path_id: u32, packet_number: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        let (path, number) = nonce.split_at_mut(4);
        for (byte, id) in path.iter_mut().zip(path_id.to_be_bytes()) {
            *byte ^= id;
        }
        for (byte, part) in number.iter_mut().zip(packet_number.to_be_bytes()) {
            *byte ^= part;
        }
        nonce
    }

    fn seal(&self, nonce: [u8; NONCE_LEN], header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        if payload.len() as u64 > K::MAX_LEN {
            return Err(Error::EncryptError);
        }
        let tag = self.key.seal(&nonce, header, payload);
        Ok(Tag::from(&tag[..]))
    }

    fn open<'a>(&self, nonce: [u8; NONCE_LEN], header: &[u8], payload: &'a mut [u8]) -> Result<&'a [u8], Error> {
        self.key.open(&nonce, header, payload).ok_or(Error::DecryptError)
    }
}

impl<K: Key> PacketKey for OurPacketKey<K> {
    fn encrypt_in_place(&self, packet_number: u64, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        self.seal(self.nonce(0, packet_number), header, payload)
    }

    fn encrypt_in_place_for_path(
        &self,
        path_id: u32,
        packet_number: u64,
        header: &[u8],
        payload: &mut [u8],
    ) -> Result<Tag, Error> {
        self.seal(self.nonce(path_id, packet_number), header, payload)
    }

    fn decrypt_in_place<'a>(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.open(self.nonce(0, packet_number), header, payload)
    }

    fn decrypt_in_place_for_path<'a>(
        &self,
        path_id: u32,
        packet_number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.open(self.nonce(path_id, packet_number), header, payload)
    }

    fn tag_len(&self) -> usize {
        TAG_LEN
    }

    fn confidentiality_limit(&self) -> u64 {
        K::CONFIDENTIALITY_LIMIT
    }

    fn integrity_limit(&self) -> u64 {
        K::INTEGRITY_LIMIT
    }
}

struct OurHeaderKey<K>(K);

impl<K: Key> OurHeaderKey<K> {
    fn mask(&self, sample: &[u8], packet_number: &[u8]) -> Result<[u8; MASK_LEN], Error> {
        let sample: &[u8; SAMPLE_LEN] =
            sample.try_into().map_err(|_| Error::General("a header protection sample is 16 bytes".into()))?;
        if packet_number.len() > MASK_LEN - 1 {
            return Err(Error::General("a packet number field is at most 4 bytes".into()));
        }
        Ok(self.0.mask(sample))
    }
}

impl<K: Key> HeaderProtectionKey for OurHeaderKey<K> {
    fn encrypt_in_place(&self, sample: &[u8], first: &mut u8, packet_number: &mut [u8]) -> Result<(), Error> {
        let mask = self.mask(sample, packet_number)?;
        let plain = *first;
        apply(mask, plain, first, packet_number);
        Ok(())
    }

    fn decrypt_in_place(&self, sample: &[u8], first: &mut u8, packet_number: &mut [u8]) -> Result<(), Error> {
        let mask = self.mask(sample, packet_number)?;
        let plain = *first ^ (mask[0] & protected_bits(*first));
        apply(mask, plain, first, packet_number);
        Ok(())
    }

    fn sample_len(&self) -> usize {
        SAMPLE_LEN
    }
}

/// Which bits of the first byte are protected: four in a long header, five in a short one (RFC 9001 section 5.4.1).
fn protected_bits(first: u8) -> u8 {
    const HEADER_FORM: u8 = 0x80;
    if first & HEADER_FORM == 0 { 0x1f } else { 0x0f }
}

/// Applies `mask`; `plain` is the first byte without protection, whose two low bits tell how long the packet number is.
fn apply(mask: [u8; MASK_LEN], plain: u8, first: &mut u8, packet_number: &mut [u8]) {
    let [first_mask, number_mask @ ..] = mask;
    *first ^= first_mask & protected_bits(*first);
    let length = usize::from(plain & 0x03) + 1;
    for (byte, mask) in packet_number.iter_mut().zip(number_mask).take(length) {
        *byte ^= mask;
    }
}
