/** Which names a receiver lets a sender choose, and how it makes folders without leaving its own. */

import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What unfinished files end with; no sender can name a file like that. */
export const PART_SUFFIX = '.skein-part';

const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;
/** Names that Windows gives to devices, whatever follows the first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Why a path that a sender chose is not taken, or `undefined` when it is fine: relative, `/` between its names, and no
 * name that leads elsewhere or that the receiver's platform gives another meaning.
 */
export function pathFault(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (path === '') return 'its path is empty';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `its path is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.startsWith('/')) return 'its path is absolute';
  for (const name of path.split('/')) {
    const fault = nameFault(name, platform);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function nameFault(name: string, platform: NodeJS.Platform): string | undefined {
  if (name === '' || name === '.') return 'its path has an empty name in it';
  if (name === '..') return 'its path leads out of the folder (..)';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a name in its path is longer than ${MAX_NAME_BYTES} bytes`;
  if (CONTROL.test(name)) return 'its path has a control character in it';
  // One platform's plain character is another's separator.
  if (name.includes('\\')) return 'its path has a backslash in it';
  if (name.toLowerCase().endsWith(PART_SUFFIX)) return `names that end with ${PART_SUFFIX} are for unfinished files`;
  if (platform !== 'win32') return undefined;
  if (DEVICE.test(name)) return `${name} is a device on this platform`;
  if (/[<>:"|?*]/.test(name)) return 'its path has a character that this platform does not allow';
  if (/[. ]$/.test(name)) return 'a name in its path ends with a dot or a space';
  return undefined;
}

/** Thrown for a path that cannot be taken; the message says why, for both sides. */
export class PathRefused extends Error {}

/**
 * The place of a checked path below `root`. Makes the folders in between, none of which may be a link: what a sender
 * names lands in `root` and nowhere else.
 *
 * @param path as {@link pathFault} approved it
 * @throws PathRefused
 */
export async function placeOf(root: string, path: string): Promise<{ folder: string; name: string; full: string }> {
  const names = path.split('/');
  const name = names.pop() ?? '';
  let folder = root;
  for (const part of names) {
    folder = join(folder, part);
    await plainFolder(folder);
  }
  return { folder, name, full: join(folder, name) };
}

/** Sees that there is a folder which is no link, making it where there is nothing. @throws PathRefused */
export async function plainFolder(folder: string): Promise<void> {
  const made = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (made) return;
  const found = await lstat(folder);
  if (found.isSymbolicLink()) throw new PathRefused(`${folder} is a symbolic link at the receiver`);
  if (!found.isDirectory()) throw new PathRefused(`${folder} is no folder at the receiver`);
}
