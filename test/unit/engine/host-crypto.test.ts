import assert from 'node:assert/strict';
import {
  constants,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
  type KeyPairKeyObjectResult,
  type SignKeyObjectInput,
} from 'node:crypto';
import { describe, test } from 'node:test';
import { hostCrypto } from '../../../src/engine/host-crypto.js';
import { HOST_KEY_FORMAT, HOST_SIGNATURE } from '../../../src/engine/layout.js';

/** A stand-in for the engine's memory: what is put there, and where. */
class Memory {
  readonly bytes = new Uint8Array(64 * 1024);
  #used = 8;
  readonly view = (ptr: number, len: number): Uint8Array => new Uint8Array(this.bytes.buffer, ptr, len);

  put(bytes: Uint8Array): [ptr: number, len: number] {
    const ptr = this.#used;
    this.bytes.set(bytes, ptr);
    this.#used += bytes.length + 8;
    return [ptr, bytes.length];
  }
}

function call(algorithm: number, key: Uint8Array, message: Uint8Array, signature: Uint8Array): number {
  const memory = new Memory();
  const before = [memory.put(key), memory.put(message), memory.put(signature)] as const;
  const copy = memory.bytes.slice();
  const answer = hostCrypto(memory.view, true).verify(algorithm, ...before[0], ...before[1], ...before[2]);
  assert.deepEqual(memory.bytes, copy, 'the memory was only read');
  return answer;
}

/** The bit string of a SubjectPublicKeyInfo, which is the last of it. */
function bits(key: KeyObject): Uint8Array {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ format: 'der', type: 'pkcs1' });
    case 'ed25519':
      return key.export({ format: 'der', type: 'spki' }).subarray(-32);
    default: {
      const { x, y } = key.export({ format: 'jwk' });
      return Buffer.concat([Buffer.of(4), Buffer.from(String(x), 'base64url'), Buffer.from(String(y), 'base64url')]);
    }
  }
}

const ec = (namedCurve: string) => (): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve });
const rsa = (): KeyPairKeyObjectResult => generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Kind {
  readonly make: () => KeyPairKeyObjectResult;
  readonly hash: string | null;
  readonly salt?: number;
}

const KINDS: Readonly<Record<keyof typeof HOST_SIGNATURE, Kind>> = {
  ecdsaP256Sha256: { make: ec('P-256'), hash: 'sha256' },
  ecdsaP256Sha384: { make: ec('P-256'), hash: 'sha384' },
  ecdsaP384Sha256: { make: ec('P-384'), hash: 'sha256' },
  ecdsaP384Sha384: { make: ec('P-384'), hash: 'sha384' },
  ed25519: { make: () => generateKeyPairSync('ed25519'), hash: null },
  rsaPkcs1Sha256: { make: rsa, hash: 'sha256' },
  rsaPkcs1Sha384: { make: rsa, hash: 'sha384' },
  rsaPkcs1Sha512: { make: rsa, hash: 'sha512' },
  rsaPssSha256: { make: rsa, hash: 'sha256', salt: 32 },
  rsaPssSha384: { make: rsa, hash: 'sha384', salt: 48 },
  rsaPssSha512: { make: rsa, hash: 'sha512', salt: 64 },
};

function padded(key: KeyObject, salt: number | undefined): KeyObject | SignKeyObjectInput {
  return salt === undefined ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt };
}

const message = new TextEncoder().encode('the transcript of a handshake');

/** `bytes` with one bit changed. */
function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

