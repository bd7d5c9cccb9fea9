import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Holder, isText } from './holder.js';

/** What tells a process apart from all others, as far as the system says it. */
export type ProcessIdentity = Pick<Holder, 'host' | 'process' | 'boot' | 'started'>;

/** This process. */
export function thisProcess(): ProcessIdentity {
  const boot = bootOf();
  const host = hostname();
  return {
    host: isText(host) ? host : 'unknown',
    process: process.pid,
    boot: isText(boot) ? boot : null,
    started: statOf(process.pid)?.started ?? null,
  };
}

/**
 * Whether the process is certainly gone: it ran on this boot of this host, in this namespace of processes, and there is no
 * process of its number, or another one. Of any other process it is not known.
 *
 * It is taken for granted that no two machines have the same boot id, as clones of a running virtual machine would.
 */
export function isKnownDead(holder: ProcessIdentity, self: ProcessIdentity): boolean {
  if (holder.boot === null || holder.boot !== self.boot || holder.host !== self.host) return false;
  if (!exists(holder.process)) return true;
  const stat = statOf(holder.process);
  if (stat === undefined || holder.started === null) return false;
  return stat.isOver || stat.started !== holder.started;
}

/** `<boot id>/<process namespace>`, on Linux. */
function bootOf(): string | undefined {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    const namespace = readlinkSync('/proc/self/ns/pid');
    return `${bootId.trim()}/${namespace.replace(/\D/g, '')}`;
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Positions in `/proc/<pid>/stat` after the name of the program, which may hold anything; see proc(5). */
const STATE = 0;
const START_TIME = 19;

/** Linux's start time of a process, in ticks since the boot, and whether it has ended and only waits to be collected. */
function statOf(pid: number): { readonly started: string; readonly isOver: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const started = fields[START_TIME];
    if (started === undefined || !/^\d+$/.test(started)) return undefined;
    return { started, isOver: fields[STATE] === 'Z' || fields[STATE] === 'X' };
  } catch {
    return undefined;
  }
}
