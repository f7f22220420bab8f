/**
 * Joining by a shared secret. Both sides prove that they know it, for this one TLS connection: the proof covers keying
 * material that only its two ends have (RFC 8446 section 7.5), so that it is worth nothing on another connection, neither
 * repeated nor passed on by somebody in the middle.
 */

import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { encodeValue } from '../wire/codec.js';

const EXPORTER_LABEL = 'EXPORTER-skein-swarm-join';
const SALT = 'skein-swarm/1';
/** Cost of guessing a secret from a proof; some 50 ms once for each secret and process. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const SHORTEST_SECRET = 16;
const REMEMBERED = 64;

/** What a proof is for. */
export interface JoinClaims {
  readonly swarmId: string;
  readonly id: string;
  readonly role: string;
  /** Of the agent. */
  readonly nonce: Uint8Array;
}

const derived = new Map<string, Promise<Buffer>>();

/** A new secret: 256 random bits. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** @throws SwarmError `ERR_SWARM_INVALID_OPTION` when it is too short to keep guessers out */
export function checkSecret(secret: unknown): asserts secret is string {
  if (typeof secret === 'string' && secret.length >= SHORTEST_SECRET) return;
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `The secret must be a string of at least ${SHORTEST_SECRET} characters, at best random: makeSecret(), or skein swarm secret`,
  );
}

/** The key that proofs are made with. */
export function keyOf(secret: string): Promise<Buffer> {
  const name = createHash('sha256').update(secret).digest('hex');
  let key = derived.get(name);
  if (!key) {
    key = new Promise((resolve, reject) => {
      scrypt(secret, SALT, 32, SCRYPT, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
    derived.set(name, key);
    for (const oldest of derived.keys()) {
      if (derived.size <= REMEMBERED) break;
      derived.delete(oldest);
    }
  }
  return key;
}

/** The proof of one side. The handshake must be complete. */
export function proofOf(
  key: Buffer,
  side: 'agent' | 'coordinator',
  connection: QuicConnection,
  claims: JoinClaims,
): Uint8Array {
  const exported = connection.exportKeyingMaterial(32, EXPORTER_LABEL);
  const covered = encodeValue([side, claims.swarmId, claims.id, claims.role, claims.nonce]);
  return createHmac('sha256', key).update(exported).update(covered).digest();
}

/** Compares in constant time. */
export function proofHolds(expected: Uint8Array, given: Uint8Array | undefined): boolean {
  return given !== undefined && given.length === expected.length && timingSafeEqual(expected, given);
}
