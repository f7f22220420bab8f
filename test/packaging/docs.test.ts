import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { EXIT } from '../../src/cli/failure.js';
import { HTTP3_ERROR_CODES } from '../../src/http3/core/index.js';
import { CHANNELS, HTTP3_CHANNELS } from '../../src/observe/index.js';
import { QPACK_ERROR_CODES } from '../../src/qpack/errors.js';
import { QUIC_ERROR_CODES, QuicError } from '../../src/quic/errors.js';
import { resolveConnectionOptions } from '../../src/quic/options.js';
import { SWARM_CHANNELS, SWARM_ERROR_CODES } from '../../src/swarm/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { blocks, expectedOutput, headings, links, onFreePort, tableRows, withPrelude } from './support/markdown.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

async function run(cwd: string, program: string, args: readonly string[]): Promise<string> {
  // What commands keep for their user stays with the test.
  const env = { ...process.env, SSLKEYLOGFILE: '', QLOGDIR: '', XDG_STATE_HOME: join(cwd, 'state') };
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, env, timeout: 120_000 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

const registryFlags = '--no-audit --no-fund --prefer-offline --loglevel=error';

/** Measurements differ from run to run; the words do not. */
const withoutNumbers = (text: string): string => text.replaceAll(/\d[\d.,]*/g, '0').replaceAll(/ +/g, ' ');

describe('what the documents say, executed in a project with the packed package', () => {
  const folder = temporaryFolder();
  const checkout = join(folder, 'skein');
  const project = join(folder, 'project');
  const readme = blocks(read('README.md'));
  const program = readme.find(({ info }) => info === 'echo.mjs')?.text ?? '';

  before(async () => {
    mkdirSync(checkout);
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    const packed = await run(root, 'npm', ['pack', '--silent', '--pack-destination', folder]);
    const file = packed.trim().split('\n').at(-1) ?? '';
    renameSync(join(folder, file), join(checkout, file));
    const named = /skein-[\d.]+\.tgz/.exec(read('README.md'))?.[0];
    assert.equal(file, named, 'the README names the tarball that npm pack makes');
    writeFileSync(join(project, 'echo.mjs'), onFreePort(program));
  });

  for (const document of ['README.md', ...documents.filter((name) => name !== 'README.md')]) {
    const found = blocks(read(document));
    for (const [index, { language, info, text, heading }] of found.entries()) {
      const next = found[index + 1];
      const output = next?.info === 'output' ? next.text : undefined;
      const title = `${document}, ${heading}, block ${index}`;
      if (language === 'sh' && info === 'project') {
        it(`${title}: the commands succeed`, async () => {
          const command = text.replace('npm install', `npm install ${registryFlags}`);
          const printed = await run(project, 'bash', ['-e', '-c', command]);
          if (output !== undefined) assert.equal(printed, output);
        });
      } else if (language === 'js' && info === '') {
        it(`${title}: the fragment prints what its comments say`, async () => {
          const file = `fragment-${index}.mjs`;
          writeFileSync(join(project, file), withPrelude(program, text));
          assert.equal(await run(project, process.execPath, [file]), expectedOutput(text));
        });
      } else if (language === 'js' && info !== 'echo.mjs') {
        it(`${title}: the program prints what stands below it`, async () => {
          writeFileSync(join(project, info), text);
          assert.equal(await run(project, process.execPath, [info]), output);
        });
      }
    }
  }

  it('`npm start` runs a demonstration that ends as the README says', async () => {
    assert.match(read('scripts/start.mjs'), /'demo'/);
    const { text } = readme.find(({ info }) => info === 'demo') ?? assert.fail('the README shows no demonstration');
    const lines = withoutNumbers(await run(project, 'npx', ['--no-install', 'skein', 'demo'])).split('\n');
    for (const line of withoutNumbers(text).trimEnd().split('\n')) assert.ok(lines.includes(line), line);
  });

  it('commands of the checkout exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const { language, info, text } of readme) {
      if (language !== 'sh' || info === 'project') continue;
      for (const [, command = ''] of text.matchAll(/^npm (?:run )?(\w+)/gm)) {
        assert.ok(['ci', 'pack'].includes(command) || command in scripts, command);
      }
    }
    for (const [, command = ''] of documents
      .map(read)
      .join('\n')
      .matchAll(/`npm run ([\w-]+)/g)) {
      assert.ok(command in scripts, `npm run ${command}`);
    }
  });
});

describe('documents', () => {
  for (const document of documents) {
    it(`links of ${document} lead somewhere`, () => {
      for (const { path, anchor } of links(read(document))) {
        const target = path === '' ? join(root, document) : resolve(root, dirname(document), path);
        assert.ok(existsSync(target), `${path} does not exist`);
        if (anchor !== undefined) assert.ok(headings(readFileSync(target, 'utf8')).includes(anchor), `#${anchor}`);
      }
    });
  }

  it('name files and folders that exist', () => {
    for (const document of documents) {
      const text = read(document);
      const named = text.matchAll(/`((?:src|engine|scripts|test|bench|wasm|\.ci)\/[\w./-]+)/g);
      for (const [, path = ''] of named) {
        // `npm test` builds these, or a person does.
        if (path.startsWith('wasm/') || !path.includes('*'))
          assert.ok(existsSync(join(root, path)), `${document}: ${path}`);
      }
    }
  });

  it('name every environment variable that the sources read', () => {
    const all = documents.map(read).join('\n');
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    for (const source of sources) {
      for (const [, name = ''] of read(join('src', source)).matchAll(/process\.env(?:\.|\[')(\w+)/g)) {
        if (!source.startsWith('cli')) assert.ok(all.includes(name), name);
      }
    }
  });
});

describe('docs/errors.md', () => {
  const rows = tableRows(read('docs/errors.md')).map(([code = '']) => code.replaceAll('`', ''));

  it('has every code once, and none that does not exist', () => {
    const documented = rows.filter((code) => code.startsWith('ERR_QUIC_'));
    assert.deepEqual([...documented].sort(), Object.keys(QUIC_ERROR_CODES).sort());
    const engine = [...read('src/engine/errors.ts').matchAll(/'(ERR_ENGINE_\w+)'/g)].map(([, code]) => code);
    assert.deepEqual(rows.filter((code) => code.startsWith('ERR_ENGINE_')).sort(), [...new Set(engine)].sort());
    const qpack = rows.filter((code) => code.startsWith('ERR_QPACK_'));
    assert.deepEqual(qpack.sort(), Object.keys(QPACK_ERROR_CODES).sort());
    const http3 = rows.filter((code) => code.startsWith('ERR_HTTP3_'));
    assert.deepEqual(http3.sort(), Object.keys(HTTP3_ERROR_CODES).sort());
    const swarm = rows.filter((code) => code.startsWith('ERR_SWARM_'));
    assert.deepEqual(swarm.sort(), Object.keys(SWARM_ERROR_CODES).sort());
  });
});

describe('docs/command-line.md', () => {
  const rows = tableRows(read('docs/command-line.md'));

  it('has every command', async () => {
    const help = await run(root, process.execPath, ['dist/cli/main.js', '--help']);
    const commands = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}(\w+)/gm)].map(([, name = '']) => name);
    const documented = new Set(rows.flatMap(([cell = '']) => /^`skein (\w+)/.exec(cell)?.[1] ?? []));
    assert.deepEqual([...documented].sort(), commands.filter((name) => name !== 'help').sort());
  });

  it('has every exit code', () => {
    const documented = rows.flatMap(([cell = '']) => (/^\d+$/.test(cell) ? Number(cell) : []));
    assert.deepEqual(documented, Object.values<number>(EXIT));
  });
});

describe('docs/observability.md', () => {
  const text = read('docs/observability.md');

  it('has every diagnostics channel', () => {
    const documented = tableRows(text).flatMap(([name = '']) => /^`(skein:.*)`$/.exec(name)?.[1] ?? []);
    assert.deepEqual(
      documented.sort(),
      Object.values<string>({
        ...CHANNELS,
        http3Error: HTTP3_CHANNELS.error,
        swarmError: SWARM_CHANNELS.error,
      }).sort(),
    );
  });

  it('has every statistic', () => {
    for (const type of ['PathStats', 'ConnectionStats', 'QuicStats', 'EndpointStats']) {
      for (const name of propertiesOf(type)) assert.match(text, new RegExp(`\`${name}\``), `${type}.${name}`);
    }
  });
});

