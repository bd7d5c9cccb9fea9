import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { TemplateDriver } from './driver.js';
import {
  type ConnectTemplateOptions,
  type CreateTemplateOptions,
  checkConnectOptions,
  checkCreateOptions,
  checkDeleteOptions,
  type TemplateOptions,
} from './options.js';
import { createVolume, deleteVolume, openVolume } from './volume.js';

/**
 * Opens a volume.
 *
 * Rejects with `NOT_FOUND` if there is none, `LOCKED` if another process has it, `CORRUPT` if it is damaged, `INVALID_ARGUMENT`
 * if an option is wrong or unknown; nothing is left open then.
 */
export function connectTemplate(options: ConnectTemplateOptions): Promise<BlockDevice> {
  return placed('connect', async () =>
    createDevice(new TemplateDriver(await openVolume(checkConnectOptions(options)))),
  );
}

/**
 * Makes a volume of zeroes, which takes no space yet.
 *
 * Rejects with `ALREADY_EXISTS` if there is one, `UNALIGNED` for sizes that are not whole sectors, `INVALID_ARGUMENT`.
 */
export function createTemplate(options: CreateTemplateOptions): Promise<void> {
  return placed('create', async () => createVolume(checkCreateOptions(options)));
}

/** Deletes a volume with all its data. Rejects with `NOT_FOUND`, or `LOCKED` if a process has it. */
export function deleteTemplate(options: TemplateOptions): Promise<void> {
  return placed('delete', async () => deleteVolume(checkDeleteOptions(options)));
}

/** Every failure is a `BlockError` that says where it happened. */
async function placed<T>(operation: 'connect' | 'create' | 'delete', task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw BlockError.from(error, { operation, device: 'template' });
  }
}
