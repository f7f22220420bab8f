// Sends and gets back a message over and over, one stream for all, and says how often; how the connection ended, too.
import { setTimeout as pause } from 'node:timers/promises';
import { QuicClient, QuicError } from '../../../src/index.js';

const [serverHost = '', pin = '', idleTimeout = ''] = process.argv.slice(2);
const client = new QuicClient({
  serverHost,
  verifyPeer: false,
  publicKeyPins: [pin],
  idleTimeout: Number(idleTimeout),
  streamTimeout: 0,
});
try {
  const connection = await client.connect();
  console.log(`connected from ${connection.localAddress.address}`);
  connection.on('path', (event) => {
    if (event.type === 'localAddress') console.log(`moved to ${event.local.address}`);
  });
  const stream = await connection.openBidirectionalStream();
  const message = new Uint8Array(5000);
  for (let round = 1; ; round++) {
    message.fill(round);
    await stream.send(message);
    for (let received = 0; received < message.length; ) {
      const bytes = await stream.receive();
      if (!bytes.every((byte) => byte === round % 256)) throw new Error(`round ${round}: other bytes came back`);
      received += bytes.length;
    }
    console.log(`round ${round}`);
    await pause(10);
  }
} catch (error) {
  console.log(`ended: ${QuicError.isQuicError(error) ? error.code : String(error)}`);
}
await client.shutdown();
