//! What must hold of `chacha20_poly1305`, as functions that panic: the native test target runs them, and so does
//! the WebAssembly module next door, where the code paths that ship are the ones checked.

mod differential;
mod hex;
mod key_stream;
mod poly1305_by_bytes;
mod random;
mod rfc8439;
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
    rfc8439_chacha20_blocks = rfc8439::blocks,
    rfc8439_poly1305_authenticators = rfc8439::authenticators,
    rfc8439_aead_messages = rfc8439::messages,
    rfc8439_too_short_for_a_tag = rfc8439::too_short_for_a_tag,
    key_stream_is_blocks_in_order = key_stream::blocks_in_order,
    key_stream_while_any_number_is_absorbed = key_stream::any_number_absorbed,
    poly1305_by_bytes_agrees_on_extremes = poly1305_by_bytes::extremes,
    poly1305_by_bytes_agrees_on_random_messages = poly1305_by_bytes::random_messages,
    wycheproof_vectors = wycheproof::vectors,
    ring_agrees_on_short_lengths = differential::short_lengths,
    ring_agrees_on_additional_data_lengths = differential::additional_data_lengths,
    ring_agrees_on_packet_lengths = differential::packet_lengths,
    ring_agrees_on_random_lengths = differential::random_lengths,
    ring_agrees_beyond_the_longest_datagram = differential::beyond_the_longest_datagram,
    ring_agrees_on_extreme_bytes = differential::extreme_bytes,
    ring_agrees_on_header_protection_masks = differential::masks,
    tampering_with_the_tag = tampering::tag,
    tampering_with_the_ciphertext = tampering::ciphertext,
    tampering_with_additional_data_nonce_and_key = tampering::additional_data_nonce_and_key,
    tampering_by_cutting_and_extending = tampering::truncated_or_extended,
    tampering_by_moving_the_boundary = tampering::moved_boundary,
}
