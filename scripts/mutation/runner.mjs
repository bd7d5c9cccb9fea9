/**
 * What tests import in place of vitest: it collects them, so that one process runs any of them any number of times. Assertions
 * are vitest's own. Only what the tests of these packages use is here; anything else fails when it is imported or called.
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
const groups = [];

export function test(name, options, run = options) {
  collected.push({ name: [...groups, name].join(' > '), run });
}

export function describe(name, declare) {
  groups.push(name);
  declare();
  groups.pop();
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

export const expect = (value, message) => {
  setState({ assertionCalls: getState(expect).assertionCalls + 1 }, expect);
  return chai.expect(value, message);
};
Object.assign(expect, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
expect.getState = () => getState(expect);
expect.setState = (state) => setState(state, expect);
globalThis[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect);
expect.extend = (matchers) => chai.expect.extend(expect, matchers);
expect.extend(customMatchers);
expect.unreachable = (message = 'must not be reached') => {
  throw new Error(message);
};

const POLL_MS = 20;
const POLLS_MAX = 100;

/** `expect.poll(read).matcher(...)`: until the assertion holds. Counted in attempts, since the machine may be busy. */
expect.poll = (read) =>
  new Proxy(
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
