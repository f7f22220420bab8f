/** Field sections: lines without objects, in memory that is used again and that no two of them ever share. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FieldPool, fieldPool } from '../../src/qpack/field-pool.js';
import { FieldStore } from '../../src/qpack/field-store.js';
import { FieldSection, type FieldLine, QpackDecoder, QpackEncoder } from '../../src/qpack/index.js';
import { field, join, qpackError, wire } from '../support/qpack.js';

const lines: readonly FieldLine[] = [
  field('accept', 'text/html'),
  { name: 'cookie', value: 'a=1', sensitive: true },
  field('accept', '*/*'),
  field('via', ''),
];

const released = qpackError('ERR_QPACK_SECTION_RELEASED', /released/);

/** Empty stores that are there, so that what takes one is seen. */
beforeEach(() => {
  const stores = Array.from({ length: 4 }, () => fieldPool.take());
  for (const store of stores) fieldPool.giveBack(store);
});

describe('the lines of a section', () => {
  it('are read by position, by name, and as objects', () => {
    const section = FieldSection.of(lines);
    assert.equal(section.length, 4);
    assert.equal(section.name(1), 'cookie');
    assert.equal(section.value(2), '*/*');
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => section.isSensitive(index)),
      [false, true, false, false],
    );
    assert.equal(section.get('accept'), 'text/html, */*');
    assert.equal(section.get('via'), '');
    assert.equal(section.get('Via'), undefined);
    assert.deepEqual(section.line(1), lines[1]);
    assert.deepEqual(section.toArray(), lines);
    assert.deepEqual([...section], lines);
  });

  it('are only those that there are', () => {
    const section = FieldSection.of(lines);
    section.skip(1);
    for (const index of [-1, 3, 4, 100, 0.5, Number.NaN]) {
      assert.throws(() => section.name(index), RangeError);
      assert.throws(() => section.value(index), RangeError);
      assert.throws(() => section.isSensitive(index), RangeError);
      assert.throws(() => section.line(index), RangeError);
    }
    assert.deepEqual(section.toArray(), lines.slice(1));
    assert.equal(section.get('accept'), '*/*');
  });

  it('of one name become one, in the place of the first, sensitive if one was', () => {
    const section = FieldSection.of([field(':path', '/'), field('cookie', 'z=0'), ...lines, field('cookie', 'b=2')]);
    section.skip(1);
    section.join('cookie', '; ');
    const [first, , ...rest] = lines;
    assert.deepEqual(section.toArray(), [{ name: 'cookie', value: 'z=0; a=1; b=2', sensitive: true }, first, ...rest]);
    assert.throws(() => section.name(4), RangeError);
    section.join('none', '; ');
    assert.equal(section.length, 4);
  });

  it('keep their marks when others move', () => {
    const marked = { name: 'x', value: 'y', sensitive: true };
    const section = FieldSection.of([field('a', '1'), field('a', '2'), field('b', '3'), marked]);
    section.join('a', ',');
    assert.deepEqual(section.toArray(), [field('a', '1,2'), field('b', '3'), marked]);
  });
});

describe('the memory of a section', () => {
  it('is gone for it once it was released, however it is looked at', () => {
    const section = FieldSection.of(lines);
    assert.equal(section.isReleased, false);
    section.release();
    assert.equal(section.isReleased, true);
    const looks: Record<string, () => unknown> = {
      length: () => section.length,
      name: () => section.name(0),
      value: () => section.value(0),
      isSensitive: () => section.isSensitive(0),
      line: () => section.line(0),
      get: () => section.get('accept'),
      toArray: () => section.toArray(),
      iteration: () => [...section],
      skip: () => section.skip(1),
      join: () => section.join('accept', ', '),
    };
    for (const [name, look] of Object.entries(looks)) assert.throws(look, released, name);
  });

  it('ends an iteration that goes on after the release', () => {
    const section = FieldSection.of(lines);
    const iteration = section[Symbol.iterator]();
    assert.deepEqual(iteration.next().value, lines[0]);
    section.release();
    FieldSection.of([field('other', 'secret'), field('other', 'secret')]);
    assert.throws(() => iteration.next(), released);
  });

  it('is used for the next one, which nothing of the one before is in, and which that one does not show', () => {
    const first = FieldSection.of(lines);
    const before = fieldPool.lines;
    first.release();
    assert.ok(fieldPool.lines > before);
    const second = FieldSection.of([field('other', 'secret')]);
    assert.equal(fieldPool.lines, before, 'the same memory');
    assert.deepEqual(second.toArray(), [field('other', 'secret')]);
    assert.equal(second.get('accept'), undefined);
    assert.throws(() => second.name(1), RangeError);
    assert.throws(() => first.value(0), released);
  });

  it('is given back once, however often it is released', () => {
    const first = FieldSection.of(lines);
    first.release();
    const second = FieldSection.of([field('b', '2')]);
    first.release();
    first.keep();
    const third = FieldSection.of([field('c', '3')]);
    assert.deepEqual(second.toArray(), [field('b', '2')]);
    assert.deepEqual(third.toArray(), [field('c', '3')]);
  });

  it('is free for others while a section is kept, which stays as it was', () => {
    const section = FieldSection.of([field(':path', '/'), ...lines]);
    section.skip(1);
    const before = fieldPool.lines;
    section.keep();
    assert.ok(fieldPool.lines > before, 'given back');
    const others = Array.from({ length: 6 }, (_, index) => FieldSection.of([field('other', `${index}`)]));
    assert.deepEqual(section.toArray(), lines);
    assert.equal(section.isReleased, false);
    section.release();
    assert.throws(() => section.name(0), released);
    for (const [index, other] of others.entries()) assert.equal(other.value(0), `${index}`);
  });
});

