// Bytes that a field line costs on its way through HTTP/3: encoded by one core, decoded and checked by another. Run with
// --expose-gc and a young generation in which nothing is collected meanwhile.
//
//   node --expose-gc --max-semi-space-size=512 bench/lib/peer-fields.mjs
import { loadHttp3 } from './skein.mjs';

const { Http3Core } = await loadHttp3();
const REQUESTS = 2000;
/** Batches of requests before those that count, and those: the median leaves out what compiling the code takes now and then. */
const WARM_UP = 2;
const BATCHES = 5;
const FEW = 5;
const MANY = 105;
/** QPACK's tables, in which all fields of a request have room. */
const TABLE_BYTES = 65_536;
/** Characters of a value; one byte each. */
const VALUE = 40;

/** Two cores that give each other everything at once. */
function makePair() {
  const tables = { qpackMaxTableCapacity: TABLE_BYTES, qpackEncoderTableCapacity: TABLE_BYTES };
  const client = new Http3Core({ role: 'client', ...tables });
  const server = new Http3Core({ role: 'server', ...tables });
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

/** A batch of requests whose extra fields are the same each time, or have a new value each time. */
function makeRequests(count, batch) {
  const names = Array.from({ length: count }, (_, index) => `x-field-${index}`);
  return Array.from({ length: REQUESTS }, (_, request) => [
    ...pseudo,
    ...names.map((name) => ({
      name,
      value: (batch === undefined ? name : `${batch} ${request} ${name} `).padEnd(VALUE, '.'),
    })),
  ]);
}

/** As the driver does when whatever the application wanted was made. */
function release(events) {
  if (events.length === 0) throw new Error('the message is blocked');
  for (const event of events) event.fields?.release?.();
}

function run({ client, server, exchange }, requests, from) {
  const response = [{ name: ':status', value: '200' }];
  for (const [index, fields] of requests.entries()) {
    const streamId = 4 * (from + index);
    client.openRequest(streamId);
    const bytes = client.sendHeaders(streamId, fields, true);
    exchange();
    const events = server.receive(streamId, bytes, true);
    release(events);
    const answer = server.sendHeaders(streamId, response, true);
    exchange();
    release(client.receive(streamId, answer, true));
    exchange();
  }
}

/** Bytes of heap that a request takes. */
function bytesOf(count, isNew) {
  const pair = makePair();
  const measured = [];
  for (let batch = 0; batch < WARM_UP + BATCHES; batch++) {
    const requests = makeRequests(count, isNew ? batch : undefined);
    // The first time the strings themselves change: they are put together when somebody looks at them.
    run(pair, requests, 2 * batch * REQUESTS);
    globalThis.gc();
    const { heapUsed } = process.memoryUsage();
    run(pair, requests, (2 * batch + 1) * REQUESTS);
    measured.push((process.memoryUsage().heapUsed - heapUsed) / REQUESTS);
  }
  return measured.slice(WARM_UP).sort((a, b) => a - b)[BATCHES >> 1];
}

const perField = (isNew) => (bytesOf(MANY, isNew) - bytesOf(FEW, isNew)) / (MANY - FEW);

perField(false);
const report = { repeatedBytes: perField(false), changingBytes: perField(true) };
if (process.send) process.send(report);
else console.log(JSON.stringify(report));
