import { build } from 'esbuild';
import { expect, test } from 'vitest';

const SOURCE = import.meta.dirname;

/** What Node has and browsers do not, as globals. */
const NODE = ['process', 'Buffer', 'setImmediate', 'clearImmediate', 'require', 'global'];

/** The script as bundlers make it for browsers: what it imports of Node fails the build. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: SOURCE, loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundled',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

test.each(['index', 'simulator', 'testing'])('a bundle for browsers of %s needs no module of Node', async (entry) => {
  await expect(bundle(`export * from './${entry}.js';`)).resolves.toMatch(/bundled/);
});

test('a module of Node in a bundle would be noticed', async () => {
  await expect(bundle(`export * from 'node:assert';`)).rejects.toThrow(/node:assert/);
});

test('the kit and the simulator run where there is nothing but what browsers have', async () => {
  const code = await bundle(`
    import { conformance, referenceSubject } from './index.js';
    import { overSimulatedBase, simulate } from './simulator.js';

    export async function run() {
      const cases = [];
      const titles = [];
      conformance({ ...referenceSubject, sectorSizes: [512] }, {
        describe: (_, body) => body(),
        test: (title, body) => {
          titles.push(title);
          if (!title.startsWith('left out')) cases.push(body);
        },
      }, { runs: 1, seed: 1, watchMs: 10 });
      for (const each of cases) await each();
      const subject = overSimulatedBase('base', async (base) => base);
      const { violation, steps } = await simulate(subject, { seed: 1 }, { maxSteps: 50 });
      return { titles, violation: violation?.message, steps };
    }
  `);
  // The names of Node's globals are parameters without values there; so is `globalThis`, with those of browsers.
  const load = new Function('globalThis', ...NODE, `${code}; return bundled.run();`);
  const { titles, violation, steps } = await load({ MessageChannel, SharedArrayBuffer, performance, setTimeout });
  expect(violation).toBeUndefined();
  expect(steps).toBeGreaterThan(50);
  expect(titles.length).toBeGreaterThan(80);
  const leftOut = titles.filter((title: string) => /realm|Node/.test(title) && title.startsWith('left out'));
  expect(new Set(leftOut)).toEqual(
    new Set([
      'left out: 1 case of the buffers of Node: this is not Node',
      'left out: 1 case of memory of another realm: there is no way to one',
      'left out: 2 cases of what is left open: neither Node nor Linux is there to tell',
    ]),
  );
});
