import { expect, test } from 'vitest';
import { Admission, type Waiter } from './admission.js';

/** A waiter that goes on as long as there are `units`, and writes down what it is told. */
function waiter(kind: Waiter['kind'], name: string, log: string[], goesOn: () => boolean): Waiter {
  return {
    kind,
    advance() {
      const done = goesOn();
      log.push(done ? name : `${name} waits`);
      return done;
    },
    fail: (error) => log.push(`${name} fails: ${error}`),
  };
}

test('what came first goes on first, readers and writers alike', () => {
  const admission = new Admission();
  const log: string[] = [];
  for (const [kind, name] of [
    ['write', 'a'],
    ['read', 'b'],
    ['write', 'c'],
    ['read', 'd'],
  ] as const)
    admission.join(waiter(kind, name, log, () => true));
  expect([admission.count, admission.mustWait('read'), admission.mustWait('write')]).toEqual([4, true, true]);
  admission.progress();
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  expect([admission.count, admission.mustWait('read'), admission.mustWait('write')]).toEqual([0, false, false]);
});

test('one that cannot go on holds up its own kind, and no other', () => {
  for (const [held, other] of [
    ['read', 'write'],
    ['write', 'read'],
  ] as const) {
    const admission = new Admission();
    const log: string[] = [];
    admission.join(waiter(held, 'first', log, () => false));
    admission.join(waiter(held, 'second', log, () => true));
    admission.join(waiter(other, 'third', log, () => true));
    admission.progress();
    expect(log).toEqual(['first waits', 'third']);
    expect(admission.count).toBe(2);
    expect([admission.mustWait(held), admission.mustWait(other)]).toEqual([true, false]);
  }
});

test('memory that becomes free while a request goes on is handed out in another round, not a nested one', () => {
  const admission = new Admission();
  const log: string[] = [];
  let isFree = false;
  admission.join(waiter('write', 'writer', log, () => isFree));
  admission.join(
    waiter('read', 'reader', log, () => {
      isFree = true;
      admission.progress();
      return true;
    }),
  );
  admission.progress();
  expect(log).toEqual(['writer waits', 'reader', 'writer']);
});

test("a waiter that throws has failed, and is in no one's way", () => {
  const admission = new Admission();
  const log: string[] = [];
  admission.join(
    waiter('read', 'broken reader', log, () => {
      throw new Error('broken');
    }),
  );
  admission.join(waiter('read', 'reader', log, () => true));
  admission.join(waiter('write', 'writer', log, () => true));
  admission.progress();
  expect(log).toEqual(['broken reader fails: Error: broken', 'reader', 'writer']);
  expect(admission.count).toBe(0);
});

test('at the end all that wait fail, and later ones fail at once', () => {
  const admission = new Admission();
  const log: string[] = [];
  admission.join(waiter('read', 'reader', log, () => false));
  admission.join(waiter('write', 'writer', log, () => false));
  admission.end(new Error('over'));
  admission.join(waiter('write', 'late', log, () => true));
  expect(log).toEqual(['reader fails: Error: over', 'writer fails: Error: over', 'late fails: Error: over']);
  expect([admission.count, admission.mustWait('write')]).toEqual([0, false]);
});

test('a failure goes to each of its kind once, and to no other', () => {
  const admission = new Admission();
  const log: string[] = [];
  for (const [kind, name] of [
    ['read', 'a'],
    ['write', 'b'],
    ['read', 'c'],
  ] as const)
    admission.join(waiter(kind, name, log, () => true));
  admission.fail('read', 'full');
  expect(log).toEqual(['a fails: full', 'c fails: full']);
  admission.fail('read', 'full');
  expect(log).toHaveLength(2);
  expect([admission.count, admission.mustWait('write')]).toEqual([1, true]);
});

test('one that fails its own kind while it goes on does not cost the next its place', () => {
  const admission = new Admission();
  const log: string[] = [];
  admission.join(
    waiter('write', 'first', log, () => {
      admission.fail('write', 'full');
      admission.join(waiter('write', 'later', log, () => false));
      return true;
    }),
  );
  admission.progress();
  expect(admission.mustWait('write')).toBe(true);
  expect(log).toEqual(['first fails: full', 'first', 'later waits']);
});
