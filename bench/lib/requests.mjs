// Requests as clients send and measure them, over anything: `ask(payload)` is a promise of the answer.

/** A text of `length` characters of one byte each. */
export function textOf(length) {
  return 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(length / 45)).slice(0, length);
}

/** `count` requests of 256 bytes, `atATime` under way; each answer must be the question. Resolves to what each took, in milliseconds. */
export async function askInTurns(ask, count, atATime) {
  const text = textOf(256);
  const latencies = [];
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      const begin = performance.now();
      if ((await ask(text)) !== text) throw new Error('an answer differs from its question');
      latencies.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return latencies;
}

/** Sizes of mixed requests: most are small, some need several packets. */
const MIXED = [256, 256, 512, 256, 1024, 256, 2048, 512, 256, 4096];

/**
 * `perSecond` requests a second for `seconds`, whether earlier ones are answered or not: independent of each other as those of many users are.
 * Of 256 bytes each, or `mixed`. Resolves to what each took, in milliseconds, from when it was due.
 */
export async function askAtRate(ask, perSecond, seconds, mixed) {
  const texts = (mixed ? MIXED : [256]).map(textOf);
  const total = perSecond * seconds;
  const begin = performance.now();
  const latencies = [];
  const under = [];
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1);
    for (; sent < due; sent++) {
      const planned = begin + (sent * 1000) / perSecond;
      const text = texts[sent % texts.length];
      under.push(
        ask(text).then((answer) => {
          if (answer !== text) throw new Error('an answer differs from its question');
          latencies.push(performance.now() - planned);
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(under);
  return latencies;
}

/** What `latencies` come to. */
export function summarize(latencies) {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  return { p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: sorted.at(-1) };
}

/** Warms up, waits for the start, asks, and reports: the client's side of every transport. `work` is `turns` or `rate`. */
export async function runRequests(control, ask, work, ...numbers) {
  if (work === 'turns') {
    const [count, atATime] = numbers;
    await askInTurns(ask, Math.min(count, 20_000), atATime);
    await control.begin();
    const latencies = await askInTurns(ask, count, atATime);
    control.report({ count, ...summarize(latencies) });
  } else {
    const [perSecond, seconds] = numbers;
    await askInTurns(ask, 200, 8);
    await control.begin();
    const latencies = await askAtRate(ask, perSecond, seconds, work === 'mixed-rate');
    control.report({ count: latencies.length, ...summarize(latencies) });
  }
}
