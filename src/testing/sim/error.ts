/** A simulation did not do what it was to do. The message ends with the seed, which repeats it. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number | string;
  /** Virtual time at which it was noticed, in milliseconds since the start. */
  readonly virtualTime: number;

  constructor(message: string, seed: number | string, virtualTime: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.seed = seed;
    this.virtualTime = virtualTime;
  }
}
