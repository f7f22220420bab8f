// node bench/udp-ceiling.mjs [--rounds N] [--mib N] [--json FILE] [BYTES...]
//
// What bare node:dgram moves one way between two processes over loopback: the ceiling for everything that stands on it.
// A table on standard error, JSON on standard output (or in FILE). No flow control: the receiver's kernel drops what the
// receiver cannot take, so the received figures count. Of all rounds the median.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { measurePair } from './lib/pair.mjs';
import { medians } from './lib/statistics.mjs';

const { values: flags, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    mib: { type: 'string' },
    json: { type: 'string' },
  },
  allowPositionals: true,
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [1_200, 1_452, 8_900, 65_000];

/** Enough for about a second. */
function mibFor(size) {
  return flags.mib === undefined ? Math.min(1_024, Math.round(size / 8)) : Number(flags.mib);
}

async function measure(size) {
  const { client, server } = await measurePair('peer-dgram.mjs', {
    serverArgs: ['server'],
    clientArgs: (port) => ['client', port, size, mibFor(size)],
  });
  const sent = client.sentBytes / size;
  const received = server.receivedBytes / size;
  return {
    sentPerSecond: (sent / client.wallMs) * 1e3,
    receivedPerSecond: (received / server.receiveMs) * 1e3,
    sentMBPerSecond: client.sentBytes / client.wallMs / 1e3,
    receivedMBPerSecond: server.receivedBytes / server.receiveMs / 1e3,
    arrivedPercent: (100 * received) / sent,
    sendCpuMicros: (client.cpuMs * 1e3) / sent,
    receiveCpuMicros: (server.cpuMs * 1e3) / received,
  };
}

const samples = new Map(sizes.map((size) => [size, []]));
// Sizes take turns, so that a busy moment of the machine hits all alike.
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const size of sizes) samples.get(size).push(await measure(size));
}
const rows = sizes.map((size) => ({ datagramBytes: size, ...medians(samples.get(size)) }));

const columns = [
  ['bytes', 'datagramBytes', 0],
  ['sent/s', 'sentPerSecond', 0],
  ['received/s', 'receivedPerSecond', 0],
  ['sent MB/s', 'sentMBPerSecond', 1],
  ['received MB/s', 'receivedMBPerSecond', 1],
  ['arrived %', 'arrivedPercent', 1],
  ['send CPU us', 'sendCpuMicros', 2],
  ['receive CPU us', 'receiveCpuMicros', 2],
];
const line = (cells) => cells.map((cell, index) => cell.padStart(columns[index][0].length + 2)).join('');
console.error(line(columns.map(([heading]) => heading)));
for (const row of rows) console.error(line(columns.map(([, key, digits]) => row[key].toFixed(digits))));

const report = JSON.stringify(
  {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    rounds: Number(flags.rounds),
    rows,
  },
  null,
  2,
);
if (flags.json === undefined) console.log(report);
else writeFileSync(flags.json, `${report}\n`);
