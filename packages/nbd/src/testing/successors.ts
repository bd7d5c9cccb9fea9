import { type ChildProcess, spawn } from 'node:child_process';
import type { NbdServer } from '../server/nbd-server.js';

// Other processes run the built packages, which `turbo run test` has made up to date.
const NBD = new URL('../../dist/index.js', import.meta.url).href;
const FILE = new URL('../../../backend-file/dist/index.js', import.meta.url).href;
const CACHE = new URL('../../../cache/dist/index.js', import.meta.url).href;

/** Where in `stdio` the listening socket is. */
const FD = 4;

export interface SuccessorOptions {
  /** The file behind the export "disk". */
  readonly path: string;
  /** Dies at this message: before it is sent, or, of those that are received, when it has come. */
  readonly dieAt?: string;
  /** Stops to run there. */
  readonly hangAt?: string;
  /** Fails before it is ready. */
  readonly unprepared?: string;
  /** Fails when it is to catch up. */
  readonly behind?: string;
  /** The first time that it does. Default: 1. */
  readonly behindFrom?: number;
  readonly readOnly?: boolean;
  readonly cached?: boolean;
}

/** A process that takes over, and, when it is told to, hands over to another one of its kind. It ends with its input. */
export function startSuccessor(server: NbdServer, options: SuccessorOptions): ChildProcess {
  if (server.fd === undefined) throw new Error('the server has no socket to hand over');
  return spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc', server.fd],
    serialization: 'advanced',
    env: { ...process.env, NODE_PATH: '', SUCCESSOR: JSON.stringify(options) },
  });
}

const PROGRAM = `
import { adoptNbd } from ${JSON.stringify(NBD)};
import { connectFile } from ${JSON.stringify(FILE)};
import { connectCache } from ${JSON.stringify(CACHE)};

const { path, dieAt, hangAt, unprepared, behind, behindFrom = 1, readOnly = false, cached = false } = JSON.parse(process.env.SUCCESSOR);
const reached = (type) => {
  if (type === dieAt) process.kill(process.pid, 'SIGKILL');
  if (type === hangAt) process.kill(process.pid, 'SIGSTOP');
};
const send = process.send.bind(process);
process.send = (message, ...rest) => {
  reached(message.type);
  return send(message, ...rest);
};
process.on('message', ({ type }) => reached(type));

const open = async () => {
  const file = await connectFile({ path, readOnly });
  return { disk: cached ? await connectCache(file) : file };
};
const prepare = async () => {
  if (unprepared !== undefined) throw new Error(unprepared);
};
let times = 0;
const catchUp = async () => {
  if (behind !== undefined && ++times >= behindFrom) throw new Error(behind);
  console.log('caught up');
};
const server = await adoptNbd({ predecessor: process, fd: ${FD}, prepare, catchUp, open, onEvent: ({ type }) => console.log(type) });
if (server === undefined) process.exit(7);
console.log('serving');
process.stdin.on('end', () => server.stop()).resume();
`;
