import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { isBlockError } from '@blockyard/block';
import { afterEach, describe, test } from 'vitest';
import { connectFile } from './index.js';
import { temporaryDirectories } from './testing/temporary.js';

// Other processes run the built package, which `turbo run test` has made up to date.
const BUILT = new URL('../dist/index.js', import.meta.url).href;

const directory = temporaryDirectories();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function diskImage(): Promise<string> {
  const path = join(await directory(), 'disk.img');
  await writeFile(path, '');
  await truncate(path, 1024);
  return path;
}

/** Runs `body` in a process of its own, where `connectFile` and `path` are known. */
function run(path: string, body: string) {
  const code = `import { connectFile } from ${JSON.stringify(BUILT)}; const path = ${JSON.stringify(path)}; ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The test runner's finds packages that the built one does not depend on.
    env: { ...process.env, NODE_PATH: '' },
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, exited: once(child, 'exit'), line: async () => (await lines.next()).value as string | undefined };
}

const HOLD = `await connectFile({ path }); console.log('open'); setInterval(() => {}, 1000);`;
const TRY = `await connectFile({ path }).then(() => console.log('open'), (error) => console.log(error.code, error.message));`;

describe('two processes', () => {
  test('cannot write one file, whichever of them was first', async () => {
    const path = await diskImage();
    const other = run(path, HOLD);
    assert.equal(await other.line(), 'open');
    await assert.rejects(connectFile({ path }), (error) => {
      assert.ok(isBlockError(error, 'LOCKED'));
      assert.ok(error.message.includes(path));
      return true;
    });
    other.child.kill('SIGKILL');
    await other.exited;

    const device = await connectFile({ path });
    const answer = await run(path, TRY).line();
    assert.match(answer ?? '', /^LOCKED /);
    assert.ok(answer?.includes(path));
    await device.disconnect();
    assert.equal(await run(path, TRY).line(), 'open');
  });

  test('share no lock through a child that a writer starts', async () => {
    const path = await diskImage();
    const device = await connectFile({ path });
    const child = run(path, `console.log('up'); setInterval(() => {}, 1000);`);
    assert.equal(await child.line(), 'up');
    await device.disconnect();
    await (await connectFile({ path })).disconnect();
  });
});

describe('a process', () => {
  test('that uses the built package knows holes where the sources do', async () => {
    const path = await diskImage();
    const other = run(path, `console.log(JSON.stringify((await connectFile({ path })).info.native));`);
    const told = JSON.parse((await other.line()) ?? '');
    await other.exited;
    await using device = await connectFile({ path });
    assert.deepEqual(told, device.info.native);
  });

  test('ends by itself after it has disconnected, with its data in the file', async () => {
    const path = await diskImage();
    const { exited } = run(
      path,
      `const device = await connectFile({ path });
       await device.write(1, [new Uint8Array(512).fill(6)]);
       await device.disconnect();`,
    );
    assert.deepEqual(await exited, [0, null]);
    const device = await connectFile({ path });
    const found = new Uint8Array(512);
    await device.read(1, [found]);
    assert.deepEqual(found, new Uint8Array(512).fill(6));
    await device.disconnect();
  });
});
