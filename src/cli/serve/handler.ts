/** Answers requests for the files of a folder. */

import { randomUUID } from 'node:crypto';
import type { FetchHandler } from '../../http3.js';
import type { AccessLog } from './access-log.js';
import { judge, rangeHolds, type Validators } from './conditions.js';
import { chooseCoding, type Coding } from './content-coding.js';
import { contentType, isCompressible } from './content-type.js';
import { compressed, fileBody, type Piece } from './file-body.js';
import { type FoundFile, namesIn, type ServedFolder } from './folder.js';
import { listing, LISTING_POLICY } from './listing.js';
import { type ByteRange, parseRange } from './ranges.js';

/** Below it, compression saves nothing that is worth its time. */
const MIN_COMPRESSED_BYTES = 1024;

const METHODS = 'GET, HEAD, OPTIONS';
const ECHO_METHODS = 'POST, PUT, OPTIONS';

/** On every response. Clients ask each time whether what they have is still good: files change while somebody works on them. */
const COMMON = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' } as const;

export interface FolderHandling {
  /** Whether folders without index.html are listed. */
  readonly listing: boolean;
  readonly compression: boolean;
  /** Path at which POST and PUT answer with what they were sent. */
  readonly echo?: string | undefined;
  readonly log?: AccessLog | undefined;
}

export function folderHandler(folder: ServedFolder, handling: FolderHandling): FetchHandler {
  return async (request, info) => {
    const response = await answer(folder, handling, request);
    return handling.log?.(request, info, response) ?? response;
  };
}

async function answer(folder: ServedFolder, handling: FolderHandling, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (pathname === handling.echo) return echo(request);
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { ...COMMON, allow: METHODS } });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(request, 405, 'Only GET and HEAD', { allow: METHODS });
  }
  const names = namesIn(pathname);
  if (!names) return text(request, 404, 'Not found');
  const found = await folder.find(names);
  const asFolder = pathname.endsWith('/');
  switch (found.kind) {
    case 'file':
      if (!asFolder) return file(request, found, handling);
      await found.handle.close();
      return text(request, 404, 'Not found');
    case 'folder': {
      if (!asFolder) return redirect(request, names, search);
      const index = await folder.find([...names, 'index.html']);
      if (index.kind === 'file') return file(request, index, handling);
      return handling.listing ? list(request, folder, names, found.path) : text(request, 404, 'Not found');
    }
    case 'missing':
      return text(request, 404, 'Not found');
    case 'forbidden':
      return text(request, 403, 'Not for the user that this server runs as');
  }
}

