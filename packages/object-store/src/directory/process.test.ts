import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { afterEach, expect, test } from 'vitest';
import { readWhole } from '../read.js';
import { temporaryDirectories } from '../testing/directories.js';
import { openDirectoryStore } from './index.js';

// Other processes run the built package, which `turbo run test` has made up to date.
const BUILT = new URL('../../dist/', import.meta.url).href;

const directory = temporaryDirectories();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs `body` in a process of its own, where `store`, `newId` and `readWhole` are known. */
function run(path: string, body: string) {
  const code = `
    import { newId, readWhole } from ${JSON.stringify(`${BUILT}index.js`)};
    import { openDirectoryStore } from ${JSON.stringify(`${BUILT}directory/index.js`)};
    const store = await openDirectoryStore({ path: ${JSON.stringify(path)} });
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_PATH: '' },
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, exited: once(child, 'exit'), line: async () => (await lines.next()).value as string | undefined };
}

/** Adds one to the number in an object, by compare-and-swap, `times` times; for ever if that is not said. */
const COUNT = (times: number) => `
  for (let done = 0; done < ${times}; ) {
    const { version, bytes } = await readWhole(store, 'count', 100);
    const next = Buffer.from(String(Number(Buffer.from(bytes)) + 1));
    const result = await store.put('count', next, { etag: version.etag }, newId());
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'stored') { done++; console.log(String(next)); }
  }`;

const PROCESSES = 4;
const TIMES = 25;

async function newCount(path: string) {
  const store = await openDirectoryStore({ path, create: true });
  await store.put('count', Buffer.from('0'), 'absent', 'zero');
  return { store, count: async () => Number(Buffer.from((await readWhole(store, 'count', 100))?.bytes ?? '')) };
}

test('processes that replace one object at once lose no change', async () => {
  const path = await directory();
  const { count } = await newCount(path);
  const all = Array.from({ length: PROCESSES }, () => run(path, COUNT(TIMES)));
  for (const { exited } of all) expect((await exited)[0]).toBe(0);
  expect(await count()).toBe(PROCESSES * TIMES);
});

test('of processes that make the same objects at once each object has one maker', async () => {
  const path = await directory();
  await openDirectoryStore({ path, create: true });
  const make = (maker: number) => `
    const made = [];
    for (let number = 0; number < ${TIMES}; number++) {
      const result = await store.put('made/' + number, Buffer.from('x'), 'absent', 'maker ${maker}');
      if (result.kind === 'failed') throw result.error;
      if (result.kind === 'stored') made.push(number);
    }
    console.log(made.join(' '));`;
  const lines = await Promise.all(Array.from({ length: PROCESSES }, (_, maker) => run(path, make(maker)).line()));
  const made = lines.flatMap((line) => (line ?? '').split(' ').filter((text) => text !== ''));
  expect(made.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: TIMES }, (_, number) => number));
});

test('a process that is killed in the middle of it leaves a whole object, and holds up no one', async () => {
  const path = await directory();
  const { store, count } = await newCount(path);
  let least = 0;
  for (let round = 0; round < 5; round++) {
    const { child, exited, line } = run(path, COUNT(Number.MAX_SAFE_INTEGER));
    for (let lines = 0; lines <= round; lines++) least = Number(await line());
    child.kill('SIGKILL');
    await exited;
    expect(await count()).toBeGreaterThanOrEqual(least);
    const version = await store.head('count');
    const next = Buffer.from(String((await count()) + 1));
    expect(await store.put('count', next, { etag: version?.etag ?? '' }, `round ${round}`)).toMatchObject({
      kind: 'stored',
    });
  }
});

test('a process that is frozen with the lock holds up others for a bounded time, and loses nothing to them', async () => {
  const path = await directory();
  const { store } = await newCount(path);
  // The lock is held for as long as the process waits here.
  const holder = run(
    path,
    `const { createRequire } = await import('node:module');
     const { openSync } = await import('node:fs');
     const { tryLock } = createRequire(${JSON.stringify(`${BUILT}directory/index.js`)})('fs-native-extensions');
     tryLock(openSync(${JSON.stringify(`${path}/.lock`)}, 'r+'), { shared: false });
     console.log('locked');
     setInterval(() => {}, 1000);`,
  );
  expect(await holder.line()).toBe('locked');
  const impatient = await openDirectoryStore({ path, maxLockWaitMs: 10 });
  const etag = (await store.head('count'))?.etag ?? '';
  expect(await impatient.put('count', Buffer.from('1'), { etag }, 'one')).toMatchObject({
    kind: 'failed',
    late: false,
    error: { code: 'LOCKED', retryable: true },
  });
  await expect(impatient.delete([{ key: 'count' }])).rejects.toMatchObject({ code: 'LOCKED' });
  // What needs no lock goes on.
  expect(await impatient.put('other', Buffer.from('1'), 'absent', 'one')).toMatchObject({ kind: 'stored' });
  const waiting = store.put('count', Buffer.from('1'), { etag }, 'one');
  holder.child.kill('SIGKILL');
  expect(await waiting).toMatchObject({ kind: 'stored' });
});
