// node bench/swarm.mjs [--quick] [--only NAME,...] [--rounds N] [--json FILE]
//
// Measures swarms against what a person would use instead, `ws` with JSON over TLS, and what only swarms have on its own.
// Each round gives every side its turn; of all rounds the median counts. Client and server are processes of their own; CPU
// time is that of both.
//
//   --quick        tiny sizes and one round: does everything still run? The numbers mean nothing.
//   --only         some cases, by name or its beginning
//   --rounds       rounds per case; default 5
//   --json FILE    every sample, the medians and the results
//
// SKEIN_NETLAB names the folder of a network emulator, for kernels without tc netem (lib/wire.mjs). SKEIN_DIST names another build to measure. Exit code 1: a case failed. A missed target is a result, no failure.
import { swarmLoss } from './cases/swarm-loss.mjs';
import { swarmRequests } from './cases/swarm-requests.mjs';
import { swarmWork } from './cases/swarm-work.mjs';
import { runBenchmark } from './lib/runner.mjs';

await runBenchmark({
  install: () => undefined,
  makeCases: () => [...swarmRequests, ...swarmLoss(), ...swarmWork],
});
