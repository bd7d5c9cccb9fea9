import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLocalS3 } from '@blockyard/local-s3';
import { expect, test } from 'vitest';
import { makeProject, ROOT, run } from './run-program.js';

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');

/** Programs on the page: blocks of code whose first line is their name. */
const programs = [...readme.matchAll(/^```js\n\/\/ (\S+\.mjs)\n(.*?)^```$/gms)].map(([, name, code]) => ({
  name: name as string,
  code: code as string,
}));

test('The README has the three programs that it promises', () => {
  expect(programs.map(({ name }) => name)).toEqual(['pick-a-backend.mjs', 'cache-s3.mjs', 'write-a-backend.mjs']);
  expect(readme.match(/^```js$/gm)).toHaveLength(programs.length);
});

test.each(programs)('$name runs as it stands', async ({ name, code }) => {
  const [store, project] = await Promise.all([startLocalS3(), makeProject()]);
  try {
    await writeFile(join(project.directory, name), code);
    const ended = await run(process.execPath, [name], {
      cwd: project.directory,
      env: {
        S3_BUCKET: store.bucket,
        S3_ENDPOINT: store.endpoint,
        AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    });
    expect(ended.exitCode, ended.output).toBe(0);
    expect(ended.output).not.toBe('');
  } finally {
    await Promise.all([store.stop(), project.dispose()]);
  }
});
