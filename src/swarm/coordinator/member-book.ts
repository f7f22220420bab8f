/** What the coordinator's store knows of members: what must outlive it. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { SwarmError } from '../errors.js';
import type { SwarmStore } from '../store/store.js';
import { decodeValue, encodeValue } from '../wire/codec.js';

/** What is told of a member while it is one, beside what is kept of it for good. */
const savedPlace = z.strictObject({
  /** Grows from one that joins to the next: the order of the view. */
  seat: z.number().int().min(0),
  capabilities: z.array(z.string()),
  concurrency: z.number().int().min(0),
  host: z.string(),
  port: z.number().int(),
  topics: z.array(z.string()),
});

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
  /** While it is in the swarm. */
  place: savedPlace.optional(),
  /** Why it was evicted: what the same life of it is told if it comes again. */
  evicted: z.string().optional(),
});

export type SavedMember = z.infer<typeof savedMember>;
export type SavedPlace = z.infer<typeof savedPlace>;

const PREFIX = 'member/';

/** Members that are none any more, of which the book still knows the incarnation, the token to come back with, and whether they were evicted. */
export const MOST_DEPARTED = 10_000;

export class MemberBook {
  readonly #store: SwarmStore;
  readonly #known = new Map<string, SavedMember>();
  /** Those that are known and neither in the swarm nor registered, the one that left first before all others. */
  readonly #departed = new Set<string>();
  readonly #mostDeparted: number;
  #lastSeat = 0;

  private constructor(store: SwarmStore, mostDeparted: number) {
    this.#store = store;
    this.#mostDeparted = mostDeparted;
  }

  /** @param mostDeparted of those that are in the swarm no more, the last so many are remembered */
  static async open(store: SwarmStore, mostDeparted = MOST_DEPARTED): Promise<MemberBook> {
    const book = new MemberBook(store, mostDeparted);
    for (const entry of await store.list(PREFIX)) {
      const parsed = savedMember.safeParse(decodeValue(entry.value));
      if (!parsed.success)
        throw new SwarmError('ERR_SWARM_STORE', `The store's entry ${entry.key} is no record of a member`);
      book.#set(parsed.data);
      book.#lastSeat = Math.max(book.#lastSeat, parsed.data.place?.seat ?? 0);
    }
    return book;
  }

  /** Whoever was in the swarm when the store was last written, in the order of joining. */
  seated(): (SavedMember & { readonly place: SavedPlace })[] {
    const seated = this.list().flatMap((member) => (member.place ? [{ ...member, place: member.place }] : []));
    return seated.sort((left, right) => left.place.seat - right.place.seat);
  }

  /** The seat of a member that joins anew: behind all others. */
  nextSeat(): number {
    return ++this.#lastSeat;
  }

  get(id: string): SavedMember | undefined {
    return this.#known.get(id);
  }

  list(): SavedMember[] {
    return [...this.#known.values()];
  }

  /** Resolves when they are durable. */
  async save(...members: readonly SavedMember[]): Promise<void> {
    for (const member of members) this.#set(member);
    const forgotten = this.#forget();
    await this.#store.write([
      ...members
        .filter(({ id }) => this.#known.has(id))
        .map((member) => ({ key: PREFIX + member.id, value: encodeValue(member) })),
      ...forgotten.map((id) => ({ key: PREFIX + id, value: undefined })),
    ]);
  }

  #set(member: SavedMember): void {
    this.#known.set(member.id, member);
    this.#departed.delete(member.id);
    if (member.place === undefined && member.registered === undefined) this.#departed.add(member.id);
  }

  /** Names that come once, as those of commands that only look, would be kept for ever. */
  #forget(): string[] {
    const forgotten: string[] = [];
    for (const id of this.#departed) {
      if (this.#departed.size <= this.#mostDeparted) break;
      this.#departed.delete(id);
      this.#known.delete(id);
      forgotten.push(id);
    }
    return forgotten;
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
