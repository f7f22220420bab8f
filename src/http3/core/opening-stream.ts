import { ByteWriter } from '../../wire/index.js';
import { VarintReader } from './varint-reader.js';

/**
 * A stream of which the first integer decides what it is: the type of a unidirectional stream (RFC 9114 section 6.2), the signal
 * value or first frame type of a bidirectional one.
 */
export class OpeningStream {
  readonly #integer = new VarintReader();
  /** The integer's bytes that came in earlier pieces. */
  readonly #before = new ByteWriter(8);

  /** The integer, once `receive` has returned a position. */
  get value(): number {
    return this.#integer.value;
  }

  /** Returns the position behind the integer, or -1 when it is not complete. */
  receive(bytes: Uint8Array): number {
    const end = this.#integer.read(bytes, 0);
    if (end < 0) this.#before.bytes(bytes);
    return end;
  }

  /** The bytes before those that completed the integer, for whoever must read it again. */
  before(): Uint8Array {
    return this.#before.take();
  }
}
