// @currentspace/http3 (quiche) as one side of the HTTP/3 benchmarks: its server in WebAssembly, its client native. The certificate
// is not verified: its client takes none for an address.
//
//   node bench/lib/peer-currentspace.mjs server CERT KEY               prints its port
//   node bench/lib/peer-currentspace.mjs client PORT CA WORK SIZE      prints what it measured
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { clientControl, serveControl } from './control.mjs';
import { loadCurrentspace } from './currentspace.mjs';
import { runHttpWork, SMALL, SMALL_TYPE } from './http-works.mjs';

const { connectAsync, createSecureServer } = await loadCurrentspace();

async function server(cert, key) {
  const identity = { cert: readFileSync(cert), key: readFileSync(key) };
  const listening = createSecureServer({ ...identity, runtimeMode: 'wasm', disableRetry: true }, (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': '200', 'content-type': SMALL_TYPE });
    stream.end(SMALL);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  serveControl({ port: listening.address().port });
}

async function client(port, _ca, work, size) {
  const control = clientControl();
  const session = await connectAsync(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  const authority = `127.0.0.1:${port}`;
  const get = async (path) => {
    const headers = { ':method': 'GET', ':scheme': 'https', ':authority': authority, ':path': path };
    const stream = await session.requestAsync(headers, { endStream: true });
    let length = 0;
    return new Promise((resolve, reject) => {
      stream.on('data', (chunk) => (length += chunk.length));
      stream.on('end', () => resolve(length));
      stream.on('error', reject);
    });
  };
  await runHttpWork(control, { get }, work, Number(size));
  process.exit();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
