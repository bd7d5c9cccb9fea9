import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand } from '@aws-sdk/client-s3';
import type { TestStore } from '@blockyard/local-s3';
import type { StoreOptions } from '../index.js';

/** An object as the store has it. */
export interface StoredObject {
  readonly body: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The objects of one volume, seen and changed behind its back. */
export class StoredObjects {
  readonly #store: TestStore;
  readonly #at: Pick<StoreOptions, 'bucket' | 'prefix'>;

  constructor(store: TestStore, at: Pick<StoreOptions, 'bucket' | 'prefix'>) {
    this.#store = store;
    this.#at = at;
  }

  keyOf(index: number): string {
    return `${this.#at.prefix}/data/${index.toString(16).padStart(12, '0')}`;
  }

  get rootKey(): string {
    return `${this.#at.prefix}/volume.json`;
  }

  async find(Key: string): Promise<StoredObject | undefined> {
    try {
      const { Body, Metadata = {} } = await this.#store.client.send(
        new GetObjectCommand({ Bucket: this.#at.bucket, Key }),
      );
      return { body: Buffer.from((await Body?.transformToByteArray()) ?? []), metadata: Metadata };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async get(key: string): Promise<StoredObject> {
    const found = await this.find(key);
    if (found === undefined) throw new Error(`${key} is not there`);
    return found;
  }

  async put(Key: string, { body, metadata }: StoredObject): Promise<void> {
    const object = { Bucket: this.#at.bucket, Key, Body: body, Metadata: { ...metadata } };
    await this.#store.client.send(new PutObjectCommand(object));
  }

  async delete(Key: string): Promise<void> {
    await this.#store.client.send(new DeleteObjectCommand({ Bucket: this.#at.bucket, Key }));
  }

  async rootFields(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.get(this.rootKey)).body.toString());
  }

  /** Puts the root of format version 1 in place of the volume's. */
  async putRootV1(): Promise<void> {
    const { volumeId, sectorSize, sizeSectors, objectSizeBytes, writerEpoch } = await this.rootFields();
    const shape = { volumeId, sectorSize, sizeSectors, objectSizeBytes, codec: 'none' };
    const changeId = randomBytes(16).toString('hex');
    const fields = { format: 'blockyard-volume', version: 1, ...shape, writerEpoch, changeId };
    const metadata = { blockyard: `${volumeId}/${writerEpoch}/${changeId}` };
    await this.put(this.rootKey, { body: Buffer.from(JSON.stringify(fields)), metadata });
  }

  /** Puts a data object of version 1 there, as the writer of that epoch would have. */
  async putDataV1(index: number, data: Uint8Array, epoch = 1): Promise<void> {
    const { volumeId } = await this.rootFields();
    const writeId = randomBytes(16);
    const metadata = { blockyard: `${volumeId}/${epoch}/${writeId.toString('hex')}` };
    await this.put(this.keyOf(index), { body: Buffer.concat([writeId, data]), metadata });
  }
}
