import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as async from './async.js';
import { connect, memoryDriver } from './fakes/memory-driver.js';
import * as index from './index.js';
import { BLOCK_ERROR_CODES, BlockError, createDevice, OPERATIONS } from './index.js';
import * as testing from './testing.js';
import { sectorsOf } from './testing.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('The README', () => {
  const readme = read('../README.md');

  test('shows the driver that the tests use, word for word', () => {
    const shown = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
    expect(shown).toContain(read('./fakes/memory-driver.ts').replace("'../index.js'", "'@blockyard/block'"));
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

  test.each([
    ['.', index],
    ['./async', async],
    ['./testing', testing],
  ])('names every function and class of %s', (_, door) => {
    const names = Object.entries(door).filter(([, value]) => typeof value === 'function');
    expect(names.length).toBeGreaterThan(5);
    for (const [name] of names) expect(readme).toContain(name);
  });

  test('speaks of every way into the package', () => {
    const { exports } = JSON.parse(read('../package.json'));
    expect(Object.keys(exports)).toEqual(['.', './async', './testing', './package.json']);
    for (const door of ['async', 'testing']) expect(readme).toContain(`@blockyard/block/${door}`);
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
      ['D', 5],
      ['S', 4],
      ['Z', 4],
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
    for (const operation of [...OPERATIONS, 'lend', 'fragments', 'writeDurably']) {
      expect(contract).toMatch(new RegExp(`^\\| \`${operation}\\(`, 'm'));
    }
  });
});

describe('The sources', () => {
  const names = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );

  test('are looked at in every folder', () => {
    for (const name of ['index.ts', 'async/yielder.ts', 'bulk/copy.ts', 'device/device.ts', 'fakes/settled.ts'])
      expect(names).toContain(name);
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
