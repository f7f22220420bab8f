/** The formats of the QPACK offline interoperability tests: header lists as text, and what encoders made of them. */
import { fileURLToPath } from 'node:url';
import type { FieldLine } from '../../../src/qpack/index.js';

/** Header lists of a .qif file: a line for each field, a tab between name and value, an empty line after each list. */
export function parseQif(bytes: Uint8Array): FieldLine[][] {
  const lists: FieldLine[][] = [];
  for (const block of Buffer.from(bytes).toString('latin1').split('\n\n')) {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    if (lines.length === 0) continue;
    lists.push(
      lines.map((line) => {
        const tab = line.indexOf('\t');
        return tab < 0 ? { name: line, value: '' } : { name: line.slice(0, tab), value: line.slice(tab + 1) };
      }),
    );
  }
  return lists;
}

/** Bytes of one stream; those of the encoder stream are under stream 0. */
export interface Block {
  readonly streamId: number;
  readonly bytes: Uint8Array;
}

/** An encoder's output: each block has 8 bytes of stream ID, 4 bytes of length, and the bytes. */
export function* parseBlocks(file: Uint8Array): Generator<Block> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at < file.length; ) {
    const length = view.getUint32(at + 8);
    if (at + 12 + length > file.length)
      throw new RangeError(`a block of ${length} bytes at ${at} ends behind the file`);
    yield { streamId: Number(view.getBigUint64(at)), bytes: file.subarray(at + 12, at + 12 + length) };
    at += 12 + length;
  }
}

/** What a block counts in such a file beside its bytes. */
export const BLOCK_OVERHEAD = 12;

/** One block of such a file. */
export function toBlock(streamId: number, bytes: Uint8Array): Uint8Array {
  const block = Buffer.alloc(BLOCK_OVERHEAD + bytes.length);
  block.writeBigUInt64BE(BigInt(streamId));
  block.writeUInt32BE(bytes.length, 8);
  block.set(bytes, BLOCK_OVERHEAD);
  return block;
}

/** How an encoder was set when it made a file. */
export interface Vector {
  readonly capacity: number;
  readonly blockedStreams: number;
  /** Whether it heard at once that a section had been decoded; else never. */
  readonly acknowledged: boolean;
}

/** What ls-qpack made of the header lists of browsing.ts, in this repository. */
export const VECTORS: readonly Vector[] = [
  { capacity: 2048, blockedStreams: 100, acknowledged: true },
  { capacity: 4096, blockedStreams: 100, acknowledged: false },
  { capacity: 4096, blockedStreams: 100, acknowledged: true },
];

export function vectorPath({ capacity, blockedStreams, acknowledged }: Vector): string {
  const name = `browsing.out.${capacity}.${blockedStreams}.${Number(acknowledged)}`;
  return fileURLToPath(new URL(`../fixtures/qpack/${name}`, import.meta.url));
}
