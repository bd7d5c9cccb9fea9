import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connectUri } from '@blockyard/uri';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFolder, runHere } from './testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let made = 0;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

async function makeScene() {
  const name = String(made++);
  const uri = `dir:${folder.in(`store-${name}`)}/web-1`;
  expect(await runHere(['create', uri, '--size', '8M'])).toMatchObject({ code: 0 });
  return { uri, tier: folder.in(`tier-${name}`), file: folder.in(`file-${name}`), socket: folder.in(`${name}.sock`) };
}

/** Serves a volume in this process for as long as `use` takes; then it is ended as by a signal. Gives what it said. */
async function life(args: readonly string[], socket: string, use: () => Promise<void>): Promise<string> {
  const interruption = new AbortController();
  const outcome = runHere(['serve', ...args, '--nbd', `unix:${socket}`], interruption.signal);
  await Promise.race([untilThere(socket), outcome]);
  await use();
  interruption.abort();
  const { code, stderr } = await outcome;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stderr;
}

async function untilThere(path: string): Promise<void> {
  while (!(await stat(path).catch(() => undefined))) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A client that reads the first two MiB, as it was said, or writes them. */
const client = (socket: string, isWriting: boolean) => async () => {
  await using device = await connectUri(`nbd+unix:///?socket=${socket}&sector=4096`);
  const bytes = [new Uint8Array(2 ** 21).fill(7)];
  await (isWriting ? device.write(0, bytes) : device.read(0, bytes));
};

describe('serve with a cache', () => {
  test('and a tier begins with what was held, and a profile is recorded and read ahead', async () => {
    const { uri, tier, file, socket } = await makeScene();
    const args = [uri, '--cache', '8M', '--tier', tier, '--tier-size', '16M', '--boot-profile', file];
    const written = await life(args, socket, client(socket, true));
    expect(written).not.toContain('boot profile');
    const list = (await readdir(tier)).find((name) => name.startsWith('hot-ranges-'));
    expect(list).toBeDefined();

    const read = await life(args, socket, client(socket, false));
    expect(read).toMatch(
      /^warm start ".*\/hot-ranges-[0-9a-f]{16}": reading 2 MiB in \d+ ranges, behind all requests$/m,
    );
    expect(read).toMatch(/^boot profile ".*": recorded 2 MiB in \d+ ranges$/m);

    let said = '';
    const settled = async () => {
      await using device = await connectUri(`nbd+unix:///?socket=${socket}&sector=4096`);
      await device.flush();
    };
    said = await life(args, socket, settled);
    expect(said).toMatch(/^boot profile ".*": reading 2 MiB in \d+ ranges/m);
    expect(said).toMatch(/^boot profile ".*": (done, 2 MiB read|ended before it was done)/m);

    const before = await readFile(`${tier}/${list}`);
    const none = await life([...args, '--no-warm-start'], socket, client(socket, false));
    expect(none).not.toContain('warm start');
    expect(await readFile(`${tier}/${list}`)).toEqual(before);
  });

  test('remembers it in the file that is named, and leaves what is something else alone', async () => {
    const { uri, file, socket } = await makeScene();
    const args = [uri, '--cache', '8M', `--warm-start=${file}`];
    await life(args, socket, client(socket, true));
    expect((await readFile(file)).toString('latin1', 0, 8)).toBe('blkywarm');
    await writeFile(file, 'mine');
    const said = await life(args, socket, client(socket, false));
    expect(said).toContain('is ignored: it is something else; it stays as it is, and nothing is remembered\n');
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  test.each([
    ['a warm start without a cache', ['--warm-start=list'], '--warm-start goes with --cache'],
    ['a profile without a cache', ['--boot-profile', 'list'], '--boot-profile goes with --cache'],
    ['a warm start without a place', ['--cache', '8M', '--warm-start'], 'there is no tier'],
    ['an empty name', ['--cache', '8M', '--boot-profile', ''], 'must be the path of a file'],
  ])('%s is wrong usage', async (_, options, message) => {
    const { uri, socket } = await makeScene();
    const ended = await runHere(['serve', uri, '--nbd', `unix:${socket}`, ...options]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
