import type { Subject } from '@blockyard/conformance';
import type { OpfsClient } from '../index.js';

/** What the test tells of a subject: it can be sent to a worker. */
export type SubjectFacts = Pick<Subject, 'name' | 'sectorSizes' | 'hugeSectors'>;

/** Volumes of the origin as a subject of the kit. */
export function opfsSubject(facts: SubjectFacts, opfs: Omit<OpfsClient, 'terminate'>): Subject {
  const { name } = facts;
  let volumes = 0;
  return {
    ...facts,
    persistent: true,
    async create(shape) {
      volumes++;
      const volume = `${name}-${volumes}`;
      await opfs.create({ name: volume, ...shape });
      return {
        connect: (options) => opfs.connect({ name: volume, ...options }),
        dispose: () => opfs.delete({ name: volume }),
      };
    },
  };
}