function text(request: Request, status: number, words: string, headers: Record<string, string> = {}): Response {
  const body = `${words}\n`;
  return new Response(request.method === 'HEAD' ? null : body, {
    status,
    headers: {
      ...COMMON,
      'content-type': 'text/plain;charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
  });
}

function echo(request: Request): Response {
  if (request.method === 'OPTIONS') {
    return new Response(null, { status: 204, headers: { ...COMMON, allow: ECHO_METHODS } });
  }
  if (request.method !== 'POST' && request.method !== 'PUT') {
    return text(request, 405, 'Only POST and PUT', { allow: ECHO_METHODS });
  }
  // Whatever it is said to be, it is not shown as a page of this server.
  const type = request.headers.get('content-type') ?? 'application/octet-stream';
  return new Response(request.body, {
    headers: { ...COMMON, 'content-type': type, 'content-security-policy': 'sandbox' },
  });
}

/** To the folder's own name, with its slash: links within it are relative to that. */
function redirect(request: Request, names: readonly string[], search: string): Response {
  const path = names.map((name) => `/${encodeURIComponent(name)}`).join('');
  return text(request, 308, 'This is a folder', { location: `${path}/${search}` });
}

async function list(request: Request, folder: ServedFolder, names: readonly string[], path: string): Promise<Response> {
  const { entries, isAll } = await folder.list(path);
  const page = Buffer.from(listing(names, entries, isAll));
  return new Response(request.method === 'HEAD' ? null : page, {
    headers: {
      ...COMMON,
      'content-type': 'text/html;charset=utf-8',
      'content-length': String(page.length),
      'content-security-policy': LISTING_POLICY,
    },
  });
}

async function file(request: Request, found: FoundFile, handling: FolderHandling): Promise<Response> {
  let sent = false;
  try {
    const response = fileResponse(request, found, handling);
    sent = response.body !== null && request.method !== 'HEAD';
    return response;
  } finally {
    // The body closes it at its end; without a body nobody else would.
    if (!sent) await found.handle.close();
  }
}

function fileResponse(request: Request, { name, handle, stats }: FoundFile, handling: FolderHandling): Response {
  const { method, headers: asked } = request;
  const now = Date.now();
  const size = Number(stats.size);
  const type = contentType(name);
  const mayCompress = handling.compression && size >= MIN_COMPRESSED_BYTES && isCompressible(type);
  const range = method === 'GET' ? parseRange(asked.get('range'), size) : undefined;
  // Ranges are of the file as it is: offsets into something compressed anew each time would be worth nothing.
  const coding = mayCompress && range === undefined ? chooseCoding(asked.get('accept-encoding')) : undefined;
  const validators = validatorsOf(stats, coding, now);
  const headers: Record<string, string> = {
    ...COMMON,
    'accept-ranges': 'bytes',
    etag: validators.etag,
    'last-modified': new Date(validators.lastModified).toUTCString(),
    ...(mayCompress && { vary: 'accept-encoding' }),
  };
  const verdict = judge(method, asked, validators);
  if (verdict === 304) return new Response(null, { status: 304, headers });
  if (verdict === 412) return text(request, 412, 'The file is another by now', headers);
  headers['content-type'] = type;
  if (range && rangeHolds(asked.get('if-range'), validators, now)) {
    if (range.length === 0) return text(request, 416, 'The file is shorter', { 'content-range': `bytes */${size}` });
    return partial(fileBody.bind(undefined, handle), range, size, headers);
  }
  if (coding === undefined) headers['content-length'] = String(size);
  else headers['content-encoding'] = coding;
  if (size === 0) return new Response(null, { headers });
  // Nobody reads it: it says that there would be content, whose length is not known when it is compressed.
  if (method === 'HEAD') return new Response(new ReadableStream<Uint8Array>(), { headers });
  const body = fileBody(handle, [{ first: 0, last: size - 1 }]);
  return new Response(coding === undefined ? body : compressed(body, coding), { headers });
}

/** Nanoseconds and inode make the tag strong: a file that was replaced or written to has another. */
function validatorsOf({ size, mtimeNs, ino }: FoundFile['stats'], coding: Coding | undefined, now: number): Validators {
  const tag = [size, mtimeNs, ino].map((number) => number.toString(36)).join('-');
  // What is compressed anew each time need not be the same byte for byte.
  const etag = coding === undefined ? `"${tag}"` : `W/"${tag}-${coding}"`;
  // A date that is to come would be no validator (RFC 9110 section 8.8.2.1).
  const lastModified = Math.floor(Math.min(Number(mtimeNs / 1_000_000n), now) / 1000) * 1000;
  return { etag, lastModified };
}

function partial(
  body: (pieces: readonly Piece[]) => ReadableStream<Uint8Array>,
  ranges: readonly ByteRange[],
  size: number,
  headers: Record<string, string>,
): Response {
  const [only] = ranges;
  const inBytes = ({ first, last }: ByteRange): string => `bytes ${first}-${last}/${size}`;
  if (ranges.length === 1 && only) {
    headers['content-range'] = inBytes(only);
    headers['content-length'] = String(only.last - only.first + 1);
    return new Response(body([only]), { status: 206, headers });
  }
  const boundary = `skein-${randomUUID()}`;
  const pieces = ranges.flatMap((range, index): Piece[] => [
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\ncontent-type: ${headers['content-type'] ?? ''}\r\ncontent-range: ${inBytes(range)}\r\n\r\n`,
    ),
    range,
  ]);
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`));
  const length = pieces.reduce(
    (sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.last - piece.first + 1),
    0,
  );
  return new Response(body(pieces), {
    status: 206,
    headers: {
      ...headers,
      'content-type': `multipart/byteranges; boundary=${boundary}`,
      'content-length': String(length),
    },
  });
}
