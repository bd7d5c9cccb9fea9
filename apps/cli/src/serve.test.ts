import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { type FaultRule, withFaults } from '@blockyard/layers';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder, runHere, type Serving, serve, start } from './testing/cli.js';

const MIB = 2 ** 20;
let folder: Awaited<ReturnType<typeof makeFolder>>;
let uri: string;
const running: Serving[] = [];

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  await writeFile(folder.in('disk.img'), new Uint8Array(4 * MIB));
  uri = `file:${folder.in('disk.img')}`;
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

async function served(...args: string[]): Promise<Serving> {
  const serving = await serve(args);
  running.push(serving);
  return serving;
}

const socket = () => `unix:${folder.in('nbd.sock')}`;

async function writeOneSector(device: BlockDevice): Promise<void> {
  await device.write(8, [new Uint8Array(512).fill(0x77)]);
}

describe('serve', () => {
  test('prints one line, the URI, under which the device is found; logs to standard error', async () => {
    const { line, stderr } = await served(uri, '--nbd', socket(), '--name', 'my disk');
    expect(line).toMatch(/^nbd\+unix:\/\/\/my%20disk\?socket=/);
    const client = await connectNbd(line);
    expect(client.info).toMatchObject({ sectorSize: 512, sizeSectors: 8192, readOnly: false });
    await client.disconnect();
    expect(stderr()).toContain('client 1 opened "my disk"');
  });

  test('prints JSON on request, and takes any free port', async () => {
    const { line } = await served(uri, '--nbd', '127.0.0.1:0', '--read-only', '--json');
    const facts = JSON.parse(line);
    expect(facts).toMatchObject({ export: '', sizeBytes: 4 * MIB, sectorSize: 512, readOnly: true });
    expect(facts.uri).toMatch(/^nbd:\/\/127\.0\.0\.1:\d+\/$/);
    const client = await connectNbd(facts.uri);
    await expect(writeOneSector(client)).rejects.toMatchObject({ code: 'READ_ONLY' });
    await client.disconnect();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('on %s flushes what was accepted, and ends with 0', async (signal) => {
    const { line, child, ended, stderr } = await served(uri, '--nbd', socket(), '--cache', '4M');
    const client = await connectNbd(line, { maxOutageMs: 0 });
    await writeOneSector(client);
    expect((await readFile(folder.in('disk.img'))).includes(0x77)).toBe(false);
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(stderr()).toContain('stopped, everything is flushed');
    expect((await readFile(folder.in('disk.img'))).indexOf(0x77)).toBe(8 * 512);
    await expect(stat(folder.in('nbd.sock'))).rejects.toThrow('ENOENT');
    await client.disconnect({ force: true });
  });

  test('goes on when no one reads its output', async () => {
    const child = start(['serve', uri, '--nbd', socket()]);
    child.stdout.destroy();
    child.stderr.once('data', () => child.stderr.destroy());
    const ended = once(child, 'close');
    await eventually(() => stat(folder.in('nbd.sock')));
    const client = await connectNbd(`nbd+unix:///?socket=${folder.in('nbd.sock')}`);
    await writeOneSector(client);
    await client.disconnect();
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });

  test('leaves a socket alone that another server answers on', async () => {
    const first = await served(uri, '--nbd', socket());
    await writeFile(folder.in('other.img'), new Uint8Array(MIB));
    await expect(serve([`file:${folder.in('other.img')}`, '--nbd', socket()])).rejects.toThrow('ended with 1');
    await (await connectNbd(first.line)).disconnect();
  });
});

describe('a base that fails', () => {
  /** A server in this process over a base that goes wrong. */
  async function faultyBase(...rules: FaultRule[]) {
    const device = withFaults(await connectMemory({ sizeSectors: 8192 }), { rules });
    const listen = { path: folder.in('base.sock') };
    const server = await serveNbd({ exports: { '': device }, listen, ownsDevices: true });
    return { device, uri: server.uris[''] ?? '', end: () => server.stop({ force: true }) };
  }

  test('at the last flush: exit code 1, and what is lost is told', async () => {
    const base = await faultyBase({ action: 'failBefore', operation: 'flush' });
    const { line, child, ended, stderr } = await served(base.uri, '--nbd', socket(), '--cache', '4M');
    const client = await connectNbd(line, { maxOutageMs: 0 });
    await writeOneSector(client);
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
    expect(stderr()).toMatch(/^error: data is lost: export "": .*could not be made durable/m);
    expect(stderr()).not.toContain('everything is flushed');
    await client.disconnect({ force: true });
    await base.end();
  });

  test('by never answering is given up at the second signal', async () => {
    const base = await faultyBase({ action: 'hang', operation: 'write' });
    const { line, child, ended, stderr } = await served(base.uri, '--nbd', socket(), '--cache', '4M');
    const client = await connectNbd(line, { maxOutageMs: 0 });
    await writeOneSector(client);
    child.kill('SIGTERM');
    await eventually(async () => expect(base.device.faults.hanging).toBeGreaterThan(0));
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
    expect(stderr()).not.toContain('everything is flushed');
    await client.disconnect({ force: true });
    await base.end();
  });
});

describe('TLS', () => {
  test.each([
    ['is short', 'alice:00112233\n', /the key in line 1 is shorter than 16 bytes/],
    ['is there twice', `bob:${'01'.repeat(16)}\nbob:${'02'.repeat(16)}\n`, /line 2 repeats an identity/],
  ])('a pre-shared key that %s is refused', async (_, text, message) => {
    await writeFile(folder.in('weak'), text);
    const args = ['serve', 'memory:?size=1M', '--nbd', '127.0.0.1:0', '--tls-psk-file', folder.in('weak')];
    expect(await runHere(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  test('with pre-shared keys lets in clients that have one', async () => {
    await writeFile(folder.in('keys'), 'alice:00112233445566778899aabbccddeeff\n');
    const { line } = await served(uri, '--nbd', '127.0.0.1:0', '--tls-psk-file', folder.in('keys'));
    expect(line).toMatch(/^nbds:/);
    const client = await connectNbd(`${line.replace('nbds://', 'nbds://alice@')}?tls-psk-file=${folder.in('keys')}`);
    await writeOneSector(client);
    await client.disconnect();
    const plain = connectNbd(line.replace('nbds:', 'nbd:'));
    await expect(plain).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const { code, stderr } = await runHere(['info', line.replace('nbds:', 'nbd:')]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/TLS only.*\(hint: .*nbds:.*tls-psk-file/),
    });
  });

  test('at a hang-up the keys are read again, and one that is not right changes nothing', async () => {
    const keys = folder.in('reloaded');
    await writeFile(keys, 'alice:00112233445566778899aabbccddeeff\n');
    const { line, child, stderr } = await served(uri, '--nbd', '127.0.0.1:0', '--tls-psk-file', keys);
    const own = `${line.replace('nbds://', 'nbds://bob@')}?tls-psk-file=${folder.in('bobs')}`;
    await writeFile(folder.in('bobs'), `bob:${'07'.repeat(16)}\n`);
    await expect(connectNbd(own, { maxOutageMs: 0 })).rejects.toMatchObject({ name: 'BlockError' });
    await writeFile(keys, 'bob:short\n');
    child.kill('SIGHUP');
    await eventually(async () => expect(stderr()).toContain('not reloaded, all is as it was'));
    await writeFile(keys, `bob:${'07'.repeat(16)}\n`);
    child.kill('SIGHUP');
    await eventually(async () => expect(stderr()).toMatch(/^reloaded$/m));
    await (await connectNbd(own)).disconnect();
    expect(stderr()).not.toContain('0707');
  });

  test('with certificates; optional means that plain connections are served too', async () => {
    const certificates = folder.in('certificates');
    await mkdir(certificates);
    const files = ['-keyout', `${certificates}/key.pem`, '-out', `${certificates}/ca-cert.pem`];
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...key, ...files, ...name], { stdio: 'ignore' });
    const tls = ['--tls-cert', `${certificates}/ca-cert.pem`, '--tls-key', `${certificates}/key.pem`];
    const { line, stderr } = await served(uri, '--nbd', '127.0.0.1:0', ...tls, '--tls', 'optional');
    await (await connectNbd(`${line}?tls-certificates=${certificates}`)).disconnect();
    expect(stderr()).toContain('with TLS');
    await (await connectNbd(line.replace('nbds:', 'nbd:'))).disconnect();
  });
});

/** Tries again, a turn of the event loop at a time, until it succeeds. The test's own deadline is the limit. */
async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
