/**
 * Package and version of each runtime, and how it is told to run a program with all rights.
 *
 * @type {Readonly<Record<string, { readonly install: string, readonly program: string, readonly args: readonly string[] }>>}
 */
export const RUNTIMES = {
  'node-20': { install: 'node@20.19.6', program: 'node', args: [] },
  'node-22': { install: 'node@22', program: 'node', args: [] },
  'node-24': { install: 'node@24', program: 'node', args: [] },
  'node-26': { install: 'node@26', program: 'node', args: [] },
  bun: { install: 'bun@1.4.5', program: 'bun', args: [] },
  deno: {
    install: 'deno@2.9.6',
    program: 'deno',
    args: ['run', '--allow-all', '--no-prompt', '--node-modules-dir=manual'],
  },
};
