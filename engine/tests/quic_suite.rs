//! Packet and header protection through rustls's interface: RFC 9001 appendices A.3 and A.5, and *ring*'s as the other half.

use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::crypto::ring;
use rustls::quic::{Algorithm, HeaderProtectionKey, Keys, PacketKey, Version};
use rustls::{CipherSuite, Side, SupportedCipherSuite};
use skein_engine::crypto::{DEFAULT_SUITES, provider, quic_suite};

fn chacha20() -> SupportedCipherSuite {
    quic_suite(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256).expect("a suite")
}

/// Each of our suites and *ring*'s.
fn pairs() -> [(SupportedCipherSuite, SupportedCipherSuite); 3] {
    use ring::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256};
    [TLS13_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384]
        .map(|theirs| (quic_suite(theirs.suite()).expect("a suite"), theirs))
}

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
    let (packet_key, header_key) = (packet_key(chacha20()), header_key(chacha20()));

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
    let ours = packet_key(chacha20());
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
    let ours = header_key(chacha20());
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
    let key = header_key(chacha20());
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
    let (ours, theirs) = (packet_key(chacha20()), packet_key(ring_suite));
    assert_eq!(ours.confidentiality_limit(), theirs.confidentiality_limit());
    assert_eq!(ours.integrity_limit(), theirs.integrity_limit());
    assert_eq!(ours.tag_len(), theirs.tag_len());
    assert_eq!(header_key(chacha20()).sample_len(), header_key(ring_suite).sample_len());
    assert_eq!(algorithm(chacha20()).aead_key_len(), algorithm(ring_suite).aead_key_len());
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
fn provider_protects_packets_with_our_code() {
    let provider = provider(DEFAULT_SUITES);
    for (suite, (ours, theirs)) in provider.cipher_suites.iter().zip(pairs()) {
        assert!(core::ptr::addr_eq(algorithm(*suite), algorithm(ours)));
        assert!(!core::ptr::addr_eq(algorithm(*suite), algorithm(theirs)));
    }
}

/// Keys of a suite as a connection's first packets have them; those of other packets are made of other secrets.
fn initial_keys(suite: SupportedCipherSuite, side: Side) -> Keys {
    let suite = suite.tls13().and_then(|suite| suite.quic_suite()).expect("a suite for QUIC");
    suite.keys(&[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08], side, Version::V1)
}

/// RFC 9001 appendix A.3.
#[test]
fn server_initial_of_rfc9001() {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let mut header = hex("c1000000010008f067a5502a4262b50040750001");
    let mut payload = hex(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a12\
         00130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a00\
         2b00020304",
    );
    let protected = hex(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780b\
         b38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19\
         fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
    );
    let keys = initial_keys(quic_suite(CipherSuite::TLS13_AES_128_GCM_SHA256).unwrap(), Side::Server).local;
    let tag = keys.packet.encrypt_in_place(1, &header, &mut payload).unwrap();
    payload.extend_from_slice(tag.as_ref());
    let (start, number) = header.split_at_mut(18);
    keys.header.encrypt_in_place(&payload[2..18], &mut start[0], number).unwrap();
    assert_eq!([header, payload].concat(), protected);
}

#[test]
fn all_suites_agree_with_ring_on_packets_headers_and_limits() {
    for (ours, theirs) in pairs() {
        let (sending, receiving) = (initial_keys(ours, Side::Client).local, initial_keys(theirs, Side::Server).remote);
        let (packet, ring_packet) = (&sending.packet, &receiving.packet);
        assert_eq!(packet.confidentiality_limit(), ring_packet.confidentiality_limit());
        assert_eq!(packet.integrity_limit(), ring_packet.integrity_limit());
        assert_eq!(packet.tag_len(), ring_packet.tag_len());
        assert_eq!(sending.header.sample_len(), receiving.header.sample_len());
        assert_eq!(algorithm(ours).aead_key_len(), algorithm(theirs).aead_key_len());
        for path_id in [0, 1, 0xaead] {
            for (number, length) in [(0, 0), (1, 1), (255, 15), (65_536, 16), (0x1_0000_0000, 1180), (1 << 61, 8999)] {
                let plaintext: Vec<u8> = (0..length).map(|i| (i ^ number) as u8).collect();
                let mut sealed = plaintext.clone();
                let tag = packet.encrypt_in_place_for_path(path_id, number, b"header", &mut sealed).unwrap();
                sealed.extend_from_slice(tag.as_ref());
                let opened = |path_id, number, header: &[u8]| {
                    let (mut a, mut b) = (sealed.clone(), sealed.clone());
                    let ours = packet.decrypt_in_place_for_path(path_id, number, header, &mut a).map(<[u8]>::to_vec);
                    let theirs = ring_packet.decrypt_in_place_for_path(path_id, number, header, &mut b);
                    assert_eq!(ours, theirs.map(<[u8]>::to_vec));
                    ours
                };
                assert_eq!(opened(path_id, number, b"header"), Ok(plaintext));
                assert_eq!(opened(path_id, number + 1, b"header"), Err(rustls::Error::DecryptError));
                assert_eq!(opened(path_id, number, b"reader"), Err(rustls::Error::DecryptError));
            }
        }
        for first in 0..=255u8 {
            let sample: [u8; 16] = core::array::from_fn(|i| first.wrapping_mul(31).wrapping_add(i as u8));
            let (mut a, mut b) = ((first, [first, 1, 2, 3]), (first, [first, 1, 2, 3]));
            sending.header.encrypt_in_place(&sample, &mut a.0, &mut a.1).unwrap();
            receiving.header.encrypt_in_place(&sample, &mut b.0, &mut b.1).unwrap();
            assert_eq!(a, b);
            sending.header.decrypt_in_place(&sample, &mut a.0, &mut a.1).unwrap();
            assert_eq!(a, (first, [first, 1, 2, 3]));
        }
    }
}
