//! Our ChaCha20-Poly1305 as rustls's packet and header protection for QUIC (RFC 9001 section 5).

use rustls::Error;
use rustls::crypto::cipher::{AeadKey, Iv, Nonce};
use rustls::quic::{Algorithm, HeaderProtectionKey, PacketKey, Tag};
use zeroize::Zeroize;

use super::chacha20_poly1305::{KEY_LEN, Key, MASK_LEN, MAX_LEN, NONCE_LEN, SAMPLE_LEN, TAG_LEN};

/// Makes packet keys and header protection keys; goes into [`rustls::Tls13CipherSuite::quic`].
pub struct ChaCha20Poly1305;

impl Algorithm for ChaCha20Poly1305 {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        let iv = iv.as_ref().try_into();
        Box::new(ChaCha20Poly1305PacketKey { key: key_from(&key), iv: iv.expect("rustls has IVs of 12 bytes") })
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        Box::new(ChaCha20HeaderProtectionKey(key_from(&key)))
    }

    fn aead_key_len(&self) -> usize {
        KEY_LEN
    }
}

fn key_from(key: &AeadKey) -> Key {
    let bytes = key.as_ref().try_into();
    Key::new(bytes.expect("rustls derives keys of aead_key_len() bytes"))
}

struct ChaCha20Poly1305PacketKey {
    key: Key,
    iv: [u8; NONCE_LEN],
}

impl Drop for ChaCha20Poly1305PacketKey {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

impl ChaCha20Poly1305PacketKey {
    /// RFC 9001 section 5.3, and for paths other than 0 the nonce of the multipath extension
    /// (draft-ietf-quic-multipath).
    fn nonce(&self, path_id: u32, packet_number: u64) -> [u8; NONCE_LEN] {
        Nonce::for_path(path_id, &Iv::from(self.iv), packet_number).0
    }

    fn seal(&self, nonce: [u8; NONCE_LEN], header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        if payload.len() as u64 > MAX_LEN {
            return Err(Error::EncryptError);
        }
        let tag = self.key.seal_in_place(&nonce, header, payload);
        Ok(Tag::from(&tag[..]))
    }

    fn open<'a>(&self, nonce: [u8; NONCE_LEN], header: &[u8], payload: &'a mut [u8]) -> Result<&'a [u8], Error> {
        match self.key.open_in_place(&nonce, header, payload) {
            Ok(plaintext) => Ok(plaintext),
            Err(_) => Err(Error::DecryptError),
        }
    }
}

impl PacketKey for ChaCha20Poly1305PacketKey {
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

    /// RFC 9001 section 6.6: more than the packets that a connection can have.
    fn confidentiality_limit(&self) -> u64 {
        u64::MAX
    }

    /// RFC 9001 section 6.6.
    fn integrity_limit(&self) -> u64 {
        1 << 36
    }
}

struct ChaCha20HeaderProtectionKey(Key);

impl ChaCha20HeaderProtectionKey {
    fn mask(&self, sample: &[u8], packet_number: &[u8]) -> Result<[u8; MASK_LEN], Error> {
        let sample: &[u8; SAMPLE_LEN] =
            sample.try_into().map_err(|_| Error::General("a header protection sample is 16 bytes".into()))?;
        if packet_number.len() > MASK_LEN - 1 {
            return Err(Error::General("a packet number field is at most 4 bytes".into()));
        }
        Ok(self.0.mask(sample))
    }
}

impl HeaderProtectionKey for ChaCha20HeaderProtectionKey {
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
