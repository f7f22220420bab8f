import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createServer, type HandlerInfo, type HttpServer } from '../../src/http3.js';
import { createCertificateAuthority } from '../../src/testing/index.js';
import { skein, type Ended } from './support/skein-process.js';
import { noise } from './support/trees.js';

const large = noise(3_000_000);

interface Report {
  readonly url: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly (readonly [string, string])[];
  readonly bytes: number;
  readonly redirects: number;
  readonly connection: string;
  readonly earlyData: string;
  readonly timing: Readonly<Record<'resolved' | 'connected' | 'firstByte' | 'total', number | undefined>>;
}

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  readonly early: boolean;
}

describe('skein get', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'skein-get-test-'));
  const ca = join(folder, 'ca.pem');
  const seen: Seen[] = [];
  let server: HttpServer;
  let other: HttpServer;
  let url = '';

  // However busy the machine is, these are about HTTP/3.
  const get = (...args: readonly string[]): Promise<Ended> => skein('get', '--http3-only', '--ca', ca, ...args).ended;
  const getAnyhow = (...args: readonly string[]): Promise<Ended> => skein('get', '--ca', ca, ...args).ended;
  const report = async (...args: readonly string[]): Promise<Report[]> => {
    const run = await get('--json', ...args);
    assert.equal(run.code, 0, run.stderr);
    return run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Report);
  };

  const routes: Record<string, (request: Request, info: HandlerInfo) => Response> = {
    '/': () => new Response('hello', { headers: { 'x-kind': 'greeting', 'x-odd': 'a\tb' } }),
    '/large': () => new Response(large),
    '/missing': () => new Response('nothing here', { status: 404 }),
    '/to-root': () => new Response(null, { status: 302, headers: { location: '/' } }),
    '/see': () => new Response(null, { status: 303, headers: { location: '/' } }),
    '/moved': () => new Response(null, { status: 307, headers: { location: '/?moved' } }),
    '/away': () => new Response(null, { status: 302, headers: { location: `https://127.0.0.1:${other.port}/` } }),
    '/loop': () => new Response(null, { status: 302, headers: { location: '/loop' } }),
    '/plain-http': () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1/' } }),
    '/gzip': () => new Response(gzipSync('zipped'), { headers: { 'content-encoding': 'gzip' } }),
    '/br': () => new Response(brotliCompressSync('brotli'), { headers: { 'content-encoding': 'br' } }),
    '/odd-coding': () => new Response('x', { headers: { 'content-encoding': 'rot13' } }),
    '/too-early': (_request, { early }) => new Response('', { status: early ? 425 : 200 }),
    '/trailers': (_request, info) => {
      info.sendTrailers({ 'x-sum': '5' });
      return new Response('trail');
    },
    '/broken': () => {
      let pulled = 0;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          // More than flow control lets wait unread, so that the client has some of it when the rest is reset.
          if (pulled++ < 1) controller.enqueue(large);
          else controller.error(new Error('as the test wants it'));
        },
      });
      return new Response(body);
    },
  };

  before(async () => {
    const authority = await createCertificateAuthority();
    writeFileSync(ca, authority.certificate);
    const { certificate: cert, key } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] });
    const fetch = async (request: Request, info: HandlerInfo): Promise<Response> => {
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      seen.push({ method: request.method, path: pathname + search, headers: request.headers, body, early: info.early });
      return routes[pathname]?.(request, info) ?? new Response(null, { status: 204 });
    };
    const options = { cert, key, fetch, host: '127.0.0.1', port: 0, onError: () => undefined };
    server = await createServer(options).listen();
    other = await createServer(options).listen();
    url = `https://127.0.0.1:${server.port}`;
  });

  after(async () => {
    await Promise.all([server.close({ timeout: 0 }), other.close({ timeout: 0 })]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('content on standard output or in files, with -i, -v and -w beside it', async () => {
    const plain = await get(`${url}/`);
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, 'hello', '']);
    const included = await get('-i', '-v', '-w', `${url}/`);
    assert.match(included.stdout, /^HTTP\/3 200\n(?:.+\n)*x-kind: greeting\n(?:.+\n)*\nhello$/);
    assert.match(included.stderr, /^\* 127\.0\.0\.1:\d+, h3, TLS_/m);
    assert.match(included.stderr, /^> GET \/ HTTP\/3\n> host: 127\.0\.0\.1:\d+\n> user-agent: skein\/\d/m);
    assert.match(included.stderr, /^< HTTP\/3 200\n/m);
    assert.match(included.stderr, /name resolved .*\n +handshake complete .*\n +first byte .*\n +all received /);
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const both = await get(`${url}/large`, `${url}/`, '-o', one, '-o', two);
    assert.deepEqual([both.code, both.stdout], [0, ''], both.stderr);
    assert.ok(large.equals(readFileSync(one)));
    assert.equal(readFileSync(two, 'utf8'), 'hello');
    const nowhere = await get(`${url}/`, '-o', join(folder, 'none', 'x'));
    assert.deepEqual([nowhere.code, /ENOENT/.test(nowhere.stderr)], [1, true]);
  });

  test('-X, -H and -d make the request', async () => {
    const content = join(folder, 'content');
    writeFileSync(content, 'from a file\n');
    const from = seen.length;
    await report(`${url}/`, '-d', 'a=1', '-d', `@${content}`);
    await report(
      `${url}/`,
      '-X',
      'PUT',
      '-H',
      'Content-Type: text/x',
      '-H',
      'x-a: 1',
      '-H',
      'x-a: 2',
      '-H',
      'accept:',
      '-d',
      '',
    );
    await report(`${url}/`, '-X', 'DELETE');
    await report(url.replace('https://', 'https://me:p%40ss@'), '-X', 'HEAD');
    const [form, put, deleted, head] = seen.slice(from);
    assert.deepEqual([form?.method, form?.body], ['POST', 'a=1&from a file\n']);
    assert.equal(form?.headers.get('content-type'), 'application/x-www-form-urlencoded');
    assert.equal(put?.method, 'PUT');
    const fields = ['content-type', 'x-a', 'accept', 'content-length'].map((name) => put?.headers.get(name));
    assert.deepEqual(fields, ['text/x', '1, 2', null, '0']);
    assert.equal(deleted?.method, 'DELETE');
    assert.deepEqual([head?.method, head?.headers.get('authorization')], ['HEAD', `Basic ${btoa('me:p@ss')}`]);
  });

  test('--json tells of the answer and when each phase was over', async () => {
    const [first, second] = await report(`${url}/trailers`, `${url}/large`);
    assert.ok(first && second);
    assert.deepEqual([first.status, first.bytes, first.trailers], [200, 5, [['x-sum', '5']]]);
    assert.deepEqual([first.connection, second.connection, second.bytes], ['new', 'reused', large.length]);
    const { resolved = NaN, connected = NaN, firstByte = NaN, total = NaN } = first.timing;
    assert.ok(0 < resolved && resolved <= connected && connected <= firstByte && firstByte <= total);
    assert.equal(second.timing.connected, undefined);
  });

  test('redirects: followed, changed as RFC 9110 says, with an end', async () => {
    const from = seen.length;
    const [followed] = await report(`${url}/to-root`);
    assert.deepEqual([followed?.url, followed?.redirects], [`${url}/`, 1]);
    await report(`${url}/see`, '-d', 'x', '-X', 'PUT');
    await report(`${url}/moved`, '-d', 'x');
    await report(`${url}/away`, '-H', 'authorization: secret', '-H', 'x-kept: 1');
    const [, , , see, , moved, away, there] = seen.slice(from);
    assert.deepEqual([see?.method, see?.body, see?.headers.get('content-type')], ['GET', '', null]);
    assert.deepEqual([moved?.method, moved?.path, moved?.body], ['POST', '/?moved', 'x']);
    assert.equal(away?.headers.get('authorization'), 'secret');
    assert.deepEqual([there?.headers.get('authorization'), there?.headers.get('x-kept')], [null, '1']);
    const [shown] = await report(`${url}/to-root`, '--max-redirects', '0');
    assert.equal(shown?.status, 302);
    const loop = await get(`${url}/loop`);
    assert.deepEqual([loop.code, /more than 10 redirects/.test(loop.stderr)], [1, true]);
    assert.equal((await get(`${url}/plain-http`)).code, 2);
  });

  test('0-RTT: what is safe goes in the first flight of the second connection, nothing else does', async () => {
    const from = seen.length;
    const [first, second] = await report('--fresh', `${url}/`, `${url}/`);
    assert.deepEqual([first?.connection, first?.earlyData], ['new', 'none']);
    assert.deepEqual([second?.connection, second?.earlyData], ['resumed', 'accepted']);
    assert.deepEqual(
      seen.slice(from).map(({ early }) => early),
      [false, true],
    );
    const [, posted] = await report('--fresh', `${url}/`, `${url}/`, '-d', 'x');
    assert.deepEqual([posted?.connection, posted?.earlyData], ['resumed', 'none']);
    const [, late] = await report('--fresh', '--no-early-data', `${url}/`, `${url}/`);
    assert.deepEqual([late?.connection, late?.earlyData], ['resumed', 'none']);
    const [, again] = await report('--fresh', `${url}/`, `${url}/too-early`);
    assert.equal(again?.status, 200);
    assert.deepEqual(
      seen.slice(-2).map(({ path, early }) => [path, early]),
      [
        ['/too-early', true],
        ['/too-early', false],
      ],
    );
  });

  test('--compressed undoes what the server has done', async () => {
    assert.equal((await get('--compressed', `${url}/gzip`)).stdout, 'zipped');
    assert.equal((await get('--compressed', `${url}/br`)).stdout, 'brotli');
    assert.match(seen.at(-1)?.headers.get('accept-encoding') ?? '', /^gzip, br/);
    const odd = await get('--compressed', `${url}/odd-coding`);
    assert.deepEqual([odd.code, /rot13/.test(odd.stderr)], [1, true]);
  });

  test('exit codes: status, connection, trust, content cut off, usage', async () => {
    const missing = await get(`${url}/missing`);
    assert.deepEqual([missing.code, missing.stdout], [5, 'nothing here']);
    const mixed = await get(`${url}/missing`, `${url}/`);
    assert.deepEqual([mixed.code, mixed.stdout], [5, 'nothing herehello']);
    const broken = await get(`${url}/broken`, '-o', join(folder, 'broken'));
    assert.equal(broken.code, 3);
    assert.match(broken.stderr, /broke off after \d+ bytes; .*broken holds what came before/);
    const stranger = await skein('get', `${url}/`, '--fallback-after', '30s').ended;
    assert.deepEqual([stranger.code, stranger.stdout], [3, '']);
    assert.match(stranger.stderr, /ERR_QUIC_CERTIFICATE_ISSUER/);
    assert.equal((await skein('get', `${url}/`, '--insecure', '--http3-only').ended).stdout, 'hello');
    const wrongPin = await get(`${url}/`, '--pin', `sha256/${'A'.repeat(43)}=`);
    assert.equal(wrongPin.code, 3);
    for (const args of [
      ['http://127.0.0.1/'],
      ['https://'],
      [],
      [`${url}/`, '-H', 'nonsense'],
      [`${url}/`, '-o', 'a', '-o', 'b'],
    ]) {
      assert.equal((await get(...args)).code, 2, args.join(' '));
    }
    const unused = await createServer({
      ...(await selfSigned()),
      host: '127.0.0.1',
      port: 0,
      fetch: () => new Response(),
    }).listen();
    const { port } = unused;
    await unused.close({ timeout: 0 });
    const refused = await get(`https://127.0.0.1:${port}/`);
    assert.deepEqual([refused.code, /ERR_QUIC_UNREACHABLE/.test(refused.stderr)], [3, true]);
  });

  describe('where QUIC does not connect in time', () => {
    let silent: Socket;
    let overTcp: Http2SecureServer;
    let tcpUrl = '';
    const asked: string[] = [];

    before(async () => {
      const authority = await createCertificateAuthority();
      const { certificate: cert, key } = await authority.issue({ ips: ['127.0.0.1'] });
      writeFileSync(tcpCa, authority.certificate);
      overTcp = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
        let body = '';
        request.setEncoding('utf8').on('data', (text: string) => (body += text));
        request.on('end', () => {
          asked.push(`${request.method} ${request.url} ${body}`);
          if (request.url === '/gone') {
            request.stream.session?.destroy();
            return;
          }
          response.setHeader('set-cookie', ['a=1', 'b=2']);
          if (request.url === '/moved') response.writeHead(302, { location: '/' });
          response.end(`over ${request.httpVersion}`);
        });
      });
      await new Promise<void>((resolve) => overTcp.listen(0, '127.0.0.1', resolve));
      const { port } = overTcp.address() as AddressInfo;
      // Takes datagrams, and says nothing.
      silent = createSocket('udp4');
      await new Promise<void>((resolve) => silent.bind(port, '127.0.0.1', resolve));
      tcpUrl = `https://127.0.0.1:${port}`;
    });
    after(() => {
      silent.close();
      overTcp.close();
    });

    const tcpCa = join(folder, 'tcp-ca.pem');
    const getTcp = (...args: readonly string[]): Promise<Ended> =>
      skein('get', '--ca', tcpCa, '--fallback-after', '50ms', ...args).ended;

    test('the request goes over TCP, and -v says so', async () => {
      const plain = await getTcp(`${tcpUrl}/`);
      assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, 'over 2.0', '']);
      asked.length = 0;
      const posted = await getTcp('-i', '-v', '-w', '-X', 'PUT', '-d', 'content', `${tcpUrl}/put`);
      assert.match(posted.stdout, /^HTTP\/2 200\n(?:.+\n)*set-cookie: a=1\nset-cookie: b=2\n(?:.+\n)*\nover 2\.0$/);
      assert.match(posted.stderr, /^\* no answer over QUIC within 50 ms: going over TCP$/m);
      assert.match(posted.stderr, /HTTP\/2, new connection/);
      assert.deepEqual(asked, ['PUT /put content']);
    });

    test('redirects and several URLs share the connection; --json names the protocol', async () => {
      const run = await getTcp('--json', `${tcpUrl}/moved`, `${tcpUrl}/`);
      const reports = run.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Report & { protocol: string });
      assert.deepEqual(
        reports.map(({ protocol, status, redirects, connection, earlyData }) => [
          protocol,
          status,
          redirects,
          connection,
          earlyData,
        ]),
        [
          ['h2', 200, 1, 'reused', 'none'],
          ['h2', 200, 0, 'reused', 'none'],
        ],
      );
    });

    test('--http3-only, and pins, which nobody looks at over TCP, forbid it', async () => {
      asked.length = 0;
      for (const args of [['--http3-only'], ['--pin', `sha256/${'A'.repeat(43)}=`]]) {
        const run = await getTcp(...args, '--timeout', '300ms', `${tcpUrl}/`);
        assert.deepEqual([run.code, run.stdout, /ERR_QUIC_CONNECTION_TIMEOUT/.test(run.stderr)], [3, '', true]);
      }
      assert.deepEqual(asked, []);
    });

    test('what is refused over QUIC, not trusted, or cut off over TCP', async () => {
      const stranger = await skein('get', '--fallback-after', '50ms', `${tcpUrl}/`, '--timeout', '500ms').ended;
      assert.equal(stranger.code, 3);
      const gone = await getTcp('-v', `${tcpUrl}/gone`);
      assert.equal(gone.code, 3);
      assert.match(gone.stderr, /over TCP/);
      // A closed port of UDP is told at once.
      silent.close();
      const refused = await skein('get', '--ca', tcpCa, '-v', '--fallback-after', '30s', `${tcpUrl}/`).ended;
      assert.deepEqual([refused.code, refused.stdout], [0, 'over 2.0']);
      silent = createSocket('udp4');
    });
  });

  test('a server that speaks HTTP/3 is asked over HTTP/3, with TCP allowed', async () => {
    const run = await getAnyhow('-i', '--fallback-after', '30s', `${url}/`);
    assert.match(run.stdout, /^HTTP\/3 200\n/);
  });
});

async function selfSigned(): Promise<{ cert: string; key: string }> {
  const authority = await createCertificateAuthority();
  const { certificate: cert, key } = await authority.issue({ ips: ['127.0.0.1'] });
  return { cert, key };
}
