/** What makes a coordinator the same one after a restart: its certificate and the key of its stateless resets. */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { makeIdentity, type SwarmIdentity } from '../security/identity.js';
import { makeSecret } from '../security/proof.js';
import type { SwarmStore } from '../store/store.js';
import { decodeValue, encodeValue } from '../wire/codec.js';

const savedKeys = z.strictObject({
  v: z.literal(1),
  cert: z.string(),
  key: z.string(),
  statelessReset: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= 16),
});

const KEY = 'keys/coordinator';
const SECRET = 'keys/development-secret';

/** The keys in the store; new ones are made, and kept, where there are none. */
export async function keysOf(
  store: SwarmStore,
  id: string,
  given: SwarmIdentity | undefined,
): Promise<{ readonly identity: SwarmIdentity; readonly statelessReset: Uint8Array }> {
  const entry = await store.get(KEY);
  const saved = entry && savedKeys.safeParse(decodeValue(entry.value));
  if (saved?.success) {
    const { cert, key, statelessReset } = saved.data;
    return { identity: given ?? { cert, key }, statelessReset };
  }
  const identity = given ?? (await makeIdentity(id));
  const statelessReset = new Uint8Array(randomBytes(32));
  await store.write([{ key: KEY, value: encodeValue({ v: 1, ...identity, statelessReset }) }]);
  return { identity, statelessReset };
}

/** The secret of development mode: the one that the store has from before, so that agents know it after a restart. */
export async function developmentSecretOf(store: SwarmStore): Promise<string> {
  const entry = await store.get(SECRET);
  const saved = entry && decodeValue(entry.value);
  if (typeof saved === 'string') return saved;
  const secret = makeSecret();
  await store.write([{ key: SECRET, value: encodeValue(secret) }]);
  return secret;
}
