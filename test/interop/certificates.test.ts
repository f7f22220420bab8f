import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloseInfo, QuicErrorCode } from '../../src/index.js';
import { CHANNELS } from '../../src/observe/index.js';
import { createCertificateAuthority, type CertificateOptions } from '../../src/testing/index.js';
import { quicError } from '../support/quic-errors.js';
import { until } from '../support/until.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { certificateFile, startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchAll, FILES } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '1k': 1024 });
const folder = temporaryFolder();
const ca = await createCertificateAuthority();
const stranger = await createCertificateAuthority();

/** CRYPTO_ERROR: 0x100 and the TLS alert (RFC 9001 4.8). */
const BAD_CERTIFICATE_CODES = [42, 46, 48].map((alert) => 0x100 + alert);
const CERTIFICATE_REQUIRED = 0x100 + 116;
const NO_APPLICATION_PROTOCOL = 0x100 + 120;

function fingerprint(pem: string | Buffer): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** How the connections of this process ended since the call, those included that were never established. */
function endings(): { readonly infos: readonly CloseInfo[] } & Disposable {
  const infos: CloseInfo[] = [];
  const listener = (message: unknown): void => void infos.push((message as { info: CloseInfo }).info);
  subscribe(CHANNELS.connectionClose, listener);
  return { infos, [Symbol.dispose]: () => unsubscribe(CHANNELS.connectionClose, listener) };
}

againstEachPeer('client certificate: skein connects and shows it', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder, '--client-ca', certificateFile('ca.pem')]);
  const identity = { certPath: certificateFile('client.pem'), keyPath: certificateFile('client-key.pem') };
  await using client = skeinClient(server, identity);
  const connection = await client.connect();
  await fetchAll(connection, files);
  const { peerCertificate } = await server.process.of('handshake');
  assert.equal(peerCertificate, fingerprint(readFileSync(identity.certPath)));
});

againstEachPeer('client certificate: skein connects without one', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder, '--client-ca', certificateFile('ca.pem')]);
  await using client = skeinClient(server);
  // The client's handshake may be over before the server has looked for the certificate (RFC 8446 4.4.2.4).
  await assert.rejects(async () => fetchAll(await client.connect(), files), quicError('ERR_QUIC_CERTIFICATE_REQUIRED'));
});

againstEachPeer('client certificate: skein connects with one of an unknown issuer', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder, '--client-ca', certificateFile('ca.pem')]);
  const identity = { certPath: certificateFile('stranger.pem'), keyPath: certificateFile('stranger-key.pem') };
  await using client = skeinClient(server, identity);
  // aioquic says bad_certificate, whatever is wrong.
  const code = peer === 'aioquic' ? 'ERR_QUIC_CERTIFICATE_INVALID' : 'ERR_QUIC_CERTIFICATE_ISSUER';
  await assert.rejects(async () => fetchAll(await client.connect(), files), quicError(code));
});

againstEachPeer('client certificate: skein serves and requires it', async (peer) => {
  await using skein = await startSkeinServer(files, { requestCert: true, caPath: certificateFile('ca.pem') });
  const identity = ['--client-cert', certificateFile('client.pem'), '--client-key', certificateFile('client-key.pem')];
  await using client = startPeerClient(peer, skein.port, [...identity, '--get', '/1k']);
  await client.done();
  assertFetched(client.all('file'), files);
  const [leaf] = skein.connections[0]?.peerCertificates ?? [];
  assert.ok(leaf);
  assert.equal(fingerprint(Buffer.from(leaf)), fingerprint(readFileSync(certificateFile('client.pem'))));
});

