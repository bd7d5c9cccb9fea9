import { ManualClock, settled, stateOf } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { die, Scene, write } from './testing/scene.js';

/** A clock whose macrotasks come when a test says so. */
function heldMacrotasks() {
  const waiting: (() => void)[] = [];
  const clock = Object.assign(new ManualClock(), { macrotask: (callback: () => void) => void waiting.push(callback) });
  const turn = async () => {
    for (const callback of waiting.splice(0)) callback();
    await settled();
  };
  return { clock, turn };
}

test('A flush that is alone waits for no others, and those that come together share one of the medium', async () => {
  const scene = new Scene();
  const { clock, turn } = heldMacrotasks();
  const device = await scene.open({ clock });
  for (let n = 1; n <= 3; n++) {
    await write(device, n, n);
    await device.flush();
  }
  const writeAndFlush = (sector: number) => write(device, sector, 7).then(() => device.flush());
  // The first of three that come together does not know of the others yet; from then on they are known to.
  const first = [writeAndFlush(1), writeAndFlush(2), writeAndFlush(3)];
  await turn();
  await Promise.all(first);
  const before = scene.medium.count('flush');
  const together = [writeAndFlush(4)];
  await settled();
  together.push(writeAndFlush(5), writeAndFlush(6));
  await settled();
  for (const each of together) expect(await stateOf(each)).toBe('pending');
  await turn();
  await Promise.all(together);
  expect(scene.medium.count('flush') - before).toBe(1);
  await die(device);
});
