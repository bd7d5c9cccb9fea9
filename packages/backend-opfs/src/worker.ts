/** The whole of a worker: what `overWorker` takes is `new Worker` of this file. */
import { serveOpfs, type WorkerScope } from './bridge/host.js';

serveOpfs(globalThis as unknown as WorkerScope);
