import type { KeptTaskSpec, TaskRecord } from './task.js';

/** Why the agent is to stop. */
export type RevokeReason = 'cancelled' | 'expired' | 'timeout';

/** Why a task is back in the queue; `revived`: a dead letter was put back. */
export type RequeueReason = 'failed' | 'timeout' | 'lost' | 'left' | 'coordinator-restarted' | 'rejected' | 'revived';

/**
 * What the driver has to do. A batch of {@link TaskScheduler.take} begins with its `save`s, each task at most once, in its
 * latest state. Write all its `save` and `forgotten` actions to the store in one atomic batch, then do the others in their
 * order: nobody may hear of what a kill could still undo. Nor may a submitter hear `accepted` before the batch is written.
 */
export type SchedulerAction =
  | {
      readonly kind: 'save';
      readonly record: TaskRecord;
      /** The first `save` of a task only: to be kept under a key of its own while `needsPayload(record.state)`. */
      readonly payload?: Uint8Array;
      /** Of a task that is `done` since the last batch: to be kept under a key of its own until `forgotten`. */
      readonly result?: Uint8Array;
    }
  /** Open an exchange with the agent. When that fails, or the agent says that it has no room: `rejected`. */
  | {
      readonly kind: 'assign';
      readonly id: string;
      readonly agent: string;
      readonly incarnation: number;
      readonly attempt: number;
      readonly spec: KeptTaskSpec;
      readonly deadlineAt: number | undefined;
      /** `undefined` when the task came from the store: read it there. */
      readonly payload: Uint8Array | undefined;
    }
  /** Tell the agent to stop: what it still says about this attempt is ignored. */
  | {
      readonly kind: 'revoke';
      readonly id: string;
      readonly agent: string;
      readonly incarnation: number;
      readonly attempt: number;
      readonly reason: RevokeReason;
    }
  /** The task is finished: tell its submitter. */
  | { readonly kind: 'settled'; readonly id: string; readonly record: TaskRecord; readonly result?: Uint8Array }
  /** The attempt is over, the task isn't: tell its submitter, if it wants to know. */
  | {
      readonly kind: 'requeued';
      readonly id: string;
      readonly attempt: number;
      readonly reason: RequeueReason;
      /** Milliseconds of back-off before it is queued. */
      readonly delay: number;
    }
  /** The submitter that was parked under this id is next: call `submit` with it, or `unpark`. Its place is kept until then. */
  | { readonly kind: 'room'; readonly id: string }
  /** Retention is over: delete record, payload and result from the store. */
  | { readonly kind: 'forgotten'; readonly id: string };
