import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { ConnectOptions, ListenOptions, QuicErrorCode } from '../../src/quic/index.js';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';
import { authority, EndpointPair, identity, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

const clients = await createCertificateAuthority({ name: 'clients' });
const alice = await clients.issue({ client: true, commonName: 'alice' });
const stranger = await (await createCertificateAuthority()).issue({ client: true });
const yesterday = new Date(Date.now() - 2 * 24 * 3600 * 1000);
const expired = await clients.issue({ client: true, notBefore: yesterday, days: 1 });
const forServers = await clients.issue({ names: ['localhost'] });

const show = ({ certificate, key }: { certificate: string; key: string }): Partial<ConnectOptions> => ({
  cert: certificate,
  key,
});

/** Common name of the certificate that the server saw, `none`, or the code of the error that the client got. */
async function meet(listen: Partial<ListenOptions>, options: Partial<ConnectOptions>): Promise<string> {
  await using pair = await EndpointPair.start({ listen });
  const client = await pair.dial(options);
  // A client is done before the server has looked at its certificate (RFC 8446 4.4): the answer decides.
  const server = await Promise.race([pair.accepted(), client.closed.then(({ error }) => error.code)]);
  if (typeof server === 'string') return server;
  const [leaf] = server.peerCertificates;
  return leaf ? new X509Certificate(leaf).subject.replace(/^CN=/, '') : 'none';
}

test('not asked for', async () => {
  assert.equal(await meet({}, show(alice)), 'none');
});

const require: Partial<ListenOptions> = { requestCert: true, ca: clients.certificate };

test('required: one that verifies is let in, and the server sees whose it is', async () => {
  assert.equal(await meet(require, show(alice)), 'alice');
});

test('required: each reason for not being let in has its code', async () => {
  const cases: [QuicErrorCode, Partial<ConnectOptions>][] = [
    ['ERR_QUIC_CERTIFICATE_REQUIRED', {}],
    ['ERR_QUIC_CERTIFICATE_ISSUER', show(stranger)],
    ['ERR_QUIC_CERTIFICATE_EXPIRED', show(expired)],
  ];
  for (const [code, options] of cases) assert.equal(await meet(require, options), code);
  assert.match(await meet(require, show(forServers)), /^ERR_QUIC_(CERTIFICATE|TLS)/);
});

test('requested: anybody is let in, and what is shown can be looked at', async () => {
  const request: Partial<ListenOptions> = { requestCert: true, rejectUnauthorized: false };
  assert.equal(await meet(request, {}), 'none');
  assert.equal(await meet(request, show(alice)), 'alice');
  assert.equal(await meet(request, show(stranger)), 'client');
});

test('a key that is not that of the certificate, on either side', async () => {
  await using pair = await EndpointPair.start();
  await assert.rejects(
    pair.dial({ cert: alice.certificate, key: stranger.key }),
    quicError('ERR_QUIC_TLS_KEY_MISMATCH'),
  );
  const { certificate: cert } = await authority.issue();
  const { key } = await authority.issue();
  await assert.rejects(EndpointPair.start({ listen: { cert, key } }), quicError('ERR_QUIC_TLS_KEY_MISMATCH'));
});

test('no application protocol in common', async () => {
  await using pair = await EndpointPair.start();
  await assert.rejects(pair.dial({ alpn: ['other/1', 'other/2'] }), quicError('ERR_QUIC_ALPN', /alpn/));
});

test('of several application protocols the best of the server, dispatched by name', async () => {
  await using pair = await EndpointPair.start();
  pair.server.stopListening();
  const seen: string[] = [];
  const handler = (name: string) => (connection: { details: { alpn: string | undefined } }) => {
    assert.equal(connection.details.alpn, name);
    seen.push(name);
  };
  await pair.server.listen(identity, { one: handler('one'), two: handler('two') });
  const first = await pair.dial({ alpn: ['two', 'one'] });
  const second = await pair.dial({ alpn: ['two'] });
  assert.deepEqual([first.details.alpn, second.details.alpn], ['one', 'two']);
  await until(() => seen.length === 2);
  assert.deepEqual(seen, ['one', 'two']);
});

test('cipher suites: by default ChaCha20-Poly1305, else what both allow', async () => {
  await using pair = await EndpointPair.start();
  assert.equal((await pair.connect()).client.details.cipher, 'TLS_CHACHA20_POLY1305_SHA256');
  for (const cipher of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
    const { client, server } = await pair.connect({ ciphers: [cipher], resumption: false });
    assert.deepEqual([client.details.cipher, server.details.cipher], [cipher, cipher]);
  }
  await assert.rejects(pair.dial({ ciphers: ['TLS_NULL'] }), quicError('ERR_QUIC_INVALID_OPTION', /TLS_NULL/));
});
