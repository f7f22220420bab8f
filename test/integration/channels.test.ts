import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { CHANNELS } from '../../src/observe/index.js';
import type { PathEvent, QuicConnection, QuicStream } from '../../src/quic/index.js';
import { ALPN, discard, EndpointPair, identity, streamBetween, until } from '../support/quic-pair.js';

type Name = keyof typeof CHANNELS;

interface Message {
  readonly name: Name;
  readonly connection?: QuicConnection;
  readonly connectionId?: string;
  readonly stream?: QuicStream;
  readonly streamId?: number;
  readonly event?: PathEvent;
  readonly error?: Error;
}

test('diagnostics channels tell of connections, streams, paths and errors', async () => {
  const messages: Message[] = [];
  const listeners = (Object.keys(CHANNELS) as Name[]).map((name) => {
    const listener = (message: unknown): void => void messages.push({ ...(message as Message), name });
    subscribe(CHANNELS[name], listener);
    return (): boolean => unsubscribe(CHANNELS[name], listener);
  });
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const { near, far } = await streamBetween(client, server);
  discard(near, far);
  await client.migrate();
  await until(() => messages.some(({ name, event }) => name === 'path' && event?.type === 'remoteAddress'));
  await client.close();
  await server.closed;
  for (const stop of listeners) assert.equal(stop(), true);

  const of = (connection: QuicConnection): string[] =>
    messages
      .filter((message) => message.connection === connection || message.connectionId === connection.id)
      .map(({ name, event }) => (event ? `${name} ${event.type}` : name));
  const life = ['connectionStart', 'connectionReady', 'streamOpen', 'streamClose'];
  assert.deepEqual(
    of(client).filter((name) => !name.includes('observedAddress')),
    [...life, 'path localAddress', 'connectionClose'],
  );
  assert.deepEqual(of(server), [...life, 'path remoteAddress', 'connectionClose']);
  const opened = messages.filter(({ name }) => name === 'streamOpen').map(({ stream }) => stream);
  assert.deepEqual(opened, [near, far]);
  assert.ok(messages.some(({ name, streamId }) => name === 'streamClose' && streamId === 0));
});

test('a handler that fails shows on the error channel', async () => {
  const errors: Message[] = [];
  const listener = (message: unknown): void => void errors.push(message as Message);
  subscribe(CHANNELS.error, listener);
  process.once('warning', () => undefined);
  await using pair = await EndpointPair.start();
  pair.server.stopListening();
  await pair.server.listen({ ...identity, alpn: [ALPN] }, async () => {
    throw new Error('handler trouble');
  });
  const client = await pair.dial();
  await client.closed;
  unsubscribe(CHANNELS.error, listener);
  assert.equal(errors[0]?.error?.message, 'handler trouble');
  assert.equal(errors[0].connection?.isClient, false);
});
