/** What the processes of the demonstration are told, and tell, over the channel that `fork` makes. */

import type { DemoCapability } from './tasks.js';

/** What a child is to be. */
export type Order =
  | { readonly type: 'coordinate'; readonly swarmId: string; readonly secret: string; readonly lease: number }
  | {
      readonly type: 'work';
      readonly coordinator: string;
      readonly secret: string;
      readonly id: string;
      readonly role: string;
      readonly capabilities: readonly DemoCapability[];
      /** The task, counted from 1, in whose middle the agent waits for a word from the demonstration; 0: none. */
      readonly pauseIn: number;
    };

/** What a child hears afterwards. */
export type Word =
  /** Go on with the task in whose middle you are. */
  | { readonly type: 'goOn' }
  /** Leave, and end. */
  | { readonly type: 'end' };

/** What a child tells. */
export type Report =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'joined' }
  /** In the middle of a task, waiting. */
  | { readonly type: 'halfway'; readonly task: string; readonly capability: string }
  | { readonly type: 'failed'; readonly message: string };

/** Tells the demonstration something; resolves when it is on its way. */
export function report(message: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) reject(new Error('this command is part of `skein demo`'));
    else process.send(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

/** Hears what the demonstration says: the order, then words. */
export function listen(hear: (message: Order | Word) => void): void {
  if (!process.send) throw new Error('this command is part of `skein demo`');
  process.on('message', hear);
  // A terminal sends Ctrl-C to all the processes; the demonstration itself then ends the others, in order.
  process.on('SIGINT', () => undefined);
  // Without the demonstration there is nothing to do.
  process.on('disconnect', () => process.exit(1));
}

/** Ends the process when everything that it tells is on its way. */
export async function failed(error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await report({ type: 'failed', message }).catch(() => undefined);
  process.exit(1);
}
