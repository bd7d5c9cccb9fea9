import { describe, expect, test } from 'vitest';
import { WindowBorder } from './window-border.js';

/** A border of a thousand lines whose window has grown by so many. */
function border(windowMax: number): WindowBorder {
  const made = new WindowBorder(1000);
  for (let strides = 0; strides < 10; strides++) made.strideToLru();
  while (made.windowMax > windowMax) made.step(false, Math.min(16, made.windowMax - windowMax), 1);
  expect(made.windowMax).toBe(windowMax);
  return made;
}

test('the window begins with a tenth, and four fifths of the rest may be protected', () => {
  expect(new WindowBorder(1000)).toMatchObject({ windowMax: 100, protectedMax: 720 });
  expect(new WindowBorder(1001)).toMatchObject({ windowMax: 100, protectedMax: 720 });
  expect(new WindowBorder(1)).toMatchObject({ windowMax: 1, protectedMax: 0 });
});

test('where LRU is ahead the window grows by a tenth of all, to 97 in a hundred', () => {
  const made = new WindowBorder(1000);
  const sizes = Array.from({ length: 10 }, () => {
    made.strideToLru();
    return made.windowMax;
  });
  expect(sizes).toEqual([200, 300, 400, 500, 600, 700, 800, 900, 970, 970]);
});

test('ghosts leave the window two in a hundred, one line at least', () => {
  const [large, small] = [new WindowBorder(1000), new WindowBorder(20)];
  for (let hits = 0; hits < 200; hits++) for (const made of [large, small]) made.step(false, 0, 0);
  expect([large.windowMax, small.windowMax]).toEqual([20, 1]);
});

test('another capacity keeps the shares', () => {
  const made = border(450);
  made.setCapacity(2000);
  expect(made).toMatchObject({ windowMax: 900, protectedMax: 880 });
});

describe('when one side is much the denser, the border moves by a quarter of all', () => {
  const towardsWindow = (windowMax: number) => {
    const made = border(windowMax);
    made.strideToDenser(100, 10, 0, 1000);
    return made.windowMax;
  };
  const towardsMain = (windowMax: number) => {
    const made = border(windowMax);
    made.strideToDenser(0, 1000, 100, 10);
    return made.windowMax;
  };

  test('the window grows to nine tenths, and one that is larger stays as it is', () => {
    expect([100, 600, 700, 900, 950].map(towardsWindow)).toEqual([350, 850, 900, 900, 950]);
  });

  test('it shrinks to a fifth, and one that is smaller stays as it is', () => {
    expect([900, 500, 400, 200, 100].map(towardsMain)).toEqual([650, 250, 200, 200, 100]);
  });

  test('where neither is, it stays', () => {
    const made = border(500);
    made.strideToDenser(100, 1000, 100, 1000);
    expect(made.windowMax).toBe(500);
  });
});
