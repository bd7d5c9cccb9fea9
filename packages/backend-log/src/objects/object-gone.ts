import { BlockError } from '@blockyard/block';

/** An object is not there. A writer may have cleaned it away since the root was looked at; if not, that is damage. */
export class ObjectGone extends BlockError {
  constructor(where: string) {
    super('CORRUPT', `${where}: is gone`);
  }
}
