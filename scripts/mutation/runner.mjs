/**
 * What tests import in place of vitest: it collects them, so that one process runs any of them any number of times. Assertions
 * are vitest's own. Only what the tests of these packages use is here; anything else fails when it is imported or called.
 *
 * @import { ExpectStatic } from 'vitest'
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

/** @type {{ name: string, run: () => unknown }[]} */
export const collected = [];

/**
 * A file, or a `describe` in it.
 *
 * @typedef {{ path: string[], outer: Scope | undefined, before: Hook[], after: Hook[] }} Scope
 * @typedef {() => unknown} Hook
 */

/** @type {(path?: string[], outer?: Scope) => Scope} */
const newScope = (path = [], outer = undefined) => ({ path, outer, before: [], after: [] });
let scope = newScope();

/** Hooks declared so far do not concern what is declared from here on. */
export function beginFile() {
  scope = newScope();
}

/** `test(name, run)`, with options or a time-out before the body or after it, which mean nothing here. */
export function test(name, first, second = undefined) {
  const own = scope;
  const run = typeof first === 'function' ? first : second;
  collected.push({ name: [...own.path, name].join(' > '), run: () => runWithHooks(own, run) });
}

export function describe(name, declare) {
  const outer = scope;
  scope = newScope([...outer.path, name], outer);
  declare();
  scope = outer;
}

export function beforeEach(hook) {
  scope.before.push(hook);
}

export function afterEach(hook) {
  scope.after.push(hook);
}

/**
 * Runs the hooks of outer scopes around those of inner ones.
 *
 * @param {Scope} scope
 * @param {() => unknown} run
 */
async function runWithHooks({ outer, before, after }, run) {
  const inside = async () => {
    try {
      for (const hook of before) await hook();
      await run();
    } finally {
      for (const hook of after) await hook();
    }
  };
  await (outer === undefined ? inside() : runWithHooks(outer, inside));
}

const each = (declare) => (rows) => (name, body) => {
  rows.forEach((row, index) => {
    const values = Array.isArray(row) ? row : [row];
    declare(`${name} #${index}`, () => body(...values));
  });
};
test.each = each(test);
describe.each = each(describe);

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
/** With what `JestExtend` adds to chai, whose types do not know of it. */
const extensible = /** @type {{ extend: (expect: unknown, matchers: unknown) => void }} */ (
  /** @type {unknown} */ (chai.expect)
);

function expectValue(value, message) {
  setState({ assertionCalls: getState(expect).assertionCalls + 1 }, expect);
  return chai.expect(value, message);
}
/** @type {ExpectStatic} */
export const expect = Object.assign(expectValue, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
Object.assign(expect, {
  getState: () => getState(expect),
  setState: (state) => setState(state, expect),
  extend: (matchers) => extensible.extend(expect, matchers),
  poll,
  unreachable,
});
globalThis[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect);
expect.extend(customMatchers);

function unreachable(message = 'must not be reached') {
  throw new Error(message);
}

const POLL_MS = 20;
const POLLS_MAX = 100;

/** `expect.poll(read).matcher(...)`: until the assertion holds. Counted in attempts, since the machine may be busy. */
function poll(read) {
  return new Proxy(
    {},
    {
      get:
        (_, matcher) =>
        async (...args) => {
          for (let attempt = 1; ; attempt++) {
            try {
              return expect(await read())[matcher](...args);
            } catch (error) {
              if (attempt === POLLS_MAX) throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
          }
        },
    },
  );
}
