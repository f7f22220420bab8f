// What the two programs of the echo agree on, and the cases.

/** Upper bound of datagrams, where SKEIN_ECHO_MTU says one. */
export const pathOptions = process.env.SKEIN_ECHO_MTU ? { maxPathMtu: Number(process.env.SKEIN_ECHO_MTU) } : {};
/** First byte of a stream. */
export const MODE = { echo: 1, slow: 2, reset: 3 };
/** A stream of mode `reset` is reset by the server after so many bytes, with these codes. */
export const RESET_AFTER = 20_000;
export const RESET_CODE = 77;
export const STOP_CODE = 78;
/** Bytes that a slow reader takes at a time. */
export const SLOW_READ = 32_768;

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * `streams` at once, each of `size` bytes in writes of `write` bytes. `slow`: which side takes its time between reads.
 * `resets`: every third stream is cut off in the middle, by the client or by the server in turns.
 */
export const CASES = {
  'one stream': { streams: 1, size: 64 * MIB, write: 256 * KIB },
  'slow server': { streams: 1, size: 64 * MIB, write: 256 * KIB, slow: 'server' },
  'slow client': { streams: 1, size: 64 * MIB, write: 256 * KIB, slow: 'client' },
  '100 streams': { streams: 100, size: 640 * KIB, write: 64 * KIB },
  'resets between': { streams: 99, size: 320 * KIB, write: 32 * KIB, resets: true },
  '1 byte writes': { streams: 1, size: 128 * KIB, write: 1 },
  '1 MiB writes': { streams: 1, size: 64 * MIB, write: MIB },
};

/** What a slow reader does between two reads: the other side is a few times faster. */
export function dawdle() {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Bytes in which no stretch resembles another, the same for the same seed (xorshift32). */
export function fill(bytes, seed) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  let state = seed * 2654435761 + 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return bytes;
}
