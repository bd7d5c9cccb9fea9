import { writeFile } from 'node:fs/promises';
import { exampleOf, URI_HELP } from '../arguments/define.js';
import { describe } from '../describe/describe.js';
import { makeProgram } from '../program.js';
import { Context } from '../terminal/context.js';
import { manualPage } from './manual.js';

/** Writes the manual's page to the file that the command line names: a step of the build. */
const [, , path] = process.argv;
if (path === undefined) throw new Error('usage: write FILE');
const { stdin, stdout, stderr } = process;
const { signal } = new AbortController();
const program = makeProgram(new Context({ stdin, stdout, stderr, interruption: signal, force: signal }), false);
const page = manualPage({
  name: program.name(),
  version: program.version() ?? '',
  summary: program.description(),
  commands: describe(program),
  notes: URI_HELP,
  examples: new Map(program.commands.map((command) => [command.name(), exampleOf(command)])),
});
await writeFile(path, page);
