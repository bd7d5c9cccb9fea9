import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseArguments } from './arguments.js';

function parse(...args: string[]) {
  return parseWhere(false, ...args);
}

function parseWhere(isWatched: boolean, ...args: string[]) {
  const output = { stdout: '', stderr: '' };
  const settings = () =>
    parseArguments(args, {
      isWatched,
      stdout: (text) => {
        output.stdout += text;
      },
      stderr: (text) => {
        output.stderr += text;
      },
    });
  return { settings, output };
}

describe('The command line', () => {
  test('without options shows every backend with caches of 16 MiB', () => {
    expect(parse().settings()).toEqual({
      backends: ['memory', 'file', 's3'],
      cacheBytes: 16 * 2 ** 20,
      inputPath: undefined,
      s3: undefined,
      json: false,
      page: undefined,
    });
  });

  test('takes backends with commas or one by one, and shows each once in its usual place', () => {
    expect(parse('--backend', 's3,memory').settings().backends).toEqual(['memory', 's3']);
    expect(parse('--backend', 's3', '--backend', 'file', '--backend', 's3').settings().backends).toEqual([
      'file',
      's3',
    ]);
  });

  test('serves the page where it is asked for, and else where someone looks', () => {
    const anyPort = { host: '127.0.0.1', port: 0 };
    const page = (isWatched: boolean, ...args: string[]) => parseWhere(isWatched, ...args).settings().page;
    expect(page(true)).toEqual(anyPort);
    expect(page(true, '--json')).toBeUndefined();
    expect(page(true, '--no-page')).toBeUndefined();
    expect(page(false)).toBeUndefined();
    expect(page(false, '--json', '--page')).toEqual(anyPort);
    expect(page(false, '--page', '8080')).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(page(false, '--page', 'localhost:0')).toEqual({ host: 'localhost', port: 0 });
    expect(page(false, '--page', '[::1]:8080')).toEqual({ host: '::1', port: 8080 });
  });

  test('takes a store apart into bucket, prefix and endpoint', () => {
    const s3 = (...args: string[]) => parse('--s3', ...args).settings().s3;
    expect(s3('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '', endpoint: undefined });
    expect(s3('s3://bucket/a/b/', '--endpoint', 'http://127.0.0.1:9000')).toEqual({
      bucket: 'bucket',
      prefix: 'a/b',
      endpoint: 'http://127.0.0.1:9000',
    });
  });

  test.each([
    [['--unheard-of']],
    [['extra']],
    [['--backend', 'nfs']],
    [['--backend', '']],
    [['--cache', '12X']],
    [['--cache']],
    [['--s3', 'bucket']],
    [['--s3', 's3:///prefix']],
    [['--s3', 's3://b/p', '--backend', 'file']],
    [['--endpoint', 'http://127.0.0.1:9000']],
    [['--s3', 's3://b/p', '--endpoint', 'ftp://127.0.0.1']],
    [['--s3', 's3://b/p', '--endpoint', 'nonsense']],
  ])('%j is refused in one line that says why, and the usage after it', (args) => {
    const { settings, output } = parse(...args);
    expect(settings).toThrow(CommanderError);
    expect(output.stderr).toMatch(/^error: .+\n\nUsage: npm run demo -- \[options\]\n/);
    expect(output.stdout).toBe('');
  });

  test('--help goes to standard output and names every option', () => {
    const { settings, output } = parse('--help');
    expect(settings).toThrow(CommanderError);
    expect(output.stderr).toBe('');
    for (const option of ['--backend', '--input', '--cache', '--s3', '--endpoint', '--json']) {
      expect(output.stdout).toContain(option);
    }
  });
});
