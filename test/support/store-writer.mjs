// Writes batches into a store until it is killed, and prints the number of each one that was confirmed.
//
//   node store-writer.mjs FILE FIRST [hold]     hold: only opens it, prints "open", and waits
import { writeSync } from 'node:fs';
import { SqliteStore } from '../../dist/swarm/store/sqlite-store.js';

const [file, first, mode] = process.argv.slice(2);
const store = await SqliteStore.open(file);
writeSync(1, 'open\n');
if (mode === 'hold') setInterval(() => undefined, 1000);
else await write(Number(first));

async function write(from) {
  const lease = await store.grantLease(60_000);
  for (let round = from; ; round += 3) {
    // Three batches in one commit; each has two entries that must not be found without one another.
    const batches = [round, round + 1, round + 2].map(async (number) => {
      const value = Buffer.from(String(number).padEnd(1 + ((number * 37) % 3000)));
      const { ok } = await store.write([
        { key: `a/${number}`, value, ifRevision: 0 },
        { key: 'leased', value, lease },
        { key: `b/${number}`, value, ifRevision: 0 },
        ...(number % 5 === 0
          ? [
              { key: `a/${number - 5}`, value: undefined },
              { key: `b/${number - 5}`, value: undefined },
            ]
          : []),
      ]);
      if (ok) writeSync(1, `${number}\n`);
    });
    await Promise.all(batches);
  }
}
