/** A page that passes on what its worker tells, to the function that the test has put here. */
declare const Worker: new (url: string, options: { readonly type: 'module' }) => KillWorker;
declare const told: (message: unknown) => Promise<void>;

interface KillWorker {
  onmessage: (event: { readonly data: unknown }) => void;
  onerror: (event: { readonly message: string }) => void;
  postMessage(message: unknown): void;
}

const worker = new Worker('/kill-worker.js', { type: 'module' });
worker.onmessage = async ({ data }) => {
  await told(data);
  worker.postMessage('told');
};
worker.onerror = ({ message }) => void told({ failed: message });
Object.assign(globalThis, { worker });
