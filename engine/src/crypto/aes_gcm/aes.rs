//! AES (FIPS 197), encryption only, with keys of 128 and 256 bits.

use zeroize::Zeroize;

use super::bytes::Bytes;
use super::tables::{A_OVER, ONE_OVER, S, S_BOX_CONSTANT, S_TWICE, S_WHOLE, SHIFT_ROWS, SPLIT, Table};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// Rounds of AES-256.
const MOST_ROUNDS: usize = 14;

/// An expanded key, wiped from memory when dropped.
pub(crate) struct Key {
    rounds: usize,
    /// What is added before the first round, and after each: split, except the last. The S-box's constant is in them.
    round_keys: [[u8; BLOCK]; MOST_ROUNDS + 1],
}

impl Drop for Key {
    fn drop(&mut self) {
        self.round_keys.zeroize();
    }
}

impl Key {
    /// Expands a key (FIPS 197 section 5.2). Panics unless it has 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Self {
        assert!(key.len() == 16 || key.len() == 32, "AES keys here are of 128 or 256 bits");
        let words = key.len() / 4;
        let rounds = words + 6;
        let mut expanded = [[0; 4]; 4 * (MOST_ROUNDS + 1)];
        for (word, bytes) in expanded.iter_mut().zip(key.chunks_exact(4)) {
            word.copy_from_slice(bytes);
        }
        let mut constant = 1;
        for i in words..4 * (rounds + 1) {
            let mut word = expanded[i - 1];
            if i % words == 0 {
                word.rotate_left(1);
                word = substitute_word(word);
                word[0] ^= constant;
                // The first ten: from the ninth on they are reduced.
                constant = constant << 1 ^ if constant == 0x80 { 0x1b } else { 0 };
            } else if words == 8 && i % words == 4 {
                word = substitute_word(word);
            }
            expanded[i] = core::array::from_fn(|byte| expanded[i - words][byte] ^ word[byte]);
        }
        let mut round_keys = [[0; BLOCK]; MOST_ROUNDS + 1];
        let (fours, _) = expanded.as_chunks::<4>();
        for (round, (round_key, words)) in round_keys.iter_mut().zip(&fours[..=rounds]).enumerate() {
            round_key.copy_from_slice(words.as_flattened());
            if round > 0 {
                // MixColumns leaves a block of equal bytes as it is.
                round_key.iter_mut().for_each(|byte| *byte ^= S_BOX_CONSTANT);
            }
            if round < rounds {
                apply(&SPLIT, Bytes::load(round_key).halves()).store(round_key);
            }
        }
        expanded.zeroize();
        Self { rounds, round_keys }
    }

    /// Encrypts blocks, whose rounds are taken in turns: one alone would wait for its own results.
    #[inline(always)]
    pub(crate) fn encrypt<const N: usize>(&self, blocks: [Bytes; N]) -> [Bytes; N] {
        let key = |round: usize| Bytes::load(&self.round_keys[round]);
        let mut state = blocks.map(|block| apply(&SPLIT, block.halves()).xor(key(0)));
        for round in 1..self.rounds {
            let key = key(round);
            state = state.map(|block| mix(block).xor(key));
        }
        state.map(|block| {
            let substituted = apply(&S_WHOLE, invert(block));
            substituted.look_up(table(&SHIFT_ROWS[0])).xor(key(self.rounds))
        })
    }
}

/// SubWord, with the constant.
fn substitute_word(word: [u8; 4]) -> [u8; 4] {
    let mut block = [0; BLOCK];
    block[..4].copy_from_slice(&word);
    let split = apply(&SPLIT, Bytes::load(&block).halves());
    apply(&S_WHOLE, invert(split)).store(&mut block);
    let substituted = [block[0], block[1], block[2], block[3]].map(|byte| byte ^ S_BOX_CONSTANT);
    block.zeroize();
    substituted
}

#[inline(always)]
fn table(table: &Table) -> Bytes {
    Bytes::load(table)
}

/// The sum of what the first table has for the first places and the second for the second.
#[inline(always)]
fn apply([a, b]: &[Table; 2], (at_a, at_b): (Bytes, Bytes)) -> Bytes {
    table(a).look_up(at_a).xor(table(b).look_up(at_b))
}

/// p and q of the bytes of a split block (see `tables`).
#[inline(always)]
fn invert(split: Bytes) -> (Bytes, Bytes) {
    let (k, i) = split.halves();
    let j = i.xor(k);
    let one_over = table(&ONE_OVER);
    let a_over_k = table(&A_OVER).look_up(k);
    let under_p = one_over.look_up(i).xor(a_over_k);
    let under_q = one_over.look_up(j).xor(a_over_k);
    (one_over.look_up(under_p).xor(j), one_over.look_up(under_q).xor(i))
}

/// SubBytes, ShiftRows and MixColumns of a split block, without the S-box's constant.
#[inline(always)]
fn mix(block: Bytes) -> Bytes {
    let places = invert(block);
    let once = apply(&S, places);
    let twice = apply(&S_TWICE, places);
    let [by_0, by_1, by_2, by_3] = &SHIFT_ROWS;
    // 2 b0 + 3 b1 + b2 + b3, each b a row further down.
    let first = twice.look_up(table(by_0)).xor(twice.xor(once).look_up(table(by_1)));
    let last = once.look_up(table(by_2)).xor(once.look_up(table(by_3)));
    first.xor(last)
}
