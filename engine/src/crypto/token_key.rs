//! Seals the tokens of Retry packets and NEW_TOKEN frames.

use noq_proto::crypto::{CryptoError, HandshakeTokenKey};
use ring::hmac;

use super::chacha20_poly1305::{Key, TAG_LEN};

/// Each token has a key of its own, HMAC-SHA256 of its random 128-bit nonce, under which one message is sealed with
/// ChaCha20-Poly1305. noq's own takes HKDF and AES-256-GCM, several times as long in WebAssembly, for tokens that every
/// full handshake makes two of.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A random one: tokens are of no use to another endpoint, or after a restart.
    pub fn random() -> Self {
        let mut secret = [0; 32];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut secret);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    fn key_of(&self, token_nonce: u128) -> Key {
        let derived = hmac::sign(&self.0, &token_nonce.to_le_bytes());
        Key::new(derived.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes"))
    }
}

/// Never used twice with a key, as the token's nonce is in the key.
const NONCE: [u8; 12] = [0; 12];

impl HandshakeTokenKey for TokenKey {
    fn seal(&self, token_nonce: u128, data: &mut Vec<u8>) -> Result<(), CryptoError> {
        let tag = self.key_of(token_nonce).seal_in_place(&NONCE, &[], data);
        data.extend_from_slice(&tag);
        Ok(())
    }

    fn open<'a>(&self, token_nonce: u128, data: &'a mut [u8]) -> Result<&'a [u8], CryptoError> {
        if data.len() < TAG_LEN {
            return Err(CryptoError);
        }
        match self.key_of(token_nonce).open_in_place(&NONCE, &[], data) {
            Ok(plain) => Ok(plain),
            Err(_) => Err(CryptoError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let key = TokenKey::random();
        let mut sealed = b"an address and a date".to_vec();
        key.seal(7, &mut sealed).unwrap();
        assert_eq!(key.open(7, &mut sealed.clone()).unwrap(), b"an address and a date");
        assert!(key.open(8, &mut sealed.clone()).is_err());
        assert!(TokenKey::random().open(7, &mut sealed.clone()).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key.open(7, &mut changed).is_err());
        }
        for len in 0..TAG_LEN {
            assert!(key.open(7, &mut sealed[..len].to_vec()).is_err());
        }
    }
}
