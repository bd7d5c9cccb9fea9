import { randomBytes } from 'node:crypto';
import { access, constants, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Report } from '@blockyard/report';
import { Option } from 'commander';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';

export function reportOption(): Option {
  return new Option('--report <file>', 'write a report of the run, with charts, as one HTML file');
}

/** Before a long run, whose result would be lost else. Rejects with a `UsageError`, or a `Failure` where it cannot be written. */
export async function checkReport(file: string | undefined, option = '--report'): Promise<void> {
  if (file === undefined) return;
  // A name that could be that of a disk would be overwritten.
  if (!/\.html?$/i.test(file)) throw new UsageError(`${option} must name a file that ends in .html`);
  const folder = dirname(resolve(file));
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new Failure(`${option} cannot be written: ${messageOf(error)}`, 'its folder must be there, and yours', error);
  });
}

/** Whole or not at all. */
export async function writeReport(file: string, report: Report): Promise<void> {
  // Loaded only where it is used.
  const { reportHtml } = await import('@blockyard/report');
  const beside = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(beside, await reportHtml(report), { flag: 'wx' });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw new Failure(`the report cannot be written: ${messageOf(error)}`, 'there must be room where it goes', error);
  }
}
