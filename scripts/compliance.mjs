// Makes docs/compliance.md: which requirement of an RFC is implemented where, and tested where.
//
//   node scripts/compliance.mjs            writes the table
//   node scripts/compliance.mjs --check    says whether the table is what the marks say (`npm run check`)
//
// A mark is `@rfc 9114#6.2.1-2`, in a comment beside the code or in the name of a test: RFC, section, and the number of the
// requirement in its section as scripts/compliance/*.mjs lists them. Requirements of RFCs that have no list are not checked.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root } from './build.mjs';
import { rfc9114 } from './compliance/rfc9114.mjs';
import { rfc9204 } from './compliance/rfc9204.mjs';

const lists = [rfc9114, rfc9204];
const target = join(root, 'docs', 'compliance.md');
const reasons = {
  push: 'not used: no push is promised or allowed',
  proxy: 'not used: skein is no proxy',
  intermediary: 'not used: skein is no intermediary',
  application: "the application's part",
};

function filesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|rs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Files by requirement: `9114#4.1-3` -> paths. */
function marksIn(files) {
  const marks = new Map();
  for (const file of files) {
    const path = relative(root, file).split(sep).join('/');
    for (const [, rfc, id] of readFileSync(file, 'utf8').matchAll(/@rfc (\d+)#([\d.]+-\d+)/g)) {
      const key = `${rfc}#${id}`;
      marks.set(key, (marks.get(key) ?? new Set()).add(path));
    }
  }
  return marks;
}

const implemented = marksIn([...filesIn('src'), ...filesIn('engine/src')]);
const tested = marksIn(filesIn('test'));
const problems = [];

for (const [key, files] of [...implemented, ...tested]) {
  const list = lists.find(({ rfc }) => key.startsWith(`${rfc}#`));
  const known = list?.requirements.find(([id]) => key === `${list.rfc}#${id}`);
  if (list && !known) problems.push(`${[...files].join(', ')}: there is no requirement ${key}`);
  if (known?.[2]) problems.push(`${[...files].join(', ')}: ${key} is listed as ${known[2]}`);
}

const cell = (files) => (files ? [...files].map((path) => `\`${path}\``).join('<br>') : '');

function table({ rfc, title, requirements }) {
  const rows = requirements.map(([id, text, why]) => {
    const code = implemented.get(`${rfc}#${id}`);
    const tests = tested.get(`${rfc}#${id}`);
    return { id, text, code, tests, why, done: Boolean(code && tests), open: !code && !tests && !why };
  });
  const count = (wanted) => rows.filter(wanted).length;
  const open = rows.filter((row) => row.open);
  return `## RFC ${rfc}, ${title}

${rows.length} requirements: ${count(({ done }) => done)} implemented and tested, ${count(
    ({ done, code }) => !done && code,
  )} implemented with no test that names them, ${count(
    ({ done, code, tests }) => !done && !code && tests,
  )} tested with no code that names them, ${count(({ why }) => why)} that do not concern skein, ${open.length} with no mark yet.

| Requirement | What it says | Implemented | Tested |
| --- | --- | --- | --- |
${rows
  .map(({ id, text, code, tests, why, open: isOpen }) => {
    const first = why ? reasons[why] : isOpen ? '**no mark**' : cell(code);
    return `| ${id} | ${text.replaceAll('|', '\\|')} | ${first} | ${cell(tests)} |`;
  })
  .join('\n')}
`;
}

const text = `# Compliance

Made by \`node scripts/compliance.mjs\` from marks in code and tests; \`npm run check\` fails when it is not current. A requirement
is a sentence with MUST or MUST NOT, numbered within its section, in this project's words; the IANA considerations are left out. "No
mark" means that no code and no test names the requirement, which is not to say that it is broken.

${lists.map(table).join('\n')}`;

if (problems.length > 0) {
  for (const problem of problems) console.error(`compliance: ${problem}`);
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  console.error('compliance: docs/compliance.md is not what the marks say: run node scripts/compliance.mjs');
  process.exitCode = 1;
}
