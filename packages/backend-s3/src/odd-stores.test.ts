import type { BlockDevice } from '@blockyard/block';
import { type AnswerRule, errorAnswer, type StoreAnswer, type StoreRequest, xmlAnswer } from '@blockyard/local-s3';
import { afterEach, describe, expect, test } from 'vitest';
import { type ConnectS3Options, connectS3, createVolume, deleteVolume, type StoreOptions } from './index.js';
import { TestClock } from './testing/clock.js';
import { isBatchDelete, useOddStore } from './testing/odd.js';

/** PUTs at once that a probe makes. */
const RACERS = 3;

const OBJECT_BYTES = 8192;
const SECTORS = 16;

const used = useOddStore();
const opened: BlockDevice[] = [];
afterEach(async () => {
  used.store.answer = (_, honest) => honest();
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});

const honestly: AnswerRule = (_, honest) => honest();
const create = (options: Partial<StoreOptions> = {}) =>
  createVolume({ ...used.at, ...options, sizeBytes: SECTORS * 4096, objectSizeBytes: OBJECT_BYTES });
const leftovers = () => [...used.store.objects.keys()];

async function connect(options: Partial<ConnectS3Options> = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...used.at, clock: new TestClock(), ...options });
  opened.push(device);
  return device;
}

const fill = (value: number, sectors = 1) => [new Uint8Array(sectors * 4096).fill(value)];

async function read(device: BlockDevice, start: number): Promise<number> {
  const buffer = new Uint8Array(4096).fill(0xee);
  await device.read(start, [buffer]);
  expect(new Set(buffer).size).toBe(1);
  return buffer[0] ?? -1;
}

const withHeader = (request: StoreRequest, name: string, value: string | undefined): StoreRequest => {
  const { [name]: _, ...headers } = request.headers;
  return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } };
};
const isDataPut = ({ method, key }: StoreRequest) => method === 'PUT' && key.includes('/data/');
const isProbe = (key: string) => key.includes('/probe-');
const bare = (etag: string) => etag.replace(/^W\//, '').replaceAll('"', '');

/** A store that takes ETags in conditions as `accepts` says, and refuses all others as ETags that no object has. */
function conditionsIn(accepts: (etag: string) => boolean): AnswerRule {
  return (request, honest) => {
    const header = request.headers['if-match'];
    if (request.method !== 'PUT' || header === undefined) return honest();
    if (!accepts(header)) return errorAnswer(412, 'PreconditionFailed');
    return honest(withHeader(request, 'if-match', `"${bare(header)}"`));
  };
}

const changed = (answer: StoreAnswer, headers: Record<string, string>): StoreAnswer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});

/** The whole object for the ranges that `which` picks. */
function wholeFor(which: (request: StoreRequest) => boolean): AnswerRule {
  return (request, honest) => honest(which(request) ? withHeader(request, 'range', undefined) : request);
}

const refusingBatches =
  (status: number, code: string): AnswerRule =>
  (request, honest) =>
    isBatchDelete(request) ? errorAnswer(status, code) : honest();

