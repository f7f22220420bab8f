/** What extensions of HTTP/3 stand on, over real sockets: extended CONNECT, HTTP datagrams, capsules, streams of their own. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  CAPSULE,
  CapsuleReader,
  encodeCapsule,
  type FieldLine,
  Http3Connection,
  type Http3ConnectionHooks,
  type Http3CoreOptions,
  Http3RequestServer,
  type Http3Receiver,
  type Http3Stream,
} from '../../src/http3.js';
import { rawVarint } from '../../src/testing/index.js';
import type { QuicStreamLike } from '../../src/quic/types/connection.js';
import { systemClock } from '../../src/quic/udp/system-clock.js';
import { EndpointPair } from '../support/quic-pair.js';
import { until } from '../support/until.js';

const STREAM_TYPE = 0x54;
const SIGNAL = 0x41;
const extensions = { enableDatagrams: true, extensionStreamTypes: [STREAM_TYPE], extensionSignals: [SIGNAL] };

type ConnectionOptions = Omit<Http3CoreOptions, 'role' | 'rememberedSettings'>;

/** One connection, with both its ends. */
interface Ends {
  readonly client: Http3Connection;
  readonly server: Http3Connection;
}

/** A server with these options and hooks, and a client of it. */
async function connect(
  serverOptions: ServerOptions,
  clientOptions: ConnectionOptions = {},
  clientHooks: Http3ConnectionHooks = {},
): Promise<Ends> {
  const { connect: onConnect, hooks, ...http3 } = serverOptions;
  const requests = new Http3RequestServer({
    clock: systemClock,
    fetch: () => new Response('fine'),
    http3,
    connect: onConnect,
    hooks: () => hooks ?? {},
  });
  after(() => requests.close(0));
  const pair = await EndpointPair.start({ listen: { alpn: ['h3'] } });
  const ends = await pair.connect({ alpn: ['h3'] });
  const server = requests.accept(ends.server);
  const client = new Http3Connection(ends.client, clientOptions, clientHooks);
  await client.start();
  await Promise.all([client.receivedSettings, server.receivedSettings]);
  return { client, server };
}

interface ServerOptions extends ConnectionOptions {
  readonly connect?: (stream: Http3Stream) => void;
  readonly hooks?: Omit<Http3ConnectionHooks, 'request'>;
}

const line = (name: string, value: string): FieldLine => ({ name, value });

/** Opens a tunnel; with a protocol, by extended CONNECT. */
function tunnel(client: Http3Connection, protocol?: string): Promise<Http3Stream> {
  const extended = protocol !== undefined;
  const head = { method: 'CONNECT', authority: 'localhost:443', scheme: extended ? 'https' : undefined };
  const fields = [line(':method', 'CONNECT'), line(':authority', 'localhost:443')];
  if (extended) fields.push(line(':scheme', 'https'), line(':path', '/chat'), line(':protocol', protocol));
  return client.request({ ...head, path: extended ? '/chat' : undefined, protocol }, fields, false);
}

/** Everything that comes on a stream. */
class Received implements Http3Receiver {
  status = 0;
  text = '';
  ended = false;
  error: Error | undefined;
  onData: ((bytes: Uint8Array) => void) | undefined;

