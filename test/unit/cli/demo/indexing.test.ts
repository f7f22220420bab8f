import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeEntries,
  indexTexts,
  mergeShards,
  SHARDS,
  type IndexEntry,
} from '../../../../src/cli/demo/indexing/inverted-index.js';
import { fileDigests, recount } from '../../../../src/cli/demo/indexing/recount.js';
import { loadIndex, query, saveIndex, type SavedIndex } from '../../../../src/cli/demo/indexing/saved-index.js';
import { countWords, eachWord, LONGEST_WORD, textOf } from '../../../../src/cli/demo/indexing/words.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

function wordsOf(text: string): string[] {
  const words: string[] = [];
  eachWord(text, (word, line) => words.push(`${word}@${line}`));
  return words;
}

/** The whole index of some texts, by way of shards as agents make them. */
function indexed(...texts: readonly string[]): IndexEntry[] {
  const parts = texts.map((text, file) => indexTexts([{ file, text }]));
  return Array.from({ length: SHARDS }, (_, shard) =>
    decodeEntries(mergeShards(parts.map((part) => part[shard] ?? assert.fail()))),
  )
    .flat()
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

describe('words', () => {
  it('are letters, digits and underscores, in lower case, with their lines', () => {
    assert.deepEqual(wordsOf('const maxSize_2 = 42;\n// 3rd: a-b\n'), ['const@1', 'maxsize_2@1', 'rd@2', 'a@2', 'b@2']);
  });

  it('of other scripts are found, and marks stay in them', () => {
    assert.deepEqual(wordsOf('Größe ΑΒΓ\n名前 𝒳y e\u0301t'), ['größe@1', 'αβγ@1', '名前@2', '𝒳y@2', 'e\u0301t@2']);
  });

  it('that are longer than anybody looks up are left out', () => {
    const longest = 'x'.repeat(LONGEST_WORD);
    assert.deepEqual(wordsOf(`${longest} ${longest}x end`), [`${longest}@1`, 'end@1']);
  });

  it('are counted with lines, of which the last needs no line feed', () => {
    assert.deepEqual(countWords(''), { lines: 0, words: 0, distinct: 0 });
    assert.deepEqual(countWords('\n\n'), { lines: 2, words: 0, distinct: 0 });
    assert.deepEqual(countWords('one two\nOne'), { lines: 2, words: 3, distinct: 2 });
  });

  it('are of text only', () => {
    assert.equal(textOf(Buffer.from('grün')), 'grün');
    assert.equal(textOf(Uint8Array.of(0x66, 0, 0x67)), undefined);
    assert.equal(textOf(Uint8Array.of(0x66, 0xff)), undefined);
  });
});

describe('an index', () => {
  it('names files, counts and lines of every word, whatever the order of its parts', () => {
    assert.deepEqual(indexed('b a\nb b', '', 'a'), [
      [
        'a',
        [
          [0, 1, [1]],
          [2, 1, [1]],
        ],
      ],
      ['b', [[0, 3, [1, 2]]]],
    ]);
    const [first, second] = [indexTexts([{ file: 1, text: 'x' }]), indexTexts([{ file: 0, text: 'x' }])];
    const shard = first.findIndex((part) => decodeEntries(part).length > 0);
    const merged = mergeShards([first[shard] ?? assert.fail(), second[shard] ?? assert.fail()]);
    assert.deepEqual(decodeEntries(merged), [
      [
        'x',
        [
          [0, 1, [1]],
          [1, 1, [1]],
        ],
      ],
    ]);
  });

  it('holds words that are names of properties', () => {
    assert.deepEqual(
      indexed('__proto__ constructor').map(([word]) => word),
      ['__proto__', 'constructor'],
    );
  });

  it('says what counting by regular expressions says, of any text', () => {
    const piece = fc.oneof(
      fc.constantFrom(' ', '\n', '\r\n', '_', '-', '1', 'a', 'B', 'é', 'e\u0301', '𝒳', '名', '²', '\u00a0'),
      fc.string({ unit: 'binary' }),
    );
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
        const digests = fileDigests(indexed(...texts), texts.length);
        for (const [file, content] of texts.entries()) {
          const { digest, ...counts } = recount(content);
          assert.deepEqual(countWords(content), counts);
          assert.equal(digests[file], digest);
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('that differs in one line is noticed', () => {
    const entries = indexed('a b\na');
    const [digest] = fileDigests(entries, 1);
    assert.equal(digest, recount('a b\na').digest);
    const wrong: IndexEntry[] = [['a', [[0, 2, [1, 3]]]], ...entries.slice(1)];
    assert.notEqual(fileDigests(wrong, 1)[0], digest);
  });
});

describe('a saved index', () => {
  const texts = ['alpha beta\nalpha', 'beta', 'gamma alphabet'];
  const saved: SavedIndex = {
    root: '/somewhere',
    madeAt: '2026-01-01T00:00:00.000Z',
    files: texts.map((text, at) => ({ path: `f/${at}.txt`, bytes: text.length, sha256: '' })),
    index: indexed(...texts),
  };

  it('is read as it was written', async () => {
    const path = join(temporaryFolder(), 'below', 'index.json');
    assert.equal(await saveIndex(path, saved), readFileSync(path).length);
    assert.deepEqual(await loadIndex(path), { format: 1, ...saved });
  });

  it('that is not there, or something else, is told in words', async () => {
    const path = join(temporaryFolder(), 'index.json');
    await assert.rejects(loadIndex(path), /there is no index yet; `skein demo`/);
    for (const content of ['', '{', '{"format":2}', '[]']) {
      writeFileSync(path, content);
      await assert.rejects(loadIndex(path), /is no index that this version reads/);
    }
  });

  it('answers with files by their occurrences, with lines', () => {
    assert.deepEqual(query(saved, 'BETA').hits, [
      { path: 'f/0.txt', count: 1, lines: [1] },
      { path: 'f/1.txt', count: 1, lines: [1] },
    ]);
    assert.deepEqual(query(saved, 'beta, alpha').hits, [{ path: 'f/0.txt', count: 3, lines: [1, 2] }]);
  });

  it('names similar words where there is none, and refuses questions without words', () => {
    assert.deepEqual(query(saved, 'alphas'), { words: ['alphas'], hits: [], similar: ['alpha', 'alphabet'] });
    assert.deepEqual(query(saved, 'zeta').similar, []);
    assert.throws(() => query(saved, '42'), /holds no word/);
  });
});
