/**
 * Development mode: a swarm without a secret and without a CA makes a secret by itself and leaves it in a file that only this user can
 * read. Agents of the same user on the same machine find it there. It is for trying things out, and says so.
 */

import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { z } from 'zod';

const note = z.object({ swarmId: z.string(), port: z.number(), secret: z.string(), pid: z.number() });
type Note = z.infer<typeof note>;

function folder(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'skein', 'swarms');
}

function fileOf(swarmId: string, port: number): string {
  const name = createHash('sha256').update(swarmId).digest('hex').slice(0, 16);
  return join(folder(), `${name}-${port}.json`);
}

/** Leaves a secret for agents of this user. Resolves to the file's path. */
export async function leaveNote(swarmId: string, port: number, secret: string): Promise<string> {
  const path = fileOf(swarmId, port);
  await mkdir(folder(), { recursive: true, mode: 0o700 });
  const content: Note = { swarmId, port, secret, pid: process.pid };
  await writeFile(path, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  return path;
}

/** Takes the note away, if it is still this process's. */
export async function removeNote(swarmId: string, port: number): Promise<void> {
  const path = fileOf(swarmId, port);
  const found = await readNote(path);
  if (found?.pid === process.pid) await rm(path, { force: true });
}

/** The secret that a coordinator on this machine left: by its port, or by the id of its swarm. */
export async function findSecret(wanted: { port?: number; swarmId?: string | undefined }): Promise<string | undefined> {
  const names = await readdir(folder()).catch(() => []);
  for (const name of names) {
    const found = await readNote(join(folder(), name));
    if (!found) continue;
    if (wanted.port !== undefined && found.port !== wanted.port) continue;
    if (wanted.swarmId !== undefined && found.swarmId !== wanted.swarmId) continue;
    return found.secret;
  }
  return undefined;
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const parsed = note.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a host is this machine, as far as its name tells. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host) || host.endsWith('.localhost');
}
