// `npm start`: makes the checkout ready and runs the demonstration. Arguments go to `skein demo`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './build.mjs';
import { setupOrExit } from './setup.mjs';

setupOrExit();
const main = join(root, 'dist', 'cli', 'main.js');
const child = spawn(process.execPath, [main, 'demo', ...process.argv.slice(2)], { stdio: 'inherit' });
// A terminal sends Ctrl-C to the whole group: the demonstration ends itself, and this process ends with it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
