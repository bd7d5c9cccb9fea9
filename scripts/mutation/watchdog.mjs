/**
 * A thread that ends its process when a test runs in circles. Time is the processor's: a busy machine makes no mutant look like
 * an endless loop.
 */
import { workerData } from 'node:worker_threads';

const LOOK_MS = 200;
const RSS_BYTES_MAX = 3 * 2 ** 30;
/** The processor time, in ms, at which the test that runs has had too much; 0 while none runs. */
const deadline = new Float64Array(workerData);

setInterval(() => {
  const { user, system } = process.cpuUsage();
  const [deadlineMs = 0] = deadline;
  const isLate = deadlineMs > 0 && (user + system) / 1000 > deadlineMs;
  if (isLate || process.memoryUsage.rss() > RSS_BYTES_MAX) process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);
