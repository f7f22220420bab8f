/**
 * A field line that came before takes no memory on its way through HTTP/3, one with a new value that of its string. Bytes are counted, not time; code
 * has to be compiled for it, which takes 20 seconds.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../../bench/lib/peer-fields.mjs', import.meta.url));
/** A string of 40 characters: two words and the characters. */
const STRING = 56;
/** What compiling in between adds or takes, spread over the lines; one more place in an array would be 8. */
const NOISE = 4;

/** Measured there: what compiled code allocates is up to V8. */
const skip = /^v20\./.test(process.version) ? false : `measured on Node 20, and this is ${process.version}`;

test('a field line costs its string, and nothing when it came before', { skip }, async () => {
  const flags = ['--expose-gc', '--max-semi-space-size=512'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script]);
  const { repeatedBytes, changingBytes } = JSON.parse(stdout) as { repeatedBytes: number; changingBytes: number };
  assert.ok(repeatedBytes <= NOISE, `${repeatedBytes} bytes for a line that came before`);
  assert.ok(changingBytes <= STRING + NOISE, `${changingBytes} bytes for a line with a new value of ${STRING}`);
  assert.ok(changingBytes >= STRING - NOISE, 'it is measured at all');
});
