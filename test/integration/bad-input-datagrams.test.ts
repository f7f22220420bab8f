import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attack } from '../support/quic-attack.js';

const MIB = 1024 * 1024;
const datagrams = Number(process.env['SKEIN_BAD_DATAGRAMS'] ?? 100_000);
const seed = Number(process.env['SKEIN_SEED'] ?? (process.env['CI'] === 'true' ? 1 : Date.now() % 2 ** 32));

test(`${datagrams} bad datagrams (seed ${seed}): nothing falls, nothing grows, nobody notices`, async (t) => {
  const { engineMemoryBefore, engineMemoryAfter, roundTrips } = await attack({ datagrams, seed });
  t.diagnostic(`${roundTrips} round trips meanwhile; engine memory ${engineMemoryBefore} to ${engineMemoryAfter}`);
  assert.ok(engineMemoryAfter - engineMemoryBefore <= 2 * MIB, `${engineMemoryBefore} to ${engineMemoryAfter}`);
});
