import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pin } from '../../../../src/quic/tls/options.js';
import { parsePin, parsePins } from '../../../../src/quic/tls/pins.js';
import { quicError } from '../../../support/quic-errors.js';

const digest = createHash('sha256').update('skein').digest();
const hex = digest.toString('hex');
const base64 = digest.toString('base64');
const colons = hex.toUpperCase().match(/../g)!.join(':');

const notations: Record<string, Pin> = {
  'sha256/BASE64 (RFC 7469 and Chromium)': `sha256/${base64}`,
  'sha256//BASE64 (curl)': `sha256//${base64}`,
  'base64 alone': base64,
  'base64 without padding': base64.replace('=', ''),
  hex,
  'hex in upper case': hex.toUpperCase(),
  'hex with colons': colons,
  'what openssl x509 -fingerprint prints': `sha256 Fingerprint=${colons}\n`,
  'SHA256:hex': `SHA256:${hex}`,
  bytes: new Uint8Array(digest),
  Buffer: digest,
};
for (const [name, pin] of Object.entries(notations)) {
  test(`reads ${name}`, () => assert.deepEqual(parsePin(pin, 'publicKeyPins'), new Uint8Array(digest)));
}

test('a slash is a digit of base64 too', () => {
  const bytes = new Uint8Array(32).fill(0xff);
  const digits = Buffer.from(bytes).toString('base64');
  assert.ok(digits.startsWith('//'));
  for (const pin of [digits, `sha256/${digits}`, `sha256//${digits}`]) assert.deepEqual(parsePin(pin, 'x'), bytes);
});

test('any SHA-256 survives every notation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      for (const text of [
        buffer.toString('hex'),
        buffer.toString('base64'),
        `sha256/${buffer.toString('base64')}`,
        `sha256//${buffer.toString('base64')}`,
      ]) {
        assert.deepEqual(parsePin(text, 'x'), bytes);
      }
    }),
  );
});

test('what it returns is not the memory it was given', () => {
  const given = new Uint8Array(digest);
  const parsed = parsePin(given, 'x');
  given.fill(0);
  assert.deepEqual(parsed, new Uint8Array(digest));
});

const bad: Record<string, unknown> = {
  'an empty string': '',
  'too few digits': hex.slice(2),
  'too many digits': `${hex}00`,
  'a SHA-1 fingerprint': colons.slice(0, 59),
  'a letter that is no digit': `g${hex.slice(1)}`,
  'base64 that holds 33 bytes': Buffer.alloc(33).toString('base64'),
  'base64 with bits left over': `${base64.slice(0, 42)}B=`,
  'another hash': `sha512/${base64}`,
  '31 bytes': new Uint8Array(31),
  'a number': 5,
  nothing: undefined,
};
for (const [name, pin] of Object.entries(bad)) {
  test(`refuses ${name}`, () => {
    assert.throws(() => parsePin(pin as Pin, 'certificatePins'), quicError('ERR_QUIC_TLS_PIN', /certificatePins/));
  });
}

test('the engine takes hex', () => {
  assert.deepEqual(parsePins([`sha256/${base64}`, digest], 'x'), [hex, hex]);
  assert.deepEqual(parsePins(undefined, 'x'), []);
});
