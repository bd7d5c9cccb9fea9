import { UsageError } from '../../terminal/failure.js';
import { isTable, readTables, type Table } from './config-file.js';
import { deviceNameOf } from './device-name.js';
import { defaultsOf, type Keys, parseValue } from './keys.js';
import type { Plan, ServerOptions, VolumeOptions, VolumePlan } from './options.js';

/** Under it stand the tables of the volumes, each under the name of its export. */
const VOLUMES = 'volume';
const URI = 'uri';
/** Volumes of one process. */
const VOLUMES_MAX = 256;

/** What a configuration file may say. */
export interface Grammar {
  /** Of the server; at the top. */
  readonly server: Keys;
  /** Of a volume; what is said at the top is the default of all. */
  readonly volume: Keys;
}

/**
 * The plan that a configuration file says. `given` are options of the command line, which count more than those of the file. Rejects
 * with a `UsageError` that names what is wrong, and what is known in its place.
 */
export async function readPlan(path: string, grammar: Grammar, given: Partial<ServerOptions>): Promise<Plan> {
  const { [VOLUMES]: volumes = {}, ...top } = await readTables(path);
  const all = new Map([...grammar.server, ...grammar.volume]);
  const said = valuesOf(top, all, path, [VOLUMES]);
  if (!isTable(volumes)) throw new UsageError(`${path}: ${VOLUMES} must be tables: [${VOLUMES}.NAME]`);
  const common = { ...defaultsOf(grammar.volume), ...only(said, grammar.volume) };
  const plans = Object.entries(volumes).map(([name, table]) => volumeOf(name, table, grammar.volume, common, path));
  if (plans.length === 0) {
    throw new UsageError(`${path} names no volume`, `it takes a table for each: [${VOLUMES}.NAME] with ${URI} = "..."`);
  }
  if (plans.length > VOLUMES_MAX) throw new UsageError(`${path} has more than ${VOLUMES_MAX} volumes`);
  checkDistinct(plans, path);
  const server = { ...defaultsOf(grammar.server), ...only(said, grammar.server), ...given } as unknown as ServerOptions;
  return { server, volumes: plans, reread: () => readPlan(path, grammar, given) };
}

function volumeOf(name: string, table: unknown, keys: Keys, common: Table, path: string): VolumePlan {
  const where = `${path}: volume ${JSON.stringify(name)}`;
  if (!isTable(table)) throw new UsageError(`${where} must be a table: [${VOLUMES}.${JSON.stringify(name)}]`);
  const { [URI]: uri, ...rest } = table;
  if (typeof uri !== 'string' || uri === '') {
    throw new UsageError(`${where} has no ${URI}`, `${URI} = "file:/srv/disk.img", or any other device`);
  }
  const options = { ...common, ...valuesOf(rest, keys, where, [URI]) } as unknown as VolumeOptions;
  return { name, uri, options };
}

/** The values of a table by the names that options have in the program. */
function valuesOf(table: Table, keys: Keys, where: string, others: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(table)) {
    const option = keys.get(key);
    if (option === undefined) {
      const known = [...others, ...keys.keys()].join(', ');
      throw new UsageError(`${where}: unknown key ${JSON.stringify(key)}`, `it takes ${known}`);
    }
    values[option.attributeName()] = parseValue(option, value, `${where}: ${key}`);
  }
  return values;
}

function only(values: Table, keys: Keys): Table {
  const names = new Set([...keys.values()].map((option) => option.attributeName()));
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
}

/** What only one of them can have at a time. */
function checkDistinct(plans: readonly VolumePlan[], path: string): void {
  const owners = new Map<string, string>();
  for (const { name, uri, options } of plans) {
    const things: (readonly [string, string | boolean | undefined])[] = [
      ['device', options.readOnly === true ? undefined : deviceNameOf(uri)],
      ['tier', options.tier],
      ['file', options.bootProfile],
      ['file', options.warmStart],
    ];
    for (const [kind, thing] of things) {
      if (typeof thing !== 'string' || /^memory:/i.test(thing)) continue;
      const key = `${kind} ${JSON.stringify(thing)}`;
      const other = owners.get(key);
      if (other !== undefined) {
        throw new UsageError(
          `${path}: volumes ${JSON.stringify(other)} and ${JSON.stringify(name)} have the same ${key}`,
          'each needs its own',
        );
      }
      owners.set(key, name);
    }
  }
}
