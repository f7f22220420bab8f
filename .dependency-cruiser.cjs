// Who may import whom: the house rules of DESIGN.md, section 1. Every rule is an error and fails `npm run check`.
//
//   wire <- qpack <- http3/core <- http3 <- webtransport <- swarm <- cli
//   engine <- quic <- (client.ts, server.ts, swarm, cli)
//   quic/types.ts (interfaces only) <- http3, webtransport, swarm, testing

/** A rule: files under `from` import, of this project's own source, only what matches one of `allowed`. */
function layer(name, from, allowed, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: from },
    to: { path: '^src/', pathNot: allowed },
  };
}

const nodeBuiltin = { dependencyTypes: ['core'] };
const quicTypes = '^src/quic/types(/|\\.ts$)';

module.exports = {
  forbidden: [
    layer('wire-imports-nothing', '^src/wire/', ['^src/wire/'], 'wire/ is pure bytes and the bottom of the house.'),
    layer('qpack-on-wire', '^src/qpack/', ['^src/qpack/', '^src/wire/'], 'QPACK must not know QUIC or HTTP/3.'),
    layer(
      'http3-core-is-pure',
      '^src/http3/core/',
      ['^src/http3/core/', '^src/qpack/', '^src/wire/'],
      'The HTTP/3 state machine sees bytes and events only.',
    ),
    layer(
      'http3-on-quic-types',
      '^src/http3/(?!core/)',
      ['^src/http3/', '^src/qpack/', '^src/wire/', '^src/observe/', quicTypes],
      'HTTP/3 sees QUIC through the interfaces of quic/types.ts, never through its classes.',
    ),
    layer(
      'webtransport-on-http3-surface',
      '^src/webtransport/',
      ['^src/webtransport/', '^src/http3/index\\.ts$', '^src/wire/', '^src/observe/', quicTypes],
      'WebTransport uses only what http3/index.ts exports.',
    ),
    layer(
      'swarm-below-cli',
      '^src/swarm/',
      [
        '^src/swarm/',
        '^src/webtransport/',
        '^src/http3/',
        '^src/quic/',
        '^src/wire/',
        '^src/observe/',
        '^src/certificates/',
        '^src/quic-config\\.ts$',
      ],
      'swarm/ stands on the transports and knows neither the command line nor the engine.',
    ),
    layer(
      'swarm-tasks-are-pure',
      '^src/swarm/tasks/',
      ['^src/swarm/tasks/', '^src/swarm/errors\\.ts$'],
      'The scheduler of tasks is a state machine: calls in, actions out.',
    ),
    layer(
      'engine-stands-alone',
      '^src/engine/',
      ['^src/engine/', '^src/wire/'],
      'engine/ knows wasm memory and nothing above it.',
    ),
    layer(
      'quic-on-engine',
      '^src/quic/',
      ['^src/quic/', '^src/engine/', '^src/wire/', '^src/observe/'],
      'quic/ stands on engine/ and knows nothing above it.',
    ),
    layer(
      'observe-stands-alone',
      '^src/observe/',
      ['^src/observe/', '^src/wire/', quicTypes],
      'observe/ is used by every layer.',
    ),
    layer(
      'certificates-stand-alone',
      '^src/certificates/',
      ['^src/certificates/'],
      'certificates/ makes X.509 certificates for tests, the command line and swarms.',
    ),
    {
      name: 'only-quic-imports-engine',
      comment: 'No view over wasm memory survives a call: one room handles that memory, one room talks to it.',
      severity: 'error',
      from: { path: '^(src|bench|examples)/', pathNot: ['^src/(engine|quic)/', '^bench/engine/'] },
      to: { path: '^src/engine/' },
    },
    {
      name: 'testing-sees-interfaces',
      comment:
        'testing/ implements the interfaces of quic/ and imports types only, so that it cannot share their faults.',
      severity: 'error',
      from: { path: '^src/testing/' },
      to: {
        path: '^src/(quic|http3|webtransport|swarm|cli|client\\.ts|server\\.ts)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'production-does-not-import-testing',
      comment: 'What is exported as skein/testing is for tests.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/'] },
      to: { path: '^src/testing/' },
    },
    {
      name: 'nothing-imports-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'source-stands-alone',
      comment: 'What is published imports nothing that is not.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|scripts)/' },
    },
    {
      name: 'pure-code-without-node',
      comment: 'wire, qpack, http3/core and swarm/tasks run anywhere: no node:*.',
      severity: 'error',
      from: { path: '^src/(wire|qpack|http3/core|swarm/tasks)/' },
      to: nodeBuiltin,
    },
    {
      name: 'pure-code-without-packages',
      severity: 'error',
      from: { path: '^src/(wire|qpack|http3/core|swarm/tasks|engine|quic)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'dgram-in-udp-only',
      comment: 'One folder knows UDP sockets; a faster backend replaces that folder.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/quic/udp/' },
      to: { path: '^(node:)?dgram$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-dev-dependencies-in-source',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/fixtures/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
