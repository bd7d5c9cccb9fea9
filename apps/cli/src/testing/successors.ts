/**
 * Options of Node for a process that takes over: it does something before it says a word to the one that hands over to it, or when it
 * hears one. Nothing in any other process.
 */
function doingAt(word: string, action: string): string[] {
  const code = `
    import { execFileSync } from 'node:child_process';
    const reached = (message) => {
      if (message?.type === '${word}') ${action};
    };
    const send = process.send?.bind(process);
    if (send !== undefined) {
      process.send = (message, ...rest) => {
        reached(message);
        return send(message, ...rest);
      };
      process.on('message', reached);
    }`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

/** Dies. */
export function dyingAt(word: string): string[] {
  return doingAt(word, "process.kill(process.pid, 'SIGKILL')");
}

/** Stands still. */
export function hangingAt(word: string): string[] {
  return doingAt(word, "process.kill(process.pid, 'SIGSTOP')");
}

/** Kills another process. */
export function killingAt(word: string, pid: number | undefined): string[] {
  return doingAt(word, `process.kill(${pid}, 'SIGKILL')`);
}

/** Kills another process, and stands still. */
export function killingAndHangingAt(word: string, pid: number | undefined): string[] {
  return doingAt(word, `process.kill(${pid}, 'SIGKILL'), process.kill(process.pid, 'SIGSTOP')`);
}

/** Runs commands of its own program, and waits for their end. */
export function runningAt(word: string, commands: readonly (readonly string[])[]): string[] {
  const run = 'execFileSync(process.execPath, [process.argv[1], ...args])';
  return doingAt(word, `for (const args of ${JSON.stringify(commands)}) ${run}`);
}

/** Options of Node for a process that takes over, and keeps one word to itself. */
export function silentAt(word: string): string[] {
  const code = `
    const send = process.send?.bind(process);
    if (send !== undefined) {
      process.send = (message, ...rest) => message?.type === '${word}' || send(message, ...rest);
    }`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}
