/** What agents of the demonstration can do: real work on the bytes of files. */

import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { Handler } from '../../swarm/index.js';
import { indexTexts, mergeShards } from './indexing/inverted-index.js';
import { countWords, textOf } from './indexing/words.js';

export const DEMO_CAPABILITIES = ['tokenise', 'hash', 'index', 'aggregate'] as const;
export type DemoCapability = (typeof DEMO_CAPABILITIES)[number];

const bytes = z.instanceof(Uint8Array);
const files = z.array(z.object({ number: z.number(), bytes }));

/** Results, by capability; each is validated where it arrives. */
export const RESULTS = {
  tokenise: z.array(z.object({ number: z.number(), lines: z.number(), words: z.number(), distinct: z.number() })),
  hash: z.array(z.object({ number: z.number(), sha256: z.string() })),
  /** Shards of the index of these files. */
  index: z.array(bytes),
  /** One shard, merged. */
  aggregate: bytes,
} as const;

/** Does a task. `halfway` is called once, when a part of the work is done and another is not. */
export function demoHandlers(
  halfway: (task: string, capability: string) => Promise<void>,
): Record<DemoCapability, Handler> {
  /** Works on one item after the other, and lets the connection have its turn in between. */
  const each = async <T, R>(
    items: readonly T[],
    context: Parameters<Handler>[1],
    work: (item: T) => R,
  ): Promise<R[]> => {
    const done: R[] = [];
    const middle = Math.floor(items.length / 2);
    for (const [at, item] of items.entries()) {
      if (at === middle) await halfway(context.task?.id ?? '', context.name);
      context.signal.throwIfAborted();
      done.push(work(item));
      await turn();
    }
    return done;
  };
  return {
    tokenise: (value, context) =>
      each(files.parse(value), context, (file) => ({ number: file.number, ...countWords(text(file.bytes)) })),
    hash: (value, context) =>
      each(files.parse(value), context, (file) => ({
        number: file.number,
        sha256: createHash('sha256').update(file.bytes).digest('hex'),
      })),
    index: async (value, context) => {
      const texts = await each(files.parse(value), context, (file) => ({ file: file.number, text: text(file.bytes) }));
      return indexTexts(texts);
    },
    aggregate: (value) => mergeShards(z.array(bytes).parse(value)),
  };
}

function text(content: Uint8Array): string {
  const found = textOf(content);
  if (found === undefined) throw new Error('a file that is no text was given to be read as text');
  return found;
}
