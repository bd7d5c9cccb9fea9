import { describe, expect, test } from 'vitest';
import { type MacrotaskPlatform, macrotaskOn } from './macrotask.js';

describe('A macrotask', () => {
  const { setImmediate, MessageChannel, setTimeout } = globalThis as unknown as MacrotaskPlatform;
  const platforms: readonly [string, MacrotaskPlatform][] = [
    ['setImmediate', { setImmediate, setTimeout: refuse }],
    ['MessageChannel', { MessageChannel, setTimeout: refuse }],
    ['setTimeout', { setTimeout }],
  ];

  test.each(platforms)('comes by %s, after what waits for the event loop', async (_, platform) => {
    const macrotask = macrotaskOn(platform);
    let isOver = false;
    const timer = new Promise<void>((resolve) => {
      setTimeout(() => {
        isOver = true;
        resolve();
      }, 0);
    });
    // As a loop of awaits would: one after the other, until the timer has fired.
    for (let count = 0; !isOver && count < 1e6; count++) await new Promise<void>(macrotask);
    expect(isOver).toBe(true);
    await timer;
  });

  test('leaves no open port behind, which would keep a process alive', async () => {
    let open = 0;
    const Channel = class {
      readonly port1 = {
        onmessage: null as (() => void) | null,
        postMessage() {},
        close() {
          open--;
        },
      };
      readonly port2 = {
        onmessage: null,
        postMessage: () => queueMicrotask(() => this.port1.onmessage?.()),
        close() {},
      };
      constructor() {
        open++;
      }
    };
    const macrotask = macrotaskOn({ MessageChannel: Channel, setTimeout: refuse });
    await new Promise<void>(macrotask);
    expect(open).toBe(0);
  });

  function refuse(): never {
    throw new Error('expected another way');
  }
});
