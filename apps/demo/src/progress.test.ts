import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Progress } from './progress.js';

/** What a stream gets that claims to be such a terminal. */
function written(looks: object): { progress: Progress; text: () => string } {
  const stream = Object.assign(new PassThrough(), looks);
  const progress = new Progress(stream);
  return { progress, text: () => String(stream.read() ?? '') };
}

test.each([
  ['no terminal', {}],
  ['a terminal that does not know its width', { isTTY: true, columns: 0 }],
])('On %s progress is plain lines, one per step and one per end', (_what, looks) => {
  const { progress, text } = written(looks);
  progress.begin('s3: input');
  progress.update('1 of 2');
  progress.update('2 of 2');
  progress.succeed('done');
  progress.begin('s3: workload');
  progress.stop();
  expect(text()).toBe('- s3: input\n✔ s3: input: done\n- s3: workload\n✖ s3: workload\n');
});

test('A step that is over ends nothing else', () => {
  const { progress, text } = written({});
  progress.begin('a');
  progress.fail('wrong');
  progress.stop();
  expect(text()).toBe('- a\n✖ a: wrong\n');
});
