//! The vectors' key stream is the blocks' key stream, whatever Poly1305 does meanwhile.

use core::mem::MaybeUninit;

use super::random::Random;
use crate::chacha20_poly1305::chacha20;
use crate::chacha20_poly1305::key_stream::{KeyStream, MOST_ABSORBED, STRIDE};
use crate::chacha20_poly1305::poly1305::Poly1305;

pub fn blocks_in_order() {
    let mut random = Random(20);
    for counter in [0, 1, 77, u32::MAX - 4] {
        let key = chacha20::Key::new(&random.array());
        let nonce = [(); 3].map(|()| random.next() as u32);
        let mut key_stream = KeyStream::new(&key, counter, nonce);
        let mut poly = Poly1305::new([0; 8]);
        let mut made = Vec::new();
        for _ in 0..4 {
            let mut memory = MaybeUninit::uninit();
            made.extend_from_slice(key_stream.next(&mut memory, &mut poly, &[]));
        }
        for (i, block) in made.chunks(chacha20::BLOCK).enumerate() {
            let words = key.block(counter.wrapping_add(i as u32), nonce);
            let expected: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
            assert_eq!(block, expected, "block {i} from {counter}");
        }
    }
}

/// Every number of blocks that Poly1305 may absorb along the way: same key stream, same tag as without company.
pub fn any_number_absorbed() {
    let mut random = Random(21);
    let key = chacha20::Key::new(&random.array());
    let mut memory = MaybeUninit::uninit();
    let alone: [u8; STRIDE] =
        *KeyStream::new(&key, 5, [1, 2, 3]).next(&mut memory, &mut Poly1305::new([0; 8]), &[]);

    for count in 0..=MOST_ABSORBED {
        let blocks: Vec<[u8; 16]> = (0..count).map(|_| random.array()).collect();
        let one_time_key = [(); 8].map(|()| random.next() as u32);
        let mut expected = Poly1305::new(one_time_key);
        expected.blocks(&blocks);

        let (mut memory, mut poly) = (MaybeUninit::uninit(), Poly1305::new(one_time_key));
        let stream = KeyStream::new(&key, 5, [1, 2, 3]).next(&mut memory, &mut poly, &blocks);
        assert_eq!(*stream, alone, "{count} absorbed");
        assert_eq!(poly.tag(), expected.tag(), "{count} absorbed");
    }
}
