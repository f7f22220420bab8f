// @chainsafe/libp2p-quic (quinn, native) as one side of the transport benchmarks: its transport and its streams, without
// the protocol negotiation that libp2p adds to each stream.
//
//   node bench/lib/peer-libp2p.mjs server CERT KEY        the certificate is libp2p's own; the arguments go unused
//   node bench/lib/peer-libp2p.mjs client PORT CA WORK SIZE
import { clientControl, serveControl } from './control.mjs';
import { loadLibp2p } from './libp2p.mjs';
import { runWork } from './works.mjs';

// It asks for Node 22, of which it uses no more than this.
Promise.withResolvers ??= function withResolvers() {
  const deferred = {};
  deferred.promise = new this((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

const { quic, generateKeyPair, multiaddr } = await loadLibp2p();

const quiet = Object.assign(() => undefined, { error() {}, trace() {}, enabled: false, newScope: () => quiet });
const logger = { forComponent: () => quiet };

async function createTransport() {
  return quic()({ privateKey: await generateKeyPair('Ed25519'), logger });
}

/** Takes the place of libp2p's upgrader: the muxer is all that a benchmark wants. */
const upgrade = (connection, { muxerFactory }) => muxerFactory.createStreamMuxer(connection);

const address = (port) => multiaddr(`/ip4/127.0.0.1/udp/${port}/quic-v1`);

async function send(stream, bytes) {
  if (!stream.send(bytes)) await stream.onDrain();
}

async function echo(stream) {
  for await (const bytes of stream) await send(stream, bytes);
  await stream.close();
}

async function server() {
  const transport = await createTransport();
  const upgradeInbound = async (connection, options) => {
    const muxer = upgrade(connection, options);
    muxer.addEventListener('stream', ({ detail }) => void echo(detail).catch(() => undefined));
  };
  const listener = transport.createListener({ upgrader: { upgradeInbound } });
  await listener.listen(address(0));
  const [, port] = /\/udp\/(\d+)/.exec(String(listener.getAddrs()[0]));
  serveControl({ port: Number(port) });
}

async function client(port, _ca, work, size) {
  const control = clientControl();
  const transport = await createTransport();
  const upgrader = { upgradeOutbound: async (connection, options) => upgrade(connection, options) };
  const muxer = await transport.dial(address(port), { upgrader });
  const open = async () => {
    const stream = await muxer.createStream();
    return {
      write: (bytes) => send(stream, bytes),
      end: () => stream.close(),
      async consume(onBytes) {
        for await (const bytes of stream) onBytes(bytes.subarray());
      },
    };
  };
  await runWork(control, { open }, work, Number(size));
  process.exit();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
