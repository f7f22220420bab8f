/** What the coordinator's store knows of members: what must outlive it. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { SwarmStore } from '../store/store.js';
import { decodeValue, encodeValue } from '../wire/codec.js';

const savedMember = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  incarnation: z.number().int().min(0),
  role: z.string(),
  fingerprint: z.string(),
  /** SHA-256 of the token that the member may come back with, once. */
  rejoin: z.custom<Uint8Array>((value) => value instanceof Uint8Array).optional(),
  /** Where the coordinator dials it, when it was registered. */
  registered: z
    .strictObject({
      host: z.string(),
      port: z.number(),
      role: z.string(),
      capabilities: z.array(z.string()).optional(),
    })
    .optional(),
});

export type SavedMember = z.infer<typeof savedMember>;

const PREFIX = 'member/';

export class MemberBook {
  readonly #store: SwarmStore;
  readonly #known = new Map<string, SavedMember>();

  private constructor(store: SwarmStore) {
    this.#store = store;
  }

  static async open(store: SwarmStore): Promise<MemberBook> {
    const book = new MemberBook(store);
    for (const entry of await store.list(PREFIX)) {
      const parsed = savedMember.safeParse(decodeValue(entry.value));
      if (parsed.success) book.#known.set(parsed.data.id, parsed.data);
    }
    return book;
  }

  get(id: string): SavedMember | undefined {
    return this.#known.get(id);
  }

  list(): SavedMember[] {
    return [...this.#known.values()];
  }

  async save(member: SavedMember): Promise<void> {
    this.#known.set(member.id, member);
    await this.#store.write([{ key: PREFIX + member.id, value: encodeValue(member) }]);
  }

  async forget(id: string): Promise<void> {
    this.#known.delete(id);
    await this.#store.write([{ key: PREFIX + id, value: undefined }]);
  }

  /** Whether a token is the one that this member was given last. It is good for one use: `save` puts another in its place. */
  isRejoinToken(id: string, fingerprint: string, token: Uint8Array): boolean {
    const member = this.#known.get(id);
    if (!member?.rejoin || member.fingerprint !== fingerprint) return false;
    const given = tokenHash(token);
    return given.length === member.rejoin.length && timingSafeEqual(given, member.rejoin);
  }
}

/** A new token, and what is kept of it. */
export function newRejoinToken(): { token: Uint8Array; hash: Uint8Array } {
  const token = new Uint8Array(randomBytes(32));
  return { token, hash: tokenHash(token) };
}

function tokenHash(token: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(token).digest());
}
