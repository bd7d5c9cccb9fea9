import type { BlockDevice } from '@blockyard/block';
import { afterEach, describe, expect, test } from 'vitest';
import { connectHttp, type HttpOptions } from './index.js';
import { type Answer, serveRange, startWebServer, type WebServer } from './testing/web-server.js';

const SIZE = 300_000;
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function start(bytes: Uint8Array = content): Promise<WebServer> {
  const web = await startWebServer(bytes);
  opened.push(web);
  return web;
}

/** Tries again at once. */
async function connect(web: WebServer, options: Partial<HttpOptions> = {}): Promise<BlockDevice> {
  const device = await connectHttp({ url: `${web.origin}/disk.img`, random: () => 0, ...options });
  opened.push(device);
  return device;
}

async function readAll(device: BlockDevice): Promise<Buffer> {
  const bytes = Buffer.alloc(device.info.sizeSectors * device.info.sectorSize);
  await device.read(0, [bytes]);
  return bytes;
}

async function expectGood(device: BlockDevice): Promise<void> {
  const bytes = await readAll(device);
  expect(bytes.subarray(0, SIZE).equals(content)).toBe(true);
  expect(bytes.subarray(SIZE).every((byte) => byte === 0)).toBe(true);
}

describe('What lies on a web server', () => {
  test('is read part by part, with zeroes up to a whole sector', async () => {
    const web = await start();
    const device = await connect(web, { maxRequestBytes: 65_536 });
    expect(device.info).toMatchObject({ sectorSize: 512, sizeSectors: 586, readOnly: true });
    expect(device.info.name).toBe(`${web.origin}/disk.img`);
    await expectGood(device);
    expect(web.requests.slice(1).map(({ headers }) => headers.range)).toEqual([
      'bytes=0-65535',
      'bytes=65536-131071',
      'bytes=131072-196607',
      'bytes=196608-262143',
      'bytes=262144-299999',
    ]);
    expect(web.requests[1]?.headers).toMatchObject({ 'if-match': '"one"', 'accept-encoding': 'identity' });
  });

  test('may be empty', async () => {
    expect((await connect(await start(new Uint8Array(0)))).info.sizeSectors).toBe(0);
  });

  test('may be told from another by its time alone, or by a weak validator', async () => {
    const web = await start();
    Object.assign(web, { etag: undefined, lastModified: 'Sat, 31 Jan 2026 12:00:00 GMT' });
    const byTime = await connect(web);
    await expectGood(byTime);
    expect(web.requests.at(-1)?.headers['if-unmodified-since']).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
    web.lastModified = 'Sat, 31 Jan 2026 12:00:01 GMT';
    await expect(readAll(byTime)).rejects.toMatchObject({ code: 'IO', message: expect.stringMatching(/its time is/) });
    Object.assign(web, { etag: 'W/"one"' });
    const weak = await connect(web);
    await expectGood(weak);
    web.etag = 'W/"two"';
    await expect(readAll(weak)).rejects.toMatchObject({ message: expect.stringMatching(/its ETag is another/) });
  });

  test('without any validator is refused, unless that is asked for', async () => {
    const web = await start();
    web.etag = undefined;
    await expect(connect(web)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const device = await connect(web, { allowUnvalidated: true });
    await expectGood(device);
    web.content = content.subarray(1);
    await expect(readAll(device)).rejects.toMatchObject({
      message: expect.stringMatching(/had 300000 bytes, and has 299999/),
    });
  });

  test('that has changed is an error, whether the server looks at the condition or not', async () => {
    const web = await start();
    const device = await connect(web);
    web.etag = '"two"';
    const message = expect.stringMatching(/has changed since it was opened/);
    await expect(readAll(device)).rejects.toMatchObject({ code: 'IO', retryable: false, message });
    web.answers.push((request, response) => {
      delete request.headers['if-match'];
      serveRange(web, request, response);
    });
    await expect(readAll(device)).rejects.toMatchObject({ code: 'IO', message });
    web.content = content.subarray(0, 100);
    web.answers.push((_, response) => response.writeHead(416).end());
    await expect(readAll(device)).rejects.toMatchObject({ code: 'IO', message });
    Object.assign(web, { content, etag: '"one"' });
    await expectGood(device);
  });

  test('is not there, or not for everyone', async () => {
    const web = await start();
    const cases: readonly (readonly [number, string])[] = [
      [404, 'NOT_FOUND'],
      [410, 'NOT_FOUND'],
      [401, 'ACCESS_DENIED'],
      [403, 'ACCESS_DENIED'],
    ];
    for (const [status, code] of cases) {
      web.answers.push((_, response) => response.writeHead(status).end('no'));
      await expect(connect(web)).rejects.toMatchObject({ code });
    }
    expect(web.requests).toHaveLength(cases.length);
  });

  test('on a server that sends all of it to a request for a part is refused', async () => {
    const web = await start();
    web.answers.push((_, response) => response.writeHead(200, { 'content-length': SIZE }).end(content));
    await expect(connect(web)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/it sends all/),
    });
  });
});

