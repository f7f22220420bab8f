/** The messages of `skein-files/1`, as docs/file-transfer.md describes them: four bytes of length, then JSON. */

import type { QuicStream } from '../../index.js';

/** Application protocol (ALPN). */
export const FILES_ALPN = 'skein-files/1';

/** Application error codes, of connections and of streams. */
export const CODE = { done: 0, interrupted: 1, protocol: 2, refused: 3, file: 4 } as const;

/** Bytes of a SHA-256, which follows the content of a file. */
export const HASH_BYTES = 32;

/** Longest message. A path alone can take 4096 bytes, six times as many where JSON escapes them all. */
const MAX_MESSAGE = 64 * 1024;
const LENGTH_BYTES = 4;

/** What the sender begins a stream with. */
export type Opening =
  | { readonly type: 'offer'; readonly files: number; readonly bytes: number }
  | { readonly type: 'folder'; readonly path: string }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly size: number;
      readonly executable: boolean;
      /** Whether the sender waits for {@link Have} before it sends content. */
      readonly resume: boolean;
    };

/** What a receiver has of a file already, in answer to `resume`: its first `size` bytes have this SHA-256 (hex). */
export interface Have {
  readonly type: 'have';
  readonly size: number;
  readonly sha256: string;
}

/** Where the sender begins, in answer to {@link Have}: at 0, or where the receiver's part ends. */
export interface From {
  readonly type: 'from';
  readonly offset: number;
}

/** How a file or folder ended at the receiver. */
export type Outcome =
  /** Written, and its hash is right. */
  | { readonly type: 'stored'; readonly sha256: string }
  /** The folder is there. */
  | { readonly type: 'made' }
  /** It was there already with the same content; only in answer to `resume`. */
  | { readonly type: 'present'; readonly sha256: string }
  /** The receiver does not want it; `reason` is for people. */
  | { readonly type: 'refused'; readonly reason: string }
  /** What arrived has this SHA-256, which is not what the sender said. Nothing was kept. */
  | { readonly type: 'mismatch'; readonly sha256: string }
  /** The receiver could not write it. */
  | { readonly type: 'failed'; readonly reason: string };

/** The receiver's answer to an offer. */
export type OfferAnswer = { readonly type: 'accept' } | { readonly type: 'refuse'; readonly reason: string };

/** The sender's last message: all files are through. The receiver answers with its own count, {@link Summary}. */
export interface Done {
  readonly type: 'done';
}

export interface Summary {
  readonly type: 'summary';
  readonly stored: number;
  readonly present: number;
  readonly refused: number;
  readonly mismatched: number;
  readonly failed: number;
  readonly bytes: number;
}

export type Message = Opening | Have | From | Outcome | OfferAnswer | Done | Summary;
export type MessageType = Message['type'];

/** The remote did not keep to the protocol. */
export class FilesProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FilesProtocolError';
  }
}

/** A message as it goes over the wire. */
export function encodeMessage(message: Message): Uint8Array {
  const text = Buffer.from(JSON.stringify(message), 'utf8');
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + text.length);
  bytes.writeUInt32BE(text.length, 0);
  text.copy(bytes, LENGTH_BYTES);
  return bytes;
}

type FieldKind = 'string' | 'boolean' | 'count' | 'sha256';

/** Every field of every message: what is not right here goes no further. */
const FIELDS: { readonly [T in MessageType]: Readonly<Record<string, FieldKind>> } = {
  offer: { files: 'count', bytes: 'count' },
  folder: { path: 'string' },
  file: { path: 'string', size: 'count', executable: 'boolean', resume: 'boolean' },
  have: { size: 'count', sha256: 'sha256' },
  from: { offset: 'count' },
  stored: { sha256: 'sha256' },
  present: { sha256: 'sha256' },
  made: {},
  refused: { reason: 'string' },
  mismatch: { sha256: 'sha256' },
  failed: { reason: 'string' },
  accept: {},
  refuse: { reason: 'string' },
  done: {},
  summary: {
    stored: 'count',
    present: 'count',
    refused: 'count',
    mismatched: 'count',
    failed: 'count',
    bytes: 'count',
  },
};

function isKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case 'sha256':
      return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
  }
}

/** @throws FilesProtocolError unless the text is one of the expected messages; unknown fields are left out */
function decodeMessage<T extends MessageType>(text: string, expected: readonly T[]): Extract<Message, { type: T }> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FilesProtocolError('the remote sent a message that is not JSON');
  }
  if (typeof value !== 'object' || value === null)
    throw new FilesProtocolError('the remote sent a message without type');
  const given = value as Readonly<Record<string, unknown>>;
  const type = expected.find((name) => name === given['type']);
  if (type === undefined) {
    const got = typeof given['type'] === 'string' ? given['type'].slice(0, 40) : typeof given['type'];
    throw new FilesProtocolError(`the remote sent ${JSON.stringify(got)} where ${expected.join(' or ')} was expected`);
  }
  const message: Record<string, unknown> = { type };
  for (const [field, kind] of Object.entries(FIELDS[type])) {
    if (!isKind(given[field], kind)) {
      throw new FilesProtocolError(`the remote sent a message ${type} whose ${field} is missing or no ${kind}`);
    }
    message[field] = given[field];
  }
  return message as Extract<Message, { type: T }>;
}

/** Reads messages and exact numbers of bytes from a stream. */
export class StreamReader {
  readonly #stream: Pick<QuicStream, 'receive'>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: Pick<QuicStream, 'receive'>) {
    this.#stream = stream;
  }

  /** The next bytes, at most `most`; empty at the end of the stream. */
  async some(most: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) return this.#stream.receive({ maxBytes: most });
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /** Exactly `length` bytes. @throws FilesProtocolError when the stream ends before */
  async exactly(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing);
      if (part.length === 0) throw new FilesProtocolError('the remote ended a stream in the middle');
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** Reads the end of the stream. @throws FilesProtocolError when something else comes */
  async end(): Promise<void> {
    if ((await this.some(1)).length > 0) throw new FilesProtocolError('the remote sent more than it announced');
  }

  /** The next message, which must be of one of these types. @throws FilesProtocolError */
  async message<T extends MessageType>(...expected: readonly T[]): Promise<Extract<Message, { type: T }>> {
    const header = await this.exactly(LENGTH_BYTES);
    const length = new DataView(header.buffer, header.byteOffset, LENGTH_BYTES).getUint32(0);
    if (length > MAX_MESSAGE) throw new FilesProtocolError(`the remote announced a message of ${length} bytes`);
    return decodeMessage(Buffer.from(await this.exactly(length)).toString('utf8'), expected);
  }
}
