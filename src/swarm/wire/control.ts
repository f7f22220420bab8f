/** Messages of control streams, as they are on the wire: shapes that are checked on arrival. */

import { z } from 'zod';
import { decodeValue, encodeValue } from './codec.js';
import { FRAME } from './codes.js';
import { encodeFrames, protocolError } from './frames.js';
import { MAX_NAME_LENGTH, isMemberId } from './head.js';

/** Most names of one kind that a member may have. */
const MAX_NAMES = 1000;

const id = z.string().refine(isMemberId);
const word = z.string().min(1).max(MAX_NAME_LENGTH);
const words = z.array(word).max(MAX_NAMES);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const shortBytes = bytes.refine((value) => value.length <= 64);
const text = z.string().max(4096);
const port = z.number().int().min(0).max(65_535);

const memberRecord = z.strictObject({
  id,
  incarnation: count,
  role: word,
  capabilities: words,
  concurrency: count,
  host: z.string().max(255),
  port,
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  topics: words,
  load: count,
  /** The coordinator has been restarted, and the member has not come back to it yet. */
  awaited: z.literal(true).optional(),
});

const memberChange = z.union([
  z.strictObject({ member: memberRecord }),
  z.strictObject({ left: id, reason: z.enum(['left', 'lost', 'evicted', 'replaced']) }),
]);

const viewSnapshot = z.strictObject({ epoch: count, members: z.array(memberRecord) });
const viewDelta = z.strictObject({ epoch: count, after: count, changes: z.array(memberChange) });

const mapKey = z.string().max(1024);
const mapUpdate = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('snapshot'),
    generation: count,
    revision: count,
    entries: z.array(z.strictObject({ key: mapKey, value: bytes, version: count })),
  }),
  z.strictObject({
    kind: z.literal('delta'),
    generation: count,
    from: count,
    to: count,
    /** Without a value: deleted. */
    changes: z.array(z.strictObject({ key: mapKey, value: bytes.optional(), version: count })),
  }),
]);

/** What a role may do in the swarm. */
export const PERMISSIONS = ['message', 'publish', 'submit', 'state', 'administer'] as const;
export type Permission = (typeof PERMISSIONS)[number];

const swarmConfig = z.strictObject({
  topology: z.enum(['mesh', 'star', 'ring', 'hierarchical']),
  fanOut: z.number().int().min(1).max(64),
  /** Milliseconds of silence after which a member is given up. */
  lease: z.number().int().min(100),
  /** By role; `*` is for all roles that are not named. */
  permissions: z.record(word, z.array(z.enum(PERMISSIONS))),
});

/** An agent asks to join. */
const hello = z.strictObject({
  t: z.literal('hello'),
  versions: z.array(count).min(1).max(16),
  swarm: id.optional(),
  id,
  role: word,
  capabilities: words,
  concurrency: count,
  /** Where others reach it; without a host, where the coordinator sees it. */
  host: z.string().max(255).optional(),
  port,
  topics: words,
  nonce: shortBytes,
  proof: shortBytes.optional(),
  /** Token of the last welcome, in place of a proof, on a resumed connection. */
  rejoin: shortBytes.optional(),
  /** That of the last welcome: the agent has lived on since, with its connections to others. */
  incarnation: count.optional(),
});

/** A coordinator that dials asks an agent to say hello. */
const invite = z.strictObject({
  t: z.literal('invite'),
  versions: z.array(count).min(1).max(16),
  swarm: id,
  coordinator: id,
  /** What the coordinator was told about the agent, to be compared with what it is. */
  id,
  role: word.optional(),
  capabilities: words.optional(),
});

const welcome = z.strictObject({
  t: z.literal('welcome'),
  version: count,
  swarm: id,
  coordinator: id,
  incarnation: count,
  proof: shortBytes.optional(),
  rejoin: shortBytes,
  config: swarmConfig,
  view: viewSnapshot,
  map: mapUpdate,
});

const refused = z.strictObject({ t: z.literal('refused'), code: z.string().max(64), message: text });
const view = z.strictObject({ t: z.literal('view'), delta: viewDelta });
const viewAll = z.strictObject({ t: z.literal('view-all'), view: viewSnapshot });
const map = z.strictObject({ t: z.literal('map'), update: mapUpdate });
/** The agent changed something about itself. */
const update = z.strictObject({
  t: z.literal('update'),
  capabilities: words.optional(),
  concurrency: count.optional(),
  topics: words.optional(),
  /** What it measures of its links, for statistics. */
  links: z
    .array(z.strictObject({ id, rttMs: z.number(), bytesSent: count, bytesReceived: count, packetsLost: count }))
    .optional(),
});
/** The agent leaves of its own accord. */
const leave = z.strictObject({ t: z.literal('leave') });
/** The coordinator ends the membership, or the swarm. */
const bye = z.strictObject({ t: z.literal('bye'), code: z.string().max(64), message: text });
/** The agent missed something and asks for snapshots. */
const resync = z.strictObject({ t: z.literal('resync') });

const controlMessage = z.discriminatedUnion('t', [
  hello,
  invite,
  welcome,
  refused,
  view,
  viewAll,
  map,
  update,
  leave,
  bye,
  resync,
]);

export type ControlMessage = z.infer<typeof controlMessage>;
export type Hello = z.infer<typeof hello>;
export type Welcome = z.infer<typeof welcome>;
export type AgentUpdate = z.infer<typeof update>;
export type MemberRecord = z.infer<typeof memberRecord>;
export type MemberChange = z.infer<typeof memberChange>;
export type ViewSnapshot = z.infer<typeof viewSnapshot>;
export type ViewDelta = z.infer<typeof viewDelta>;
export type MapUpdate = z.infer<typeof mapUpdate>;
export type SwarmConfig = z.infer<typeof swarmConfig>;

/** A control message as a frame. */
export function encodeControl(message: ControlMessage): Uint8Array {
  return encodeFrames({ kind: FRAME.control, payload: encodeValue(message) });
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL` */
export function decodeControl(payload: Uint8Array): ControlMessage {
  const parsed = controlMessage.safeParse(decodeValue(payload));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue ? issue.path.join('.') : '';
  throw protocolError(`a control message that is malformed${where === '' ? '' : ` at ${where}`}`);
}