/** Stores that a volume lives on, and what is odd about each. */
const SERVED: readonly (readonly [string, AnswerRule])[] = [
  ['is as it should be', honestly],
  ['wants ETags in conditions without quotes', conditionsIn((etag) => !etag.includes('"'))],
  ['wants weak ETags in conditions', conditionsIn((etag) => etag.startsWith('W/'))],
  [
    'gives weak ETags with the contents alone',
    (request, honest) => {
      const answer = honest();
      return request.method === 'GET' && answer.headers?.etag !== undefined
        ? changed(answer, { etag: `W/${answer.headers.etag}` })
        : answer;
    },
  ],
  [
    'gives ETags without quotes, and wants them so',
    (request, honest) => {
      const answer = conditionsIn((etag) => !etag.includes('"'))(request, honest);
      if ('then' in Object(answer) || answer === 'reset') return answer;
      const { etag } = (answer as StoreAnswer).headers ?? {};
      return etag === undefined ? answer : changed(answer as StoreAnswer, { etag: bare(etag) });
    },
  ],
  ['has no DeleteObjects (501)', refusingBatches(501, 'NotImplemented')],
  ['has no DeleteObjects (405)', refusingBatches(405, 'MethodNotAllowed')],
  ['has no DeleteObjects (400)', refusingBatches(400, 'InvalidRequest')],
  ['has no DeleteObjects (404)', refusingBatches(404, 'NoSuchKey')],
  [
    'wants a Content-MD5 on DeleteObjects',
    (request, honest) =>
      isBatchDelete(request) && request.headers['content-md5'] === undefined
        ? errorAnswer(400, 'MissingContentMD5')
        : honest(),
  ],
  [
    'wants a checksum on DeleteObjects',
    (request, honest) =>
      isBatchDelete(request) && request.headers['x-amz-checksum-crc32'] === undefined
        ? errorAnswer(400, 'InvalidRequest')
        : honest(),
  ],
  [
    'never names what it deleted',
    (request, honest) => {
      const answer = honest();
      return isBatchDelete(request)
        ? { ...answer, body: String(answer.body).replace(/<Deleted>.*?<\/Deleted>/g, '') }
        : answer;
    },
  ],
  [
    'ignores ETags in deletes',
    (request, honest) =>
      honest({
        ...request,
        body: isBatchDelete(request)
          ? Buffer.from(String(request.body).replace(/<ETag>.*?<\/ETag>/g, ''))
          : request.body,
      }),
  ],
  ['gives the whole object for any range', wholeFor(() => true)],
  [
    'gives the whole object where the range covers it',
    wholeFor(({ method, key, headers }) => {
      const size = used.store.objects.get(key)?.body.length ?? 0;
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')?.map(Number) ?? [];
      return method === 'GET' && first === 0 && last !== undefined && last >= size - 1;
    }),
  ],
  [
    'has the names of user metadata in capitals',
    (_, honest) => {
      const answer = honest();
      const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => [
        name.startsWith('x-amz-meta-') ? name.toUpperCase() : name,
        value,
      ]);
      return { ...answer, headers: Object.fromEntries(headers) };
    },
  ],
  [
    'does not tell the length in an answer to HEAD',
    ({ method }, honest) => (method === 'HEAD' ? changed(honest(), { 'transfer-encoding': 'chunked' }) : honest()),
  ],
  [
    'compresses what it is not asked to leave alone',
    (request, honest) =>
      request.headers['accept-encoding'] === 'identity' ? honest() : changed(honest(), { 'content-encoding': 'gzip' }),
  ],
];

describe.each(SERVED)('a store that %s', (_, rule) => {
  test('has volumes like any other', async () => {
    used.store.answer = rule;
    await create();
    expect(leftovers()).toEqual(['disks/a/volume.json']);
    const device = await connect();
    await device.write(0, fill(1, SECTORS));
    await device.write(3, fill(2));
    await device.flush();
    await device.write(0, fill(3, SECTORS - 1));
    expect([await read(device, 0), await read(device, SECTORS - 1)]).toEqual([3, 1]);
    await device.resize(SECTORS - 1);
    await device.resize(SECTORS);
    expect([await read(device, SECTORS - 2), await read(device, SECTORS - 1)]).toEqual([3, 0]);
    await device.discard(0, 4);
    await device.flush();
    expect([await read(device, 3), await read(device, 4)]).toEqual([0, 3]);
    const other = await connect();
    await expect(device.write(8, fill(9)).then(() => device.flush())).rejects.toMatchObject({ code: 'FENCED' });
    expect([await read(other, 3), await read(other, 4)]).toEqual([0, 3]);
    await other.disconnect();
    await deleteVolume(used.at);
    expect(leftovers()).toEqual([]);
  });
});

