import assert from 'node:assert/strict';
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadTlsMaterial, TlsMaterialStore } from '../../../../src/quic/tls/material.js';
import { createCertificateAuthority } from '../../../../src/certificates/certificates.js';
import { quicError } from '../../../support/quic-errors.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const ca = await createCertificateAuthority();
const first = await ca.issue();
const second = await ca.issue();
const folder = temporaryFolder();
const certPath = join(folder, 'cert.pem');
const keyPath = join(folder, 'key.pem');
const server = { identity: true, trust: false };
const client = { identity: false, trust: true };

function put({ certificate, key }: { certificate: string; key: string }): void {
  writeFileSync(certPath, certificate);
  writeFileSync(keyPath, key);
}

test('a server with certificates by name', async () => {
  const material = await loadTlsMaterial(
    {
      cert: first.certificate,
      key: first.key,
      sni: { 'A.example': { cert: second.certificate, key: second.key }, '*.b.example': { ...keyed(first) } },
    },
    server,
  );
  assert.deepEqual(
    material.identities.map(({ names }) => names),
    [[], ['a.example'], ['*.b.example']],
  );
  assert.equal(material.ca, undefined);
});

function keyed({ certificate, key }: { certificate: string; key: string }): { cert: string; key: string } {
  return { cert: certificate, key };
}

test('a server with named certificates only', async () => {
  const { identities } = await loadTlsMaterial({ sni: { 'a.example': keyed(second) } }, server);
  assert.deepEqual(
    identities.map(({ names }) => names),
    [['a.example']],
  );
});

test('a server without a certificate is told how to get one', async () => {
  await assert.rejects(loadTlsMaterial({}, server), quicError('ERR_QUIC_INVALID_OPTION', /npx skein cert/));
});

test('messages name the option of the entry', async () => {
  await assert.rejects(
    loadTlsMaterial({ sni: { 'a.example': { cert: 'x', key: second.key } } }, server),
    quicError('ERR_QUIC_TLS_CERTIFICATE', /sni\["a\.example"\]\.cert holds no PEM/),
  );
  await assert.rejects(
    loadTlsMaterial({ sni: { 'a.example': {} } }, server),
    quicError('ERR_QUIC_INVALID_OPTION', /sni\["a\.example"\]\.cert and .* missing/),
  );
});

test('a client: trust, pins, and a certificate only if given', async () => {
  const material = await loadTlsMaterial(
    { ca: ca.certificate, certificatePins: [first.certificateSha256], publicKeyPins: [first.spkiSha256] },
    client,
  );
  assert.equal(material.ca, ca.certificate);
  assert.deepEqual(material.identities, []);
  assert.deepEqual(material.certificatePins, [first.certificateSha256.toString('hex')]);
  assert.deepEqual(material.publicKeyPins, [first.spkiSha256.toString('hex')]);
  await assert.rejects(
    loadTlsMaterial({ ca: ca.certificate, publicKeyPins: ['x'] }, client),
    quicError('ERR_QUIC_TLS_PIN', /publicKeyPins/),
  );
});

test('reload takes what changed on disk', async () => {
  put(first);
  const store = await TlsMaterialStore.load({ certPath, keyPath }, server);
  const before = store.current;
  assert.equal(await store.reload(), false);
  assert.equal(store.current, before, 'the same object when nothing changed');
  put(second);
  assert.equal(await store.reload(), true);
  assert.equal(store.current.identities[0]?.certificateSha256, second.certificateSha256.toString('hex'));
});

test('a reload that fails leaves what is in use, and the next one can succeed', async () => {
  put(first);
  const store = await TlsMaterialStore.load({ certPath, keyPath }, server);
  const before = store.current;
  writeFileSync(certPath, second.certificate); // the key is still the old one
  await assert.rejects(store.reload(), quicError('ERR_QUIC_TLS_KEY_MISMATCH', /just renewed/));
  unlinkSync(keyPath);
  await assert.rejects(store.reload(), quicError('ERR_QUIC_TLS_FILE', /key\.pem: ENOENT/));
  assert.equal(store.current, before);
  put(second);
  assert.equal(await store.reload(), true);
  assert.notEqual(store.current, before);
});

test('reloads that overlap run one after the other: the last one wins', async () => {
  put(first);
  const store = await TlsMaterialStore.load({ certPath, keyPath }, server);
  put(second);
  const results = [store.reload(), store.reload()];
  assert.deepEqual(await Promise.all(results), [true, false]);
  assert.equal(store.current.identities[0]?.key, second.key);
});

test('loading for the first time fails as reading does', async () => {
  await assert.rejects(
    TlsMaterialStore.load({ certPath: join(folder, 'none'), keyPath }, server),
    quicError('ERR_QUIC_TLS_FILE'),
  );
});
