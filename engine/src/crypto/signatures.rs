//! Signatures by the host where it can, else by *ring*: those of certificates and handshakes, and our own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use ::ring::digest;
use rustls::crypto::{KeyProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer,
    alg_id,
};
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::abi::{HostKeyFormat, HostSignature};
use crate::host;

/// *ring*'s algorithms, each asking the host first.
pub fn verification_algorithms() -> WebPkiSupportedAlgorithms {
    static ALGORITHMS: OnceLock<WebPkiSupportedAlgorithms> = OnceLock::new();
    *ALGORITHMS.get_or_init(|| {
        let ring = ring::default_provider().signature_verification_algorithms;
        let ask_all = |algorithms: &[Algorithm]| -> &'static [Algorithm] {
            Vec::leak(algorithms.iter().map(|&algorithm| asking_host(algorithm)).collect())
        };
        let mapping: Vec<_> = ring.mapping.iter().map(|(scheme, all)| (*scheme, ask_all(all))).collect();
        WebPkiSupportedAlgorithms { all: ask_all(ring.all), mapping: Vec::leak(mapping) }
    })
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Algorithms that the host has no code for stay as they are.
fn asking_host(ring: Algorithm) -> Algorithm {
    match host_signature(ring.public_key_alg_id(), ring.signature_alg_id()) {
        Some(code) => Box::leak(Box::new(AskingHost { ring, code })),
        None => ring,
    }
}

fn host_signature(key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> Option<HostSignature> {
    use HostSignature::*;
    const CODES: [(AlgorithmIdentifier, AlgorithmIdentifier, HostSignature); 11] = [
        (alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, EcdsaP256Sha256),
        (alg_id::ECDSA_P256, alg_id::ECDSA_SHA384, EcdsaP256Sha384),
        (alg_id::ECDSA_P384, alg_id::ECDSA_SHA256, EcdsaP384Sha256),
        (alg_id::ECDSA_P384, alg_id::ECDSA_SHA384, EcdsaP384Sha384),
        (alg_id::ED25519, alg_id::ED25519, Ed25519),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256, RsaPkcs1Sha256),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA384, RsaPkcs1Sha384),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA512, RsaPkcs1Sha512),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PSS_SHA256, RsaPssSha256),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PSS_SHA384, RsaPssSha384),
        (alg_id::RSA_ENCRYPTION, alg_id::RSA_PSS_SHA512, RsaPssSha512),
    ];
    CODES.iter().find(|(k, s, _)| *k == key && *s == signature).map(|(_, _, code)| *code)
}

#[derive(Debug)]
struct AskingHost {
    ring: Algorithm,
    code: HostSignature,
}

impl SignatureVerificationAlgorithm for AskingHost {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // A TBSCertificate is a SEQUENCE; what CertificateVerify signs begins with spaces and never comes again.
        if message.first() != Some(&0x30) {
            return self.verify_anew(key, message, signature);
        }
        let fingerprint = fingerprint(self.code, key, message, signature);
        if VERIFIED.lock().unwrap().contains(&fingerprint) {
            return Ok(());
        }
        self.verify_anew(key, message, signature)?;
        let mut verified = VERIFIED.lock().unwrap();
        if verified.len() >= MAX_VERIFIED {
            verified.pop_front();
        }
        verified.push_back(fingerprint);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.ring.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.ring.signature_alg_id()
    }
}

/// Signatures of certificates that were found good. Whether one is does not change with time, and nothing else is
/// remembered: dates, names, constraints and trust are looked at for each connection.
static VERIFIED: Mutex<VecDeque<[u8; 32]>> = Mutex::new(VecDeque::new());

/// Beyond, the oldest is forgotten.
const MAX_VERIFIED: usize = 64;

/// SHA-256 of all that a verification looks at, each part behind its length.
fn fingerprint(code: HostSignature, key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&(code as u32).to_le_bytes());
    for part in [key, message, signature] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl AskingHost {
    fn verify_anew(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // The host's library may take keys that ring does not, such as short ones: those are for ring to refuse.
        let answer = match usual_key(self.code, key) {
            true => host::verify(self.code, key, message, signature),
            false => None,
        };
        match answer {
            Some(true) => Ok(()),
            Some(false) => Err(InvalidSignature),
            None => self.ring.verify_signature(key, message, signature),
        }
    }
}

