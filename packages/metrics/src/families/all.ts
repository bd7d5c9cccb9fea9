import type { Prices } from '@blockyard/object-store';
import { CACHE } from './cache.js';
import type { Definition } from './definition.js';
import { logMetrics } from './log.js';
import { NBD, NBD_EXPORT } from './nbd.js';
import { OBJECT_CACHE } from './object-cache.js';
import type { ExportSnapshots, Snapshots } from './sources.js';
import { S3_STORE, trafficMetrics } from './store.js';
import { WRITE_LOG } from './write-log.js';

/** A metric with where its snapshots are: none, one, or one for each export. */
export interface Placed {
  readonly definition: Definition<never>;
  /** Whether its values have the label `export`. */
  readonly isOfExport: boolean;
  /** The values of `definition` now, by export where it is of one. */
  readonly read: (snapshots: Snapshots) => readonly Reading[];
}

export interface Reading {
  readonly export: string | undefined;
  readonly values: ReturnType<Definition<never>['of']>;
}

/** All metrics, in the order in which they are told. */
export function allMetrics(prices: Prices): readonly Placed[] {
  return [
    ...NBD.map(ofServer),
    ...NBD_EXPORT.map((each) => ofExports(each, ({ nbd }) => Object.entries(nbd?.exports ?? {}))),
    ...CACHE.map((each) => ofPart(each, ({ cache }) => cache)),
    ...trafficMetrics(prices).map((each) => ofPart(each, ({ traffic }) => traffic)),
    ...S3_STORE.map((each) => ofPart(each, ({ store }) => store)),
    ...logMetrics(prices).map((each) => ofPart(each, ({ log }) => log)),
    ...OBJECT_CACHE.map((each) => ofPart(each, ({ objectCache }) => objectCache)),
    ...WRITE_LOG.map((each) => ofPart(each, ({ writeLog }) => writeLog)),
  ];
}

function ofServer(definition: (typeof NBD)[number]): Placed {
  const read = ({ nbd }: Snapshots) => (nbd === undefined ? [] : [{ export: undefined, values: definition.of(nbd) }]);
  return { definition, isOfExport: false, read };
}

function ofPart<S>(definition: Definition<S>, partOf: (snapshots: ExportSnapshots) => S | undefined): Placed {
  return ofExports(definition, ({ exports }) =>
    Object.entries(exports).map(([name, snapshots]) => [name, partOf(snapshots)] as const),
  );
}

function ofExports<S>(
  definition: Definition<S>,
  partsOf: (snapshots: Snapshots) => readonly (readonly [string, S | undefined])[],
): Placed {
  const read = (snapshots: Snapshots) =>
    partsOf(snapshots).flatMap(([name, part]) =>
      part === undefined ? [] : [{ export: name, values: definition.of(part) }],
    );
  return { definition, isOfExport: true, read };
}
