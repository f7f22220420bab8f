// A UDP relay that holds every datagram for a while, in both directions.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

async function bound(onMessage) {
  const socket = createSocket('udp4');
  socket.on('message', onMessage);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/**
 * Relays to `port` of this machine, `delay` milliseconds each way.
 *
 * Resolves to `{ port, close() }`.
 */
export async function createDelayProxy(port, delay) {
  const backs = new Map();
  const later = (send) => setTimeout(send, delay);
  const front = await bound((payload, from) => {
    const key = `${from.address}:${from.port}`;
    if (!backs.has(key)) {
      backs.set(
        key,
        bound((answer) => later(() => front.send(answer, from.port, from.address))),
      );
    }
    void backs.get(key).then((back) => later(() => back.send(payload, port, '127.0.0.1')));
  });
  return {
    port: front.address().port,
    async close() {
      front.close();
      for (const back of backs.values()) (await back).close();
    },
  };
}
