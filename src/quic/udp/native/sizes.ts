/** How much one `recvmmsg` may bring. */

/** Messages; each may be some forty datagrams that the kernel has put together. */
export const MESSAGES = 16;
/** The largest payload of one message. */
export const PAYLOAD_BYTES = 65_536;
/** Distance of the payloads: not a power of two, so that their beginnings do not share a place in the cache. */
export const PAYLOAD_STRIDE = PAYLOAD_BYTES + 192;
/** `struct sockaddr_in6`, rounded up. */
export const ADDRESS_BYTES = 32;
/** Two control messages are expected, ECN and segment size, of 24 bytes each. */
export const CONTROL_BYTES = 128;
