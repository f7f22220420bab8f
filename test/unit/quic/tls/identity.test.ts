import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadIdentity, serverName } from '../../../../src/quic/tls/identity.js';
import {
  certificateSha256,
  createCertificateAuthority,
  spkiSha256,
} from '../../../../src/certificates/certificates.js';
import { quicError } from '../../../support/quic-errors.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const ca = await createCertificateAuthority();
const issued = await ca.issue({ names: ['example.org'], chainLength: 3 });
const other = await ca.issue({ names: ['other.example'] });
const chain = issued.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
const der = chain.map((pem) => new X509Certificate(pem).raw);
const folder = temporaryFolder();
const file = (name: string, data: string | Uint8Array): string => {
  writeFileSync(join(folder, name), data);
  return join(folder, name);
};

test('a chain comes out the same however it went in', async () => {
  const expected = await loadIdentity({ cert: issued.certificate, key: issued.key });
  assert.ok(expected);
  assert.equal(expected.certificate, issued.certificate);
  assert.equal(expected.certificateSha256, issued.certificateSha256.toString('hex'));
  assert.equal(expected.publicKeySha256, issued.spkiSha256.toString('hex'));
  assert.equal(expected.notAfter.getTime() - expected.notBefore.getTime(), 90 * 24 * 3600 * 1000);
  const certPath = file('chain.pem', issued.certificate);
  const keyPath = file('key.pem', issued.key);
  const both = file('both.pem', `${issued.key}\n# a comment\n${issued.certificate}`);
  const ways = [
    { cert: Buffer.from(issued.certificate), key: Buffer.from(issued.key) },
    { cert: chain, key: issued.key },
    { cert: der, key: issued.key },
    { cert: [chain[0]!, der[1]!, new Uint8Array(der[2]!)], key: issued.key },
    { cert: der.map((bytes) => Uint8Array.from(bytes).buffer), key: issued.key },
    { certPath, keyPath },
    { certPath: pathToFileURL(certPath), keyPath: pathToFileURL(keyPath) },
    { certPath: both, keyPath: both },
    { cert: issued.certificate.replaceAll('\n', '\r\n'), key: issued.key.replaceAll('\n', '\r\n') },
  ];
  for (const way of ways) assert.deepEqual(await loadIdentity(way), expected);
});

test('every kind of key', async () => {
  for (const [keyType, expected] of [
    ['ecdsa-p256', 'ecdsa-p256'],
    ['ecdsa-p384', 'ecdsa-p384'],
    ['ed25519', 'ed25519'],
    ['rsa-2048', 'rsa'],
  ] as const) {
    const { certificate, key } = await ca.issue({ keyType });
    const identity = await loadIdentity({ cert: certificate, key });
    assert.equal(identity?.keyType, expected);
    assert.equal(identity.certificateSha256, certificateSha256(certificate).toString('hex'));
    assert.equal(identity.publicKeySha256, spkiSha256(certificate).toString('hex'));
  }
});

test('an expired certificate loads: judging it is the remote’s', async () => {
  const { certificate, key } = await ca.issue({ notBefore: new Date('2020-01-01'), days: 1 });
  assert.equal((await loadIdentity({ cert: certificate, key }))?.notAfter.toISOString(), '2020-01-02T00:00:00.000Z');
});

test('nothing given is no identity', async () => {
  assert.equal(await loadIdentity({}), undefined);
});

test('one without the other, or the same twice, is refused', async () => {
  const cert = issued.certificate;
  const key = issued.key;
  const code = 'ERR_QUIC_INVALID_OPTION';
  await assert.rejects(loadIdentity({ cert }), quicError(code, /given without its key: give key or keyPath/));
  await assert.rejects(
    loadIdentity({ keyPath: 'k' }),
    quicError(code, /without its certificate: give cert or certPath/),
  );
  await assert.rejects(loadIdentity({ cert, certPath: 'c', key }), quicError(code, /cert and certPath are both given/));
  await assert.rejects(
    loadIdentity({ cert, key, keyPath: 'k' }, [], 'sni["a"].'),
    quicError(code, /sni\["a"\]\.key and/),
  );
  await assert.rejects(loadIdentity({ cert: 5 as never, key }), quicError(code, /cert must be a string.*not number/));
});

test('a key of another certificate', async () => {
  await assert.rejects(
    loadIdentity({ cert: issued.certificate, key: other.key }),
    quicError('ERR_QUIC_TLS_KEY_MISMATCH', /option key does not belong to .* option cert/),
  );
  await assert.rejects(
    loadIdentity({ cert: ca.certificate + issued.certificate, key: issued.key }),
    quicError('ERR_QUIC_TLS_KEY_MISMATCH', /certificate 2 of the chain is the one of this key: put it first/),
  );
});

test('what is not a certificate', async () => {
  const key = issued.key;
  const code = 'ERR_QUIC_TLS_CERTIFICATE';
  const garbled = issued.certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  await assert.rejects(loadIdentity({ cert: '', key }), quicError(code, /empty/));
  await assert.rejects(loadIdentity({ cert: [], key }), quicError(code, /empty array/));
  await assert.rejects(loadIdentity({ cert: key, key }), quicError(code, /no CERTIFICATE block, but PRIVATE KEY/));
  await assert.rejects(loadIdentity({ cert: 'hello', key }), quicError(code, /no PEM block at all/));
  await assert.rejects(loadIdentity({ cert: Buffer.from('hello'), key }), quicError(code, /neither PEM nor one DER/));
  await assert.rejects(
    loadIdentity({ cert: garbled, key }),
    quicError(code, /certificate 1 of the option cert cannot be/),
  );
  await assert.rejects(
    loadIdentity({ cert: der[0]!.subarray(0, -1), key }),
    quicError(code, /neither PEM nor one DER certificate/),
  );
});

test('files that cannot be read say which and why', async () => {
  const certPath = file('cert.pem', issued.certificate);
  const missing = join(folder, 'missing.pem');
  await assert.rejects(
    loadIdentity({ certPath: missing, keyPath: missing }),
    quicError('ERR_QUIC_TLS_FILE', /certificate file .*missing\.pem: ENOENT \(no such file or directory\)/),
  );
  await assert.rejects(
    loadIdentity({ certPath, keyPath: folder }),
    quicError('ERR_QUIC_TLS_FILE', /key file .*: EISDIR \(illegal operation on a directory\)/),
  );
  await assert.rejects(loadIdentity({ certPath, keyPath: 'no-such-file.pem' }), (error: Error) => {
    quicError('ERR_QUIC_TLS_FILE')(error);
    assert.ok(error.message.includes(join(process.cwd(), 'no-such-file.pem')), 'a relative path is shown in full');
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT');
    return true;
  });
});

test('a file without permission', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async () => {
  const keyPath = file('secret.pem', issued.key);
  chmodSync(keyPath, 0);
  await assert.rejects(
    loadIdentity({ cert: issued.certificate, keyPath }),
    quicError('ERR_QUIC_TLS_FILE', /EACCES \(permission denied\)/),
  );
});

test('names for SNI', () => {
  assert.equal(serverName('Example.ORG.'), 'example.org');
  assert.equal(serverName('*.example.org'), '*.example.org');
  assert.equal(serverName('bücher.example'), 'xn--bcher-kva.example');
  assert.equal(serverName('_x-1.example'), '_x-1.example');
  for (const bad of ['127.0.0.1', '::1', '', '*', '*.', 'a..b', 'a b', '-', 'a.*.b', 'https://a']) {
    assert.throws(() => serverName(bad), quicError('ERR_QUIC_INVALID_OPTION'), bad);
  }
});