describe('the memory that waits for sections', () => {
  it('holds no strings', () => {
    const pool = new FieldPool(1000);
    const store = pool.take();
    for (const { name, value } of lines) store.add(name, value, true);
    store.first = 2;
    store.join('via', ',');
    pool.giveBack(store);
    const again = pool.take();
    assert.equal(again, store);
    assert.equal(again.capacity, 4);
    for (let at = 0; at < again.capacity; at++) {
      assert.deepEqual([again.name(at), again.value(at), again.isSensitive(at)], ['', '', false]);
    }
    assert.deepEqual([again.first, again.end], [0, 0]);
  });

  it('holds no strings of lines that were joined away', () => {
    const store = new FieldStore();
    for (const value of ['1', '2', '3']) store.add('cookie', value, true);
    store.join('cookie', '; ');
    assert.deepEqual([store.name(1), store.value(2), store.isSensitive(2)], ['', '', false]);
  });

  it('is bounded: what does not fit goes to the garbage collector', () => {
    const pool = new FieldPool(40);
    const stores = Array.from({ length: 3 }, () => pool.take());
    assert.equal(new Set(stores).size, 3);
    for (const store of stores) pool.giveBack(store);
    assert.equal(pool.lines, 32, 'two that count as 16 each');
    const large = pool.take();
    for (let index = 0; index < 25; index++) large.add('n', 'v', false);
    pool.giveBack(large);
    assert.equal(pool.lines, 16, 'one of 25 lines is too large beside the other');
    const other = pool.take();
    assert.notEqual(other, large);
    assert.equal(pool.lines, 0);
    for (let index = 0; index < 25; index++) other.add('n', 'v', false);
    pool.giveBack(other);
    assert.equal(pool.lines, 25);
  });

  it('gets back what a section that is wrong, or too large, had taken', () => {
    const before = fieldPool.lines;
    const decoder = new QpackDecoder({ maxFields: 2 });
    const truncated = join(wire.prefix(0, 0), wire.indexedStatic(17), Uint8Array.of(0x51));
    assert.throws(() => decoder.decode(0, truncated), qpackError('ERR_QPACK_DECOMPRESSION_FAILED'));
    assert.equal(fieldPool.lines, before);
    const three = join(wire.prefix(0, 0), ...[17, 17, 17].map(wire.indexedStatic));
    assert.throws(() => decoder.decode(0, three), qpackError('ERR_QPACK_FIELD_SECTION_TOO_LARGE'));
    assert.equal(fieldPool.lines, before);
    const section = decoder.decode(0, join(wire.prefix(0, 0), wire.indexedStatic(17))) ?? assert.fail();
    assert.deepEqual(section.toArray(), [field(':method', 'GET')], 'nothing of them is left in it');
    section.release();
    assert.equal(fieldPool.lines, before);
  });

  it('gets back what a blocked section that is too large had taken', () => {
    const before = fieldPool.lines;
    const decoder = new QpackDecoder({ maxFields: 1 });
    decoder.receiveEncoderStream(wire.setCapacity(100));
    const blocked = join(wire.prefix(2, 0), wire.indexedDynamic(0), wire.indexedDynamic(0));
    assert.equal(decoder.decode(0, blocked), undefined);
    assert.equal(fieldPool.lines, before, 'one that waits has none');
    assert.equal(
      decoder.receiveEncoderStream(wire.insert('a', 'b'))[0]?.error?.code,
      'ERR_QPACK_FIELD_SECTION_TOO_LARGE',
    );
    assert.equal(fieldPool.lines, before);
  });
});

it('entries that a table evicts do not change sections that were made of them', () => {
  const decoder = new QpackDecoder({ maxTableCapacity: 64 });
  const encoder = new QpackEncoder();
  encoder.setPeerSettings({ maxTableCapacity: 64, blockedStreams: 100 });
  const sections = Array.from({ length: 20 }, (_, index) => {
    const section = encoder.encode(index * 4, [field('x-a', `${index >> 1}`)]);
    decoder.receiveEncoderStream(encoder.takeEncoderStream());
    const fields = decoder.decode(index * 4, section) ?? assert.fail('blocked');
    encoder.receiveDecoderStream(decoder.takeDecoderStream());
    return fields;
  });
  for (const [index, fields] of sections.entries()) assert.deepEqual(fields.toArray(), [field('x-a', `${index >> 1}`)]);
});
