/** The URL of a request, as `URL` would write it. Most need no parsing: the same authority again, and a path of plain characters. */

const MAX_ORIGINS = 256;
/** Origins by scheme and authority as they came; those that are no URL have none. The oldest are forgotten all at once. */
const origins = new Map<string, string | undefined>();

/** Characters of path and query that `URL` leaves as they are, whatever is around them. */
const plain = new Uint8Array(128);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~!$&()*+,;=:@/?') {
  plain[character.charCodeAt(0)] = 1;
}

/** @returns undefined when it is no URL */
export function requestUrl(scheme: string, authority: string, path: string): string | undefined {
  const begin = `${scheme}://${authority}`;
  // Of other schemes `URL` writes what follows in other ways.
  if (scheme !== 'https' && scheme !== 'http') return parsed(begin + path);
  let origin = origins.get(begin);
  if (origin === undefined) {
    if (origins.has(begin)) return undefined;
    if (origins.size >= MAX_ORIGINS) origins.clear();
    origin = originOf(begin);
    origins.set(begin, origin);
    if (origin === undefined) return undefined;
  }
  return isPlain(path) ? origin + path : parsed(origin + path);
}

/** Without its last slash. */
function originOf(begin: string): string | undefined {
  return parsed(`${begin}/`)?.slice(0, -1);
}

function isPlain(path: string): boolean {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    // A dot may be a segment of its own, which is resolved, or begin one that is.
    if (code >= 128 || plain[code] !== 1) {
      if (code !== 0x2e || at === 0 || path.charCodeAt(at - 1) === 0x2f || path.charCodeAt(at - 1) === 0x2e)
        return false;
    }
  }
  return path.charCodeAt(0) === 0x2f;
}

function parsed(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).href : undefined;
}
