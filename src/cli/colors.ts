/** Colours for terminals only: picocolors colours every output where CI is set, and logs are read without a terminal. */

import { env, stdout } from 'node:process';
import pc from 'picocolors';

/** By NO_COLOR and FORCE_COLOR where they are set, else by whether standard output is a terminal. */
export const colors = pc.createColors(
  env['FORCE_COLOR'] ? true : env['NO_COLOR'] ? false : stdout.isTTY === true && env['TERM'] !== 'dumb',
);
