/** What roles may do. */

import { SwarmError } from '../errors.js';
import { PERMISSIONS, type Permission } from '../wire/control.js';

/**
 * Permissions by role; `*` is for all roles that are not named. `message`: send, request, notify, stream. `publish`: publish and
 * broadcast. `submit`: submit tasks, and cancel one's own. `state`: write the shared map. `administer`: evict, register, retry dead
 * letters, cancel tasks of others, shut down.
 */
export type Permissions = Readonly<Record<string, readonly Permission[]>>;

/** Everything but `administer` for everybody, and everything for the coordinator. */
export const DEFAULT_PERMISSIONS: Permissions = {
  '*': PERMISSIONS.filter((permission) => permission !== 'administer'),
  coordinator: PERMISSIONS,
};

export function mayDo(permissions: Permissions | undefined, role: string, permission: Permission): boolean {
  const table = permissions ?? DEFAULT_PERMISSIONS;
  const allowed = Object.hasOwn(table, role) ? table[role] : table['*'];
  return allowed?.includes(permission) ?? false;
}

/** The defaults with what was given in their place. @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function resolvePermissions(given: Permissions | undefined): Record<string, Permission[]> {
  const resolved: Record<string, Permission[]> = {};
  for (const [role, list] of Object.entries({ ...DEFAULT_PERMISSIONS, ...given })) {
    const unknown = list.find((permission) => !PERMISSIONS.includes(permission));
    if (unknown !== undefined) {
      throw new SwarmError(
        'ERR_SWARM_INVALID_OPTION',
        `permissions of role ${role} name ${String(unknown)}; there are ${PERMISSIONS.join(', ')}`,
      );
    }
    resolved[role] = [...list];
  }
  return resolved;
}
