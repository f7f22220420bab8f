import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { echo, EndpointPair, roundTrip } from '../support/quic-pair.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

interface Entry {
  readonly name?: string;
  readonly time?: number;
  readonly file_schema?: string;
  readonly qlog_format?: string;
}

test('qlogDir: a file for each side of each connection, in the JSON-SEQ form', async () => {
  const pair = await EndpointPair.start({ server: { qlogDir: folder }, client: { qlogDir: folder } });
  const { client, server } = await pair.connect();
  echo(server);
  await roundTrip(client, new Uint8Array(100_000));
  await client.close();
  await pair[Symbol.asyncDispose]();
  const names = readdirSync(folder).sort();
  assert.equal(names.length, 2, names.join());
  assert.ok(names.some((name) => name.endsWith('-client.sqlog')));
  assert.ok(names.some((name) => name.endsWith('-server.sqlog')));
  for (const name of names) {
    // RFC 7464: each record begins with RS and ends with LF.
    const records = readFileSync(join(folder, name), 'utf8').split('\x1e');
    assert.equal(records.shift(), '');
    const entries = records.map((record) => {
      assert.ok(record.endsWith('\n'));
      return JSON.parse(record) as Entry;
    });
    const [header, ...events] = entries;
    assert.ok(header?.qlog_format ?? header?.file_schema, JSON.stringify(header));
    const kinds = new Set(events.map((event) => event.name));
    assert.ok(events.length > 20, `${events.length} events`);
    assert.ok(
      [...kinds].some((kind) => kind?.endsWith('packet_sent')),
      [...kinds].join(),
    );
    assert.ok(
      [...kinds].some((kind) => kind?.endsWith('packet_received')),
      [...kinds].join(),
    );
  }
});
