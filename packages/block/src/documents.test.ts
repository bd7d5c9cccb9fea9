import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BLOCK_ERROR_CODES, BlockError, createDevice } from './index.js';
import { connect, memoryDriver } from './testing/memory-driver.js';
import { sectorsOf } from './testing/sparse-driver.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('The README', () => {
  const readme = read('../README.md');

  test('shows the driver that the tests use, word for word', () => {
    const shown = /```ts\n(.*?)```/s.exec(readme)?.[1];
    expect(shown).toBe(read('./testing/memory-driver.ts').replace("'../index.js'", "'@blockyard/block'"));
  });

  test('shows a driver that works', async () => {
    const device = await connect({ sectorSize: 512, sizeSectors: 4 });
    await device.write(1, [sectorsOf(1, 1), sectorsOf(2, 1)]);
    await device.resize(6);
    const buffers = [new Uint8Array(1024), new Uint8Array(2048)];
    await device.read(0, buffers);
    expect(buffers[0]).toEqual(new Uint8Array([...sectorsOf(0, 1), ...sectorsOf(1, 1)]));
    expect(buffers[1]).toEqual(new Uint8Array([...sectorsOf(2, 1), ...sectorsOf(0, 3)]));
    await device.flush();
    await device.disconnect();
  });

  test('names every export that is a function or a class', () => {
    const index = read('./index.ts').replaceAll(/type \w+/g, '');
    for (const [name] of index.matchAll(/\b(?:[a-z]+[A-Z]\w*|copy|compare|fill|IntervalSet|BlockError)\b/g)) {
      expect(readme).toContain(name);
    }
  });
});

describe('The contract', () => {
  const contract = read('../CONTRACT.md');

  test('has every clause, once, in order', () => {
    const clauses = [...contract.matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(([, clause]) => clause);
    const upTo = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
    const letters: readonly [string, number][] = [
      ['A', 7],
      ['B', 4],
      ['O', 4],
      ['D', 4],
      ['S', 4],
      ['Z', 3],
      ['E', 5],
      ['C', 11],
    ];
    expect(clauses).toEqual(letters.flatMap(([letter, count]) => upTo(letter, count)));
  });

  test('lists every error code, and whether it is retryable', () => {
    const rows = [...contract.matchAll(/^\| `([A-Z_]+)` +\| (yes|no) +\|/gm)].map(([, code, retryable]) => [
      code,
      retryable,
    ]);
    expect(rows).toEqual(BLOCK_ERROR_CODES.map((code) => [code, new BlockError(code, '').retryable ? 'yes' : 'no']));
  });

  test('lists every field of info, and every operation', () => {
    const { info } = createDevice(memoryDriver(512, 1));
    const { native, ...facts } = info;
    const fields = [...Object.keys(facts), ...Object.keys(native).map((name) => `native.${name}`)];
    const rows = [...contract.matchAll(/^\| `([a-zA-Z.]+)` +\| [^|]+ \|$/gm)].map(([, field]) => field);
    expect(rows).toEqual(['info', ...fields]);
    for (const operation of [
      'read',
      'lend',
      'write',
      'flush',
      'resize',
      'discard',
      'writeZeroes',
      'extents',
      'disconnect',
    ]) {
      expect(contract).toMatch(new RegExp(`^\\| \`${operation}\\(`, 'm'));
    }
  });
});

describe('The sources', () => {
  const names = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' }).filter(
    (name) => /(?<!\.test)\.ts$/.test(name) && !name.startsWith('testing/'),
  );

  test('are looked at in every folder', () => {
    for (const name of ['index.ts', 'async/yielder.ts', 'bulk/copy.ts', 'device/device.ts']) expect(names).toContain(name);
  });

  test.each(names)('run without Node: %s', (name) => {
    const all = read(`./${name}`).replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, '');
    // This one looks whether it is there.
    const code = name === 'macrotask.ts' ? all.replaceAll('setImmediate', '') : all;
    expect(code).not.toMatch(/\bnode:|\bBuffer\b|\bprocess\b|\bsetImmediate\b|\brequire\(|\bglobal\b/);
    // Nothing from outside of the package either.
    for (const [, from] of code.matchAll(/\bfrom '([^']+)'/g)) expect(from).toMatch(/^\.{1,2}\/[a-z-/]+\.js$/);
  });
});
