/** Loss in runs by the model of Gilbert and Elliott: a good and a bad state, each with its own loss. */
export interface GilbertElliottLoss {
  readonly model: 'gilbert-elliott';
  /** Chance per datagram that the good state turns bad, in percent. */
  readonly goodToBadPercent: number;
  /** Chance per datagram that the bad state turns good, in percent; its inverse is the mean length of a burst. */
  readonly badToGoodPercent: number;
  /** Loss in the good state, in percent. Default 0. */
  readonly lossInGoodPercent?: number;
  /** Loss in the bad state, in percent. Default 100. */
  readonly lossInBadPercent?: number;
}

/** Loss in runs of a fixed length. */
export interface RunLoss {
  readonly model: 'runs';
  /** Chance per datagram that a run begins with it, in percent. */
  readonly percent: number;
  /** Datagrams in a run. */
  readonly length: number;
}

/** What one direction of a link does to what passes. Percentages are of datagrams, from 0 to 100. */
export interface LinkConditions {
  /** Time on the way, in milliseconds. Default 10. */
  readonly delayMs: number;
  /** Further time, evenly spread from 0 to this; the order of datagrams stays. In milliseconds. Default 0. */
  readonly jitterMs: number;
  /** Datagrams lost, each for itself. Default 0. */
  readonly lossPercent: number;
  /** Datagrams lost in runs, beside the others. Default: none. */
  readonly burstLoss: GilbertElliottLoss | RunLoss | undefined;
  /** Datagrams that arrive twice. Default 0. */
  readonly duplicatePercent: number;
  /** Datagrams held back by {@link reorderMs}, so that those behind them overtake. Default 0. */
  readonly reorderPercent: number;
  /** How long a datagram that is reordered is held back, in milliseconds. Default 5. */
  readonly reorderMs: number;
  /** Datagrams that arrive with one byte changed. Default 0. */
  readonly corruptPercent: number;
  /** ECN-capable datagrams that arrive with Congestion Experienced set. Default 0. */
  readonly ecnMarkPercent: number;
  /** Bits per second, headers of IP and UDP counted; Infinity for no limit. Default Infinity. */
  readonly bandwidthBitsPerSecond: number;
  /** Bytes, headers counted, that wait for the bandwidth at most; later ones are dropped. Default Infinity. */
  readonly queueBytes: number;
  /** Datagrams that wait for the bandwidth at most; later ones are dropped. Default 1000. */
  readonly queuePackets: number;
  /** Largest IP packet that passes; larger ones vanish without a word. In bytes. Default Infinity: the hosts' MTU. */
  readonly mtu: number;
  /** Whether everything vanishes. Default false. */
  readonly blackhole: boolean;
}

export const DEFAULT_CONDITIONS: LinkConditions = {
  delayMs: 10,
  jitterMs: 0,
  lossPercent: 0,
  burstLoss: undefined,
  duplicatePercent: 0,
  reorderPercent: 0,
  reorderMs: 5,
  corruptPercent: 0,
  ecnMarkPercent: 0,
  bandwidthBitsPerSecond: Infinity,
  queueBytes: Infinity,
  queuePackets: 1_000,
  mtu: Infinity,
  blackhole: false,
};

/**
 * The conditions with some of them changed.
 *
 * @throws RangeError when one is unknown, negative or no number, or a percentage above 100
 */
export function changeConditions(from: LinkConditions, changes: Partial<LinkConditions>): LinkConditions {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in DEFAULT_CONDITIONS)) throw new RangeError(`There is no link condition ${name}`);
    if (typeof value === 'object') for (const [part, number] of Object.entries(value)) check(`${name}.${part}`, number);
    else check(name, value);
  }
  return { ...from, ...changes };
}

function check(name: string, value: unknown): void {
  if (typeof value !== 'number') return;
  const highest = name.endsWith('Percent') || name.endsWith('percent') ? 100 : Infinity;
  if (!(value >= 0 && value <= highest)) {
    throw new RangeError(`The link condition ${name} is ${value}, which is not between 0 and ${highest}`);
  }
}
