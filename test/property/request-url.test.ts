/** The URL of a request is what `URL` makes of it, whichever way it was come by. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestUrl } from '../../src/http3/server/request-url.js';

const seed = Number(process.env['FC_SEED'] ?? 20261125);
const scheme = fc.constantFrom('https', 'http', 'HTTPS', 'foo');
const authority = fc.oneof(
  fc.constantFrom(
    'a',
    'Example.ORG',
    'a:443',
    'a:80',
    'a:8443',
    '127.1',
    '1.2.3',
    '[::1]:4433',
    '[::',
    'a:',
    'a:99999',
    'xn--',
    'a%62',
    '-',
  ),
  fc.string({ unit: fc.constantFrom(...'aZ09-._~!$&()*+,;=:[]%'), minLength: 1, maxLength: 8 }),
);
const path = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...'aZ0-_~!$&()*+,;=:@/?.%2e', "'", '"', '#', '\\', '|', '\u00e9'),
    maxLength: 12,
  }),
  fc.constantFrom('', '.', '..', 'a/./b', 'a/../b', 'a/..', './', '//x', '?', '?a=/../b', 'a.b/c..d', '...', 'a?b?c'),
);

test('the URL of a request is that of the parser', () => {
  fc.assert(
    fc.property(scheme, authority, path, (scheme, authority, rest) => {
      const text = `${scheme}://${authority}/${rest}`;
      const expected = URL.canParse(text) ? new URL(text).href : undefined;
      assert.equal(requestUrl(scheme, authority, `/${rest}`), expected, text);
      // Once more: now it is known.
      assert.equal(requestUrl(scheme, authority, `/${rest}`), expected, text);
    }),
    { seed, numRuns: 3000 },
  );
});
