import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { loadTrustAnchors } from '../../../../src/quic/tls/trust.js';
import { createCertificateAuthority } from '../../../../src/certificates/certificates.js';
import { quicError } from '../../../support/quic-errors.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const one = (await createCertificateAuthority({ name: 'one' })).certificate;
const two = (await createCertificateAuthority({ name: 'two' })).certificate;
const folder = temporaryFolder();
const path = join(folder, 'ca.pem');
writeFileSync(path, `# One\n${one}\n# Two\n${two}`);
const count = (pem: string): number => pem.split('-----BEGIN CERTIFICATE-----').length - 1;

test('a bundle, an array, DER, a file, and all of them together', async () => {
  assert.equal(await loadTrustAnchors({ ca: one + two }), one + two);
  assert.equal(await loadTrustAnchors({ ca: [one, new X509Certificate(two).raw] }), one + two);
  assert.equal(await loadTrustAnchors({ caPath: path }), one + two);
  assert.equal(await loadTrustAnchors({ ca: one, caPath: [path, path] }), one + one + two + one + two);
});

test('bundles without certificates are refused', async () => {
  const code = 'ERR_QUIC_TLS_CA';
  writeFileSync(join(folder, 'empty.pem'), '');
  await assert.rejects(loadTrustAnchors({ ca: '' }), quicError(code, /the option ca is empty/));
  await assert.rejects(loadTrustAnchors({ ca: [] }), quicError(code, /trusts nobody/));
  await assert.rejects(loadTrustAnchors({ ca: [one, 'x'] }), quicError(code, /ca\[1\] holds no PEM block/));
  await assert.rejects(loadTrustAnchors({ caPath: join(folder, 'empty.pem') }), quicError(code, /empty\.pem is empty/));
  await assert.rejects(
    loadTrustAnchors({ caPath: join(folder, 'no') }),
    quicError('ERR_QUIC_TLS_FILE', /CA file .*ENOENT/),
  );
});

test('without options, what Node trusts', async () => {
  const bundle = await loadTrustAnchors({});
  assert.ok(count(bundle) >= tls.rootCertificates.length);
  assert.ok(bundle.includes(tls.rootCertificates[0]!.trim()));
  assert.equal(await loadTrustAnchors({}), bundle);
});

/** The variable counts at the start of a process, so each case is one. */
async function inProcess(extra: string): Promise<{ stdout: string; stderr: string }> {
  const url = new URL('../../../../src/quic/tls/trust.ts', import.meta.url).href;
  const script = `const { loadTrustAnchors } = await import(${JSON.stringify(url)});
    process.stdout.write(await loadTrustAnchors({}));`;
  return promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: extra },
    maxBuffer: 4 << 20,
  });
}

test('NODE_EXTRA_CA_CERTS is added to it', async () => {
  const { stdout } = await inProcess(path);
  assert.ok(stdout.includes(one) && stdout.includes(two));
  assert.ok(count(stdout) >= tls.rootCertificates.length + 2);
});

test('a NODE_EXTRA_CA_CERTS of no use is a warning, as in Node', async () => {
  const { stdout, stderr } = await inProcess(join(folder, 'absent.pem'));
  assert.ok(count(stdout) >= tls.rootCertificates.length);
  assert.match(stderr, /Warning: .*absent\.pem/i);
});
