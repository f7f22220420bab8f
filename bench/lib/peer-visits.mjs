// Time from `connect` to the first byte of a response, on the first visit to a server and on the second (0-RTT).
//
//   node bench/lib/peer-visits.mjs client PORT CA COUNT       the server is peer-skein.mjs
import { clientControl } from './control.mjs';
import { loadSkein } from './skein.mjs';

const { QuicEndpoint } = await loadSkein();
const request = Buffer.from('a request that fits into one packet');

async function visit(endpoint, port, options) {
  const start = performance.now();
  const connection = await endpoint.connect('127.0.0.1', port, options);
  const ticket = new Promise((resolve) => connection.once('sessionTicket', resolve));
  const stream = await connection.openBidirectionalStream();
  await stream.send(request);
  const bytes = await stream.receive();
  const ms = performance.now() - start;
  if (bytes.length === 0) throw new Error('there was no response');
  await stream.finish();
  await connection.ready;
  return { connection, ms, ticket };
}

async function pair(port, options) {
  // A new endpoint knows no server.
  const endpoint = await QuicEndpoint.create();
  const first = await visit(endpoint, port, options);
  await first.ticket;
  first.connection.destroy();
  const second = await visit(endpoint, port, options);
  const { earlyData } = second.connection;
  second.connection.destroy();
  await endpoint.close();
  return { firstMs: first.ms, secondMs: second.ms, earlyData };
}

const [, port, caPath, count] = process.argv.slice(2);
const control = clientControl();
const options = { alpn: ['echo'], caPath };
await pair(Number(port), options);
await control.begin();
const pairs = [];
for (let done = 0; done < Number(count); done++) pairs.push(await pair(Number(port), options));
control.report({ pairs });
