/** Random bytes of the runtime. */

/** Fills the array with random bytes; simulations pass a seeded one. */
export type RandomFill = (bytes: Uint8Array) => void;

/** Random bytes drawn ahead, since a draw costs some ten microseconds however short it is; each is used once. */
const drawn = new Uint8Array(8192);
let drawnUsed = drawn.length;
/** Longer ones are drawn on their own. */
const MAX_FROM_DRAWN = 64;

/** Overwrites the array with random bytes fit for keys. */
export function fillFromSystem(bytes: Uint8Array): void {
  const { length } = bytes;
  if (length <= MAX_FROM_DRAWN) {
    if (drawnUsed + length > drawn.length) {
      crypto.getRandomValues(drawn);
      drawnUsed = 0;
    }
    const end = drawnUsed + length;
    bytes.set(drawn.subarray(drawnUsed, end));
    drawn.fill(0, drawnUsed, end);
    drawnUsed = end;
    return;
  }
  // getRandomValues refuses more than 65,536 bytes at once.
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
}
