//! What JavaScript calls. A check that does not hold traps; `message` then tells what the panic said.

use std::sync::Mutex;

use crate::bench::{Bench, Cipher, Work};
use crate::{aes_checks, checks};

/// The text that JavaScript reads next.
static MESSAGE: Mutex<String> = Mutex::new(String::new());

static BENCH: Mutex<Option<Bench>> = Mutex::new(None);

fn checks() -> impl Iterator<Item = &'static (&'static str, fn())> {
    checks::CHECKS.iter().chain(aes_checks::CHECKS)
}

fn say(text: String) {
    if let Ok(mut message) = MESSAGE.lock() {
        *message = text;
    }
}

getrandom::register_custom_getrandom!(no_random);

fn no_random(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

#[unsafe(no_mangle)]
extern "C" fn initialize() {
    std::panic::set_hook(Box::new(|panic| say(panic.to_string())));
}

#[unsafe(no_mangle)]
extern "C" fn message_address() -> *const u8 {
    MESSAGE.lock().map_or(core::ptr::null(), |message| message.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn message_length() -> usize {
    MESSAGE.lock().map_or(0, |message| message.len())
}

#[unsafe(no_mangle)]
extern "C" fn check_count() -> usize {
    checks().count()
}

/// Makes the name of a check the message.
#[unsafe(no_mangle)]
extern "C" fn check_name(index: usize) {
    say(checks().nth(index).expect("a check").0.into());
}

/// Runs a check.
#[unsafe(no_mangle)]
extern "C" fn check_run(index: usize) {
    checks().nth(index).expect("a check").1();
}

/// Prepares `bench_run`: `cipher` 0 is our ChaCha20-Poly1305 and 1 ring's, 2 our AES-128-GCM and
/// 3 ring's; `work` 0 seals, 1 opens, 2 makes a header protection mask.
#[unsafe(no_mangle)]
extern "C" fn bench_prepare(cipher: usize, work: usize, length: usize) {
    let cipher = [Cipher::ChaCha20Poly1305, Cipher::RingChaCha20Poly1305, Cipher::Aes128Gcm, Cipher::RingAes128Gcm][cipher];
    let work = [Work::Seal, Work::Open, Work::Mask][work];
    *BENCH.lock().expect("not poisoned") = Some(Bench::new(cipher, work, length));
}

/// Does the prepared work `count` times.
#[unsafe(no_mangle)]
extern "C" fn bench_run(count: usize) {
    let mut bench = BENCH.lock().expect("not poisoned");
    bench.as_mut().expect("prepared").run(count);
}
