import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadTlsMaterial } from '../../../src/quic/tls/material.js';
import { createCertificateAuthority } from '../../../src/certificates/certificates.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
// Resolved here: the command runs in a folder from which it could not be found.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `skein` as a process of its own, in `cwd`. */
function skein(cwd: string, ...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1' };
    execFile(process.execPath, ['--import', tsx, main, ...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const mode = (...path: string[]): number => statSync(join(...path)).mode & 0o777;

test('skein cert: a CA and a certificate that belong together, private keys private', async () => {
  const cwd = temporaryFolder();
  const { code, stdout, stderr } = await skein(cwd, 'cert', 'Laptop.local', '192.0.2.7');
  assert.equal(code, 0, stderr);
  const certificate = new X509Certificate(read(cwd, 'certs', 'cert.pem'));
  const names =
    'DNS:localhost, DNS:laptop.local, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:192.0.2.7';
  assert.equal(certificate.subjectAltName, names);
  const { publicKey } = new X509Certificate(read(cwd, 'certs', 'ca.pem'));
  assert.ok(certificate.verify(publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(read(cwd, 'certs', 'key.pem'))));
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  if (process.platform !== 'win32') {
    assert.equal(mode(cwd, 'certs', 'key.pem'), 0o600);
    assert.equal(mode(cwd, 'certs', 'ca-key.pem'), 0o600);
    assert.equal(mode(cwd, 'certs', 'cert.pem'), 0o644);
  }
  for (const told of [
    'certs/cert.pem',
    'certs/key.pem',
    'certs/ca.pem',
    certificate.fingerprint256,
    'caPath',
    '90 days',
  ]) {
    assert.ok(stdout.includes(told), `${told} is missing in:\n${stdout}`);
  }
  // What it printed works as an option.
  const pin = /sha256\/\S+/.exec(stdout)?.[0] ?? '';
  const files = { certPath: join(cwd, 'certs/cert.pem'), keyPath: join(cwd, 'certs/key.pem'), publicKeyPins: [pin] };
  const material = await loadTlsMaterial(files, { identity: true, trust: false });
  assert.equal(material.publicKeyPins[0], material.identities[0]?.publicKeySha256);
});

test('it keeps the CA, and replaces the certificate only when told to', async () => {
  const cwd = temporaryFolder();
  assert.equal((await skein(cwd, 'cert')).code, 0);
  const [ca, cert] = [read(cwd, 'certs/ca.pem'), read(cwd, 'certs/cert.pem')];
  const refused = await skein(cwd, 'cert');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^skein: certs.key\.pem is there already; --force replaces it/);
  assert.equal(read(cwd, 'certs/cert.pem'), cert);
  const forced = await skein(cwd, 'cert', '--force', '--json', '--days', '5', '--key-type', 'ed25519');
  assert.equal(forced.code, 0, forced.stderr);
  const told = JSON.parse(forced.stdout) as Record<string, unknown>;
  const fresh = new X509Certificate(read(cwd, 'certs/cert.pem'));
  assert.equal(told.fingerprint, fresh.fingerprint256);
  assert.equal(told.madeAuthority, false);
  assert.equal(told.notAfter, new Date(fresh.validTo).toISOString());
  assert.equal(fresh.publicKey.asymmetricKeyType, 'ed25519');
  assert.equal(read(cwd, 'certs/ca.pem'), ca);
  assert.notEqual(read(cwd, 'certs/cert.pem'), cert);
});

test('ca and issue apart', async () => {
  const cwd = temporaryFolder();
  const made = await skein(cwd, 'cert', 'ca', '--out', 'ca', '--name', 'Our "CA"', '--days', '10');
  assert.equal(made.code, 0, made.stderr);
  const ca = new X509Certificate(read(cwd, 'ca/ca.pem'));
  assert.equal(ca.ca, true);
  assert.equal(ca.subject, 'CN=Our \\"CA\\"');
  const issued = await skein(cwd, 'cert', 'issue', '*.example.org', '--ip', '::1', '--ca', 'ca', '--out', 'server');
  assert.equal(issued.code, 0, issued.stderr);
  const server = new X509Certificate(read(cwd, 'server/cert.pem'));
  assert.equal(server.subjectAltName, 'DNS:*.example.org, IP Address:0:0:0:0:0:0:0:1');
  assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  const client = await skein(cwd, 'cert', 'issue', '--client', '--ca', 'ca', '--out', 'client');
  assert.equal(client.code, 0, client.stderr);
  assert.deepEqual(new X509Certificate(read(cwd, 'client/cert.pem')).keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(read(cwd, 'client/ca.pem'), read(cwd, 'ca/ca.pem'));
});

test('no CA gets lost, and none is used that cannot sign', async () => {
  const cwd = temporaryFolder();
  for (const folder of ['one', 'two']) assert.equal((await skein(cwd, 'cert', 'ca', '--out', folder)).code, 0);
  const before = read(cwd, 'two/ca.pem');
  const cases: [string[], RegExp][] = [
    [['ca', '--out', 'one'], /one.ca\.pem is there already/],
    [['issue', 'a', '--ca', 'one', '--out', 'two', '--force'], /two holds another CA than one/],
    [
      ['issue', 'a', '--ca', 'absent', '--out', 'x'],
      /absent holds no ca\.pem and ca-key\.pem: `skein cert ca --out absent`/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await skein(cwd, 'cert', ...args);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
  assert.equal(read(cwd, 'two/ca.pem'), before);
  // A key that is not the CA's.
  writeFileSync(join(cwd, 'one/ca-key.pem'), read(cwd, 'two/ca-key.pem'));
  assert.match(
    (await skein(cwd, 'cert', 'issue', 'a', '--ca', 'one', '--out', 'x')).stderr,
    /ERR_QUIC_TLS_KEY_MISMATCH/,
  );
  // A CA whose time is over.
  const expired = await createCertificateAuthority({ notBefore: new Date('2020-01-01'), days: 1 });
  writeFileSync(join(cwd, 'one/ca.pem'), expired.certificate);
  writeFileSync(join(cwd, 'one/ca-key.pem'), expired.key);
  assert.match(
    (await skein(cwd, 'cert', 'issue', 'a', '--ca', 'one', '--out', 'x')).stderr,
    /the CA in one expired on Jan/,
  );
});

test('wrong usage is said in words and ends with 2', async () => {
  const cwd = temporaryFolder();
  const cases: [string[], RegExp][] = [
    [['nothing'], /unknown command 'nothing'/],
    [['cert', '--nothing'], /unknown option '--nothing'/],
    [['cert', '--days', 'many'], /It is a number of days above 0/],
    [['cert', '--key-type', 'dsa'], /Allowed choices are ecdsa-p256/],
    [['cert', 'a b'], /"a b" is neither a host name/],
    [['cert', 'issue', '--ip', 'x'], /It is not an IP address/],
    [['cert', 'issue'], /for which names\?/],
    [[], /Usage: skein/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, stderr, stdout } = await skein(cwd, ...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }),
  );
});

test('--help everywhere, with examples; --version', async () => {
  const cwd = temporaryFolder();
  const subcommands = [[], ['cert'], ['cert', 'ca'], ['cert', 'issue']];
  await Promise.all(
    subcommands.map(async (names) => {
      const { code, stdout } = await skein(cwd, ...names, '--help');
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`Usage: ${['skein', ...names].join(' ')} `), stdout);
      if (names.length > 0) assert.match(stdout, /Examples:\n {2}skein cert/);
    }),
  );
  const { version } = JSON.parse(read(fileURLToPath(new URL('../../../package.json', import.meta.url)))) as {
    version: string;
  };
  assert.equal((await skein(cwd, '--version')).stdout, `${version}\n`);
});

test('a folder that cannot be made', async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'file'), '');
  const { code, stderr } = await skein(cwd, 'cert', '--out', 'file/certs');
  assert.equal(code, 1);
  assert.match(stderr, /^skein: .*file/);
  assert.doesNotMatch(stderr, /\n {4}at /);
});
