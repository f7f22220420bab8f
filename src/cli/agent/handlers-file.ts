/** `skein agent --handlers`: a module whose exported functions are the capabilities. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CliError } from '../failure.js';
import type { Handler } from '../../swarm/index.js';

/** Functions by their exported names, those of an object that is the default export included. @throws CliError */
export async function handlersOf(file: string): Promise<Map<string, Handler>> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new CliError(`cannot take handlers from ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { default: whole, ...named } = module;
  const all = { ...(typeof whole === 'object' ? whole : {}), ...named };
  const handlers = new Map<string, Handler>();
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === 'function') handlers.set(name, value as Handler);
  }
  if (handlers.size === 0) {
    throw new CliError(`${file} exports no function; each one it exports becomes a capability of its name`);
  }
  return handlers;
}
