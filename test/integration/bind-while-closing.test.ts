/** What is closed while one of its sockets is still being bound does not leave that socket behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UdpBindOptions, UdpSocket } from '../../src/quic/index.js';
import { EndpointPair } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { until } from '../support/until.js';
import { WrappedNetwork } from '../support/wrapped-network.js';

/** Sockets are bound at once and handed over when the test says so. */
class SlowNetwork extends WrappedNetwork {
  readonly closed = new Set<UdpSocket>();
  #handOver: Promise<void> | undefined;

  override async bind(options: UdpBindOptions): Promise<UdpSocket> {
    const socket = await super.bind(options);
    const close = socket.close.bind(socket);
    socket.close = () => {
      this.closed.add(socket);
      return close();
    };
    await this.#handOver;
    return socket;
  }

  /** Keeps what is bound from now on, until the function that it returns is called. */
  keep(): () => void {
    let handOver = (): void => undefined;
    this.#handOver = new Promise((resolve) => (handOver = resolve));
    return handOver;
  }
}

test('a connection that is over before its further socket is there', async () => {
  const network = new SlowNetwork();
  const pair = await EndpointPair.start({ client: { network } });
  const { client } = await pair.connect({ ownSocket: true });
  const own = network.bound.at(-1)!.socket;
  const handOver = network.keep();
  const migrating = client.migrate();
  await until(() => network.bound.length === 3);
  client.destroy();
  // A connection that has drained lets go of its socket.
  await until(() => network.closed.has(own));
  handOver();
  await assert.rejects(migrating, quicError('ERR_QUIC_CONNECTION_CLOSED'));
  assert.ok(network.closed.has(network.bound.at(-1)!.socket));
});

test('an endpoint that is closed before the socket of an attempt to connect is there', async () => {
  const network = new SlowNetwork();
  const pair = await EndpointPair.start({ client: { network } });
  const handOver = network.keep();
  const dialling = pair.dial({ ownSocket: true });
  await until(() => network.bound.length === 2);
  await pair.client.close();
  handOver();
  await assert.rejects(dialling, quicError('ERR_QUIC_ENDPOINT_CLOSED'));
  assert.equal(network.closed.size, 2);
});
