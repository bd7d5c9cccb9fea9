/** What a macrotask can be made of; not every platform has all of it. */
export interface MacrotaskPlatform {
  readonly setImmediate?: ((callback: () => void) => unknown) | undefined;
  readonly MessageChannel?:
    | (new () => { readonly port1: MessagePortLike; readonly port2: MessagePortLike })
    | undefined;
  readonly setTimeout: (callback: () => void, delayMs: number) => unknown;
}

interface MessagePortLike {
  onmessage: ((event: never) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/**
 * The platform's shortest way to a macrotask. Browsers delay nested timers by 4 ms and more, but not messages. It is looked up
 * once, so that a test that replaces the platform's timers does not stop devices that were made before.
 */
export function macrotaskOn(platform: MacrotaskPlatform): (callback: () => void) => void {
  const { setImmediate, MessageChannel, setTimeout } = platform;
  if (setImmediate !== undefined) return (callback) => void setImmediate(callback);
  if (MessageChannel === undefined) return (callback) => void setTimeout(callback, 0);
  return (callback) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      // An open port would keep some platforms' processes alive.
      port1.close();
      callback();
    };
    port2.postMessage(undefined);
  };
}
