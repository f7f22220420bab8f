import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, parseHttpDate, rangeHolds } from '../../../src/cli/serve/conditions.js';
import { chooseCoding, CODINGS } from '../../../src/cli/serve/content-coding.js';
import { contentType, isCompressible } from '../../../src/cli/serve/content-type.js';
import { isHidden, namesIn } from '../../../src/cli/serve/folder.js';
import { listing } from '../../../src/cli/serve/listing.js';
import { parseRange } from '../../../src/cli/serve/ranges.js';

const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
const time = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('conditions (RFC 9110 section 13)', () => {
  const now = { etag: '"a"', lastModified: time };
  const verdict = (headers: Record<string, string>, method = 'GET', validators = now): unknown =>
    judge(method, new Headers(headers), validators);

  test('dates in the three forms of HTTP, and in no other', () => {
    for (const text of [date, 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
      assert.equal(parseHttpDate(text), time, text);
    }
    for (const text of ['', '1994', '1994-11-06T08:49:37Z', 'Sun, 06 Nov 1994 08:49:37 +0100', `${date} or so`]) {
      assert.equal(parseHttpDate(text), undefined, text);
    }
  });

  test('If-None-Match compares weakly, and goes before If-Modified-Since', () => {
    assert.equal(verdict({ 'if-none-match': '"b", W/"a"' }), 304);
    assert.equal(verdict({ 'if-none-match': '*' }, 'HEAD'), 304);
    assert.equal(verdict({ 'if-none-match': '"b"', 'if-modified-since': date }), 'go');
    assert.equal(verdict({ 'if-none-match': '"a"' }, 'PUT'), 412);
  });

  test('If-Modified-Since, where it is a date', () => {
    assert.equal(verdict({ 'if-modified-since': date }), 304);
    assert.equal(verdict({ 'if-modified-since': 'Sun, 06 Nov 1994 08:49:36 GMT' }), 'go');
    assert.equal(verdict({ 'if-modified-since': 'tomorrow' }), 'go');
    assert.equal(verdict({ 'if-modified-since': date }, 'PUT'), 'go');
  });

  test('If-Match compares strongly, and goes before If-Unmodified-Since', () => {
    assert.equal(verdict({ 'if-match': '"a"' }), 'go');
    assert.equal(verdict({ 'if-match': '*' }), 'go');
    assert.equal(verdict({ 'if-match': 'W/"a"' }), 412);
    assert.equal(verdict({ 'if-match': 'W/"a"' }, 'GET', { ...now, etag: 'W/"a"' }), 412);
    assert.equal(verdict({ 'if-match': '"a"', 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:36 GMT' }), 'go');
    assert.equal(verdict({ 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:36 GMT' }), 412);
    assert.equal(verdict({ 'if-unmodified-since': date, 'if-none-match': '"a"' }), 304);
  });

  test('If-Range holds by a strong tag, or by a date that cannot be of two versions', () => {
    assert.equal(rangeHolds(null, now, time), true);
    assert.equal(rangeHolds('"a"', now, time), true);
    assert.equal(rangeHolds('"b"', now, time), false);
    assert.equal(rangeHolds('W/"a"', { ...now, etag: 'W/"a"' }, time), false);
    assert.equal(rangeHolds(date, now, time + 5000), true);
    assert.equal(rangeHolds(date, now, time + 999), false);
    assert.equal(rangeHolds('Sun, 06 Nov 1994 08:49:38 GMT', now, time + 5000), false);
  });
});

test('ranges: what a file of ten bytes answers', () => {
  const parsed = (field: string | null, size = 10): unknown =>
    parseRange(field, size)?.map(({ first, last }) => `${first}-${last}`);
  assert.deepEqual(parsed('bytes=0-3'), ['0-3']);
  assert.deepEqual(parsed('BYTES=2-'), ['2-9']);
  assert.deepEqual(parsed('bytes=-4'), ['6-9']);
  assert.deepEqual(parsed('bytes=-99'), ['0-9']);
  assert.deepEqual(parsed('bytes=5-99'), ['5-9']);
  assert.deepEqual(parsed('bytes=0-1 , 4-5,,8-'), ['0-1', '4-5', '8-9']);
  assert.deepEqual(parsed('bytes=0-1,20-30'), ['0-1']);
  for (const field of ['bytes=10-', 'bytes=-0', 'bytes=20-30,40-']) assert.deepEqual(parsed(field), [], field);
  assert.deepEqual(parsed('bytes=0-0', 0), []);
  // Not understood, or more than the file: as if it had not been there.
  const many = Array.from({ length: 17 }, () => '0-0').join();
  for (const field of [
    null,
    '',
    'bytes',
    'bytes=',
    'bytes=a-b',
    'bytes=3-2',
    'bytes=--2',
    'items=0-1',
    'bytes=0-9,0-9',
    `bytes=${many}`,
  ]) {
    assert.equal(parsed(field), undefined, String(field));
  }
});

test('Accept-Encoding: the greatest weight, then the best', () => {
  assert.equal(chooseCoding(null), undefined);
  assert.equal(chooseCoding(''), undefined);
  assert.equal(chooseCoding('gzip, deflate, br'), 'br');
  assert.equal(chooseCoding('gzip;q=1.0, br;q=0.5'), 'gzip');
  assert.equal(chooseCoding('x-gzip'), 'gzip');
  assert.equal(chooseCoding('*'), CODINGS[0]);
  assert.equal(
    chooseCoding('br;q=0, *;q=0.1'),
    CODINGS.find((coding) => coding !== 'br'),
  );
  assert.equal(chooseCoding('gzip;q=0.5, identity'), undefined);
  assert.equal(chooseCoding('gzip;q=much'), undefined);
  assert.equal(chooseCoding('deflate'), undefined);
});

test('types, and which of them are compressed', () => {
  assert.equal(contentType('a.HTML'), 'text/html;charset=utf-8');
  assert.equal(contentType('a.b.js'), 'text/javascript;charset=utf-8');
  assert.equal(contentType('a.png'), 'image/png');
  assert.equal(contentType('Makefile'), 'application/octet-stream');
  assert.equal(contentType('a.unheard-of'), 'application/octet-stream');
  const compressible = ['a.html', 'a.css', 'a.mjs', 'a.json', 'a.svg', 'a.wasm', 'a.txt', 'a.webmanifest', 'a.ttf'];
  for (const name of compressible) assert.ok(isCompressible(contentType(name)), name);
  for (const name of ['a.png', 'a.jpg', 'a.zip', 'a.gz', 'a.woff2', 'a.mp4', 'a']) {
    assert.ok(!isCompressible(contentType(name)), name);
  }
});

test('names in paths, and paths that can be no file', () => {
  assert.deepEqual(namesIn('/'), []);
  assert.deepEqual(namesIn('/a/b%20c'), ['a', 'b c']);
  assert.deepEqual(namesIn('/a/'), ['a']);
  const refused = ['//', '//a', '/a//b', '/..', '/%2e%2e/a', '/a%2fb', '/..%2fa', '/a%5c..%5cb', '/a%00', '/%', '/%ff'];
  for (const path of [...refused, '/a/./b', `/${'a'.repeat(300)}`]) assert.equal(namesIn(path), undefined, path);
  assert.ok(isHidden('.git'));
  assert.ok(!isHidden('.well-known'));
});

test('a listing escapes names', () => {
  const entry = { name: '<b>&"\'.txt', isFolder: false, size: 5, modified: new Date(0) };
  const page = listing(['<i>'], [entry, { ...entry, name: 'javascript:x', isFolder: true }], false);
  assert.doesNotMatch(page, /<b>|<i>/);
  assert.match(page, /href="\.\/%3Cb%3E%26%22&#39;\.txt">&lt;b&gt;&amp;&quot;&#39;\.txt</);
  assert.match(page, /href="\.\/javascript%3Ax\/"/);
  assert.match(page, /first 2/);
});
