import { describe, expect, test } from 'vitest';
import { Gate } from './gate.js';
import { stateOf, turn } from '../testing/held-driver.js';

describe('Gate', () => {
  test('lets shared holders in together, without a wait', () => {
    const gate = new Gate();
    expect(gate.tryShared()).toBe(true);
    expect(gate.tryShared()).toBe(true);
  });

  test('lets an exclusive holder in alone', async () => {
    const gate = new Gate();
    gate.tryShared();
    gate.tryShared();
    const exclusive = gate.exclusive();
    gate.leaveShared();
    expect(await stateOf(exclusive)).toBe('pending');
    gate.leaveShared();
    expect(await stateOf(exclusive)).toBe('resolved');
    expect(gate.tryShared()).toBe(false);
    gate.leaveExclusive();
    expect(gate.tryShared()).toBe(true);
  });

  test('serves strictly in the order of arrival, so that neither kind starves', async () => {
    const gate = new Gate();
    const admitted: string[] = [];
    const enter = (name: string, place: Promise<void>) => place.then(() => admitted.push(name));
    gate.tryShared();
    enter('exclusive 1', gate.exclusive());
    enter('shared 1', gate.shared());
    enter('shared 2', gate.shared());
    enter('exclusive 2', gate.exclusive());
    enter('shared 3', gate.shared());
    await turn();
    expect(admitted).toEqual([]);
    gate.leaveShared();
    await turn();
    expect(admitted).toEqual(['exclusive 1']);
    gate.leaveExclusive();
    await turn();
    expect(admitted).toEqual(['exclusive 1', 'shared 1', 'shared 2']);
    gate.leaveShared();
    await turn();
    expect(admitted).toHaveLength(3);
    gate.leaveShared();
    await turn();
    expect(admitted.at(-1)).toBe('exclusive 2');
    gate.leaveExclusive();
    await turn();
    expect(admitted.at(-1)).toBe('shared 3');
  });

  test('once opened lets everybody in, those who wait included', async () => {
    const gate = new Gate();
    await gate.exclusive();
    const waiting = [gate.exclusive(), gate.shared(), gate.exclusive()];
    gate.open();
    await Promise.all([...waiting, gate.shared(), gate.exclusive()]);
  });
});