againstEachPeer('client certificate: skein serves, and the client has none', async (peer) => {
  using ended = endings();
  await using skein = await startSkeinServer(files, { requestCert: true, caPath: certificateFile('ca.pem') });
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k']);
  await client.done(1);
  const { by, kind, code } = await client.of('closed');
  assert.deepEqual([by, kind, code], ['peer', 'transport', CERTIFICATE_REQUIRED]);
  assert.equal(skein.connections.length, 0);
  assert.deepEqual(
    ended.infos.map(({ error }) => error.code),
    ['ERR_QUIC_CERTIFICATE_REQUIRED'],
  );
});

againstEachPeer('client certificate: skein serves, and the issuer of the client’s is unknown', async (peer) => {
  using ended = endings();
  await using skein = await startSkeinServer(files, { requestCert: true, caPath: certificateFile('ca.pem') });
  const identity = [
    ...['--client-cert', certificateFile('stranger.pem')],
    ...['--client-key', certificateFile('stranger-key.pem')],
  ];
  await using client = startPeerClient(peer, skein.port, [...identity, '--get', '/1k']);
  await client.done(1);
  const { by, kind, code } = await client.of('closed');
  assert.deepEqual([by, kind], ['peer', 'transport']);
  assert.ok(BAD_CERTIFICATE_CODES.includes(code ?? 0), String(code));
  assert.equal(skein.connections.length, 0);
  assert.deepEqual(
    ended.infos.map(({ error }) => error.code),
    ['ERR_QUIC_CERTIFICATE_ISSUER'],
  );
});

const DAY = 24 * 3600 * 1000;
const faults: readonly (readonly [string, QuicErrorCode, CertificateOptions, { readonly ca?: string }?])[] = [
  [
    'an expired certificate',
    'ERR_QUIC_CERTIFICATE_EXPIRED',
    { notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) },
  ],
  ['a certificate of an unknown issuer', 'ERR_QUIC_CERTIFICATE_ISSUER', {}, { ca: stranger.certificate }],
  ['a certificate for another name', 'ERR_QUIC_CERTIFICATE_NAME', { names: ['other.example'] }],
];

for (const [what, code, options, trust] of faults) {
  againstEachPeer(`${what}: skein connects`, async (peer) => {
    const { certificate, key } = await ca.issue(options);
    const [certPath, keyPath] = [join(folder, `${code}.pem`), join(folder, `${code}-key.pem`)];
    writeFileSync(certPath, certificate);
    writeFileSync(keyPath, key);
    await using server = await startPeerServer(peer, ['--cert', certPath, '--key', keyPath]);
    await using client = skeinClient(server, { ca: ca.certificate, ...trust });
    await assert.rejects(client.connect(), quicError(code));
    const closed = await server.process.of('closed');
    assert.deepEqual([closed.by, closed.kind], ['peer', 'transport']);
  });
}

againstEachPeer('a certificate of an unknown issuer: skein serves', async (peer) => {
  using ended = endings();
  const { certificate: cert, key } = await stranger.issue();
  await using skein = await startSkeinServer(files, { cert, key });
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k']);
  await client.done(1);
  const closed = await client.of('closed');
  assert.deepEqual([closed.by, closed.kind], ['local', 'transport']);
  assert.ok(BAD_CERTIFICATE_CODES.includes(closed.code ?? 0), String(closed.code));
  assert.equal(skein.connections.length, 0);
  // The client may be gone before this side has read its last words.
  await until(() => ended.infos.length > 0);
  assert.equal(ended.infos[0]?.remote, true);
});

againstEachPeer('no application protocol in common', async (peer) => {
  await using server = await startPeerServer(peer, ['--alpn', 'something-else']);
  await using dialer = skeinClient(server);
  await assert.rejects(dialer.connect(), quicError('ERR_QUIC_ALPN'));
  await using skein = await startSkeinServer(files, { alpn: [FILES] });
  await using client = startPeerClient(peer, skein.port, ['--alpn', 'something-else', '--get', '/1k']);
  await client.done(1);
  const { by, kind, code } = await client.of('closed');
  assert.deepEqual([by, kind, code], ['peer', 'transport', NO_APPLICATION_PROTOCOL]);
});