describe('docs/api.md', () => {
  const text = read('docs/api.md');
  const options = tableRows(text.slice(text.indexOf('## Connection options'), text.indexOf('## QuicEndpoint')));
  const defaults: Readonly<Record<string, unknown>> = { ...resolveConnectionOptions({}) };

  it('has every connection option with its default', () => {
    const documented = options.map(([name = '']) => name.replaceAll('`', ''));
    assert.deepEqual([...documented].sort(), Object.keys(defaults).sort());
    for (const [name = '', value = ''] of options) {
      const key = name.replaceAll('`', '');
      if (key === 'qlogDir') continue;
      assert.equal(value.replaceAll('`', '').replaceAll("'", ''), String(defaults[key]), key);
    }
  });

  for (const [name = '', , range = ''] of options) {
    const bounds = /^(\d+) to (\d+)/.exec(range);
    if (!bounds) continue;
    const key = name.replaceAll('`', '');
    it(`${key} takes ${range}`, () => {
      const [low, high] = [Number(bounds[1]), Number(bounds[2])];
      // maxPathMtu must not be below maxDatagramSize.
      const other = key === 'maxDatagramSize' ? {} : { maxDatagramSize: 1200 };
      const resolved = (value: number): unknown => resolveConnectionOptions({ ...other, [key]: value });
      for (const value of [low, high]) assert.ok(resolved(value));
      for (const value of [low - 1, high + 1, low + 0.5]) {
        assert.throws(
          () => resolved(value),
          (error) => QuicError.isQuicError(error) && error.code === 'ERR_QUIC_INVALID_OPTION',
        );
      }
    });
  }

  it('mentions every export of the package', () => {
    const all = documents.map(read).join('\n');
    for (const entry of ['index', 'qpack/index', 'swarm/index', 'observe/index', 'testing/index']) {
      const missing = exportsOf(`src/${entry}.ts`).filter((name) => !new RegExp(`\\b${name}\\b`).test(all));
      assert.deepEqual(missing, [], entry);
    }
  });

  it('mentions every member of the classes and every option', () => {
    const types = ['QuicClient', 'QuicServer', 'QuicEndpoint', 'QuicConnection', 'QuicStream'];
    const given = ['QuicClientConfig', 'QuicServerConfig', 'QuicEndpointOptions', 'ListenOptions', 'ConnectOptions'];
    for (const type of [...types, ...given]) {
      const missing = propertiesOf(type).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
      assert.deepEqual(missing, [], type);
    }
  });
});

