import { conformanceCases } from '../conformance.js';
import { catchSaboteur } from './catch.js';
import { saboteurs } from './index.js';

const MESSAGE_LENGTH_MAX = 100;

/** Prints a table: which case catches each saboteur, and what it says. Its exit code: 0 if all are caught. */
async function main(): Promise<number> {
  const { stdout } = process;
  stdout.write('| clause | a device that | is caught by | which says |\n| --- | --- | --- | --- |\n');
  let caught = 0;
  for (const saboteur of saboteurs) {
    const found = await catchSaboteur(saboteur);
    if (found !== undefined) caught++;
    const title = found?.title ?? '**nothing**';
    stdout.write(`| ${saboteur.clause} | ${saboteur.name} | ${title} | ${firstLine(found?.error)} |\n`);
  }
  const cases = conformanceCases();
  const clauses = new Set(cases.map(({ clause }) => clause));
  stdout.write(`\n${caught} of ${saboteurs.length} caught, by ${cases.length} cases of ${clauses.size} clauses\n`);
  return caught === saboteurs.length ? 0 : 1;
}

function firstLine(error: unknown): string {
  const [line = ''] = error instanceof Error ? error.message.split('\n') : [''];
  const short = line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}…` : line;
  return short.replaceAll('|', '\\|');
}

// Some saboteurs leave timers behind, for which there is no need to wait.
process.exit(await main());
