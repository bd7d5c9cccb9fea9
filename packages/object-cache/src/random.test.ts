import { isBlockError } from '@blockyard/block';
import { type ObjectStore, readInto } from '@blockyard/object-store';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CachedObjectStore, connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { bodyOf, KIB, Scene, VOLUME } from './testing/scene.js';

/** Keys are used once: that is what a scope promises. `number` counts on when one is deleted. */
type Step =
  | { readonly kind: 'put'; readonly key: number; readonly sizeBytes: number }
  | { readonly kind: 'get'; readonly key: number; readonly offset: number; readonly lengthBytes: number }
  | { readonly kind: 'delete'; readonly key: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'damage'; readonly at: number };

const key = fc.nat({ max: 11 });
const size = fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 40 * KIB }));
const place = fc.oneof(fc.constant(0), fc.constant(4 * KIB), fc.nat({ max: 40 * KIB }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, sizeBytes: size }) },
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant('get' as const),
      key,
      offset: place,
      lengthBytes: size.map((n) => n + 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('idle' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('damage' as const), at: fc.nat({ max: 512 * KIB - 200 * KIB - 1 }) }),
  },
);

/** What a GET is seen to do. */
async function look(store: ObjectStore, name: string, offset: number, lengthBytes: number): Promise<unknown> {
  const target = new Uint8Array(lengthBytes);
  const found = await readInto(store, name, [target], offset);
  return { found, bytes: Buffer.from(target).toString('base64') };
}

class Run {
  readonly #scene = new Scene(new Disk(512 * KIB, 512));
  readonly #generation = new Map<number, number>();
  #stamps = 0;
  #cache: CachedObjectStore | undefined;

  async carryOut(each: Step): Promise<void> {
    const cache = this.#cache ?? (await this.#open());
    switch (each.kind) {
      case 'put': {
        const name = this.#nameOf(each.key);
        await cache.put(name, bodyOf(name, each.sizeBytes), 'absent', `stamp ${this.#stamps++}`);
        return;
      }
      case 'get': {
        const name = this.#nameOf(each.key);
        const seen = await look(cache, name, each.offset, each.lengthBytes);
        expect(seen).toEqual(await look(this.#scene.plain, name, each.offset, each.lengthBytes));
        return;
      }
      case 'delete':
        await cache.delete([{ key: this.#nameOf(each.key) }]);
        this.#generation.set(each.key, (this.#generation.get(each.key) ?? 0) + 1);
        return;
      case 'restart':
        return this.end();
      case 'idle':
        return cache.idle();
      case 'damage':
        this.#scene.disk.bytes[200 * KIB + each.at] = 0x5a;
    }
  }

  async end(): Promise<void> {
    this.#cache?.close();
    await this.#cache?.ended;
    this.#cache = undefined;
  }

  async #open(): Promise<CachedObjectStore> {
    const { plain: store, disk } = this.#scene;
    const shape = { maxPartBytes: 4 * KIB, maxRegionBytes: 32 * KIB };
    this.#cache = await connectObjectCache({ store, medium: disk.open(), scopes: [VOLUME], ...shape });
    return this.#cache;
  }

  #nameOf(number: number): string {
    return `a/log/${number}-${this.#generation.get(number) ?? 0}`;
  }
}

test('Random operations, restarts and damage: a caller sees what it sees of the plain store', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 120 }), async (steps) => {
      const run = new Run();
      for (const each of steps) await run.carryOut(each);
      await run.end();
    }),
    { numRuns: 150 },
  );
}, 240_000);

test('Random operations at once: each is as of the plain store, or of a moment while it was under way', async () => {
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(batches, async (all) => {
      const scene = new Scene(new Disk(512 * KIB, 512));
      const shape = { maxPartBytes: 4 * KIB, maxRegionBytes: 32 * KIB };
      const cache = await connectObjectCache({
        store: scene.plain,
        medium: scene.disk.open(),
        scopes: [VOLUME],
        ...shape,
      });
      for (const [round, batch] of all.entries()) {
        await Promise.all(batch.map((each, i) => atOnce(cache, each, `${round} ${i}`)));
      }
      cache.close();
      await cache.ended;
    }),
    { numRuns: 100 },
  );
}, 240_000);

/** Bodies tell their key, so what is read is either all there or not there. */
async function atOnce(cache: CachedObjectStore, each: Step, stamp: string): Promise<void> {
  if (each.kind === 'put') {
    const name = `a/log/${each.key}`;
    const result = await cache.put(name, bodyOf(name, 20 * KIB), 'absent', stamp);
    expect(result.kind).toMatch(/stored|lost/);
  } else if (each.kind === 'delete') {
    await cache.delete([{ key: `a/log/${each.key}` }]);
  } else if (each.kind === 'get' && each.offset < 20 * KIB) {
    const name = `a/log/${each.key}`;
    const target = new Uint8Array(each.lengthBytes);
    const found = await readInto(cache, name, [target], each.offset);
    expect(isBlockError(found)).toBe(false);
    if (typeof found !== 'object') return;
    const expected = bodyOf(name, 20 * KIB).subarray(each.offset, each.offset + each.lengthBytes);
    expect(Buffer.compare(target.subarray(0, expected.byteLength), expected)).toBe(0);
  }
}
