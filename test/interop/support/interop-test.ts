/** How interoperability tests are declared. */

import { test, type TestContext } from 'node:test';
import { PEERS, Unsupported, type Peer } from './peers.js';

/** Generous: the machine may be busy, and no test waits for this. */
const TIMEOUT = 120_000;

/**
 * The same test against each peer. What a peer's library cannot do is skipped, with its reason in the report.
 *
 * @param name what is tried, e.g. `retry: skein serves`
 * @param peers which of them. Default: all
 */
export function againstEachPeer(
  name: string,
  body: (peer: Peer, context: TestContext) => Promise<void>,
  peers: readonly Peer[] = PEERS,
): void {
  for (const peer of peers) {
    test(`${name}, ${peer}`, { timeout: TIMEOUT }, async (context) => {
      try {
        await body(peer, context);
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        context.skip(error.message);
      }
    });
  }
}
