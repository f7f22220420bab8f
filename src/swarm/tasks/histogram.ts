/** Buckets per doubling: a percentile is at most 2^(1/8) - 1 = 9% above the true one. */
const PER_DOUBLING = 8;
/** 2^31 ms are 24 days; what is longer counts as that, and shows in `max`. */
const DOUBLINGS = 31;

/** Times in milliseconds, since the scheduler was made. */
export interface LatencySummary {
  readonly count: number;
  /** All 0 when nothing was measured yet. Percentiles are upper bounds, at most 9% too high, and exact below 1 ms steps. */
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Times in buckets whose widths grow with the times. Fixed memory: about 1 KiB. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(DOUBLINGS * PER_DOUBLING + 2);
  #count = 0;
  #sum = 0;
  #max = 0;

  record(milliseconds: number): void {
    const time = Math.max(0, milliseconds);
    const last = this.#buckets.length - 1;
    const bucket = time < 1 ? 0 : Math.min(last, 1 + Math.floor(Math.log2(time) * PER_DOUBLING));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += time;
    this.#max = Math.max(this.#max, time);
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      max: this.#max,
    };
  }

  #percentile(share: number): number {
    const rank = Math.ceil(share * this.#count);
    let seen = 0;
    if (rank === 0) return 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(this.#max, 2 ** (bucket / PER_DOUBLING));
    }
    return this.#max;
  }
}