/** Answers that are wrong, none of which may be taken for data. */
const WRONG: readonly (readonly [string, (web: WebServer) => Answer])[] = [
  ['all of it', () => (_, response) => response.writeHead(200, { etag: '"one"' }).end(content)],
  ['a page of a proxy', () => (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  [
    'a part of several',
    () => (_, response) => response.writeHead(206, { 'content-type': 'multipart/byteranges' }).end('--'),
  ],
  [
    'another part',
    (web) => (request, response) =>
      serveRange(web, Object.assign(request, { headers: { range: 'bytes=512-1023' } }), response),
  ],
  [
    'less than was asked for',
    (web) => (request, response) =>
      serveRange(web, Object.assign(request, { headers: { range: 'bytes=0-511' } }), response),
  ],
  [
    'a range that makes no sense',
    () => (_, response) => response.writeHead(206, { 'content-range': 'bytes 5-4/3' }).end(),
  ],
  [
    'a body that is encoded',
    () => (_, response) =>
      response
        .writeHead(206, { etag: '"one"', 'content-range': `bytes 0-${SIZE - 1}/${SIZE}`, 'content-encoding': 'br' })
        .end(content),
  ],
  [
    'a body that ends early',
    () => (_, response) => {
      response.writeHead(206, {
        etag: '"one"',
        'content-range': `bytes 0-${SIZE - 1}/${SIZE}`,
        'content-length': SIZE,
      });
      response.write(content.subarray(0, 1000), () => response.destroy());
    },
  ],
  ['that it is overloaded', () => (_, response) => response.writeHead(503, { 'retry-after': '0' }).end()],
  ['nothing', () => (_, response) => response.destroy()],
];

describe('A server that answers', () => {
  test.each(WRONG)('%s, once, is asked again', async (_, answerOf) => {
    const web = await start();
    const device = await connect(web);
    web.answers.push(answerOf(web));
    await expectGood(device);
  });

  test.each(WRONG)('%s, always, fails the read after so many attempts', async (_, answerOf) => {
    const web = await start();
    const device = await connect(web, { maxAttempts: 3 });
    web.answers.push(...Array.from({ length: 3 }, () => answerOf(web)));
    await expect(readAll(device)).rejects.toMatchObject({ code: expect.stringMatching(/^(IO|UNAVAILABLE)$/) });
    await expectGood(device);
  });

  test('more than it tells of fails the read at once', async () => {
    const web = await start();
    const device = await connect(web);
    const head = { etag: '"one"', 'content-range': `bytes 0-${SIZE - 1}/${SIZE}` };
    web.answers.push((_, response) => response.writeHead(206, head).end(Buffer.concat([content, Buffer.alloc(512)])));
    await expect(readAll(device)).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/more bytes came/),
    });
  });

  test('a part and breaks off is asked for the rest alone', async () => {
    const web = await start();
    const device = await connect(web);
    web.answers.push((_, response) => {
      const head = { etag: '"one"', 'content-range': `bytes 0-${SIZE - 1}/${SIZE}`, 'content-length': SIZE };
      response.writeHead(206, head).write(content.subarray(0, 1000), () => response.destroy());
    });
    await expectGood(device);
    const [, from = ''] = /^bytes=(\d+)-299999$/.exec(web.requests.at(-1)?.headers.range ?? '') ?? [];
    expect([0, 1000]).toContain(Number(from));
  });

  test('nothing for too long fails the attempt', async () => {
    const web = await start();
    const device = await connect(web, { maxSilenceMs: 50, maxAttempts: 2 });
    web.answers.push(
      () => {},
      (_, response) => {
        const head = { etag: '"one"', 'content-range': `bytes 0-${SIZE - 1}/${SIZE}`, 'content-length': SIZE };
        response.writeHead(206, head).write(content.subarray(0, 1000));
      },
    );
    await expect(readAll(device)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
    await expectGood(device);
  });
});