/// Whether a public key has the only form that TLS and *ring* agree on: an uncompressed point, 32 bytes of Ed25519, an RSA
/// modulus of 2048 to 8192 bits.
fn usual_key(code: HostSignature, key: &[u8]) -> bool {
    use HostSignature::*;
    match code {
        EcdsaP256Sha256 | EcdsaP256Sha384 => key.len() == 65 && key[0] == 4,
        EcdsaP384Sha256 | EcdsaP384Sha384 => key.len() == 97 && key[0] == 4,
        Ed25519 => key.len() == 32,
        RsaPkcs1Sha256 | RsaPkcs1Sha384 | RsaPkcs1Sha512 | RsaPssSha256 | RsaPssSha384 | RsaPssSha512 => {
            usual_rsa_key(key).unwrap_or(false)
        }
    }
}

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 A.1.1) in DER.
fn usual_rsa_key(key: &[u8]) -> Option<bool> {
    let (content, rest) = der_value(0x30, key)?;
    let (modulus, more) = der_value(0x02, content)?;
    let (exponent, end) = der_value(0x02, more)?;
    // Longer than 255 octets and positive, so there is a leading zero exactly where the top bit is set.
    let (zero, modulus) = match modulus {
        [0, rest @ ..] => (true, rest),
        all => (false, all),
    };
    let minimal = modulus.first()? >> 7 == u8::from(zero);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let odd = modulus.last()? & 1 == 1;
    // ring: odd, at least 3, at most 33 bits; all but a handful of keys have 65537.
    let usual_exponent = matches!(exponent, [3] | [17] | [1, 0, 1]);
    Some(rest.is_empty() && end.is_empty() && minimal && odd && (2048..=8192).contains(&bits) && usual_exponent)
}

/// The content of a DER value of this tag, and what follows.
fn der_value(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (len, bytes) = match first {
        ..=0x7f => (usize::from(first), bytes),
        0x81 => (usize::from(*bytes.first()?), &bytes[1..]),
        0x82 => (usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?])), &bytes[2..]),
        _ => return None,
    };
    let minimal = match first {
        0x81 => len > 0x7f,
        0x82 => len > 0xff,
        _ => true,
    };
    (found == tag && minimal && bytes.len() >= len).then(|| bytes.split_at(len))
}

/// Private keys in *ring*, and with the host too where it takes them.
#[derive(Debug)]
pub struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        let ring = ring::default_provider().key_provider.load_private_key(der.clone_key())?;
        let format = match &der {
            PrivateKeyDer::Pkcs8(_) => HostKeyFormat::Pkcs8,
            PrivateKeyDer::Pkcs1(_) => HostKeyFormat::Pkcs1,
            PrivateKeyDer::Sec1(_) => HostKeyFormat::Sec1,
            _ => return Ok(ring),
        };
        Ok(match host::PrivateKey::import(format, der.secret_der()) {
            Some(host) => Arc::new(HostKey { ring, host: Arc::new(host) }),
            None => ring,
        })
    }
}

#[derive(Debug)]
struct HostKey {
    ring: Arc<dyn SigningKey>,
    host: Arc<host::PrivateKey>,
}

impl SigningKey for HostKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let ring = self.ring.choose_scheme(offered)?;
        Some(match scheme_code(ring.scheme()) {
            Some(code) => Box::new(HostSigner { ring, host: self.host.clone(), code }),
            None => ring,
        })
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.ring.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.ring.algorithm()
    }
}

/// In TLS 1.3 a scheme names its curve.
fn scheme_code(scheme: SignatureScheme) -> Option<HostSignature> {
    Some(match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => HostSignature::EcdsaP256Sha256,
        SignatureScheme::ECDSA_NISTP384_SHA384 => HostSignature::EcdsaP384Sha384,
        SignatureScheme::ED25519 => HostSignature::Ed25519,
        SignatureScheme::RSA_PSS_SHA256 => HostSignature::RsaPssSha256,
        SignatureScheme::RSA_PSS_SHA384 => HostSignature::RsaPssSha384,
        SignatureScheme::RSA_PSS_SHA512 => HostSignature::RsaPssSha512,
        // RSA PKCS #1 signs nothing in a TLS 1.3 handshake (RFC 8446 4.2.3).
        _ => return None,
    })
}

