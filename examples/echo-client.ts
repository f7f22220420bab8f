// The client of echo-server.ts: npx tsx examples/echo-client.ts PORT PIN WORDS...

import { QuicClient } from '../src/index.js';

const [port = '4433', pin = '', ...words] = process.argv.slice(2);

// A pin says more than any CA could: nobody but the holder of that key will do.
await using client = new QuicClient({ publicKeyPins: [pin], verifyPeer: false });
const connection = await client.connect('localhost', Number(port));

// One stream for each word, all at once: none waits for another.
const echoes = await Promise.all(
  words.map(async (word) => {
    const stream = await client.createStream(connection.id);
    await stream.send(new TextEncoder().encode(word));
    await stream.finish();
    return new TextDecoder().decode(await stream.receiveAll());
  }),
);
console.log(echoes.join(' '));
