export { backoffMs, sleep } from './async/backoff.js';
export { BufferCursor } from './async/buffer-cursor.js';
export { coalesce } from './async/coalesce.js';
export { type ForEachParallelOptions, forEachParallel } from './async/for-each-parallel.js';
export { Retry } from './async/retry.js';
export { Semaphore } from './async/semaphore.js';
export { SerialQueue } from './async/serial-queue.js';
export { CALL_BYTES, LONG_CALL_BYTES, Yielder, yielderOf } from './async/yielder.js';
