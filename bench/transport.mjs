// node bench/transport.mjs [--quick] [--only NAME,...] [--rounds N] [--json FILE] [--install]
//
// Measures the transport against what else there is, all in one run: in each round every side has its turn, so that a
// busy moment of the machine hits all alike; of all rounds the median counts. Client and server are processes of their
// own; CPU time is that of both.
//
//   --quick        tiny sizes and one round: does everything still run? The numbers mean nothing.
//   --only         some cases, by name or its beginning
//   --rounds       rounds per case; default 5
//   --json FILE    every sample, the medians and the results
//   --install      first installs the foreign QUIC that is measured against, into .tmp/bench
//
// SKEIN_DIST names another build to measure. Exit code 1: a case failed. A missed target is a result, no failure.
import { handshakes } from './cases/handshakes.mjs';
import { idleConnections } from './cases/idle.mjs';
import { makeTransfers } from './cases/transfers.mjs';
import { installLibp2p } from './lib/libp2p.mjs';
import { runBenchmark } from './lib/runner.mjs';

await runBenchmark({
  install: installLibp2p,
  makeCases: () => [...makeTransfers(), ...handshakes, ...idleConnections],
});
