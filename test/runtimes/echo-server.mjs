// One side of the echo, on any runtime: listens on a free port of 127.0.0.1, says which in one line of JSON, and echoes
// until its standard input ends. The first byte of a stream says how it is to be treated (echo-cases.mjs). Behind the
// echo comes the SHA-256 of what arrived, so that the client knows which direction broke bytes.
//
//   node echo-server.mjs CERTIFICATE KEY
import { createHash } from 'node:crypto';
import { QuicError, QuicServer } from '../../dist/index.js';
import { dawdle, MODE, pathOptions, RESET_AFTER, RESET_CODE, SLOW_READ, STOP_CODE } from './echo-cases.mjs';

const [certPath, keyPath] = process.argv.slice(2);
const server = new QuicServer({
  host: '127.0.0.1',
  port: 0,
  certPath,
  keyPath,
  maxConcurrentStreams: 200,
  ...pathOptions,
});

async function echo(stream) {
  const hash = createHash('sha256');
  const [mode] = await stream.receive({ maxBytes: 1 });
  const maxBytes = mode === MODE.slow ? SLOW_READ : 65536;
  let length = 0;
  for (;;) {
    const bytes = await stream.receive({ maxBytes });
    if (bytes.length === 0) break;
    length += bytes.length;
    if (mode === MODE.reset && length > RESET_AFTER) {
      stream.reset(RESET_CODE);
      stream.stopSending(STOP_CODE);
      return;
    }
    hash.update(bytes);
    if (mode === MODE.slow) await dawdle();
    await stream.send(bytes);
  }
  await stream.send(hash.digest());
  await stream.finish();
}

server.handle({
  async stream(stream) {
    try {
      await echo(stream);
    } catch (error) {
      // The client resets some streams on purpose; anything else has to show.
      if (!QuicError.isQuicError(error) || !['ERR_QUIC_STREAM_RESET', 'ERR_QUIC_STREAM_STOPPED'].includes(error.code)) {
        console.error(`stream ${stream.id}:`, error);
      }
      if (stream.sendState === 'open') stream.reset(RESET_CODE);
    }
  },
});
await server.listen();
console.log(JSON.stringify({ port: server.address.port }));

process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
await server.stop();
process.stdin.destroy();
