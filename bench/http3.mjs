// node bench/http3.mjs [--quick] [--only NAME,...] [--sides NAME;...] [--rounds N] [--json FILE] [--install]
//
// Measures HTTP/3 against node:http2, a foreign HTTP/3 and the transport alone, all in one run, in turns. Client and server are
// processes of their own; CPU time is that of both.
//
//   --quick        tiny sizes and one round: does everything still run? The numbers mean nothing.
//   --only         some cases, by name or its beginning
//   --sides        some sides of them, by their whole names, separated by semicolons
//   --rounds       rounds per case; default 5
//   --json FILE    every sample, the medians and the results
//   --install      first installs the foreign HTTP/3 that is measured against, into .tmp/bench-http3
//
// SKEIN_DIST names another build to measure. Exit code 1: a case failed. A missed target is a result, no failure.
import { memoryCases } from './cases/request-memory.mjs';
import { makeRequests } from './cases/requests.mjs';
import { installCurrentspace } from './lib/currentspace.mjs';
import { runBenchmark } from './lib/runner.mjs';

await runBenchmark({ install: installCurrentspace, makeCases: () => [...makeRequests(), ...memoryCases] });
