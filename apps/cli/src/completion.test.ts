import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFolder, runHere } from './testing/cli.js';
import { havePrograms, runProgram } from './testing/programs.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
const scripts = new Map<string, string>();

beforeAll(async () => {
  folder = await makeFolder();
  mkdirSync(folder.in('tiers'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runHere(['completion', shell]);
    expect(code).toBe(0);
    scripts.set(shell, stdout);
    writeFileSync(folder.in(`completion.${shell}`), stdout);
  }
  // zsh looks for the program that it completes.
  writeFileSync(folder.in('blockyard'), '#!/bin/sh\n');
  chmodSync(folder.in('blockyard'), 0o755);
});
afterAll(() => folder.remove());

/** What bash offers for the last of these words. */
function bashOffers(...words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const script = `source completion.bash
    COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; compopt() { :; }; _blockyard; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const offered = execFileSync('bash', ['--norc', '-c', script], { cwd: folder.path, encoding: 'utf8' });
  return offered.split('\n').filter((word) => word !== '');
}

function fishOffers(line: string): string[] {
  const script = `source completion.fish; complete -C ${JSON.stringify(line)}`;
  const offered = execFileSync('fish', ['--no-config', '-c', script], { cwd: folder.path, encoding: 'utf8' });
  return offered
    .split('\n')
    .map((each) => each.split('\t')[0] ?? '')
    .filter((word) => word !== '');
}

describe('bash completes', () => {
  test.each([
    [
      ['blockyard', 'snapsh'],
      ['snapshot', 'snapshots'],
    ],
    [
      ['blockyard', 'serve', '--tls-c'],
      ['--tls-cert', '--tls-ca'],
    ],
    [
      ['blockyard', 'serve', 'file:a', '--durability', ''],
      ['base', 'local'],
    ],
    [['blockyard', 'serve', '--durability', '=', 'lo'], ['local']],
    [['blockyard', 'serve', '--tier', 'ti'], ['tiers']],
    [
      ['blockyard', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    // What is a file is left to the shell.
    [['blockyard', 'serve', '--config', ''], []],
    [['blockyard', 'info', 'file:'], []],
    [['blockyard', 'nonsense', '--'], []],
  ])('%j', (words, offered) => {
    expect(bashOffers(...words)).toEqual(offered);
  });

  test('every command with all of its options', async () => {
    const { stdout } = await runHere(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name ?? '');
    expect(bashOffers('blockyard', '')).toEqual([...commands, '--help', '--version']);
    for (const command of commands) {
      const help = (await runHere([command, '--help'])).stdout;
      const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option);
      expect(bashOffers('blockyard', command, '--')).toEqual(options);
    }
  });
});

describe.skipIf(!havePrograms(['fish']))('fish completes', () => {
  test.each([
    ['blockyard snapsh', ['snapshot', 'snapshots']],
    ['blockyard serve file:a --durability ', ['base', 'local']],
    ['blockyard serve --tls-c', ['--tls-ca', '--tls-cert']],
    ['blockyard completion ', ['bash', 'fish', 'zsh']],
  ])('%s', (line, offered) => {
    expect(fishOffers(line).sort()).toEqual(offered);
  });
});

describe.skipIf(!havePrograms(['zsh']))('zsh completes', () => {
  test.each([
    ['blockyard snapsh\t', 'snapshot'],
    ['blockyard serve --durab\t', '--durability'],
    ['blockyard serve --durability lo\t', 'local'],
    ['blockyard completion fi\t', 'fish'],
  ])('%j', (typed, offered) => {
    // A shell at a terminal of its own, which is told to complete, and to show what the line has become.
    const script = `zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'PS1=; autoload -U compinit; compinit -u -D; source completion.zsh; path=(. $path)'
      zpty -w shell 'show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^G" show; print "rea""dy"'
      zpty -r -m shell out '*ready*'
      zpty -w -n shell $'${typed.replaceAll('\t', '\\t')}\\C-g'
      zpty -r -m shell out '*<*>*'
      print -r -- "$out"`;
    const shown = execFileSync('zsh', ['-f', '-c', script], { cwd: folder.path, encoding: 'utf8', timeout: 60_000 });
    expect(shown).toContain(offered);
  });
});

test('another shell is refused', async () => {
  expect(await runHere(['completion', 'csh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash, zsh, fish'),
  });
});

describe('the manual', () => {
  const path = fileURLToPath(new URL('../dist/blockyard.1', import.meta.url));

  test('has every command and option, and an example of each', async () => {
    const page = readFileSync(path, 'utf8').replaceAll('\\-', '-');
    const { stdout } = await runHere(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name ?? '');
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) {
      expect(page).toMatch(new RegExp(`^\\.SS "blockyard ${command} `, 'm'));
      expect(page).toMatch(new RegExp(`^(source <\\()?blockyard ${command}\\b`, 'm'));
      const help = (await runHere([command, '--help'])).stdout;
      for (const [, option] of help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
        expect(page).toContain(`\\fB${option}\\fR`);
    }
  });

  test.skipIf(!havePrograms(['groff']))('is set without a warning', async () => {
    const script = `groff -man -ww -z -Tutf8 '${path}' 2>&1; groff -man -ww -Tascii '${path}' | head -3`;
    expect(await runProgram('sh', '-c', script)).toMatch(/^BLOCKYARD\(1\) +User Commands +BLOCKYARD\(1\)\n/);
  });
});
