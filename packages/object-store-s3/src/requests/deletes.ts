import type { S3Client } from '@aws-sdk/client-s3';
import { BlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { DeleteResult, ObjectVersion } from '@blockyard/object-store';
import type { Link } from '../link/link.js';
import { isBatchRefused, isLostCondition, isMissingKey, toBlockError } from '../link/store-error.js';
import { type DeleteAnswer, type Deletion, deleteAlone, deleteTogether } from './delete-objects.js';

/** Requests in flight at once for the keys of one batch, where the store has no request for many. */
const SINGLE_REQUESTS_MAX = 8;

/** What deletes need of the store that they are made on. */
export interface DeleteParts {
  readonly client: S3Client;
  readonly bucket: string;
  readonly link: Link;
  urlOf(key: string): string;
  head(key: string): Promise<ObjectVersion | undefined>;
}

/**
 * Deletes objects, many in one request where the store has one for it. Which it has not shows when it first refuses it; from
 * then on each key has a request of its own.
 */
export class Deletes {
  readonly #parts: DeleteParts;
  /** False for a store that has refused a DeleteObjects, and then took a DELETE. */
  #together = true;

  constructor(parts: DeleteParts) {
    this.#parts = parts;
  }

  async run(deletions: readonly Deletion[]): Promise<DeleteResult[]> {
    return this.#confirm(
      deletions,
      this.#together ? await this.#runTogether(deletions) : await this.#runAlone(deletions),
    );
  }

  async #runTogether(deletions: readonly Deletion[]): Promise<DeleteAnswer[]> {
    const { client, bucket, link, urlOf } = this.#parts;
    const { key } = deletions[0] ?? { key: '' };
    const what = `DELETE ${deletions.length} objects, first ${urlOf(key)}`;
    try {
      return await link.run({ kind: 'delete', key, what, isAnswer: isBatchRefused }, (options) =>
        deleteTogether(client, bucket, deletions, urlOf, options),
      );
    } catch (error) {
      if (!isBatchRefused(error)) throw error;
      const answers = await this.#runAlone(deletions);
      if (answers.some((answer) => answer === 'gone')) this.#together = false;
      // Not the batch was the trouble, if a plain DELETE is refused too.
      else if (answers.every((answer) => answer instanceof BlockError)) throw toBlockError(error, what);
      return answers;
    }
  }

  async #runAlone(deletions: readonly Deletion[]): Promise<DeleteAnswer[]> {
    const answers: DeleteAnswer[] = [];
    await forEachParallel(deletions.keys(), { maxConcurrency: SINGLE_REQUESTS_MAX }, async (number) => {
      const deletion = deletions[number];
      if (deletion !== undefined) answers[number] = await this.#deleteAlone(deletion);
    });
    return answers;
  }

  async #deleteAlone(deletion: Deletion): Promise<DeleteAnswer> {
    const { client, bucket, link, urlOf } = this.#parts;
    const what = `DELETE ${urlOf(deletion.key)}`;
    try {
      const isAnswer = (error: unknown) => isMissingKey(error) || isLostCondition(error);
      return await link.run({ kind: 'delete', key: deletion.key, what, isAnswer }, (options) =>
        deleteAlone(client, bucket, deletion, options),
      );
    } catch (error) {
      if (isMissingKey(error)) return 'gone';
      return isLostCondition(error) ? 'changed' : toBlockError(error, what);
    }
  }

  /** Looks at what the answer left open: a key is gone if the store says so, or has it no longer. */
  async #confirm(deletions: readonly Deletion[], answers: readonly DeleteAnswer[]): Promise<DeleteResult[]> {
    const results: DeleteResult[] = [];
    await forEachParallel(deletions.keys(), { maxConcurrency: SINGLE_REQUESTS_MAX }, async (number) => {
      const { key } = deletions[number] ?? { key: '' };
      const answer = answers[number] ?? 'unmentioned';
      results[number] = answer === 'unmentioned' ? await this.#lookAt(key) : answer;
    });
    return results;
  }

  async #lookAt(key: string): Promise<DeleteResult> {
    const { urlOf, head } = this.#parts;
    const what = `DELETE ${urlOf(key)}`;
    try {
      if ((await head(key)) === undefined) return 'gone';
      return new BlockError('UNAVAILABLE', `${what}: the answer does not mention it, and it is still there`);
    } catch (error) {
      return toBlockError(error, what);
    }
  }
}