// What TypeScript knows of the sources.

const compiler = ts.createProgram(
  ['index', 'qpack/index', 'swarm/index', 'observe/index', 'testing/index'].map((entry) =>
    join(root, 'src', `${entry}.ts`),
  ),
  ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')).config,
    ts.sys,
    root,
  ).options,
);

function exportSymbols(path: string): ts.Symbol[] {
  const checker = compiler.getTypeChecker();
  const file = compiler.getSourceFile(join(root, path));
  const symbol = file && checker.getSymbolAtLocation(file);
  assert.ok(symbol, path);
  return checker.getExportsOfModule(symbol);
}

function exportsOf(path: string): string[] {
  return exportSymbols(path).map(({ name }) => name);
}

/** Public members of an exported class or interface, without those it has of Node's classes or that are internal. */
function propertiesOf(type: string): string[] {
  const checker = compiler.getTypeChecker();
  const symbol = exportSymbols('src/index.ts').find(({ name }) => name === type);
  assert.ok(symbol, type);
  const resolved = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(resolved))
    .filter((property) => {
      const [declaration] = property.declarations ?? [];
      const own = declaration?.getSourceFile().fileName.startsWith(join(root, 'src')) ?? false;
      const internal = property.getJsDocTags().some(({ name }) => name === 'internal');
      return own && !internal && /^[a-zA-Z]/.test(property.name);
    })
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('__'));
}
