import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { temporaryFolder } from '../support/temporary-folder.js';

interface PackedFile {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const subpaths = Object.keys(manifest.exports).filter((key) => !key.endsWith('.json'));
const specifiers = subpaths.map((subpath) => manifest.name + subpath.slice(1));
const maxTarballBytes = 2_000_000;

/** Runs a program; fails with all that it printed. */
async function run(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const shell = process.platform === 'win32';
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, shell, maxBuffer: 16 << 20 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

describe('the package as npm publishes it', () => {
  const folder = temporaryFolder();
  let tarball = '';
  let files: readonly PackedFile[] = [];

  before(async () => {
    const stdout = await run(root, 'npm', ['pack', '--json', '--pack-destination', folder]);
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: PackedFile[] }];
    tarball = join(folder, packed.filename);
    files = packed.files;
  });

  it('holds what runs and what people read, and nothing else', () => {
    const paths = files.map(({ path }) => path);
    const wanted = ['package.json', 'README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'wasm/engine.wasm', 'dist/index.js'];
    for (const path of wanted) assert.ok(paths.includes(path), `${path} is missing`);
    const strange = paths.filter(
      (path) =>
        !wanted.includes(path) &&
        path !== 'CHANGELOG.md' &&
        !/^dist\/[a-z0-9/-]+\.(js|d\.ts)$/.test(path) &&
        !/^wasm\/engine[a-z.]*\.(wasm|json)$/.test(path),
    );
    assert.deepEqual(strange, []);
  });

  it('has an implementation for every declaration', () => {
    const paths = new Set(files.map(({ path }) => path));
    for (const path of paths) {
      if (path.endsWith('.d.ts')) assert.ok(paths.has(path.replace(/\.d\.ts$/, '.js')), path);
    }
  });

  it(`is at most ${maxTarballBytes} bytes to download`, () => {
    const { length } = readFileSync(tarball);
    assert.ok(length <= maxTarballBytes, `${length} bytes`);
  });

  it('depends on exact versions', () => {
    for (const versions of [manifest.dependencies, manifest.devDependencies]) {
      for (const [name, version] of Object.entries(versions)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
    }
  });

  it('passes publint', async () => {
    const bytes = Uint8Array.from(readFileSync(tarball)).buffer;
    const { messages, pkg } = await publint({ strict: true, pack: { tarball: bytes } });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg ?? manifest, { color: false })),
      [],
    );
  });

  it('resolves for every way that TypeScript resolves ES modules', async () => {
    const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist', 'index.js');
    // esm-only: `require` of it is not offered, and is not judged.
    await run(root, process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color']);
  });

  describe('installed elsewhere', () => {
    const project = temporaryFolder();

    before(async () => {
      writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', type: 'module', private: true }));
      const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
      await run(project, 'npm', ['install', ...flags, tarball]);
    });

    for (const specifier of specifiers) {
      it(`import '${specifier}'`, async () => {
        const script = `const names = Object.keys(await import('${specifier}')); console.log(names.length);`;
        const count = await run(project, process.execPath, ['--input-type=module', '--eval', script]);
        assert.ok(Number(count) > 0, 'exports nothing');
      });
    }

    it('does not give away what it does not export', async () => {
      const script = `await import('${manifest.name}/dist/engine/engine.js')`;
      const promise = run(project, process.execPath, ['--input-type=module', '--eval', script]);
      await assert.rejects(promise, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
    });

    it('its declarations compile in a strict project', async () => {
      const imports = specifiers.map((specifier, index) => `import * as module${index} from '${specifier}';`);
      const uses = specifiers.map((_, index) => `console.log(Object.keys(module${index}));`);
      writeFileSync(join(project, 'use.ts'), `${[...imports, ...uses].join('\n')}\n`);
      const compilerOptions = {
        target: 'ES2023',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        // Foreign declarations are checked too: that is the point.
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
      };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
      await run(project, process.execPath, [require.resolve('typescript/bin/tsc'), '-p', project, '--pretty', 'false']);
    });

    it('brings the command skein', async () => {
      const stdout = await run(project, 'npx', ['--no-install', 'skein', '--version']);
      assert.equal(stdout.trim(), manifest.version);
    });

    it('moves bytes over a connection of its own', async () => {
      writeFileSync(
        join(project, 'echo.mjs'),
        `import { QuicClient, QuicServer } from 'skein';
        import { createCertificateAuthority } from 'skein/testing';
        const ca = await createCertificateAuthority();
        const { certificate: cert, key } = await ca.issue();
        const server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
        server.handle({
          async stream(stream) {
            for await (const chunk of stream) await stream.send(chunk);
            await stream.finish();
          },
        });
        await server.listen();
        const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: server.address.port, ca: ca.certificate });
        const connection = await client.connect();
        const stream = await client.createStream(connection.id);
        await stream.send(new TextEncoder().encode('hello'));
        await stream.finish();
        console.log(new TextDecoder().decode(await stream.receiveAll()));
        await client.shutdown();
        await server.stop();
        `,
      );
      assert.equal(await run(project, process.execPath, ['echo.mjs']), 'hello\n');
    });
  });
});
