import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { QuicConnection } from '../../../src/quic/index.js';
import { EndpointLogs } from '../../../src/quic/endpoint-logs.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

for (const [name, over] of [
  ['of connections that are open', false],
  ['of connections that ended just before', true],
] as const) {
  test(`an endpoint that has closed has written its qlogs, ${name}`, async () => {
    const qlogDir = temporaryFolder();
    const logs = new EndpointLogs(undefined);
    const connection = { id: 'connection', isClient: true, options: { qlogDir } } as unknown as QuicConnection;
    for (let part = 0; part < 10; part++) logs.qlog(connection, new Uint8Array(100_000));
    if (over) logs.drained(connection);
    await logs.close();
    assert.equal(readFileSync(join(qlogDir, `${process.pid}-connection-client.sqlog`)).length, 1_000_000);
  });
}
