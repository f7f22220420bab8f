/** What tests of the HTTP/3 core have in common: bytes in hex, frames, a core that was started, and two of them back to back. */

import assert from 'node:assert/strict';

import {
  type FieldLine,
  Http3Core,
  type Http3CoreOptions,
  type Http3Error,
  type Http3Event,
  type Http3Output,
} from '../../src/http3/core/index.js';
import { QpackDecoder, QpackEncoder } from '../../src/qpack/index.js';
import { ByteWriter } from '../../src/wire/index.js';

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
export const none = new Uint8Array(0);

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function varint(value: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.varint(value);
  return writer.take();
}

/** A frame, or a capsule. */
export function frame(type: number, payload: Uint8Array = none): Uint8Array {
  return join(varint(type), varint(payload.length), payload);
}

type Pairs = readonly (readonly [string, string])[];

export function fields(lines: Readonly<Record<string, string>> | Pairs): FieldLine[] {
  const entries: Pairs = Array.isArray(lines) ? (lines as Pairs) : Object.entries(lines as Record<string, string>);
  return entries.map(([name, value]) => ({ name, value }));
}

/** A HEADERS frame that uses no dynamic table. */
export function headers(lines: Parameters<typeof fields>[0]): Uint8Array {
  return frame(1, new QpackEncoder({ maxTableCapacity: 0 }).encode(0, fields(lines)));
}

export function data(text: string): Uint8Array {
  return frame(0, ascii(text));
}

export const get = { ':method': 'GET', ':scheme': 'https', ':authority': 'example.com', ':path': '/' } as const;
export const post = { ...get, ':method': 'POST' } as const;
export const ok = { ':status': '200' } as const;

/** Streams of each side that are not requests. */
export const ids = {
  client: { control: 2, qpackEncoder: 6, qpackDecoder: 10 },
  server: { control: 3, qpackEncoder: 7, qpackDecoder: 11 },
} as const;

/** The remote's streams, for a core of the other role. */
export const remoteIds = { client: ids.server, server: ids.client } as const;

/** Field lines of HEADERS frames that were written without a dynamic table. */
export function decodeHeaders(bytes: Uint8Array): Record<string, string> {
  assert.equal(bytes[0], 1, 'a HEADERS frame');
  const lengthBytes = bytes[1]! < 0x40 ? 1 : 2;
  const lines = new QpackDecoder({ maxTableCapacity: 0 }).decode(0, bytes.subarray(1 + lengthBytes))!;
  return Object.fromEntries(Array.from(lines, ({ name, value }) => [name, value]));
}

/** A core that has been started, with its first outputs taken. */
export function started(options: Http3CoreOptions): Http3Core {
  const core = new Http3Core(options);
  core.start(ids[options.role]);
  core.take();
  return core;
}

/** A core that has been started and has got the remote's SETTINGS. */
export function ready(options: Http3CoreOptions, settings: Uint8Array = none): Http3Core {
  const core = started(options);
  const remote = remoteIds[options.role];
  assert.deepEqual(kinds(core.receive(remote.control, join(hex('00'), frame(4, settings)), false)), ['settings']);
  core.receive(remote.qpackEncoder, hex('02'), false);
  core.receive(remote.qpackDecoder, hex('03'), false);
  core.take();
  return core;
}

export function kinds(events: readonly Http3Event[]): string[] {
  return events.map(({ kind }) => kind);
}

/** The one event of its kind. */
export function only<K extends Http3Event['kind']>(
  events: readonly Http3Event[],
  kind: K,
): Extract<Http3Event, { kind: K }> {
  const found = events.filter((event): event is Extract<Http3Event, { kind: K }> => event.kind === kind);
  assert.equal(found.length, 1, `one ${kind} among ${kinds(events).join(', ') || 'no events'}`);
  return found[0]!;
}

export function contentOf(events: readonly Http3Event[]): string {
  return events.map((event) => (event.kind === 'data' ? Buffer.from(event.bytes).toString('latin1') : '')).join('');
}

/** The connection failed with this code: an event, the closing, and nothing afterwards. */
export function assertFailed(core: Http3Core, events: readonly Http3Event[], errorCode: number): Http3Error {
  const { error } = only(events, 'failed');
  assert.equal(error.errorCode, errorCode, error.message);
  assert.equal(error.scope, 'connection');
  assert.equal(error.remote, false);
  assert.equal(events.at(-1)?.kind, 'failed');
  const close = core.take().at(-1);
  assert.deepEqual(close, { kind: 'close', errorCode, reason: error.message });
  assert.deepEqual(core.receive(core.openRequests, hex('00'), true), [], 'deaf afterwards');
  assert.deepEqual(core.take(), []);
  return error;
}

/** The stream was aborted with this code, on the wire in both directions unless `wire` says what else, and only the stream. */
export function assertAborted(
  core: Http3Core,
  events: readonly Http3Event[],
  streamId: number,
  errorCode: number,
  wire: readonly Http3Output['kind'][] = ['stopSending', 'reset'],
): Http3Error {
  const { error, streamId: found } = only(events, 'aborted');
  assert.equal(found, streamId);
  assert.equal(error.errorCode, errorCode, error.message);
  assert.equal(error.scope, 'stream');
  const outputs = core.take().filter(({ kind }) => kind !== 'write');
  assert.deepEqual(
    outputs,
    wire.map((kind) => ({ kind, streamId, errorCode })),
  );
  return error;
}
