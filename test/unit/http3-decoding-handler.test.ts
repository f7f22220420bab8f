import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createDecoders } from '../../src/http3/client/codings/index.js';
import { DecodingHandler } from '../../src/http3/client/decoding-handler.js';

test('a coding that nobody knows beneath zstd costs no memory of libzstd', { timeout: 30_000 }, async () => {
  const [decoder] = createDecoders(['zstd']);
  assert.ok(typeof decoder === 'object');
  // libzstd is there, and has the memory of one decoder.
  decoder.end();
  decoder.resume();
  await once(decoder, 'close');
  const { external } = process.memoryUsage();
  for (let count = 0; count < 300; count++) {
    const handler = new DecodingHandler({ origin: 'https://host.test', path: '/', method: 'GET' }, {}, false);
    handler.onHeaders(200, [Buffer.from('content-encoding'), Buffer.from('strange, zstd')], () => undefined, 'OK');
  }
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
  assert.ok(process.memoryUsage().external - external < 2 ** 24, 'decoders were made');
  assert.equal(createDecoders(['gzip', 'strange']), 'strange');
});
