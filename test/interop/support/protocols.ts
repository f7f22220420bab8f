/** The two protocols that the peers speak, over skein's raw streams. */

import assert from 'node:assert/strict';
import type { QuicConnection, QuicStream } from '../../../src/index.js';
import type { PeerEvent } from './peer-events.js';
import { sha256, type ServedFile, type ServedFiles } from './files.js';

/** HTTP/0.9 on raw streams: the request is `GET /path\r\n`, the answer the file's bytes. */
export const FILES = 'hq-interop';
/** Streams and datagrams come back as they were sent. */
export const ECHO = 'skein-echo';
/** What a server resets a stream with when there is no such file. */
export const NOT_FOUND = 0x404;

const text = new TextDecoder();
const bytes = new TextEncoder();

/** Answers one request of `hq-interop`; the file that was asked for. */
export async function serveFile(stream: QuicStream, files: ServedFiles): Promise<string> {
  const line = text.decode(await stream.receiveAll(4096));
  const path = /^GET (\/[^\r\n]*)\r?\n?$/.exec(line)?.[1] ?? line;
  const file = files.byPath.get(path);
  if (file) {
    await stream.send(file.bytes);
    await stream.finish();
  } else stream.reset(NOT_FOUND);
  return path;
}

/** Asks for one file; its bytes. `onBytes` is told how many have come, whenever some do. */
export async function fetchFile(
  connection: QuicConnection,
  path: string,
  onBytes?: (received: number) => void,
): Promise<Buffer> {
  const stream = await connection.openBidirectionalStream({ waitForCredit: true });
  await stream.send(bytes.encode(`GET ${path}\r\n`));
  await stream.finish();
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    received += chunk.length;
    onBytes?.(received);
  }
  return Buffer.concat(chunks, received);
}

/** Asks for all files at once, and compares what comes. */
export async function fetchAll(connection: QuicConnection, files: ServedFiles): Promise<void> {
  const fetched = files.paths.map(async (path) => assertSame(files, path, sha256(await fetchFile(connection, path))));
  await Promise.all(fetched);
}

function assertSame(files: ServedFiles, path: string | undefined, digest: string | undefined): void {
  const file: ServedFile | undefined = files.byPath.get(path ?? '');
  assert.ok(file, `nobody has asked for ${String(path)}`);
  assert.equal(digest, file.sha256, `${file.path} came with other bytes`);
}

/** Compares what a peer's client has fetched on a connection with the files: all of them, each once. */
export function assertFetched(events: readonly PeerEvent[], files: ServedFiles): void {
  assert.deepEqual(
    events.map(({ path }) => path).sort(),
    [...files.paths].sort(),
    'not every file was fetched, or one of them twice',
  );
  for (const event of events) assertSame(files, event.path, event.sha256);
}

/** Echoes a stream: a unidirectional one on a stream of this side. */
export async function echoStream(stream: QuicStream, connection: QuicConnection): Promise<void> {
  if (stream.direction === 'bidirectional') {
    for await (const chunk of stream) await stream.send(chunk);
    await stream.finish();
    return;
  }
  const body = await stream.receiveAll();
  const answer = await connection.openUnidirectionalStream({ waitForCredit: true });
  await answer.send(body);
  await answer.finish();
}
