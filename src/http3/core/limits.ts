import { Http3Error } from './errors.js';
import { RAW_STREAM_SIGNAL, isReservedValue, reservedValue } from './extensions.js';
import type { Http3CoreOptions, Http3Role } from './options.js';
import { type RememberedSettings, SETTING, isExtensionSetting } from './settings.js';

/** The options with every default filled in and every range checked. */
export interface Http3Limits {
  readonly role: Http3Role;
  readonly maxFieldSectionSize: number;
  readonly maxFieldLines: number;
  readonly qpackMaxTableCapacity: number;
  readonly qpackBlockedStreams: number;
  readonly qpackEncoderTableCapacity: number;
  readonly enableConnectProtocol: boolean;
  readonly enableDatagrams: boolean;
  readonly extensionStreamTypes: ReadonlySet<number>;
  /** Signal values of bidirectional streams, that of raw streams among them where they are enabled. */
  readonly signals: ReadonlySet<number>;
  readonly grease: number | false;
  readonly maxUnknownFrameLength: number;
  readonly maxBlockedBytes: number;
  /** What this side announces. */
  readonly settings: RememberedSettings;
}

function refuse(message: string): never {
  throw new Http3Error('ERR_HTTP3_INVALID_OPTION', message);
}

function within(name: string, value: number | undefined, standard: number, least: number, most: number): number {
  const chosen = value ?? standard;
  if (Number.isSafeInteger(chosen) && chosen >= least && chosen <= most) return chosen;
  return refuse(`${name} is ${chosen}: it can be ${least} to ${most}`);
}

/** Types of HTTP/3 and QPACK themselves, and values that must not mean anything. */
function extensionValues(name: string, values: readonly number[] = [], taken: readonly number[]): Set<number> {
  for (const value of values) {
    within(name, value, 0, 0, Number.MAX_SAFE_INTEGER);
    if (taken.includes(value) || isReservedValue(value))
      refuse(`${name}: 0x${value.toString(16)} is taken or reserved`);
  }
  return new Set(values);
}

/** @throws Http3Error `ERR_HTTP3_INVALID_OPTION` */
export function resolveLimits(options: Http3CoreOptions): Http3Limits {
  const { role, enableConnectProtocol = false, enableDatagrams = false, enableRawStreams = false } = options;
  if (enableConnectProtocol && role === 'client') refuse('enableConnectProtocol is for servers');
  if (options.rememberedSettings && role === 'server') refuse('rememberedSettings are for clients');
  const signals = extensionValues('extensionSignals', options.extensionSignals, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xd]);
  if (enableRawStreams) signals.add(RAW_STREAM_SIGNAL);
  const limits: Omit<Http3Limits, 'settings'> = {
    role,
    maxFieldSectionSize: within('maxFieldSectionSize', options.maxFieldSectionSize, 65_536, 1_024, 2 ** 24),
    maxFieldLines: within('maxFieldLines', options.maxFieldLines, 256, 16, 65_536),
    qpackMaxTableCapacity: within('qpackMaxTableCapacity', options.qpackMaxTableCapacity, 4_096, 0, 2 ** 20),
    qpackBlockedStreams: within('qpackBlockedStreams', options.qpackBlockedStreams, 100, 0, 65_536),
    qpackEncoderTableCapacity: within(
      'qpackEncoderTableCapacity',
      options.qpackEncoderTableCapacity,
      4_096,
      0,
      2 ** 20,
    ),
    enableConnectProtocol,
    enableDatagrams,
    extensionStreamTypes: extensionValues('extensionStreamTypes', options.extensionStreamTypes, [0, 1, 2, 3]),
    signals,
    grease: options.grease === false ? false : within('grease', options.grease, 0, 0, 2 ** 40),
    maxUnknownFrameLength: within(
      'maxUnknownFrameLength',
      options.maxUnknownFrameLength,
      2 ** 20,
      1_024,
      Number.MAX_SAFE_INTEGER,
    ),
    maxBlockedBytes: within('maxBlockedBytes', options.maxBlockedBytes, 2 ** 22, 65_536, 2 ** 30),
  };
  const settings: (readonly [number, number])[] = [
    [SETTING.MAX_FIELD_SECTION_SIZE, limits.maxFieldSectionSize],
    [SETTING.QPACK_MAX_TABLE_CAPACITY, limits.qpackMaxTableCapacity],
    [SETTING.QPACK_BLOCKED_STREAMS, limits.qpackBlockedStreams],
  ];
  // @rfc 9114#7.2.4.2-7 whatever is not at its default is sent
  if (enableConnectProtocol) settings.push([SETTING.ENABLE_CONNECT_PROTOCOL, 1]);
  if (enableDatagrams) settings.push([SETTING.H3_DATAGRAM, 1]);
  if (enableRawStreams) settings.push([SETTING.SKEIN_RAW_STREAMS, 1]);
  for (const [identifier, value] of options.extraSettings ?? []) {
    within('extraSettings', identifier, 0, 0, Number.MAX_SAFE_INTEGER);
    within('extraSettings', value, 0, 0, Number.MAX_SAFE_INTEGER);
    const isTaken = settings.some(([each]) => each === identifier);
    if (isTaken || !isExtensionSetting(identifier)) refuse(`extraSettings: 0x${identifier.toString(16)} is taken`);
    settings.push([identifier, value]);
  }
  // RFC 9114 section 7.2.4.1: at least one reserved setting
  if (limits.grease !== false) settings.push([reservedValue(limits.grease), limits.grease]);
  return { ...limits, settings };
}
