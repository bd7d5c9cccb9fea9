import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What is asked of a disk. */
export interface Work {
  readonly rw: 'read' | 'write' | 'randread' | 'randwrite';
  readonly blockBytes: number;
  /** Operations in flight at once. */
  readonly depth: number;
  readonly operations: number;
  /** Operations between two flushes. A flush after the last one counts for the time. */
  readonly flushEvery?: number;
  /** The part of the disk that is touched: `sizeBytes` from `offsetBytes` on. Default of `offsetBytes`: 0. */
  readonly offsetBytes?: number;
  readonly sizeBytes: number;
}

/** A disk as fio reaches it: an NBD export, or a file of a mounted file system. */
export type Disk = { readonly uri: string } | { readonly path: string };

export interface Figures {
  readonly seconds: number;
  /** Median over the operations, of a write and of the flush behind it together. */
  readonly medianMs: number;
  /** The same of the 99th percentile, at most: both need not come together. */
  readonly p99Ms: number;
}

interface Latencies {
  readonly percentile?: Readonly<Record<string, number>>;
}

interface Direction {
  /** Milliseconds of the slowest thread, flushes included. */
  readonly runtime: number;
  readonly clat_ns: Latencies;
}

interface FioJob {
  readonly error: number;
  readonly read: Direction;
  readonly write: Direction;
  readonly sync: { readonly lat_ns: Latencies };
}

/** Runs fio once. A file takes one thread for each operation in flight: FUSE queues few asynchronous ones. */
export async function runFio(disk: Disk, work: Work): Promise<Figures> {
  const { stdout } = await promisify(execFile)('fio', argumentsOf(disk, work), { maxBuffer: 2 ** 26 });
  const { jobs } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { jobs: readonly FioJob[] };
  const [job] = jobs;
  if (job === undefined || job.error !== 0) throw new Error(`fio failed: ${job?.error ?? 'no job'}`);
  const direction = work.rw.endsWith('read') ? job.read : job.write;
  const msOf = (percentile: string) => {
    const flushNs = work.flushEvery === 1 ? nsOf(job.sync.lat_ns, percentile) : 0;
    return (nsOf(direction.clat_ns, percentile) + flushNs) / 1e6;
  };
  return { seconds: direction.runtime / 1000, medianMs: msOf('50.000000'), p99Ms: msOf('99.000000') };
}

function argumentsOf(disk: Disk, work: Work): string[] {
  const threads = 'uri' in disk ? 1 : work.depth;
  const target =
    'uri' in disk
      ? ['--ioengine=nbd', `--uri=${disk.uri}`, `--iodepth=${work.depth}`]
      : ['--ioengine=psync', `--filename=${disk.path}`, '--thread', `--numjobs=${threads}`, '--group_reporting'];
  // Sequential threads share the range: each takes its own part of it.
  const isShared = threads > 1 && !work.rw.startsWith('rand');
  const partBytes = isShared ? work.sizeBytes / threads : work.sizeBytes;
  return [
    '--name=s3',
    ...target,
    `--rw=${work.rw}`,
    `--bs=${work.blockBytes}`,
    `--offset=${work.offsetBytes ?? 0}`,
    `--size=${partBytes}`,
    ...(isShared ? [`--offset_increment=${partBytes}`] : []),
    `--number_ios=${Math.ceil(work.operations / threads)}`,
    // fio makes no flush behind the last write by itself. What it makes then counts for the time.
    ...(work.flushEvery === undefined ? [] : [`--fsync=${Math.ceil(work.flushEvery / threads)}`, '--end_fsync=1']),
    '--randrepeat=0',
    '--invalidate=0',
    '--fallocate=none',
    '--allow_file_create=0',
    '--output-format=json',
  ];
}

function nsOf({ percentile }: Latencies, which: string): number {
  return percentile?.[which] ?? Number.NaN;
}
