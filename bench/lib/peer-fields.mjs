// Bytes that a field line costs on its way through HTTP/3: encoded by one core, decoded and checked by another. Run with
// --expose-gc and a young generation in which nothing is collected meanwhile.
//
//   node --expose-gc --max-semi-space-size=512 bench/lib/peer-fields.mjs
import { loadHttp3 } from './skein.mjs';

const { Http3Core } = await loadHttp3();
const REQUESTS = 2000;
const FEW = 5;
const MANY = 25;
/** Characters of a value; one byte each. */
const VALUE = 40;

/** Two cores that give each other everything at once. */
function makePair() {
  const client = new Http3Core({ role: 'client' });
  const server = new Http3Core({ role: 'server' });
  const exchange = () => {
    for (const { streamId, bytes } of client.take()) server.receive(streamId, bytes, false);
    for (const { streamId, bytes } of server.take()) client.receive(streamId, bytes, false);
  };
  client.start({ control: 2, qpackEncoder: 6, qpackDecoder: 10 });
  server.start({ control: 3, qpackEncoder: 7, qpackDecoder: 11 });
  exchange();
  exchange();
  return { client, server, exchange };
}

const pseudo = [
  { name: ':method', value: 'GET' },
  { name: ':scheme', value: 'https' },
  { name: ':authority', value: 'localhost' },
  { name: ':path', value: '/' },
];

/** Requests whose extra fields are the same each time, or have a new value each time. */
function makeRequests(count, isNew) {
  const names = Array.from({ length: count }, (_, index) => `x-field-${index}`);
  return Array.from({ length: REQUESTS }, (_, request) => [
    ...pseudo,
    ...names.map((name) => ({ name, value: (isNew ? `${request} ${name} ` : name).padEnd(VALUE, '.') })),
  ]);
}

function run({ client, server, exchange }, requests, from) {
  const response = [{ name: ':status', value: '200' }];
  for (const [index, fields] of requests.entries()) {
    const streamId = 4 * (from + index);
    client.openRequest(streamId);
    const bytes = client.sendHeaders(streamId, fields, true);
    exchange();
    const events = server.receive(streamId, bytes, true);
    if (events.length === 0) throw new Error('the request is blocked');
    const answer = server.sendHeaders(streamId, response, true);
    exchange();
    client.receive(streamId, answer, true);
    exchange();
  }
}

/** Bytes of heap that a request takes. */
function bytesOf(count, isNew) {
  const pair = makePair();
  const requests = makeRequests(count, isNew);
  run(pair, requests, 0);
  globalThis.gc();
  const { heapUsed } = process.memoryUsage();
  run(pair, requests, REQUESTS);
  return (process.memoryUsage().heapUsed - heapUsed) / REQUESTS;
}

const perField = (isNew) => (bytesOf(MANY, isNew) - bytesOf(FEW, isNew)) / (MANY - FEW);

perField(false);
const report = { repeatedBytes: perField(false), changingBytes: perField(true) };
if (process.send) process.send(report);
else console.log(JSON.stringify(report));
