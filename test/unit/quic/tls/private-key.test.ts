import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { keyWrapping } from '../../../../src/quic/tls/der.js';
import { keyType, parsePrivateKey } from '../../../../src/quic/tls/private-key.js';
import { fromOption } from '../../../../src/quic/tls/sources.js';
import { quicError } from '../../../support/quic-errors.js';

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function parse(value: string | Uint8Array, passphrase?: string): KeyObject {
  return parsePrivateKey(fromOption('key', value), passphrase);
}
function same(key: KeyObject, expected: KeyObject): void {
  const pem = (k: KeyObject) => createPublicKey(k).export({ format: 'pem', type: 'spki' });
  assert.equal(pem(key), pem(expected));
}

const keys = { 'ecdsa-p256': p256, 'ecdsa-p384': p384, ed25519, rsa };
for (const [type, key] of Object.entries(keys)) {
  const wrappings = type === 'rsa' ? ['pkcs8', 'pkcs1'] : type === 'ed25519' ? ['pkcs8'] : ['pkcs8', 'sec1'];
  for (const wrapping of wrappings as ('pkcs8' | 'sec1')[]) {
    test(`${type} as ${wrapping} in PEM and DER`, () => {
      const der = key.export({ format: 'der', type: wrapping });
      assert.equal(keyWrapping(der), wrapping);
      for (const value of [key.export({ format: 'pem', type: wrapping }), der, new Uint8Array(der)]) {
        const parsed = parse(value);
        same(parsed, key);
        assert.equal(keyType(parsed, 'x'), type);
      }
    });
  }
}

const cipher = 'aes-256-cbc';
test('encrypted: PKCS#8 in PEM and DER, and the older PEM headers', () => {
  const passphrase = 'correct horse';
  const der = p256.export({ format: 'der', type: 'pkcs8', cipher, passphrase });
  assert.equal(keyWrapping(der), 'pkcs8-encrypted');
  for (const value of [
    p256.export({ format: 'pem', type: 'pkcs8', cipher, passphrase }),
    der,
    p256.export({ format: 'pem', type: 'sec1', cipher, passphrase }),
  ]) {
    same(parse(value, passphrase), p256);
    assert.throws(() => parse(value), quicError('ERR_QUIC_TLS_PASSPHRASE', /give the option passphrase/));
    assert.throws(() => parse(value, 'wrong'), quicError('ERR_QUIC_TLS_PASSPHRASE', /does not open/));
  }
});

test('a passphrase that is not needed does no harm', () => {
  for (const format of ['pem', 'der'] as const) {
    const value = format === 'pem' ? p256.export({ format, type: 'pkcs8' }) : p256.export({ format, type: 'pkcs8' });
    same(parse(value, 'unused'), p256);
  }
});

test('finds the key among parameters and certificates', () => {
  const pem = p256.export({ format: 'pem', type: 'sec1' }).toString();
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  same(parse(`subject=CN = x\n${parameters}${pem.replaceAll('\n', '\r\n')}`), p256);
});

test('an EC key without its public half gets it back', () => {
  const secret = Buffer.from(p256.export({ format: 'jwk' }).d!, 'base64url');
  // ECPrivateKey (RFC 5915): version 1, the key, [0] the curve; [1], the public key, is left out.
  const curve = Buffer.from('a00a06082a8648ce3d030107', 'hex');
  const bare = Buffer.concat([Buffer.from([0x30, 49, 2, 1, 1, 4, 32]), secret, curve]);
  assert.equal(keyWrapping(bare), 'sec1');
  const complete = p256.export({ format: 'der', type: 'pkcs8' });
  assert.deepEqual(parse(bare).export({ format: 'der', type: 'pkcs8' }), complete);
});

test('says what is there instead of a key', () => {
  const publicKey = createPublicKey(p256).export({ format: 'pem', type: 'spki' });
  const garbledDer = p256.export({ format: 'der', type: 'pkcs8' }).fill(0, 30);
  const cases: [string | Uint8Array, RegExp][] = [
    ['', /the option key is empty/],
    ['hello', /no PEM block at all/],
    [publicKey, /no PRIVATE KEY block, but PUBLIC KEY/],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----', /ssh-keygen/],
    ['-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', /cannot be parsed as a private key/],
    ['-----BEGIN PRIVATE KEY-----\nMIIB\n', /no PEM block at all/],
    [new Uint8Array([1, 2, 3]), /neither PEM nor a private key in DER/],
    [new Uint8Array([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), /neither PEM nor/],
    [garbledDer, /cannot be parsed|neither PEM/],
  ];
  for (const [value, message] of cases) assert.throws(() => parse(value), quicError('ERR_QUIC_TLS_KEY', message));
});

test('truncated DER is refused at every length', () => {
  const der = p256.export({ format: 'der', type: 'pkcs8' });
  for (let length = 0; length < der.length; length++) {
    assert.throws(() => parse(der.subarray(0, length)), quicError('ERR_QUIC_TLS_KEY'));
  }
});

test('refuses kinds of keys that cannot sign for the engine', () => {
  const cases: [KeyObject, RegExp][] = [
    [generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey, /ECDSA key on secp521r1/],
    [generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, /RSA key of 1024 bits/],
    [generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, /type rsa-pss/],
    [generateKeyPairSync('ed448').privateKey, /type ed448/],
    [generateKeyPairSync('x25519').privateKey, /type x25519/],
  ];
  for (const [key, message] of cases) {
    const parsed = parse(key.export({ format: 'pem', type: 'pkcs8' }));
    assert.throws(() => keyType(parsed, 'the option key'), quicError('ERR_QUIC_TLS_KEY_TYPE', message));
  }
});