test('a request for many deletes that was refused is not made again', async () => {
  await create();
  used.store.answer = refusingBatches(501, 'NotImplemented');
  const device = await connect();
  await device.write(0, fill(1, SECTORS));
  used.store.requests.length = 0;
  await device.discard(0, SECTORS);
  expect(used.store.requests.filter(isBatchDelete)).toEqual([]);
  expect(used.store.requests.filter(({ method }) => method === 'DELETE')).toHaveLength((SECTORS * 4096) / OBJECT_BYTES);
});

/** Stores that a volume cannot live on, and what `createVolume` says of each. */
const REFUSED: readonly (readonly [string, string, RegExp, AnswerRule])[] = [
  [
    'ignores conditions',
    'UNSUPPORTED',
    /does not honour conditional writes/,
    (request, honest) => honest(withHeader(withHeader(request, 'if-match', undefined), 'if-none-match', undefined)),
  ],
  [
    'ignores If-Match alone',
    'UNSUPPORTED',
    /does not honour conditional writes/,
    (request, honest) => honest(withHeader(request, 'if-match', undefined)),
  ],
  [
    'does not know conditions',
    'UNSUPPORTED',
    /conditional writes \(PUT .*: NotImplemented \(501\)/,
    ({ method, headers }, honest) =>
      method === 'PUT' && (headers['if-match'] ?? headers['if-none-match']) !== undefined
        ? errorAnswer(501, 'NotImplemented')
        : honest(),
  ],
  [
    'wants what no PUT has here',
    'IO',
    /PUT .*: InvalidRequest \(400\): Content-MD5 is required/,
    ({ method }, honest) =>
      method === 'PUT' ? errorAnswer(400, 'InvalidRequest', 'Content-MD5 is required') : honest(),
  ],
  [
    'loses user metadata',
    'UNSUPPORTED',
    /user metadata/,
    (_, honest) => {
      const answer = honest();
      const headers = Object.entries(answer.headers ?? {}).filter(([name]) => !name.startsWith('x-amz-meta-'));
      return { ...answer, headers: Object.fromEntries(headers) };
    },
  ],
  [
    'gives another part than it was asked for, and does not say so',
    'UNSUPPORTED',
    /does not say which part/,
    (_, honest) => {
      const { 'content-range': range, ...headers } = honest().headers ?? {};
      return range === undefined ? honest() : { ...honest(), status: 200, headers };
    },
  ],
  [
    'says that it deleted, and did not',
    'UNSUPPORTED',
    /still there/,
    (request, honest) =>
      isBatchDelete(request)
        ? xmlAnswer(
            `<DeleteResult>${String(request.body)
              .match(/<Key>.*?<\/Key>/g)
              ?.map((key) => `<Deleted>${key}</Deleted>`)
              .join('')}</DeleteResult>`,
          )
        : honest(),
  ],
  [
    'does not list what was stored a moment ago',
    'CORRUPT',
    /ends before .*which exists/,
    (request, honest) =>
      request.key === '' && request.method === 'GET'
        ? xmlAnswer(
            `<ListBucketResult><Name>bucket</Name><Prefix>${request.query.get('prefix')}</Prefix><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>`,
          )
        : honest(),
  ],
];

describe.each(REFUSED)('a store that %s', (_, code, message, rule) => {
  test('is refused when a volume is created, with the reason', async () => {
    used.store.answer = rule;
    const error = await create().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(leftovers().filter((key) => !key.includes('/probe-'))).toEqual([]);
  });
});

test('a store that does not know conditions is used without them where that is allowed', async () => {
  used.store.answer = ({ method, headers }, honest) =>
    method === 'PUT' && (headers['if-match'] ?? headers['if-none-match']) !== undefined
      ? errorAnswer(501, 'NotImplemented')
      : honest();
  await create({ allowUnsafeStore: true });
  const device = await connect({ allowUnsafeStore: true });
  await device.write(0, fill(1));
  await device.write(0, fill(2));
  expect(await read(device, 0)).toBe(2);
  await device.disconnect();
});

test('a store that looks first and stores then is refused', async () => {
  // PUTs that found nothing under the second scratch key, held back until all have looked.
  const looked: (() => void)[] = [];
  used.store.answer = async (request, honest) => {
    const isRacing = request.headers['if-none-match'] === '*' && isProbe(request.key) && leftovers().some(isProbe);
    if (!isRacing || used.store.objects.has(request.key)) return honest();
    await new Promise<void>((resolve) => {
      looked.push(resolve);
      if (looked.length === RACERS) for (const go of looked.splice(0)) go();
    });
    return honest(withHeader(request, 'if-none-match', undefined));
  };
  await expect(create()).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/3 PUTs at once passed the same condition/),
  });
  expect(leftovers()).toEqual([]);
});