#[derive(Debug)]
struct HostSigner {
    ring: Box<dyn Signer>,
    host: Arc<host::PrivateKey>,
    code: HostSignature,
}

impl Signer for HostSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self.host.sign(self.code, message) {
            Some(signature) => Ok(signature),
            None => self.ring.sign(message),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.ring.scheme()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivatePkcs8KeyDer;

    use super::*;

    fn algorithm(code: HostSignature) -> Algorithm {
        *verification_algorithms()
            .all
            .iter()
            .find(|algorithm| host_signature(algorithm.public_key_alg_id(), algorithm.signature_alg_id()) == Some(code))
            .unwrap()
    }

    #[test]
    fn every_algorithm_of_ring_but_those_without_parameters_asks_the_host() {
        let ring = ring::default_provider().signature_verification_algorithms;
        let ours = verification_algorithms();
        assert_eq!(ours.all.len(), ring.all.len());
        assert_eq!(ours.supported_schemes(), ring.supported_schemes());
        let asking = |all: &[Algorithm]| {
            all.iter().filter(|a| host_signature(a.public_key_alg_id(), a.signature_alg_id()).is_some()).count()
        };
        assert_eq!(asking(ours.all), 11);
        for ((ours, algorithms), (rings, originals)) in ours.mapping.iter().zip(ring.mapping) {
            assert_eq!((ours, algorithms.len()), (rings, originals.len()));
            assert_eq!(asking(algorithms), originals.len(), "{ours:?}");
        }
    }

    #[test]
    fn a_signature_that_was_found_good_is_good_for_nothing_else() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let signing = Keys.load_private_key(der).unwrap();
        let message = b"\x30 looks like a certificate";
        let signer = signing.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
        let signature = signer.sign(message).unwrap();
        let key = pair.public_key_raw();
        let other = rcgen::KeyPair::generate().unwrap();
        let algorithm = algorithm(HostSignature::EcdsaP256Sha256);
        for _ in 0..3 {
            assert!(algorithm.verify_signature(key, message, &signature).is_ok());
            assert!(algorithm.verify_signature(other.public_key_raw(), message, &signature).is_err());
            assert!(algorithm.verify_signature(key, &message[..20], &signature).is_err());
            let mut changed = signature.clone();
            *changed.last_mut().unwrap() ^= 1;
            assert!(algorithm.verify_signature(key, message, &changed).is_err());
        }
        for index in 0..2 * MAX_VERIFIED {
            let message = [b"0", index.to_string().as_bytes()].concat();
            assert!(algorithm.verify_signature(key, &message, &signer.sign(&message).unwrap()).is_ok());
        }
        assert!(VERIFIED.lock().unwrap().len() <= MAX_VERIFIED);
    }

    #[test]
    fn only_usual_rsa_keys_go_to_the_host() {
        let rsa = |modulus: &[u8], exponent: &[u8]| {
            let integer = |bytes: &[u8]| [&[0x02, 0x82][..], &(bytes.len() as u16).to_be_bytes(), bytes].concat();
            let body = [integer(modulus), [&[0x02, exponent.len() as u8], exponent].concat()].concat();
            [&[0x30, 0x82][..], &(body.len() as u16).to_be_bytes(), &body].concat()
        };
        let modulus = |len: usize| {
            let mut modulus = vec![0xc5; len + 1];
            modulus[0] = 0;
            modulus
        };
        let usual = |key: &[u8]| usual_key(HostSignature::RsaPssSha256, key);
        for len in [256, 384, 512, 1024] {
            assert!(usual(&rsa(&modulus(len), &[1, 0, 1])), "{len}");
        }
        assert!(usual(&rsa(&modulus(256), &[3])));
        let mut even = modulus(256);
        *even.last_mut().unwrap() = 2;
        let negative = &modulus(256)[1..];
        for wrong in [
            rsa(&modulus(255), &[1, 0, 1]),
            rsa(&modulus(1025), &[1, 0, 1]),
            rsa(&modulus(256), &[1]),
            rsa(&modulus(256), &[4]),
            rsa(&even, &[1, 0, 1]),
            rsa(negative, &[1, 0, 1]),
            [rsa(&modulus(256), &[1, 0, 1]), vec![0]].concat(),
            rsa(&modulus(256), &[1, 0, 1])[..200].to_vec(),
            Vec::new(),
        ] {
            assert!(!usual(&wrong), "{wrong:?}");
        }
    }
}
