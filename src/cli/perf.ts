import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Option, type Command } from '@commander-js/extra-typings';
import { bytes, duration, hostAndPort, integer, pinOption } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein perf server --cert certs/cert.pem --key certs/key.pem
  skein perf client --to localhost:4433 --ca certs/ca.pem --download 1G
  skein perf client --to localhost:4433 --ca certs/ca.pem --upload 64M --streams 8 --duration 10
  skein perf client --to localhost:4433 --ca certs/ca.pem --requests 10000 --parallel 32
  skein perf client --to localhost:4433 --pin sha256/... --early-data

The protocol is draft-banks-quic-performance (ALPN "perf"), so either side can be another implementation's tool: the
client opens a bidirectional stream, sends eight bytes that say how many bytes it wants, then bytes of its own; the
server reads all, and answers with as many as it was asked for.
${EXIT_CODES_HELP}`;

const congestionControls = ['cubic', 'newreno', 'bbr'] as const;

function congestionOption() {
  return new Option('--congestion <name>', 'congestion controller').choices(congestionControls).default('cubic');
}

function mtuOption() {
  return new Option(
    '--mtu <bytes>',
    'upper bound of the search for the path MTU, as UDP payload (default: what the interface takes)',
  ).argParser(integer(1200, 65_527));
}

/** `skein perf`. */
export function registerPerf(program: Command): void {
  const perf = program
    .command('perf')
    .description('measure throughput and latency with the QUIC perf protocol')
    .addHelpText('after', examples);
  registerServer(perf);
  registerClient(perf);
}

function registerServer(perf: CommandUnknownOpts): void {
  perf
    .command('server')
    .description('answer perf clients until interrupted')
    .addOption(
      new Option('--listen <address:port>', 'where to listen; port 0: any free one')
        .argParser(hostAndPort({ host: '0.0.0.0', port: 4433 }))
        .default({ host: '0.0.0.0', port: 4433 }, '0.0.0.0:4433'),
    )
    .option('--cert <file>', 'certificate to show (PEM); default: one is made for this run')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .addOption(congestionOption())
    .addOption(mtuOption())
    .option('--json', 'print JSON, one line for each connection', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { perfServer } = await import('./perf/server.js');
      await perfServer(options);
    });
}

function registerClient(perf: CommandUnknownOpts): void {
  perf
    .command('client')
    .description('measure: bytes one way or both (--upload, --download), or requests (--requests)')
    .addOption(
      new Option('--to <host:port>', 'where the server listens')
        .argParser(hostAndPort({ host: 'localhost', port: 4433 }))
        .default({ host: 'localhost', port: 4433 }, 'localhost:4433'),
    )
    .addOption(new Option('--upload <bytes>', 'bytes to send on each stream: 1500, 64k, 10M, 1G').argParser(bytes))
    .addOption(new Option('--download <bytes>', 'bytes to ask for on each stream (default: 64M)').argParser(bytes))
    .addOption(new Option('--streams <number>', 'streams at a time').argParser(integer(1, 10_000)).default(1))
    .addOption(
      new Option('--duration <time>', 'go on for this time, one stream after the other: 10 (seconds), 500ms').argParser(
        duration,
      ),
    )
    .addOption(
      new Option('--requests <number>', 'measure the latency of so many requests, a stream each')
        .argParser(integer(1, 100_000_000))
        .conflicts(['duration', 'streams']),
    )
    .addOption(
      new Option('--parallel <number>', 'requests under way at a time').argParser(integer(1, 10_000)).default(1),
    )
    .option('--early-data', 'connect a second time with 0-RTT, and compare the times to the first byte', false)
    .option('--ca <file>', 'PEM file of the CA that the server’s certificate comes from')
    .addOption(pinOption())
    .option('--servername <name>', 'name that the certificate must be for, if not the host of --to')
    .option('--insecure', 'verify nothing', false)
    .addOption(congestionOption())
    .addOption(mtuOption())
    .addOption(
      new Option('--timeout <time>', 'for the handshake, and silence after which the server counts as gone')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { perfClient } = await import('./perf/client.js');
      await perfClient(options);
    });
}