test('what a process left behind that died over its probe is taken away by the next, when it is old', async () => {
  await create();
  const scratch = (id: string) => `disks/a/probe-${id.repeat(32)}`;
  const body = Buffer.from('x');
  for (const id of ['1', '2']) used.store.objects.set(scratch(id), { body, etag: '"x"', metadata: {} });
  used.store.objects.set('disks/a/probe-mine', { body, etag: '"x"', metadata: {} });
  used.store.answer = (request, honest) => {
    const answer = honest();
    if (request.query.get('prefix') !== 'disks/a/probe-') return answer;
    const now = new Date(86_400_000).toISOString();
    const old = `${scratch('1')}</Key><LastModified>${new Date(0).toISOString()}`;
    return {
      ...answer,
      body: String(answer.body)
        .replaceAll(new Date(0).toISOString(), now)
        .replace(old.replace(new Date(0).toISOString(), now), old),
    };
  };
  await (await connect()).disconnect();
  expect(leftovers().sort()).toEqual(['disks/a/probe-mine', scratch('2'), 'disks/a/volume.json'].sort());
});

test('a probe leaves nothing behind, whichever of its requests fails', async () => {
  const failing = (broken: number, how: StoreAnswer | 'reset'): AnswerRule => {
    let number = 0;
    return (_, honest) => (number++ === broken ? how : honest());
  };
  for (const how of ['reset', errorAnswer(403, 'AccessDenied'), errorAnswer(500, 'InternalError')] as const) {
    for (let broken = 0; ; broken++) {
      used.store.objects.clear();
      used.store.requests.length = 0;
      used.store.answer = failing(broken, how);
      const failed = await create().then(
        () => false,
        () => true,
      );
      expect(
        leftovers().filter((key) => key.includes('/probe-')),
        `request ${broken}`,
      ).toEqual([]);
      if (!failed && used.store.requests.length <= broken) break;
    }
  }
});

