import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Store } from './sides.js';

/** A store in memory in a process of its own, which takes less of the processor than any real one: durability class memory. */
export async function startLightStore(): Promise<{ readonly store: Store; stop(): Promise<void> }> {
  const path = fileURLToPath(new URL('./s3-cpu-store.js', import.meta.url));
  const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [endpoint] = await once(child.stdout, 'data');
  return {
    store: {
      endpoint: new URL(String(endpoint)),
      region: 'us-east-1',
      bucket: 'bench',
      accessKeyId: 'bench',
      secretAccessKey: 'bench',
    },
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
