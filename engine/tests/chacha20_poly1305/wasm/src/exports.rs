//! What JavaScript calls. A check that does not hold traps; `message` then tells what the panic said.

use std::sync::Mutex;

use crate::bench::{Bench, Cipher, Work};
use crate::checks::CHECKS;

/// The text that JavaScript reads next.
static MESSAGE: Mutex<String> = Mutex::new(String::new());

static BENCH: Mutex<Option<Bench>> = Mutex::new(None);

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
    CHECKS.len()
}

/// Makes the name of a check the message.
#[unsafe(no_mangle)]
extern "C" fn check_name(index: usize) {
    say(CHECKS[index].0.into());
}

/// Runs a check.
#[unsafe(no_mangle)]
extern "C" fn check_run(index: usize) {
    CHECKS[index].1();
}

/// Prepares `bench_run`: `cipher` 0 is ours and 1 is ring's; `work` 0 seals, 1 opens, 2 makes a header protection mask.
#[unsafe(no_mangle)]
extern "C" fn bench_prepare(cipher: usize, work: usize, length: usize) {
    let cipher = [Cipher::Ours, Cipher::Ring][cipher];
    let work = [Work::Seal, Work::Open, Work::Mask][work];
    *BENCH.lock().expect("not poisoned") = Some(Bench::new(cipher, work, length));
}

/// Does the prepared work `count` times.
#[unsafe(no_mangle)]
extern "C" fn bench_run(count: usize) {
    let mut bench = BENCH.lock().expect("not poisoned");
    bench.as_mut().expect("prepared").run(count);
}
