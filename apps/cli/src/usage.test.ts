import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere } from './testing/cli.js';

const COMMANDS = [
  'create',
  'info',
  'serve',
  'upgrade',
  'copy',
  'compare',
  'map',
  'resize',
  'discard',
  'check',
  'bench',
  'replay',
  'read',
  'write',
  'list',
  'snapshot',
  'snapshots',
  'clone',
  'rollback',
  'delete',
  'compact',
];
const SECRET = 'hunter2';
const ONE_LINE_WITH_HINT = /^(error: [^\n]+ \(hint: [^\n]+\)|\{"error":\{[^\n]*"hint":[^\n]+\}\})\n$/;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let uri: string;

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('disk.img'), new Uint8Array(65_536));
  uri = `file:${folder.in('disk.img')}`;
});
afterAll(() => folder.remove());

/** Words of a command line with the names of this run in them. */
function named(words: readonly string[]): string[] {
  return words.map((word) => word.replace('DISKFILE', folder.in('disk.img')).replace('DISK', uri));
}

describe('help', () => {
  test.each(COMMANDS)('of %s has an example of it', async (name) => {
    const help = await runHere([name, '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`\nExample:\n  blockyard ${name} `));
    expect(help.stdout).toContain('--verbose');
  });

  test('lists every command and every kind of URI', async () => {
    const { code, stdout } = await blockyard(['--help']);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const scheme of ['memory:', 'file:', 's3:', 'dir:', 'nbd:', 'nbd+unix:'])
      expect(stdout).toContain(`  ${scheme}`);
  });

  test('comes with the version of the package', async () => {
    expect(await runHere(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('is shown where no command is given, as wrong usage', async () => {
    expect(await runHere([])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage:') });
  });
});

describe('a command line that makes no sense', () => {
  test.each([
    [['frobnicate'], /unknown command/],
    [['info'], /missing required argument/],
    [['info', 'DISK', '--colour'], /unknown option '--colour'/],
    [['info', 'DISK', 'extra'], /too many arguments/],
    [['create', 'file:/x'], /--size/],
    [['create', 'file:/x', '--size', '10X'], /--size must be a size/],
    [['create', 'file:/x', '--size', '-1'], /--size must be a size/],
    [['create', 'file:/x', '--size', '1M', '--sector', '1000'], /sectorSize must be a power of two/],
    [['create', 'file:/x', '--size', '1M', '--chunk', '1M'], /a file has no chunks/],
    [['create', 'file:/no/such/folder/x', '--size', '100'], /not whole sectors of 512/],
    [['copy', 'DISK', 'file:/no/such/folder/x', '--create', '--length', '100'], /not whole sectors of 512/],
    [['create', 'file:/x', '--size', '1M', '--layout', 'log'], /only volumes in a store of objects have a layout/],
    [['create', 'dir:/x/y', '--size', '1M', '--layout', 'tree'], /Allowed choices are log, chunks/],
    [['create', 'dir:/x/y', '--size', '1M', '--encrypt'], /takes a passphrase/],
    [['create', 'dir:/x/y', '--size', '1M', '--passphrase-file', '/none'], /cannot be read/],
    [['create', 'dir:/x/y@daily', '--size', '1M'], /the past cannot be created/],
    [['copy', 'DISK', 'dir:/x/y', '--resume'], /--resume goes with --create/],
    [['copy', 'DISK', 'dir:/x/y', '--layout', 'log'], /--layout goes with --create/],
    [['snapshot', 'dir:/x/y@daily', 'weekly'], /leave the @ out/],
    [['clone', 'dir:/x/y', 'dir:/x/z'], /URI@NAME/],
    [['rollback', 'dir:/x/y@2026-01-31T12:00Z'], /URI@NAME/],
    [['read', 'dir:/x/y@2026-01-31T12:00'], /reads like 2026-01-31T12:00Z/],
    [['info', 'disk.img'], /file:disk\.img/],
    [['info', 'ftp://host/x'], /unknown scheme "ftp"/],
    [['info', `s3://me:${SECRET}@bucket/x`], /credentials/],
    [['serve', 'DISK', '--cache', 'lots'], /--cache must be a size/],
    [['serve', 'DISK', '--cache', '1'], /maxSizeBytes/],
    [['serve', 'DISK', '--nbd', 'nowhere'], /unix:PATH or HOST:PORT/],
    [['serve', 'DISK', '--nbd', 'host:99999'], /unix:PATH or HOST:PORT/],
    [['serve', 'DISK', '--tls', 'perhaps'], /required, optional/],
    [['serve', 'DISK', '--tls', 'required'], /TLS needs --tls-cert/],
    [['serve', 'DISK', '--tls-cert', '/none.pem'], /belong together/],
    [['serve', 'DISK', '--tls-cert', '/none.pem', '--tls-key', '/none.pem'], /--tls-cert cannot be read/],
    [['serve', 'DISK', '--tls-psk-file', 'DISKFILE'], /line 1 is no/],
    [['map', 'DISK', '--offset', '100'], /--offset must be whole sectors/],
    [['map', 'DISK', '--offset', '1G'], /past the end/],
    [['read', 'DISK', '--offset', '60K', '--length', '8K'], /end past/],
    [['read', 'DISK', '--json'], /--json needs a file/],
    [['resize', 'DISK', '--size', '65537'], /--size must be whole sectors/],
    [['copy', 'DISK', 'memory:?size=1M', '--concurrency', '0'], /whole number from 1 to 1024/],
    [['bench', 'DISK', '--pattern', 'spiral'], /random, sequential, zipf/],
    [['bench', 'DISK', '--block', '1000'], /--block must be whole sectors/],
    [['bench', 'DISK', '--block', '1M'], /does not fit/],
    [['bench', 'DISK', '--read-share', '101'], /whole number from 0 to 100/],
    [['bench', 'DISK', '--prices', '/no/such/table'], /--prices cannot be read/],
    [['info', 'DISK', '--prices', 'DISKFILE'], /--prices .*is not JSON/],
    [['replay', 'DISKFILE', 'DISK', '--prices', '/dev/zero'], /has more than 64 KiB/],
  ])('%j: exit code 2 and one line with a hint', async (words, message) => {
    const args = named(words);
    const { code, stdout, stderr } = await runHere(args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(ONE_LINE_WITH_HINT);
    expect(stderr).not.toContain(SECRET);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('what cannot be done', () => {
  test.each([
    [['info', 'file:/no/such/disk.img'], /there is no .*\(hint: .*create/],
    [['info', 'nbd+unix:///?socket=/no/such.sock'], /hint: is the server running/],
    [['info', 's3://bucket/volume?endpoint=http://127.0.0.1:1&region=x&outage=0s'], /hint: is the server running/],
    [
      ['serve', 's3://bucket/volume?endpoint=http://127.0.0.1:1&region=x', '--outage', '0s'],
      /hint: is the server running/,
    ],
    [['create', 'memory:?size=1M', '--size', '1M'], /a memory device is made when it is opened/],
    [['create', 'file:/no/such/folder/x', '--size', '1M'], /hint: the folder or bucket must be there/],
    [['copy', 'DISK', 'file:/no/such/folder/x', '--create'], /hint: the folder or bucket must be there/],
    [['serve', 'DISK', '--nbd', 'unix:/no/such/folder/x'], /hint: an address must be one/],
    [['serve', 'DISK', '--nbd', '192.0.2.1:0'], /hint: an address must be one/],
    [['serve', 'DISK', '--nbd', 'unix:DISKFILE'], /hint: choose another address/],
    [['info', 'DISK@daily'], /file: has no past/],
    [['list', 'DISK'], /file: lists no devices; those that do are s3:, dir:/],
    [['delete', 'DISK'], /is no volume in a store/],
    [['snapshots', 'dir:/no/such/store/x'], /hint: is the name right/],
    [['write', 'DISK', '/no/such/input'], /cannot read the input/],
    [['replay', '/no/such/trace', 'memory:?size=1M'], /cannot read the trace/],
    [['read', 'DISK', '/no/such/folder/output'], /cannot write the file/],
  ])('%j: exit code 1 and one line with a hint', async (words, message) => {
    const { code, stdout, stderr } = await runHere(named(words));
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(ONE_LINE_WITH_HINT);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('shows its stack and causes with --verbose alone', async () => {
    const args = ['info', 'file:/no/such/disk.img'];
    expect((await blockyard(args)).stderr).not.toContain(' at ');
    const { stderr } = await blockyard([...args, '--verbose']);
    expect(stderr).toMatch(/\n +at /);
    expect(stderr).toContain('caused by:');
  });
});