  response(status: number): void {
    this.status = status;
  }
  data(bytes: Uint8Array): boolean {
    this.text += Buffer.from(bytes).toString();
    this.onData?.(bytes);
    return true;
  }
  trailers(): void {}
  end(): void {
    this.ended = true;
  }
  aborted(error: Error): void {
    this.error = error;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Answers a tunnel with 200 and echoes what comes through it. */
function echoTunnel(stream: Http3Stream): void {
  stream.sendHeaders([line(':status', '200')]);
  const received = new Received();
  received.onData = (bytes) => void stream.write(Uint8Array.from(bytes));
  received.end = () => stream.end();
  stream.receive(received);
}

describe('CONNECT', () => {
  for (const protocol of [undefined, 'example']) {
    test(`${protocol === undefined ? 'a plain' : 'an extended'} tunnel carries bytes both ways, and ends each way`, async () => {
      const heads: Http3Stream['head'][] = [];
      const { client, server } = await connect({
        enableConnectProtocol: true,
        connect(stream) {
          heads.push(stream.head);
          echoTunnel(stream);
        },
      });
      const stream = await tunnel(client, protocol);
      const received = new Received();
      stream.receive(received);
      void stream.write(bytesOf('through '));
      await until(() => received.text === 'through ');
      void stream.write(bytesOf('the tunnel'));
      stream.end();
      await until(() => received.ended);
      assert.deepEqual([received.status, received.text], [200, 'through the tunnel']);
      assert.equal(heads[0]?.protocol, protocol);
      assert.equal(heads[0]?.path, protocol === undefined ? undefined : '/chat');
      await until(() => server.openRequests === 0 && client.openRequests === 0);
    });
  }

  test('extended CONNECT is not sent to a server that has not announced it', async () => {
    const { client } = await connect({ connect: echoTunnel });
    await assert.rejects(tunnel(client, 'example'), { code: 'ERR_HTTP3_UNSUPPORTED' });
    const plain = await tunnel(client);
    const received = new Received();
    plain.receive(received);
    await until(() => received.status === 200);
    plain.cancel();
  });

  test('a server without a handler for it answers 501', async () => {
    const { client } = await connect({ enableConnectProtocol: true });
    const received = new Received();
    (await tunnel(client, 'example')).receive(received);
    await until(() => received.ended);
    assert.equal(received.status, 501);
  });

  test('a tunnel that breaks tells the other end with the code', async () => {
    const streams: Http3Stream[] = [];
    const { client } = await connect({
      enableConnectProtocol: true,
      connect(stream) {
        streams.push(stream);
        stream.sendHeaders([line(':status', '200')]);
      },
    });
    const received = new Received();
    (await tunnel(client, 'example')).receive(received);
    await until(() => received.status === 200);
    // H3_CONNECT_ERROR: what lies behind the tunnel is gone.
    streams[0]?.cancel(0x10f);
    await until(() => received.error !== undefined);
    assert.equal((received.error as Error & { code: string }).code, 'ERR_HTTP3_CONNECT_ERROR');
  });

  test('capsules through a tunnel', async () => {
    const { client } = await connect({ enableConnectProtocol: true, connect: echoTunnel });
    const stream = await tunnel(client, 'example');
    const reader = new CapsuleReader({ types: new Set([CAPSULE.DATAGRAM]) });
    const capsules: string[] = [];
    const received = new Received();
    received.onData = (bytes) => {
      for (const { value } of reader.receive(bytes)) capsules.push(Buffer.from(value).toString());
    };
    stream.receive(received);
    void stream.write(encodeCapsule(CAPSULE.DATAGRAM, bytesOf('one')));
    void stream.write(encodeCapsule(0x1234, bytesOf('unknown')));
    void stream.write(encodeCapsule(CAPSULE.DATAGRAM, bytesOf('two')));
    await until(() => capsules.length === 2);
    assert.deepEqual(capsules, ['one', 'two']);
    stream.cancel();
  });
});

describe('HTTP datagrams', () => {
  test('belong to their request, both ways', async () => {
    const ends: { server?: Http3Connection } = {};
    const { client, server } = await connect(
      {
        ...extensions,
        enableConnectProtocol: true,
        connect(stream) {
          stream.onDatagram = (bytes) =>
            void ends.server?.sendDatagram(stream.id, bytesOf(`${stream.id} ${text(bytes)}`));
          echoTunnel(stream);
        },
      },
      extensions,
    );
    ends.server = server;
    const heard: string[] = [];
    const [one, two] = [await tunnel(client, 'example'), await tunnel(client, 'example')];
    for (const stream of [one, two]) {
      const received = new Received();
      stream.receive(received);
      stream.onDatagram = (bytes) => void heard.push(`on ${stream.id}: ${text(bytes)}`);
      await until(() => received.status === 200);
    }
    await client.sendDatagram(two.id, bytesOf('second'));
    await client.sendDatagram(one.id, bytesOf('first'));
    await until(() => heard.length === 2);
    assert.deepEqual(heard.sort(), [`on ${one.id}: ${one.id} first`, `on ${two.id}: ${two.id} second`]);
    one.cancel();
    two.cancel();
    // Of a request that is over they are dropped (RFC 9297 section 2.1), and cannot be sent.
    await assert.rejects(client.sendDatagram(one.id, bytesOf('late')), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.equal(client.error, undefined);
  });

  test('need both sides to have announced them', async () => {
    const { client, server } = await connect({ enableConnectProtocol: true, connect: echoTunnel }, extensions);
    const stream = await tunnel(client, 'example');
    await assert.rejects(client.sendDatagram(stream.id, bytesOf('x')), { code: 'ERR_HTTP3_UNSUPPORTED' });
    assert.equal(client.peerSettings.datagrams, false);
    assert.equal(server.peerSettings.datagrams, true);
    stream.cancel();
  });
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('streams of an extension', () => {
  interface Come {
    readonly quic: QuicStreamLike;
    readonly type: number;
    readonly first: string;
    readonly fin: boolean;
  }
  const hooks = (come: Come[]): Http3ConnectionHooks => ({
    extensionStream: (quic, type, bytes, fin) => void come.push({ quic, type, first: text(bytes), fin }),
  });

  /** All that came on it, what was read by HTTP/3 before included. */
  async function contentOf({ quic, first, fin }: Come): Promise<string> {
    let content = first;
    await until(() => {
      if (fin) return true;
      for (let bytes = quic.tryReceive(); bytes !== undefined; bytes = quic.tryReceive()) {
        if (bytes.length === 0) return true;
        content += text(bytes);
      }
      return false;
    });
    return content;
  }

  for (const from of ['client', 'server'] as const) {
    test(`unidirectional, of the ${from}`, async () => {
      const come: Come[] = [];
      const ends = await connect({ ...extensions, hooks: hooks(come) }, extensions, hooks(come));
      const stream = await ends[from].quic.openUnidirectionalStream();
      await stream.send(rawVarint(STREAM_TYPE, 2));
      await stream.send(bytesOf('its content '));
      await until(() => come.length === 1);
      await stream.send(bytesOf('and more'));
      await stream.finish();
      assert.equal(come[0]!.type, STREAM_TYPE);
      assert.equal(await contentOf(come[0]!), 'its content and more');
    });

    test(`bidirectional, of the ${from}: answered on the same stream`, async () => {
      const come: Come[] = [];
      const ends = await connect({ ...extensions, hooks: hooks(come) }, extensions, hooks(come));
      const stream = await ends[from].quic.openBidirectionalStream();
      // The signal in two pieces, one byte each.
      const signal = rawVarint(SIGNAL, 2);
      await stream.send(signal.subarray(0, 1));
      await stream.send(signal.subarray(1));
      await stream.send(bytesOf('question'));
      await stream.finish();
      await until(() => come.length === 1);
      assert.equal(come[0]!.type, SIGNAL);
      assert.equal(await contentOf(come[0]!), 'question');
      await come[0]!.quic.send(bytesOf('answer'));
      await come[0]!.quic.finish();
      assert.equal(await contentOf({ quic: stream, type: SIGNAL, first: '', fin: false }), 'answer');
      assert.equal(ends.client.error ?? ends.server.error, undefined);
    });
  }

  test('requests go on beside them', async () => {
    const come: Come[] = [];
    const { client } = await connect({ ...extensions, hooks: hooks(come) }, extensions);
    const stream = await client.quic.openBidirectionalStream();
    await stream.send(rawVarint(SIGNAL, 2));
    await until(() => come.length === 1);
    const head = { method: 'GET', scheme: 'https', authority: 'localhost', path: '/', protocol: undefined };
    const fields = [
      line(':method', 'GET'),
      line(':scheme', 'https'),
      line(':authority', 'localhost'),
      line(':path', '/'),
    ];
    const received = new Received();
    (await client.request(head, fields, true)).receive(received);
    await until(() => received.ended);
    assert.deepEqual([received.status, received.text], [200, 'fine']);
  });

  test('a type that nobody has named is stopped', async () => {
    const { client } = await connect({});
    const stream = await client.quic.openUnidirectionalStream();
    await stream.send(rawVarint(STREAM_TYPE, 2));
    await assert.rejects(stream.acknowledged, { code: 'ERR_QUIC_STREAM_STOPPED', errorCode: 0x103 });
    assert.equal(client.error, undefined);
  });
});
