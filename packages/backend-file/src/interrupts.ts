import { errnoOf } from '@blockyard/block';

/** Times in a row that a system call may be interrupted by a signal before it got anywhere. */
const INTERRUPTS_MAX = 100;

/** Makes a system call, again where a signal interrupted it. */
export async function uninterrupted<T>(call: () => Promise<T>): Promise<T> {
  for (let interrupts = 0; ; interrupts++) {
    try {
      return await call();
    } catch (error) {
      if (errnoOf(error) !== 'EINTR' || interrupts === INTERRUPTS_MAX) throw error;
    }
  }
}
