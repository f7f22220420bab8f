import { test } from 'node:test';
import { TOPOLOGIES } from '../../src/swarm/index.js';
import { topologyHolds } from '../support/swarm-topologies.js';

for (const topology of TOPOLOGIES) {
  for (const size of [2, 3, 10]) {
    test(`${topology} of a coordinator and ${size} agents`, { timeout: 170_000 }, (t) =>
      topologyHolds(t, topology, size, 2500),
    );
  }
}
