import type { Dispatcher } from 'undici';
import { STEP_BYTES } from '../link/transport.js';
import type { Watch } from '../link/watch.js';

/** A body as it is handed to a connection: in steps, if it has more than one, each of which the watch is told of. */
export function steps(bytes: Uint8Array, watch: Watch | undefined): Body {
  // An async iterable is a body by undici's documentation, and is missing in its types.
  return bytes.byteLength <= STEP_BYTES ? bytes : (stepsOf(bytes, watch) as unknown as Body);
}

type Body = NonNullable<Dispatcher.DispatchOptions['body']>;

/** The next step is asked for when the system has taken the last one. */
async function* stepsOf(bytes: Uint8Array, watch: Watch | undefined): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < bytes.byteLength; start += STEP_BYTES) {
    if (start > 0) watch?.sent(false);
    yield bytes.subarray(start, start + STEP_BYTES);
  }
  watch?.sent(true);
}
