import { type ChildProcess, spawn } from 'node:child_process';
import type { ListenAddress } from '../arguments/listen.js';
import type { InheritedControl } from './control.js';
import type { InheritedHttp } from './http/inherited.js';

/** What a process was, or is to be, started with. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly folder: string;
}

/** What a process is told by the one that hands over to it. */
export interface Inheritance {
  /** The listening socket. */
  readonly fd: number;
  /** The devices that clients have, by the names of their exports. */
  readonly devices: Readonly<Record<string, string>>;
  /** What tells them from others that may be in the same places, by export; one that nothing tells is left out. */
  readonly ids?: Readonly<Record<string, string>>;
  /** Where clients were told to find the server, as its operator said it. */
  readonly address: ListenAddress;
  /** The control socket. Left out: the server has none. */
  readonly control?: InheritedControl | undefined;
  /** The sockets that listen for HTTP. Left out: there are none. */
  readonly http?: readonly InheritedHttp[];
}

const VARIABLE = 'BLOCKYARD_INHERITANCE';
/** Behind standard input, output and error, and the channel. */
const FD = 4;

/** This process's own. */
export function ownProgram(without: readonly string[] = []): Program {
  const [, script = '', ...args] = process.argv;
  const own = args.filter((arg) => !without.includes(arg));
  return { file: process.execPath, args: [...process.execArgv, script, ...own], folder: process.cwd() };
}

/** Starts what is to take over. It has the environment, the output and the errors of this process. */
export function startSuccessor(
  { file, args, folder }: Program,
  { fd, control, http = [], ...others }: Inheritance,
): ChildProcess {
  const fds: number[] = [];
  const pass = (own: number) => FD + fds.push(own) - 1;
  const inheritance: Inheritance = {
    ...others,
    fd: pass(fd),
    ...(control && { control: { ...control, fd: pass(control.fd) } }),
    http: http.map((each) => ({ ...each, fd: pass(each.fd) })),
  };
  return spawn(file, args, {
    cwd: folder,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...fds],
    serialization: 'advanced',
    env: { ...process.env, [VARIABLE]: JSON.stringify(inheritance) },
  });
}

/** What this process was told, once: what it starts itself is told something else. */
export function takeInheritance(): Inheritance | undefined {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  return text === undefined || process.send === undefined ? undefined : (JSON.parse(text) as Inheritance);
}
