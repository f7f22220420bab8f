//! Packet and header protection through rustls's interface: RFC 9001 appendix A.5, and *ring*'s as the other half.

use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::crypto::ring;
use rustls::quic::{Algorithm, HeaderProtectionKey, PacketKey};
use rustls::{CipherSuite, SupportedCipherSuite};
use skein_engine::crypto::{DEFAULT_SUITES, provider, quic_suite};

const KEY: [u8; 32] = [
    0xc6, 0xd9, 0x8f, 0xf3, 0x44, 0x1c, 0x3f, 0xe1, 0xb2, 0x18, 0x20, 0x94, 0xf6, 0x9c, 0xaa, 0x2e, 0xd4, 0xb7, 0x16,
    0xb6, 0x54, 0x88, 0x96, 0x0a, 0x7a, 0x98, 0x49, 0x79, 0xfb, 0x23, 0xe1, 0xc8,
];
const IV: [u8; 12] = [0xe0, 0x45, 0x9b, 0x34, 0x74, 0xbd, 0xd0, 0xe4, 0x4a, 0x41, 0xc1, 0x44];
const HEADER_KEY: [u8; 32] = [
    0x25, 0xa2, 0x82, 0xb9, 0xe8, 0x2f, 0x06, 0xf2, 0x1f, 0x48, 0x89, 0x17, 0xa4, 0xfc, 0x8f, 0x1b, 0x73, 0x57, 0x36,
    0x85, 0x60, 0x85, 0x97, 0xd0, 0xef, 0xcb, 0x07, 0x6b, 0x0a, 0xb7, 0xa7, 0xa4,
];

fn algorithm(suite: SupportedCipherSuite) -> &'static dyn Algorithm {
    suite.tls13().and_then(|suite| suite.quic).expect("a suite for QUIC")
}

fn packet_key(suite: SupportedCipherSuite) -> Box<dyn PacketKey> {
    algorithm(suite).packet_key(AeadKey::from(KEY), Iv::from(IV))
}

fn header_key(suite: SupportedCipherSuite) -> Box<dyn HeaderProtectionKey> {
    algorithm(suite).header_protection_key(AeadKey::from(HEADER_KEY))
}

/// RFC 9001 appendix A.5, from the keys that it derives.
#[test]
fn short_header_packet_of_rfc9001() {
    const PACKET_NUMBER: u64 = 654_360_564;
    const HEADER: [u8; 4] = [0x42, 0x00, 0xbf, 0xf4];
    const PROTECTED: [u8; 21] = [
        0x4c, 0xfe, 0x41, 0x89, 0x65, 0x5e, 0x5c, 0xd5, 0x5c, 0x41, 0xf6, 0x90, 0x80, 0x57, 0x5d, 0x79, 0x99, 0xc2,
        0x5a, 0x5b, 0xfb,
    ];
    let (packet_key, header_key) = (packet_key(quic_suite()), header_key(quic_suite()));

    let mut payload = [0x01];
    let tag = packet_key.encrypt_in_place(PACKET_NUMBER, &HEADER, &mut payload).unwrap();
    let mut packet = [&HEADER[..], &payload, tag.as_ref()].concat();
    let (header, ciphertext) = packet.split_at_mut(4);
    let (first, number) = header.split_first_mut().unwrap();
    header_key.encrypt_in_place(&ciphertext[1..17], first, number).unwrap();
    assert_eq!(packet, PROTECTED);

    let (header, ciphertext) = packet.split_at_mut(4);
    let (first, number) = header.split_first_mut().unwrap();
    header_key.decrypt_in_place(&ciphertext[1..17], first, number).unwrap();
    assert_eq!(header, HEADER);
    assert_eq!(packet_key.decrypt_in_place(PACKET_NUMBER, header, ciphertext).unwrap(), [0x01]);
}

