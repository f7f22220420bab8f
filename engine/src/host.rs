//! What the engine asks of its host beside random bytes: to hear its last words, and cryptography that the host has in
//! native code and this module only in portable C (docs/decisions/0008-native-cryptography-of-the-host.md).
//!
//! Every function of cryptography may answer that it cannot; the engine then does the work itself. Native builds, the
//! engine's own tests, have a host that can do nothing.

use crate::abi::{HostKeyFormat, HostSignature};

#[cfg(target_family = "wasm")]
mod imports {
    #[link(wasm_import_module = "skein")]
    unsafe extern "C" {
        pub fn panic(ptr: *const u8, len: usize);
        pub safe fn key_drop(key: i32);
        pub fn verify(
            algorithm: u32,
            key: *const u8,
            key_len: usize,
            message: *const u8,
            message_len: usize,
            signature: *const u8,
            signature_len: usize,
        ) -> i32;
        pub fn key_import(format: u32, der: *const u8, len: usize) -> i32;
        pub fn sign(
            algorithm: u32,
            key: i32,
            message: *const u8,
            message_len: usize,
            out: *mut u8,
            out_len: usize,
        ) -> i32;
    }
}

/// A host that can do nothing.
#[cfg(not(target_family = "wasm"))]
mod imports {
    #![allow(clippy::too_many_arguments)]
    const CANNOT: i32 = -1;
    pub fn key_drop(_: i32) {}
    pub unsafe fn verify(_: u32, _: *const u8, _: usize, _: *const u8, _: usize, _: *const u8, _: usize) -> i32 {
        CANNOT
    }
    pub unsafe fn key_import(_: u32, _: *const u8, _: usize) -> i32 {
        CANNOT
    }
    pub unsafe fn sign(_: u32, _: i32, _: *const u8, _: usize, _: *mut u8, _: usize) -> i32 {
        CANNOT
    }
}

/// Tells the host why the engine is about to trap.
#[cfg(target_family = "wasm")]
pub fn report_panic(text: &str) {
    // SAFETY: the host reads the `len` bytes at `ptr` during the call and keeps nothing.
    unsafe { imports::panic(text.as_ptr(), text.len()) }
}

/// Whether `signature` is one over `message`; `key` is what the certificate's SubjectPublicKeyInfo holds as its bit
/// string. `None`: the host cannot tell.
pub fn verify(algorithm: HostSignature, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    // SAFETY: the host reads these three slices during the call and keeps nothing of this memory.
    let answer = unsafe {
        imports::verify(
            algorithm as u32,
            key.as_ptr(),
            key.len(),
            message.as_ptr(),
            message.len(),
            signature.as_ptr(),
            signature.len(),
        )
    };
    match answer {
        1 => Some(true),
        0 => Some(false),
        _ => None,
    }
}

/// A private key that the host holds until this is dropped.
#[derive(Debug)]
pub struct PrivateKey(i32);

impl PrivateKey {
    pub fn import(format: HostKeyFormat, der: &[u8]) -> Option<Self> {
        // SAFETY: the host reads the slice during the call and keeps nothing of this memory.
        let key = unsafe { imports::key_import(format as u32, der.as_ptr(), der.len()) };
        (key >= 0).then_some(Self(key))
    }

    /// `None`: the host cannot.
    pub fn sign(&self, algorithm: HostSignature, message: &[u8]) -> Option<Vec<u8>> {
        /// The signature of an RSA key of 8192 bits, the largest that ring takes in; all others are shorter.
        const MAX_SIGNATURE: usize = 1024;
        let mut out = vec![0; MAX_SIGNATURE];
        // SAFETY: the host reads `message` and writes at most `out_len` bytes of `out`, both during the call.
        let len = unsafe {
            imports::sign(algorithm as u32, self.0, message.as_ptr(), message.len(), out.as_mut_ptr(), out.len())
        };
        let len = usize::try_from(len).ok().filter(|len| (1..=MAX_SIGNATURE).contains(len))?;
        out.truncate(len);
        Some(out)
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        imports::key_drop(self.0);
    }
}
