/** What a page has for the tests, as `globalThis.tests`. */
import { overWorker } from '../index.js';
import type { KitRequest } from './kit-worker.js';
import { type CaseResult, runCases } from './run-cases.js';
import { opfsSubject, type SubjectFacts } from './subject.js';

declare const Worker: new (url: string, options: { readonly type: 'module' }) => TestWorker;

interface TestWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void;
  terminate(): void;
}

/** The kit, by way of a worker of this package. */
async function kitOverWorker(facts: SubjectFacts, seed: number): Promise<CaseResult[]> {
  const opfs = overWorker(new Worker('/worker.js', { type: 'module' }));
  const results = await runCases(opfsSubject(facts, opfs), seed);
  opfs.terminate();
  return results;
}

/** The kit, in a worker of the test's own. */
function kitInWorker(request: KitRequest): Promise<CaseResult[]> {
  const worker = new Worker('/kit-worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data as CaseResult[]);
    };
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(request);
  });
}

/** The README's program, to its end. */
function runExample(): Promise<CaseResult> {
  const worker = new Worker('/example.js', { type: 'module' });
  const result = { group: 'README', title: 'its program runs as it stands', tookMs: 0 };
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(
        data === 'done' ? { ...result, outcome: 'passed' } : { ...result, outcome: 'failed', message: String(data) },
      );
    };
    worker.onerror = ({ message }) => resolve({ ...result, outcome: 'failed', message });
  });
}

Object.assign(globalThis, { tests: { kitOverWorker, kitInWorker, runExample } });
