// What HTTP clients do and measure, over any protocol. A connection is `{ get(path) }`, which resolves to how many bytes of
// content came once all of it is there.
import { pattern } from './works.mjs';

const MIB = 1 << 20;
export const BLOCK = pattern(MIB);

/** What a small response holds. */
export const SMALL = 'skein '.repeat(171).slice(0, 1024);
export const SMALL_TYPE = 'text/plain;charset=UTF-8';

/** Gets `count` times 1 KB, `atATime` at a time. */
async function small(connection, count, atATime) {
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      const length = await connection.get('/1k');
      if (length !== SMALL.length) throw new Error(`a response had ${length} bytes`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

async function download(connection, mib, path = '/stream') {
  const length = await connection.get(`${path}?mib=${mib}`);
  if (length !== mib * MIB) throw new Error(`${length} bytes came instead of ${mib * MIB}`);
}

/** Works by name. `get-32`: 32 requests at a time. */
const WORKS = {
  'get-32': { run: (connection, count) => small(connection, count, 32), warmUp: (count) => Math.min(10_000, count) },
  'get-100': { run: (connection, count) => small(connection, count, 100), warmUp: (count) => Math.min(10_000, count) },
  download: { run: download, warmUp: (mib) => Math.max(1, Math.floor(mib / 8)) },
  'download-unstated': {
    run: (connection, mib) => download(connection, mib, '/unstated'),
    warmUp: (mib) => Math.max(1, Math.floor(mib / 8)),
  },
};

/** Warms up, waits for the start, works, and reports. */
export async function runHttpWork(control, connection, work, size) {
  const { run, warmUp } = WORKS[work];
  await run(connection, warmUp(size));
  await control.begin();
  await run(connection, size);
  control.report({ work, size });
}

/** Header fields of a large response: the path `/unstated` does not say how much will come. */
export function downloadHeaders(path, mib) {
  return path.startsWith('/unstated')
    ? { 'content-type': SMALL_TYPE }
    : { 'content-type': SMALL_TYPE, 'content-length': String(mib * MIB) };
}

/** A handler as servers with `fetch` want it. */
export function fetchHandler(request) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === '/1k') return new Response(SMALL);
  const mib = Number(searchParams.get('mib'));
  let left = mib;
  return new Response(
    new ReadableStream(
      {
        pull(controller) {
          if (left-- > 0) controller.enqueue(BLOCK);
          else controller.close();
        },
      },
      { highWaterMark: 1 },
    ),
    { headers: downloadHeaders(pathname, mib) },
  );
}

/** Bytes of a stream of Node, or of an iterable. */
export async function lengthOf(chunks) {
  let length = 0;
  for await (const chunk of chunks) length += chunk.length;
  return length;
}
