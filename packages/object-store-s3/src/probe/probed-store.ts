import type { ObjectStore } from '@blockyard/object-store';
import type { EtagForm } from '../requests/etag.js';

/** A store whose ways are not known yet. */
export interface ProbedStore extends Pick<ObjectStore, 'urlOf' | 'get' | 'head' | 'put' | 'delete' | 'list'> {
  conditionalPuts: boolean;
  etagForm: EtagForm;
}
