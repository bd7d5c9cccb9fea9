import { parseSize } from '@blockyard/uri';
import { Command, InvalidArgumentError, Option } from 'commander';
import { BACKENDS, type Backend, type PageAddress, type S3Target, type Settings } from './inputs/settings.js';

const CACHE_DEFAULT = '16M';

const EXPLANATION = `
For each backend: writes the input through the cache, flushes, connects anew and cold, reads it back and compares SHA-256;
then runs one workload of reads and writes, first on the backend as it is, then on another volume of it through a cache.

Of the table: "base" is what reached the backend. ops/s counts the flushes at every 500th operation and at the end as time;
p50 and p99 are of single reads and writes. Verified means that every read gave the right bytes, and that the volume, connected
anew without a cache, has the right SHA-256.

Where it runs on a terminal, or with --page, it ends by serving a page on which a volume of its own can be played with, in a store
of its own, until Ctrl-C ends it.

Credentials for --s3 are found as the AWS SDK finds them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profiles, roles.

Exit codes: 0 all verified, 1 something differs or failed, 2 the command line makes no sense.`;

interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether someone looks at it, who may want to see the page then. */
  readonly isWatched: boolean;
}

/**
 * The settings that a command line stands for. Throws commander's `CommanderError`, once it has printed what is wrong and how it
 * is done right, or what `--help` asks for.
 */
export function parseArguments(args: readonly string[], output: Output): Settings {
  const { isWatched } = output;
  const command = new Command('npm run demo --')
    .description(
      'Shows every backend at work, raw and cached, side by side, and proves that what is read is what was written.',
    )
    .option('--backend <names>', `which of ${BACKENDS.join(', ')}, with commas between (default: all)`, collectBackends)
    .option('--input <file>', 'the file to write (default: the first 32 MiB of the running Node binary)')
    .addOption(
      new Option('--cache <size>', 'memory of each cache: 512K, 16M, 1G')
        .argParser(toSize)
        .default(toSize(CACHE_DEFAULT), CACHE_DEFAULT),
    )
    .option(
      '--s3 <url>',
      's3://bucket/prefix in a store of yours (default: a local store, started and stopped here)',
      toS3,
    )
    .option('--endpoint <url>', 'URL of the store that --s3 speaks of (default: AWS)', toEndpoint)
    .option('--json', 'print JSON in place of the table')
    .option(
      '--page [address]',
      'end by serving the live page, at HOST:PORT (default on a terminal: a free port of 127.0.0.1)',
      toAddress,
    )
    .option('--no-page', 'end with the table, on a terminal too')
    .addHelpText('after', EXPLANATION)
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: output.stdout, writeErr: output.stderr });
  command.parse(args, { from: 'user' });
  const { backend, cache, input, s3, endpoint, json = false, page } = command.opts<Options>();
  const backends = backend ?? BACKENDS;
  if (endpoint !== undefined && s3 === undefined) command.error('error: --endpoint says where the bucket of --s3 is');
  if (s3 !== undefined && !backends.includes('s3')) command.error('error: --s3 is of no use without the backend s3');
  return {
    backends,
    cacheBytes: cache,
    inputPath: input,
    s3: s3 === undefined ? undefined : { ...s3, endpoint },
    json,
    page: pageAddress(page ?? (isWatched && !json)),
  };
}

/** Where no one says where. */
const ANY_PORT: PageAddress = { host: '127.0.0.1', port: 0 };

function pageAddress(page: PageAddress | boolean): PageAddress | undefined {
  if (typeof page !== 'boolean') return page;
  return page ? ANY_PORT : undefined;
}

interface Options {
  readonly backend?: readonly Backend[];
  readonly cache: number;
  readonly input?: string;
  readonly s3?: Omit<S3Target, 'endpoint'>;
  readonly endpoint?: string;
  readonly json?: boolean;
  readonly page?: PageAddress | boolean;
}

function collectBackends(text: string, before: readonly Backend[] = []): readonly Backend[] {
  const names = text.split(',').map((name) => {
    const known = BACKENDS.find((backend) => backend === name.trim());
    if (known === undefined) throw new InvalidArgumentError(`It is none of ${BACKENDS.join(', ')}.`);
    return known;
  });
  return BACKENDS.filter((backend) => before.includes(backend) || names.includes(backend));
}

function toSize(text: string): number {
  try {
    return parseSize(text, 'The size');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function toS3(text: string): Omit<S3Target, 'endpoint'> {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/+(.*?))?\/*$/.exec(text) ?? [];
  if (bucket === undefined) throw new InvalidArgumentError('It is no s3://bucket/prefix.');
  return { bucket, prefix };
}

function toEndpoint(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('It is no http:// or https:// URL.');
  }
  return text;
}

function toAddress(text: string): PageAddress {
  const [, host, inBrackets = host, digits] = /^(?:(\[([^\]]+)\]|[^:[\]]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) throw new InvalidArgumentError('It is no HOST:PORT, and no port.');
  return { host: inBrackets ?? ANY_PORT.host, port };
}
