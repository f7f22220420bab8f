import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicStream } from '../../../src/quic/index.js';
import { FrameStream } from '../../../src/swarm/link/frame-stream.js';
import { FRAME } from '../../../src/swarm/wire/codes.js';
import { encodeValue } from '../../../src/swarm/wire/codec.js';
import { encodeFrames } from '../../../src/swarm/wire/frames.js';

/** A stream whose send buffer takes `room` bytes, what it was given, and of how many pieces FIN came behind. */
function fullStream(room: number): { stream: FrameStream; sent: Uint8Array[]; fins: number[] } {
  const sent: Uint8Array[] = [];
  const fins: number[] = [];
  const quicStream = {
    trySendLast(bytes: Uint8Array): number {
      const taken = quicStream.trySend(bytes);
      if (taken === bytes.length) quicStream.end();
      return taken;
    },
    end(): void {
      fins.push(sent.length);
    },
    trySend(bytes: Uint8Array): number {
      const taken = Math.min(room, bytes.length);
      sent.push(new Uint8Array(bytes.subarray(0, taken)));
      return taken;
    },
    send(bytes: Uint8Array): Promise<void> {
      sent.push(bytes);
      return Promise.resolve();
    },
  };
  return { stream: new FrameStream(quicStream as unknown as QuicStream, 'somebody', 1 << 20), sent, fins };
}

test('what waits for room in QUIC is not touched by frames that are written meanwhile', async () => {
  for (const room of [0, 3]) {
    const first = fullStream(room);
    const second = fullStream(room);
    await Promise.all([
      first.stream.write(FRAME.value, encodeValue({ id: 'first' })),
      second.stream.write(FRAME.value, encodeValue({ id: 'other' })),
    ]);
    const text = first.stream.writeFrame('a text', Uint8Array.of(FRAME.bytes, 1, 7));
    await second.stream.writeFrame('b text', Uint8Array.of(FRAME.bytes, 1, 8));
    await text;
    const expected = (id: string, letter: string, byte: number): Uint8Array =>
      encodeFrames(
        { kind: FRAME.value, payload: encodeValue({ id }) },
        { kind: FRAME.bytes, payload: Uint8Array.of(byte) },
        { kind: FRAME.value, payload: encodeValue(`${letter} text`) },
      );
    assert.deepEqual(Buffer.concat(first.sent), Buffer.from(expected('first', 'a', 7)));
    assert.deepEqual(Buffer.concat(second.sent), Buffer.from(expected('other', 'b', 8)));
  }
});

test('FIN goes behind the last frame, whether QUIC takes it at once or not, and however long it is', async () => {
  for (const room of [0, 3, 1 << 20]) {
    for (const payload of [Uint8Array.of(1, 2), new Uint8Array(50_000)]) {
      const { stream, sent, fins } = fullStream(room);
      await stream.writeLastFrame({ kind: FRAME.bytes, payload });
      assert.deepEqual(Buffer.concat(sent), Buffer.from(encodeFrames({ kind: FRAME.bytes, payload })));
      assert.deepEqual(fins, [sent.length], `room for ${room}, ${payload.length} bytes`);
    }
  }
});
