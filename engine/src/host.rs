//! What the engine asks of its host beside random bytes.

mod imports {
    #[link(wasm_import_module = "skein")]
    unsafe extern "C" {
        pub fn panic(ptr: *const u8, len: usize);
    }
}

/// Tells the host why the engine is about to trap.
pub fn report_panic(text: &str) {
    // SAFETY: the host reads the `len` bytes at `ptr` during the call and keeps nothing.
    unsafe { imports::panic(text.as_ptr(), text.len()) }
}
