/** What a file is, by its name, and whether compressing it is worth while. */

import { lookup } from 'mrmime';

/** Kinds that mrmime does not know or that are served by another name today. */
const OWN: Readonly<Record<string, string>> = { '.ts': 'text/plain', '.mts': 'text/plain', '.map': 'application/json' };

const TEXT = /^text\/|^application\/(?:javascript|json|manifest\+json|xml|ld\+json|toml|yaml|sql)$|\+(?:xml|json)$/;
const COMPRESSIBLE =
  /^application\/(?:wasm|rtf|vnd\.ms-fontobject|x-sh|pdf)$|^font\/(?:ttf|otf)$|^image\/(?:bmp|x-icon|vnd\.microsoft\.icon)$/;

/** The type for `Content-Type`; text is taken to be UTF-8. */
export function contentType(name: string): string {
  const extension = /\.[^./\\]+$/.exec(name)?.[0].toLowerCase();
  const type = extension === undefined ? undefined : (OWN[extension] ?? lookup(extension));
  if (type === undefined) return 'application/octet-stream';
  return TEXT.test(type) ? `${type};charset=utf-8` : type;
}

/** Whether files of a type get smaller by compression: those that hold text, and a few others. */
export function isCompressible(type: string): boolean {
  const bare = type.replace(/;.*$/, '');
  return TEXT.test(bare) || COMPRESSIBLE.test(bare);
}
