/** What is said on the streams of tasks: arrays in frames `value`, then the result in a frame of its own. */

import { z } from 'zod';
import { errorFrom } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import { decodeValue, encodeValue } from '../wire/codec.js';
import { FRAME } from '../wire/codes.js';
import { encodeFrames, protocolError, type Frame } from '../wire/frames.js';
import { isMemberId } from '../wire/head.js';

const word = z.string().max(256);
const time = z
  .number()
  .min(0)
  .max(366 * 86_400_000);

/** What a submitter asks for, beside capability (the name in the head) and payload (the frame behind this one). */
export const taskRequest = z.strictObject({
  id: z.string().min(1).max(128),
  deadline: time.optional(),
  priority: z.number().int().min(-100).max(100).optional(),
  idempotencyKey: word.optional(),
  maxAttempts: z.number().int().min(1).max(100).optional(),
  backoff: z
    .strictObject({ initial: time, factor: z.number().min(1).max(100), max: time, jitter: z.number().min(0).max(1) })
    .partial()
    .optional(),
  attemptTimeout: time.optional(),
  requires: z.string().refine(isMemberId).optional(),
  /** Whether to stand in line when the queue is full. */
  wait: z.boolean(),
});
export type TaskRequest = z.infer<typeof taskRequest>;

/** What a submitter is told. */
const taskNews = z.union([
  /** Accepted: durable from now on. `true`: it was known already. */
  z.tuple([z.literal('accepted'), z.string(), z.boolean()]),
  z.tuple([z.literal('assigned'), z.string(), z.number()]),
  z.tuple([z.literal('requeued'), z.number(), z.string(), z.number()]),
  z.tuple([z.literal('progress'), z.unknown()]),
  z.tuple([z.literal('partial'), z.unknown()]),
  /** The result follows in the next frame. */
  z.tuple([z.literal('done')]),
  z.tuple([z.literal('ended'), z.string(), z.string()]),
]);
export type TaskNews = z.infer<typeof taskNews>;

/** What an agent is told of an attempt, before the payload. */
export const taskOrder = z.strictObject({
  id: z.string(),
  attempt: z.number().int().min(1),
  submitter: z.string(),
  /** Milliseconds until the deadline; 0: none. */
  timeLeft: time,
  idempotencyKey: word.optional(),
});
export type TaskOrder = z.infer<typeof taskOrder>;

/** What an agent tells of an attempt. */
const attemptNews = z.union([
  z.tuple([z.literal('progress'), z.unknown()]),
  z.tuple([z.literal('partial'), z.unknown()]),
  z.tuple([z.literal('done')]),
  /** Code, message, whether another attempt may do better. */
  z.tuple([z.literal('failed'), z.string(), z.string(), z.boolean()]),
  z.tuple([z.literal('rejected'), z.string()]),
]);
export type AttemptNews = z.infer<typeof attemptNews>;

/** A message as a frame. @throws SwarmError `ERR_SWARM_VALUE` */
export function newsFrame(news: TaskNews | AttemptNews): Uint8Array {
  return encodeFrames({ kind: FRAME.value, payload: encodeValue(news) });
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL`, or the error that the frame holds */
export function readTaskNews(frame: Frame, remote: string): TaskNews {
  return parsed(taskNews, frame, remote);
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL`, or the error that the frame holds */
export function readAttemptNews(frame: Frame, remote: string): AttemptNews {
  return parsed(attemptNews, frame, remote);
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL`, or the error that the frame holds */
export function parsed<T>(schema: z.ZodType<T>, frame: Frame | undefined, remote: string): T {
  if (frame?.kind === FRAME.error) throw errorFrom(frame.payload, remote);
  if (frame?.kind !== FRAME.value) throw protocolError('something else than a message about a task');
  const result = schema.safeParse(decodeValue(frame.payload));
  if (result.success) return result.data;
  throw protocolError('a malformed message about a task');
}

/** A value of an application as it is kept: the kind of its frame, then its payload. */
export function pack({ kind, payload }: Frame): Uint8Array {
  const packed = new Uint8Array(payload.length + 1);
  packed[0] = kind;
  packed.set(payload, 1);
  return packed;
}

export function unpack(packed: Uint8Array): Frame {
  return { kind: packed[0] ?? FRAME.value, payload: packed.subarray(1) };
}

/** The next frame, which must hold a value. @throws SwarmError `ERR_SWARM_PROTOCOL`, or the error that the frame holds */
export async function readValueFrame(stream: FrameStream, remote: string): Promise<Frame> {
  const frame = await stream.read();
  if (frame?.kind === FRAME.error) throw errorFrom(frame.payload, remote);
  if (frame && (frame.kind === FRAME.value || frame.kind === FRAME.bytes)) return frame;
  throw protocolError('no value where one belongs');
}
