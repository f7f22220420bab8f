/** What a handler is told of a task, beside what every handler is told. */
export interface TaskDetails {
  readonly id: string;
  /** Number of this attempt, from 1. The same task may have been begun before, here or elsewhere. */
  readonly attempt: number;
  /** Names the task for whoever must not do it twice: what its submitter gave. */
  readonly idempotencyKey: string | undefined;
  /** Tells the submitter how far it is. Values that come faster than they can be sent are left out. */
  progress(value: unknown): void;
  /** Sends a part of the result ahead; resolves when it is accepted: wait for it before the next. */
  partial(value: unknown): Promise<void>;
}
