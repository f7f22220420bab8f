import { ByteWriter } from '../../wire/index.js';
import { reservedValue } from './extensions.js';
import { FRAME } from './frame-reader.js';
import type { Http3Limits } from './limits.js';
import { writeSettings } from './settings.js';
import { STREAM_TYPE } from './unidirectional.js';

/** 2^62 - 4 as a variable-length integer: the largest ID of a request, which a number cannot hold. */
export const LARGEST_REQUEST_ID = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc);

/** The first bytes of this side's control stream: its type, SETTINGS, and a reserved frame. */
export function controlStreamBeginning({ settings, grease }: Http3Limits): Uint8Array {
  const payload = new ByteWriter();
  writeSettings(payload, settings);
  const frame = new ByteWriter(64);
  // @rfc 9114#3.2-3 @rfc 9114#7.2.4.2-2 at once, without waiting for anything
  // @rfc 9114#6.2.1-1 @rfc 9114#7.2.4-1 @rfc 9114#7.2.4-3 one control stream, which begins with SETTINGS
  frame.varint(STREAM_TYPE.CONTROL);
  frame.varint(FRAME.SETTINGS);
  // @rfc 9114#7.1-1 the length of the fields, and nothing behind them
  frame.varint(payload.length);
  frame.bytes(payload.view());
  if (grease !== false) {
    frame.varint(reservedValue(grease));
    frame.varint(0);
  }
  return frame.take();
}