/** Answers that are not the store's. */
const FOREIGN: readonly (readonly [string, StoreAnswer])[] = [
  [
    'an HTML page',
    { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>Log in</html>' },
  ],
  ['nothing', { status: 200 }],
  ['a page of an S3 store', { status: 200, headers: { 'content-type': 'application/xml' }, body: '<a></a>' }],
  [
    'a 404 of a load balancer',
    { status: 404, headers: { 'content-type': 'text/plain' }, body: 'default backend - 404' },
  ],
  ['a way to log in', { status: 302, headers: { location: 'https://portal.example/login?to=here' } }],
];

describe.each(FOREIGN)('%s for an answer', (_, answer) => {
  test('to a PUT is no success, and loses nothing', async () => {
    await create();
    const device = await connect();
    await device.write(0, fill(1));
    used.store.answer = (request, honest) => (isDataPut(request) ? answer : honest());
    await expect(device.write(0, fill(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    used.store.answer = honestly;
    expect(await read(device, 0)).toBe(1);
    await device.write(0, fill(2));
    expect(await read(device, 0)).toBe(2);
  });

  test('to a GET is never data', async () => {
    await create();
    // Without memory of what was written, so that all must be read.
    const device = await connect({ maxRecentBytes: 0 });
    await device.write(0, fill(1));
    used.store.answer = ({ method, key }, honest) => (method === 'GET' && key !== '' ? answer : honest());
    await expect(read(device, 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(device.write(1, fill(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(connect()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    used.store.answer = honestly;
    expect(await read(device, 0)).toBe(1);
  });

  test('to a DELETE is not the end of an object', async () => {
    await create();
    const device = await connect();
    await device.write(0, fill(1, SECTORS));
    used.store.answer = (request, honest) =>
      isBatchDelete(request) || request.method === 'DELETE' ? answer : honest();
    await expect(device.discard(0, SECTORS)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const unanswered = used.store.answer;
    used.store.answer = honestly;
    expect(await read(device, 0)).toBe(1);
    used.store.answer = unanswered;
    await expect(deleteVolume(used.at)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    used.store.answer = honestly;
    expect(leftovers().filter((key) => key.includes('/data/'))).not.toEqual([]);
    await deleteVolume(used.at);
    expect(leftovers()).toEqual([]);
  });
});

test('a volume whose objects a batch keeps back is not deleted', async () => {
  await create();
  const device = await connect();
  await device.write(0, fill(1, SECTORS));
  await device.disconnect();
  used.store.answer = (request, honest) => {
    if (!isBatchDelete(request)) return honest();
    const body = String(request.body).replace(/<Object><Key>[^<]*data\/000000000001<\/Key><\/Object>/, '');
    const answer = honest({ ...request, body: Buffer.from(body) });
    return {
      ...answer,
      body: String(answer.body).replace(
        '<Deleted>',
        '<Deleted><Key>disks/a/data/000000000001</Key></Deleted><Deleted>',
      ),
    };
  };
  await expect(deleteVolume(used.at)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(leftovers()).toContain('disks/a/volume.json');
});

const REGION_XML = '<Region>eu-west-3</Region>';
const REGION_HEADER = { 'x-amz-bucket-region': 'eu-west-3' };

/** What goes wrong with every request, and what is said of it. */
const CAUSES: readonly (readonly [string, string, RegExp, StoreAnswer])[] = [
  [
    'a bucket in another region (301)',
    'INVALID_ARGUMENT',
    /region eu-west-3/,
    changed(errorAnswer(301, 'PermanentRedirect'), REGION_HEADER),
  ],
  [
    'a bucket in another region (307)',
    'INVALID_ARGUMENT',
    /region eu-west-3/,
    changed(errorAnswer(307, 'TemporaryRedirect'), REGION_HEADER),
  ],
  [
    'a signature for another region',
    'INVALID_ARGUMENT',
    /region eu-west-3/,
    errorAnswer(400, 'AuthorizationHeaderMalformed', 'wrong region', REGION_XML),
  ],
  [
    'a proxy that wants TLS',
    'INVALID_ARGUMENT',
    /status 301, which gives no reason: it sends to https:\/\/store\.example$/,
    {
      status: 301,
      headers: { 'content-type': 'text/html', location: 'https://store.example/a/b?c=d' },
      body: '<html>',
    },
  ],
  ['a wrong secret', 'ACCESS_DENIED', /SignatureDoesNotMatch \(403\)/, errorAnswer(403, 'SignatureDoesNotMatch')],
  ['an unknown key', 'ACCESS_DENIED', /InvalidAccessKeyId \(403\)/, errorAnswer(403, 'InvalidAccessKeyId')],
  ['a missing bucket', 'NOT_FOUND', /NoSuchBucket \(404\)/, errorAnswer(404, 'NoSuchBucket')],
  [
    "a proxy's refusal",
    'ACCESS_DENIED',
    /403/,
    { status: 403, headers: { 'content-type': 'text/html' }, body: '<html><body>Forbidden<br></body></html>' },
  ],
];

describe.each(CAUSES)('%s', (_, code, message, answer) => {
  test('is told as it is, by all who open, create and delete', async () => {
    used.store.answer = () => answer;
    for (const attempt of [
      create,
      connect,
      () => connectS3({ ...used.at, readOnly: true }),
      () => deleteVolume(used.at),
    ]) {
      const error = await attempt().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect((error as Error).message).not.toMatch(/Unknown|XML parse/);
    }
  });
});