describe('A redirection', () => {
  const to =
    (location: string): Answer =>
    (_, response) =>
      response.writeHead(302, { location }).end();

  test('is followed, and takes the headers of the caller to its own server alone', async () => {
    const [web, other] = [await start(), await start()];
    const headers = { authorization: 'Bearer secret' };
    web.answers.push(to('/elsewhere'), to(`${other.origin}/there`));
    await connect(web, { headers });
    expect(web.requests.map(({ url, headers: { authorization } }) => [url, authorization])).toEqual([
      ['/disk.img', 'Bearer secret'],
      ['/elsewhere', 'Bearer secret'],
    ]);
    expect(other.requests.map(({ url, headers: { authorization } }) => [url, authorization])).toEqual([
      ['/there', undefined],
    ]);
  });

  test('in a circle, or to anything but the web, is refused', async () => {
    const web = await start();
    web.answers.push(...Array.from({ length: 6 }, () => to('/disk.img')));
    await expect(connect(web)).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/more than 5 redir/),
    });
    expect(web.requests).toHaveLength(6);
    for (const location of ['file:///etc/passwd', 'http://[', 'data:,x']) {
      web.answers.push(to(location));
      await expect(connect(web)).rejects.toMatchObject({
        code: 'IO',
        message: expect.stringMatching(/redirection to/),
      });
    }
  });

  test('from https to http is refused', async () => {
    const headers = { get: (name: string) => (name === 'location' ? 'http://host/disk.img' : null) };
    const fetch = async () => ({ status: 301, type: 'basic', headers, body: null });
    await expect(connectHttp({ url: 'https://host/disk.img', fetch })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/from https to http is not followed/),
    });
  });
});

describe('A device', () => {
  test('has so many requests under way, and no more', async () => {
    const web = await start();
    const device = await connect(web, { maxConcurrency: 3, maxRequestBytes: 4096 });
    let now = 0;
    let most = 0;
    const answer: Answer = (request, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        serveRange(web, request, response);
      });
    };
    web.answers.push(...Array.from({ length: 80 }, () => answer));
    await expectGood(device);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });

  test('ends by force although the server says nothing, and leaves the buffers alone then', async () => {
    const web = await start();
    const device = await connect(web);
    const asked = new Promise<void>((resolve) => web.answers.push(() => resolve()));
    const reading = device.read(0, [Buffer.alloc(512)]);
    const failed = expect(reading).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await asked;
    await device.disconnect({ force: true });
    await failed;
    await expect(device.read(0, [Buffer.alloc(512)])).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  test('never tells a query or a header', async () => {
    const web = await start();
    const url = `${web.origin}/disk.img?signature=secret`;
    const device = await connect(web, { url, headers: { 'x-token': 'secret' } });
    expect(web.requests[0]).toMatchObject({ url: '/disk.img?signature=secret' });
    expect(device.info.name).toBe(`${web.origin}/disk.img`);
    web.etag = '"two"';
    await expect(readAll(device)).rejects.not.toThrow(/secret/);
    for (const options of [
      { url: 'http://user:secret@host/' },
      { headers: { range: 'secret' } },
      { headers: { a: 'secret\n' } },
    ]) {
      await expect(connect(web, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(connect(web, options)).rejects.not.toThrow(/secret/);
    }
  });

  test('refuses wrong options', async () => {
    const web = await start();
    const wrong: readonly Record<string, unknown>[] = [
      { url: 'disk.img' },
      { url: 'ftp://host/x' },
      { sectorSize: 1000 },
      { headers: { 'a b': 'c' } },
      { headers: 'a: b' },
      { allowUnvalidated: 1 },
      { maxConcurrency: 0 },
      { maxRequestBytes: 513 },
      { maxAttempts: 0 },
      { maxSilenceMs: 0 },
      { maxRedirects: -1 },
      { fetch: 'no' },
      { clock: {} },
      { random: 1 },
      { retries: 1 },
    ];
    for (const options of wrong) {
      await expect(connect(web, options as Partial<HttpOptions>)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(web.requests).toHaveLength(0);
  });
});