#[test]
fn packets_of_any_path_and_number_agree_with_ring() {
    let ours = packet_key(quic_suite());
    let theirs = packet_key(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256);
    let numbers = [0, 1, 255, 65_536, 0xffff_ffff, 0x1_0000_0000, (1 << 62) - 1];
    for path_id in [0, 1, 2, 0xaead, u32::MAX] {
        for number in numbers {
            let plaintext: Vec<u8> = (0..1300).map(|i| (i ^ number) as u8).collect();
            let (mut a, mut b) = (plaintext.clone(), plaintext.clone());
            let our_tag = ours.encrypt_in_place_for_path(path_id, number, b"header", &mut a).unwrap();
            let their_tag = theirs.encrypt_in_place_for_path(path_id, number, b"header", &mut b).unwrap();
            assert_eq!(our_tag.as_ref(), their_tag.as_ref());
            assert_eq!(a, b);
            if path_id == 0 {
                let mut c = plaintext.clone();
                let tag = ours.encrypt_in_place(number, b"header", &mut c).unwrap();
                assert_eq!((tag.as_ref(), &c), (our_tag.as_ref(), &a), "path 0 has the nonce of RFC 9001");
            }

            let sealed = [&a[..], our_tag.as_ref()].concat();
            let opened = |path_id, number, header: &[u8]| {
                let mut sealed = sealed.clone();
                ours.decrypt_in_place_for_path(path_id, number, header, &mut sealed).map(<[u8]>::to_vec)
            };
            assert_eq!(opened(path_id, number, b"header"), Ok(plaintext));
            assert_eq!(opened(path_id ^ 1, number, b"header"), Err(rustls::Error::DecryptError));
            assert_eq!(opened(path_id, number ^ 1, b"header"), Err(rustls::Error::DecryptError));
            assert_eq!(opened(path_id, number, b"reader"), Err(rustls::Error::DecryptError));
        }
    }
    assert_eq!(ours.decrypt_in_place(0, b"", &mut [0; 15]), Err(rustls::Error::DecryptError));
}

#[test]
fn header_protection_agrees_with_ring() {
    let ours = header_key(quic_suite());
    let theirs = header_key(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256);
    for first in 0..=255u8 {
        for length in 0..=4 {
            let sample: [u8; 16] = core::array::from_fn(|i| first.wrapping_mul(31).wrapping_add(i as u8));
            let number = [first, 1, 2, 3];
            for unmask in [false, true] {
                let apply = |key: &dyn HeaderProtectionKey| {
                    let (mut first, mut number) = (first, number);
                    let number_field = &mut number[..length];
                    match unmask {
                        false => key.encrypt_in_place(&sample, &mut first, number_field).unwrap(),
                        true => key.decrypt_in_place(&sample, &mut first, number_field).unwrap(),
                    }
                    (first, number)
                };
                assert_eq!(apply(&*ours), apply(&*theirs));
            }
        }
    }
}

#[test]
fn header_protection_refuses_wrong_lengths_untouched() {
    let key = header_key(quic_suite());
    for (sample, number) in [(15, 4), (17, 4), (0, 4), (16, 5)] {
        let (sample, mut first, mut number) = (vec![9; sample], 0x41, vec![9; number]);
        assert!(key.encrypt_in_place(&sample, &mut first, &mut number).is_err());
        assert!(key.decrypt_in_place(&sample, &mut first, &mut number).is_err());
        assert_eq!(first, 0x41);
        assert!(number.iter().all(|&byte| byte == 9));
    }
}

#[test]
fn limits_and_lengths_are_those_of_ring() {
    let ring_suite = ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
    let (ours, theirs) = (packet_key(quic_suite()), packet_key(ring_suite));
    assert_eq!(ours.confidentiality_limit(), theirs.confidentiality_limit());
    assert_eq!(ours.integrity_limit(), theirs.integrity_limit());
    assert_eq!(ours.tag_len(), theirs.tag_len());
    assert_eq!(header_key(quic_suite()).sample_len(), header_key(ring_suite).sample_len());
    assert_eq!(algorithm(quic_suite()).aead_key_len(), algorithm(ring_suite).aead_key_len());
}

#[test]
fn provider_has_the_suites_asked_for_in_their_order() {
    let suites = |wanted: &[CipherSuite]| -> Vec<CipherSuite> {
        provider(wanted).cipher_suites.iter().map(SupportedCipherSuite::suite).collect()
    };
    assert_eq!(suites(&[]), DEFAULT_SUITES);
    let reversed: Vec<CipherSuite> = DEFAULT_SUITES.iter().rev().copied().collect();
    assert_eq!(suites(&reversed), reversed);
    let one = [CipherSuite::TLS13_AES_128_GCM_SHA256];
    assert_eq!(suites(&[CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, one[0]]), one);
    assert_eq!(suites(&[CipherSuite::TLS13_AES_128_CCM_SHA256]), []);
}

#[test]
fn provider_protects_chacha20_packets_with_our_code() {
    let theirs = algorithm(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256);
    let provider = provider(DEFAULT_SUITES);
    let ours = algorithm(provider.cipher_suites[0]);
    assert!(!core::ptr::addr_eq(ours, theirs));
    assert!(core::ptr::addr_eq(ours, algorithm(quic_suite())));
}
