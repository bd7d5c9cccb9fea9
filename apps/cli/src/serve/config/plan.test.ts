import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../testing/cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the command says of a file, which is called `F` in it. */
async function checked(text: string, ...args: readonly string[]) {
  const path = join(folder, 'volumes.toml');
  await writeFile(path, text);
  const { code, stdout, stderr } = await runHere(['serve', '--config', path, '--check', ...args]);
  return { code, stdout: stdout.replaceAll(path, 'F'), stderr: stderr.replaceAll(path, 'F') };
}

test('a file that makes sense is said to, and nothing is opened', async () => {
  const text = `
    nbd = "127.0.0.1:0"
    metrics = 9464
    quiet = true
    cache = "1M"
    [volume.one]
    uri = "file:/nowhere/a"
    warm-start = "hot"
    outage = "30s"
    [volume."two words"]
    uri = "s3://nowhere/b"
    read-only = true
    cache = 4096
    tier = "tier"
    warm-start = false`;
  expect(await checked(text)).toEqual({ code: 0, stdout: 'F makes sense: "one", "two words"\n', stderr: '' });
});

const ONE = '[volume.a]\nuri = "file:a"\n';

describe('what is wrong is named, with what is known', () => {
  test.each([
    ['no TOML', 'nbd = \n', /F, line 1: .*hint: the file is TOML/],
    [
      'an unknown key at the top',
      `cahce = "1M"\n${ONE}`,
      /F: unknown key "cahce" \(hint: it takes volume, nbd, .*cache/,
    ],
    [
      'an unknown key of a volume',
      `${ONE}nbd = "unix:a"`,
      /F: volume "a": unknown key "nbd" \(hint: it takes uri, cache/,
    ],
    ['a wrong size', `${ONE}cache = "much"`, /F: volume "a": cache: "much" is wrong\. .*size/],
    ['a wrong choice', `${ONE}durability = "disk"`, /F: volume "a": durability: "disk" is wrong\. .*base, local/],
    ['a table where a text belongs', `${ONE}cache = {}`, /F: volume "a": cache must be a text or a number/],
    ['a text where true or false belongs', `${ONE}read-only = "yes"`, /F: volume "a": read-only must be true or false/],
    ['a wrong address', `nbd = "here"\n${ONE}`, /F: nbd: "here" is wrong\. It must be unix:PATH or HOST:PORT/],
    ['no volume', 'nbd = "unix:a"', /F names no volume \(hint: it takes a table for each: \[volume\.NAME\]/],
    ['a volume without a device', '[volume.a]\ncache = "1M"', /F: volume "a" has no uri/],
    ['volumes that are no tables', 'volume = 1', /F: volume must be tables/],
    ['a device twice', `${ONE}[volume.b]\nuri = "file:./a"`, /volumes "a" and "b" have the same device "file:/],
    ['a tier twice', `tier = "t"\n${ONE}[volume.b]\nuri = "file:b"`, /volumes "a" and "b" have the same tier "t"/],
    ['options that need another', `${ONE}tier-size = "1G"`, /volume "a": --tier-size goes with --tier/],
    ['a file that is not there', `tls-cert = "nowhere"\ntls-key = "nowhere"\n${ONE}`, /--tls-cert cannot be read/],
    ['a token that is missing', `http = "0.0.0.0:1"\n${ONE}`, /--http beyond this machine needs --http-token-file/],
  ])('%s', async (_, text, problem) => {
    const { code, stderr } = await checked(text);
    expect(stderr).toMatch(problem);
    expect(code).toBe(2);
  });
});

test('the command line says what is of the server, and nothing of a volume', async () => {
  expect(await checked(ONE, '--nbd', 'unix:b')).toMatchObject({ code: 0 });
  const misplaced = await checked(ONE, '--cache', '1M');
  expect(misplaced).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--cache belongs in the table of a volume'),
  });
  for (const args of [
    ['serve'],
    ['serve', 'file:a', '--check'],
    ['serve', 'file:a', '--config', 'b'],
    ['serve', '--config', join(folder, 'none')],
    ['serve', '--config', folder],
  ]) {
    const { code, stderr } = await runHere(args);
    expect(code, stderr).toBe(2);
  }
});
