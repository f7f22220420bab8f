/**
 * An encoder and a decoder with a network between them that holds each stream's order and no other: whatever happens,
 * every field section comes out as it went in, or is cancelled, and no promise is broken on either side.
 *
 * The seed is fixed in CI; `FC_SEED=1234 npm test -- property` tries another, and a failure prints its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FieldSection, QpackDecoder, QpackEncoder, QpackError, type FieldLine } from '../../src/qpack/index.js';
import { decodeHuffman, encodeHuffman, huffmanLength } from '../../src/qpack/huffman.js';
import { plain } from '../support/qpack.js';

const parameters = {
  seed: Number(process.env['FC_SEED'] ?? 20_261_124),
  numRuns: Number(process.env['FC_RUNS'] ?? 300),
  verbose: 1,
} as const;

const bytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString('latin1'));

const line: fc.Arbitrary<FieldLine> = fc.record({
  name: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(':path', ':method', 'cookie', 'authorization', 'date', 'x-a', 'x-b', 'x-c'),
    },
    { weight: 1, arbitrary: bytes(12) },
  ),
  value: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('', '/', 'GET', 'one', 'two', 'three', 'x'.repeat(90), 'y'.repeat(30)) },
    { weight: 1, arbitrary: bytes(60) },
  ),
});

type Step =
  | { readonly do: 'encode'; readonly stream: number; readonly fields: readonly FieldLine[] }
  /** Some bytes of the encoder or decoder stream arrive. */
  | { readonly do: 'instructions' | 'feedback'; readonly bytes: number }
  /** The next section of one of the streams arrives. */
  | { readonly do: 'section'; readonly stream: number }
  | { readonly do: 'cancel'; readonly stream: number };

const stream = fc.nat({ max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('encode' as const), stream, fields: fc.array(line, { maxLength: 8 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('instructions' as const), bytes: fc.integer({ min: 1, max: 200 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('feedback' as const), bytes: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('section' as const), stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), stream }) },
);

class Network {
  readonly #decoder: QpackDecoder;
  readonly #encoder: QpackEncoder;
  readonly #blockedStreams: number;
  readonly #instructions: number[] = [];
  readonly #feedback: number[] = [];
  readonly #sections = new Map<number, Uint8Array[]>();
  readonly #expected = new Map<number, (readonly FieldLine[])[]>();
  /** A slot's stream ID: a cancelled stream is never used again. */
  readonly #streamIds = Array.from({ length: 8 }, (_, slot) => slot * 4);

  constructor(capacity: number, blockedStreams: number) {
    this.#decoder = new QpackDecoder({ maxTableCapacity: capacity, blockedStreams });
    this.#encoder = new QpackEncoder();
    this.#encoder.setPeerSettings({ maxTableCapacity: capacity, blockedStreams });
    this.#blockedStreams = blockedStreams;
  }

  take(step: Step): void {
    switch (step.do) {
      case 'encode': {
        const id = this.#streamIds[step.stream]!;
        const section = this.#encoder.encode(id, step.fields);
        this.#instructions.push(...this.#encoder.takeEncoderStream());
        this.#sections.set(id, [...(this.#sections.get(id) ?? []), section]);
        this.#expected.set(id, [...(this.#expected.get(id) ?? []), step.fields]);
        return;
      }
      case 'instructions':
        for (const { streamId, fields } of this.#decoder.receiveEncoderStream(
          Uint8Array.from(this.#instructions.splice(0, step.bytes)),
        )) {
          this.#arrived(streamId, fields ?? assert.fail('too large'));
        }
        return;
      case 'feedback':
        this.#feedback.push(...this.#decoder.takeDecoderStream());
        this.#encoder.receiveDecoderStream(Uint8Array.from(this.#feedback.splice(0, step.bytes)));
        return;
      case 'section': {
        const id = this.#streamIds[step.stream]!;
        const section = this.#sections.get(id)?.shift();
        if (section === undefined) return;
        const fields = this.#decoder.decode(id, section);
        assert.ok(this.#decoder.blockedStreamCount <= this.#blockedStreams);
        if (fields !== undefined) this.#arrived(id, fields);
        return;
      }
      case 'cancel': {
        const id = this.#streamIds[step.stream]!;
        this.#decoder.cancelStream(id);
        this.#sections.delete(id);
        this.#expected.delete(id);
        this.#streamIds[step.stream] = Math.max(...this.#streamIds) + 4;
        return;
      }
    }
  }

  /** Delivers everything; then nothing may be missing. */
  finish(): void {
    for (const slot of this.#streamIds.keys()) {
      while ((this.#sections.get(this.#streamIds[slot]!)?.length ?? 0) > 0) this.take({ do: 'section', stream: slot });
    }
    this.take({ do: 'instructions', bytes: Infinity });
    this.take({ do: 'feedback', bytes: Infinity });
    assert.equal(this.#decoder.blockedStreamCount, 0);
    for (const [id, missing] of this.#expected) assert.deepEqual(missing, [], `stream ${id}`);
  }

  #arrived(id: number, fields: FieldSection): void {
    assert.deepEqual(plain(fields), plain(this.#expected.get(id)?.shift()));
    fields.release();
  }
}

// @rfc 9204#2.1-1 @rfc 9204#2.2-1 @rfc 9204#4.5.1.2-1
test('field sections come out as they went in, in any order of arrival', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 32, 64, 100, 150, 220, 512, 4096),
      fc.constantFrom(0, 1, 2, 5, 100),
      fc.array(step, { minLength: 20, maxLength: 120 }),
      (capacity, blockedStreams, steps) => {
        const network = new Network(capacity, blockedStreams);
        for (const each of steps) network.take(each);
        network.finish();
      },
    ),
    parameters,
  );
});

test('Huffman code gives every string back', () => {
  fc.assert(
    fc.property(bytes(400), (text) => {
      const coded = new Uint8Array(huffmanLength(text));
      assert.equal(encodeHuffman(text, coded, 0), coded.length);
      assert.equal(decodeHuffman(coded, 0, coded.length), text);
    }),
    parameters,
  );
});

test('bytes that decode as Huffman code are the ones that encode to them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
      const text = decodeHuffman(input, 0, input.length);
      if (text === undefined) return;
      const coded = new Uint8Array(huffmanLength(text));
      encodeHuffman(text, coded, 0);
      assert.deepEqual(coded, input);
    }),
    { ...parameters, numRuns: parameters.numRuns * 10 },
  );
});

test('whatever bytes come, there are field lines or a QpackError', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom(0, 0x3f, 0xe1, 0x1f, 0x80, 0x81, 0xff, 0x10, 0x51, 0x40, 0x61), { maxLength: 40 })
      .map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('section', 'instructions', 'feedback'), noise), { maxLength: 12 }),
      (inputs) => {
        const decoder = new QpackDecoder({ maxTableCapacity: 256, blockedStreams: 2, maxBlockedBytes: 500 });
        const encoder = new QpackEncoder();
        encoder.setPeerSettings({ maxTableCapacity: 256, blockedStreams: 2 });
        encoder.encode(0, [{ name: 'x-a', value: 'b' }]);
        try {
          for (const [kind, input] of inputs) {
            if (kind === 'section') decoder.decode(4, input);
            else if (kind === 'instructions') decoder.receiveEncoderStream(input);
            else encoder.receiveDecoderStream(input);
          }
        } catch (error) {
          if (!QpackError.isQpackError(error)) throw error;
          assert.notEqual(error.scope, 'call');
        }
      },
    ),
    { ...parameters, numRuns: parameters.numRuns * 10 },
  );
});
