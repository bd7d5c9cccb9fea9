import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './run-program.js';

/** A block of code on a page. */
export interface Program {
  /** Path of the page from the root. */
  readonly page: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** All blocks of JavaScript and TypeScript on a page. */
export async function programsOf(page: string): Promise<Program[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```([jt]s)\n(.*?)^```$/gms)].map(({ index, 1: language = '', 2: code = '' }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    code,
  }));
}

/** All examples in docstrings of the packages. */
export async function allExamples(): Promise<Program[]> {
  const paths = tracked('packages/*.ts').filter((path) => !/\.(test|d)\.ts$/.test(path));
  return (await Promise.all(paths.map(examplesOf))).flat();
}

async function examplesOf(path: string): Promise<Program[]> {
  const text = await readFile(join(ROOT, path), 'utf8');
  return [...text.matchAll(/^ \* ```ts\n(.*?)^ \* ```$/gms)].map(({ index, 1: code = '' }) => ({
    page: path,
    line: text.slice(0, index).split('\n').length + 1,
    language: 'ts',
    code: code.replace(/^ \* ?/gm, ''),
  }));
}

/** Every page of the repository that may have a program. */
export function allPages(): string[] {
  return tracked('*.md');
}

/** Files that are in the repository, or are to be. */
function tracked(pattern: string): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', pattern];
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '');
}
