// skein as one side of the transport benchmarks.
//
//   node bench/lib/peer-skein.mjs server CERT KEY [OPTIONS]              prints its port
//   node bench/lib/peer-skein.mjs client PORT CA WORK SIZE [OPTIONS]     prints what it measured
//
// OPTIONS are those of `listen` and `connect`, and `udp` of the endpoint, as JSON. Works: echo, upload, download (MiB), small
// (streams), handshakes (count).
import { clientControl, serveControl } from './control.mjs';
import { loadSkein } from './skein.mjs';
import { pattern, runWork } from './works.mjs';

const READ_BYTES = 256 * 1024;

async function consume(stream, onBytes) {
  for (;;) {
    const bytes = await stream.receive({ maxBytes: READ_BYTES });
    if (bytes.length === 0) return;
    await onBytes(bytes);
  }
}

async function echoStream(stream) {
  await consume(stream, (bytes) => stream.send(bytes));
  await stream.finish();
}

async function countStream(stream) {
  let length = 0;
  await consume(stream, (bytes) => {
    length += bytes.length;
  });
  await stream.send(Buffer.from(String(length)));
  await stream.finish();
}

/** Sends as many MiB as the client asks for. */
async function sourceStream(stream) {
  let asked = '';
  await consume(stream, (bytes) => {
    asked += Buffer.from(bytes).toString();
  });
  const block = pattern(1 << 20);
  for (let count = 0; count < Number(asked); count++) await stream.send(block);
  await stream.finish();
}

const endpointOptions = { maxConcurrentStreams: 1000, streamTimeout: 0, maxConnections: 100_000 };

async function server(cert, key, json = '{}') {
  const { QuicEndpoint } = await loadSkein();
  const { udp, ...options } = JSON.parse(json);
  const endpoint = await QuicEndpoint.create({ host: '127.0.0.1', ...endpointOptions, udp });
  // A connection that is cut off ends its streams with an error, which is none here.
  const each = (serve) => (connection) => connection.on('stream', (stream) => serve(stream).catch(() => undefined));
  const handlers = { echo: each(echoStream), sink: each(countStream), source: each(sourceStream) };
  await endpoint.listen({ certPath: cert, keyPath: key, ...options }, handlers);
  serveControl({ port: endpoint.address.port }, () => ({ stats: endpoint.stats() }));
}

async function client(port, caPath, work, size, json = '{}') {
  const { QuicEndpoint } = await loadSkein();
  const { udp, ...options } = JSON.parse(json);
  const control = clientControl();
  const endpoint = await QuicEndpoint.create({ ...endpointOptions, udp });
  const alpn = [{ upload: 'sink', download: 'source' }[work] ?? 'echo'];
  const connectOptions = { alpn, caPath, ownSocket: true, ...options };
  const connect = () => endpoint.connect('127.0.0.1', Number(port), connectOptions);
  if (work === 'handshakes' || work === 'client-handshakes') {
    await handshakes(control, connect, Number(size), work === 'handshakes');
  } else {
    const connection = await connect();
    const open = async () => {
      const stream = await connection.openBidirectionalStream();
      return {
        write: (bytes) => stream.send(bytes),
        end: () => stream.finish(),
        consume: (onBytes) => consume(stream, onBytes),
      };
    };
    await runWork(control, { open }, work, Number(size), () => ({ stats: connection.stats() }));
  }
  await endpoint.close();
}

async function handshakes(control, connect, count, untilConfirmed) {
  const one = async () => {
    const connection = await connect();
    // The server confirms when it has verified the client's Finished, which has not even left yet.
    if (untilConfirmed) await new Promise((resolve) => connection.once('handshakeConfirmed', resolve));
    connection.destroy();
  };
  for (let done = 0; done < Math.min(count, 200); done++) await one();
  await control.begin();
  for (let done = 0; done < count; done++) await one();
  control.report({ work: 'handshakes', size: count });
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