for (const [name, { make, hash, salt }] of Object.entries(KINDS) as [keyof typeof HOST_SIGNATURE, Kind][]) {
  describe(`signatures: ${name}`, () => {
    const { privateKey, publicKey } = make();
    const algorithm = HOST_SIGNATURE[name];
    const key = bits(publicKey);
    const signature = sign(hash, message, padded(privateKey, salt));

    test('a good one is, a changed one is not', () => {
      assert.equal(call(algorithm, key, message, signature), 1);
      assert.equal(call(algorithm, key, message, signature), 1, 'by the key that is known now');
      assert.equal(call(algorithm, key, changed(message, 3), signature), 0);
      // The end: at the beginning of an ECDSA signature is structure, not the number.
      assert.equal(call(algorithm, key, message, changed(signature, signature.length - 1)), 0);
      for (const wrong of [signature.subarray(1), Buffer.concat([signature, Buffer.of(0)]), new Uint8Array(0)]) {
        assert.notEqual(call(algorithm, key, message, wrong), 1);
      }
    });

    if (salt !== undefined) {
      test('one that begins with zero is none without it', () => {
        let zero = signature;
        while (zero[0] !== 0) zero = sign(hash, message, padded(privateKey, salt));
        assert.equal(call(algorithm, key, message, zero), 1);
        assert.equal(call(algorithm, key, message, zero.subarray(1)), 0);
      });
    }

    test('not by another key, nor under another algorithm', () => {
      assert.equal(call(algorithm, bits(make().publicKey), message, signature), 0);
      for (const other of Object.values(HOST_SIGNATURE)) {
        if (other !== algorithm) assert.notEqual(call(other, key, message, signature), 1);
      }
      assert.equal(call(99, key, message, signature), -1);
    });

    test('what is no key is left to the engine', () => {
      for (const wrong of [key.subarray(0, 20), new Uint8Array(key.length), new Uint8Array(0)]) {
        assert.notEqual(call(algorithm, wrong, message, signature), 1);
      }
    });

    test('made by a private key of the engine, until it is dropped', () => {
      const formats = { ec: ['pkcs8', 'sec1'], ed25519: ['pkcs8'], rsa: ['pkcs8', 'pkcs1'] } as const;
      for (const type of formats[privateKey.asymmetricKeyType as keyof typeof formats]) {
        const memory = new Memory();
        const host = hostCrypto(memory.view, true);
        const der = privateKey.export({ format: 'der', type } as { format: 'der'; type: 'pkcs8' });
        const number = host.key_import(HOST_KEY_FORMAT[type], ...memory.put(der));
        assert.ok(number >= 0);
        const [text, out] = [memory.put(message), memory.put(new Uint8Array(1024))];
        const length = host.sign(algorithm, number, ...text, ...out);
        assert.ok(length > 0);
        const made = memory.view(out[0], length).slice();
        assert.ok(verify(hash, message, padded(publicKey, salt), made));
        assert.equal(host.sign(algorithm, number, ...text, out[0], length - 8), -1, 'no room');
        host.key_drop(number);
        assert.equal(host.sign(algorithm, number, ...text, ...out), -1);
      }
    });
  });
}

test('RSA-PSS wants a salt as long as the hash', () => {
  const { privateKey, publicKey } = rsa();
  const signature = sign('sha256', message, padded(privateKey, 20));
  assert.equal(call(HOST_SIGNATURE.rsaPssSha256, bits(publicKey), message, signature), 0);
});

test('more keys than are remembered', () => {
  const pairs = Array.from({ length: 80 }, () => generateKeyPairSync('ed25519'));
  for (let round = 0; round < 2; round++) {
    for (const { privateKey, publicKey } of pairs) {
      const signature = sign(null, message, privateKey);
      assert.equal(call(HOST_SIGNATURE.ed25519, bits(publicKey), message, signature), 1);
    }
  }
});

test('an engine with random numbers of its own keeps its private keys', () => {
  const memory = new Memory();
  const host = hostCrypto(memory.view, false);
  const der = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  assert.equal(host.key_import(HOST_KEY_FORMAT.pkcs8, ...memory.put(der)), -1);
});

test('what is no private key, and what is no format', () => {
  const memory = new Memory();
  const host = hostCrypto(memory.view, true);
  assert.equal(host.key_import(HOST_KEY_FORMAT.pkcs8, ...memory.put(new Uint8Array(48))), -1);
  assert.equal(host.key_import(9, ...memory.put(new Uint8Array(48))), -1);
  assert.equal(host.sign(HOST_SIGNATURE.ed25519, 1, 8, 8, 32, 64), -1);
});
