import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathFault, PathRefused, placeOf } from '../../../src/cli/files/safe-path.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('paths that are fine', () => {
  for (const path of ['a', 'a/b/c.txt', '.hidden', '...', 'größe 好', 'a:b', 'aux', 'a ', 'con.txt']) {
    assert.equal(pathFault(path, 'linux'), undefined, path);
  }
});

test('paths that lead elsewhere or are reserved', () => {
  const paths = [
    '',
    '/',
    '/a',
    '..',
    '.',
    '../a',
    'a/..',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    'a\\b',
    '..\\a',
    'C:\\a',
    'a\0',
    'a\n',
    '\u007f',
    'a.skein-part',
    'A.SKEIN-PART/b',
    'n'.repeat(256),
    'ü'.repeat(128),
    'a/'.repeat(3000),
  ];
  for (const path of paths) assert.equal(typeof pathFault(path, 'linux'), 'string', JSON.stringify(path).slice(0, 50));
});

test('what Windows reserves', () => {
  for (const path of [
    'CON',
    'nul',
    'a/Aux.txt',
    'com1',
    'LPT9.log',
    'CONIN$',
    'a:stream',
    'a?',
    'a.',
    'a ',
    'x/ /y',
    'C:',
  ]) {
    assert.equal(typeof pathFault(path, 'win32'), 'string', path);
  }
  for (const path of ['console', 'com10', 'nullable.txt', '.config', 'a b'])
    assert.equal(pathFault(path, 'win32'), undefined, path);
});

test('whatever is approved stays below the folder', () => {
  const name = fc.oneof(fc.constantFrom('..', '.', '', '/', '\\', 'a', 'b'), fc.string());
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (names) => {
      const path = names.join('/');
      if (pathFault(path, 'linux') !== undefined) return;
      assert.ok(join('/inbox', path).startsWith('/inbox/'), JSON.stringify(path));
      assert.equal(join('/inbox', path), `/inbox/${path}`);
    }),
  );
});

test('folders in between are made, and must be no links or files', async () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'real'));
  symlinkSync(join(root, 'real'), join(root, 'link'));
  writeFileSync(join(root, 'file'), '');
  const place = await placeOf(root, 'real/new/name');
  assert.deepEqual(place, { folder: join(root, 'real/new'), name: 'name', full: join(root, 'real/new/name') });
  assert.ok(statSync(place.folder).isDirectory());
  await assert.rejects(placeOf(root, 'link/a'), PathRefused);
  await assert.rejects(placeOf(root, 'file/a'), PathRefused);
});
