//! What must hold of `aes_gcm`, as functions that panic: the native test target runs them, and so does the WebAssembly
//! module of the engine's ciphers, where the code paths that ship are the ones checked.

mod differential;
#[path = "../../chacha20_poly1305/checks/hex.rs"]
mod hex;
mod official;
#[path = "../../chacha20_poly1305/checks/random.rs"]
mod random;
mod tampering;
mod wycheproof;

macro_rules! checks {
    ($($name:ident = $check:path,)*) => {
        /// Names, and functions that panic when something does not hold.
        #[cfg(not(test))]
        pub const CHECKS: &[(&str, fn())] = &[$((stringify!($name), $check)),*];

        $(
            #[cfg(test)]
            #[test]
            fn $name() {
                $check();
            }
        )*
    };
}

checks! {
    aes_s_box_of_fips197 = official::s_box,
    aes_blocks_of_fips197 = official::blocks,
    aes_gcm_messages_of_its_authors = official::messages,
    aes_gcm_too_short_for_a_tag = official::too_short_for_a_tag,
    aes_gcm_wycheproof_vectors = wycheproof::vectors,
    ring_agrees_on_short_aes_gcm_messages = differential::short_lengths,
    ring_agrees_on_additional_data_of_aes_gcm = differential::additional_data_lengths,
    ring_agrees_on_aes_gcm_packets = differential::packet_lengths,
    ring_agrees_on_random_aes_gcm_messages = differential::random_lengths,
    ring_agrees_on_extreme_bytes_in_ghash = differential::extreme_bytes,
    ring_agrees_on_masks_of_aes = differential::masks,
    tampering_with_aes_gcm_tags = tampering::tag,
    tampering_with_aes_gcm_ciphertext = tampering::ciphertext,
    tampering_around_aes_gcm_messages = tampering::everything_else,
}
