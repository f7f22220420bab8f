// What happens with a client that moves to the address is in test/interop/paths.test.ts: skein's own stays.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListenOptions } from '../../src/quic/index.js';
import { echo, EndpointPair, roundTrip, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface ParametersSet {
  readonly name?: string;
  readonly data?: { readonly initiator?: string; readonly preferred_address?: Readonly<Record<string, unknown>> };
}

test('preferredAddress is announced, and a client that stays where it is can still migrate', async () => {
  const qlogDir = temporaryFolder();
  const preferredAddress = { ipv4: '127.0.0.2:4444', ipv6: '[::1]:4445' };
  const pair = await EndpointPair.start({ listen: { preferredAddress }, client: { qlogDir } });
  const { client, server } = await pair.connect();
  echo(server);
  assert.equal(text.decode(await roundTrip(client, text.encode('here'))), 'here');
  await client.migrate();
  assert.equal(text.decode(await roundTrip(client, text.encode('there'))), 'there');
  assert.deepEqual(client.remoteAddress, pair.server.address);
  await pair[Symbol.asyncDispose]();
  const records = readdirSync(qlogDir).flatMap((name) => readFileSync(join(qlogDir, name), 'utf8').split('\x1e'));
  const events = records.filter((record) => record !== '').map((record) => JSON.parse(record) as ParametersSet);
  const announced = events.find(({ name, data }) => name === 'quic:parameters_set' && data?.initiator === 'remote');
  const { ip_v4, port_v4, ip_v6, port_v6 } = announced?.data?.preferred_address ?? {};
  assert.deepEqual([ip_v4, port_v4, ip_v6, port_v6], ['127.0.0.2', 4444, '::1', 4445]);
});

test('preferredAddress that is none', async () => {
  const wrong: [ListenOptions['preferredAddress'], RegExp][] = [
    [{ ipv4: 'nonsense' }, /preferredAddress\.ipv4: "nonsense"/],
    [{ ipv4: '[::1]:4433' }, /preferredAddress\.ipv4/],
    [{ ipv4: '192.0.2.1' }, /with a port, like 192\.0\.2\.1:4433/],
    [{ ipv6: '192.0.2.1:4433' }, /preferredAddress\.ipv6/],
  ];
  for (const [preferredAddress, words] of wrong) {
    await assert.rejects(
      EndpointPair.start({ listen: { preferredAddress } }),
      quicError('ERR_QUIC_INVALID_OPTION', words),
    );
  }
});
