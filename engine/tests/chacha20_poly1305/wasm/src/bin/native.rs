//! `native <batches> <microseconds per batch> <length>...`: the benchmark without WebAssembly, for bench/aead.mjs.
//!
//! Prints JSON: the microseconds per packet of the fastest batch of each case.

use std::time::Instant;

use chacha20_poly1305_wasm::bench::{Bench, Cipher, Work};

struct Case {
    name: String,
    bench: Bench,
    micros: f64,
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|number| number.parse().expect("a number")).collect();
    let [batches, batch_micros, lengths @ ..] = &numbers[..] else {
        panic!("usage: native <batches> <microseconds per batch> <length>...");
    };
    let mut cases = Vec::new();
    // Ours are not meant for native builds, where ring has assembly.
    let ciphers = [("ring", Cipher::RingChaCha20Poly1305), ("ring-aes", Cipher::RingAes128Gcm)];
    for (cipher_name, cipher) in ciphers {
        for (work_name, work) in [("seal", Work::Seal), ("open", Work::Open), ("mask", Work::Mask)] {
            let lengths = if matches!(work, Work::Mask) { &[0] } else { lengths };
            for &length in lengths {
                cases.push(Case {
                    name: format!(r#""cipher":"{cipher_name}","work":"{work_name}","length":{length}"#),
                    bench: Bench::new(cipher, work, length),
                    micros: *batch_micros as f64,
                });
            }
        }
    }
    for _ in 0..*batches {
        for case in &mut cases {
            measure(case, *batch_micros as f64);
        }
    }
    let rows = cases.iter().map(|case| format!(r#"{{{},"micros":{}}}"#, case.name, case.micros));
    println!("[{}]", rows.collect::<Vec<_>>().join(","));
}

fn measure(case: &mut Case, batch_micros: f64) {
    let count = ((batch_micros / case.micros) as usize).max(1);
    let start = Instant::now();
    case.bench.run(count);
    case.micros = case.micros.min(start.elapsed().as_secs_f64() * 1e6 / count as f64);
}
