import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { viewOf } from './bytes.js';
import { Inbound, type Parser } from './inbound.js';

/**
 * Messages of a toy protocol: a header of eight bytes (length of the payload, length to be dropped behind it), a payload, and
 * what is dropped.
 */
class Toy implements Parser {
  readonly inbound = new Inbound(this);
  readonly payloads: Buffer[] = [];
  /** Called with each header. */
  onHeader: () => void = () => {};
  /** Whether the next header may be taken. If not, it has held the inbound. */
  mayTake: () => boolean = () => true;
  #payload = Buffer.alloc(0);
  #dropBytes = 0;

  parse(inbound: Inbound): boolean {
    if (inbound.availableBytes < 8 || !this.mayTake()) return false;
    this.#payload = Buffer.alloc(inbound.view.getUint32(inbound.at));
    this.#dropBytes = inbound.view.getUint32(inbound.at + 4);
    inbound.at += 8;
    inbound.readInto(this.#payload);
    this.onHeader();
    return true;
  }

  filled(): void {
    this.payloads.push(this.#payload);
    this.inbound.skip(this.#dropBytes);
  }

  /** As a socket does it that lets its bytes be placed. */
  land(bytes: Uint8Array): boolean {
    let goOn = true;
    for (let at = 0; at < bytes.byteLength; ) {
      const landing = this.inbound.landing();
      const take = Math.min(landing.byteLength, bytes.byteLength - at);
      landing.set(bytes.subarray(at, at + take));
      goOn = this.inbound.landed(take, landing);
      at += take;
    }
    return goOn;
  }

  /** As a socket does it that brings chunks of its own. */
  receive(bytes: Uint8Array): boolean {
    const chunk = Uint8Array.from(bytes);
    return this.inbound.receive(chunk, viewOf(chunk), 0, chunk.byteLength);
  }
}

const message = (payload: Uint8Array, dropBytes: number) => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(payload.byteLength, 0);
  header.writeUInt32BE(dropBytes, 4);
  return Buffer.concat([header, payload, Buffer.alloc(dropBytes, 0xaa)]);
};

const payloads = fc.array(
  fc.record({
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 70_000 }).map((n) => new Uint8Array(n).fill(n)),
    ),
    dropBytes: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(100_000)),
  }),
  { maxLength: 12 },
);
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 90_000 })), {
  minLength: 1,
  maxLength: 30,
});

const pieces = (whole: Buffer, lengths: readonly number[]) => {
  const found: Buffer[] = [];
  for (let at = 0, i = 0; at < whole.byteLength; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    found.push(whole.subarray(at, at + length));
    at += length;
  }
  return found;
};

describe.each(['land', 'receive'] as const)('bytes that %s', (how) => {
  test('come out as the messages that went in, wherever they are cut', () => {
    fc.assert(
      fc.property(payloads, cuts, (messages, lengths) => {
        const toy = new Toy();
        const whole = Buffer.concat(messages.map(({ bytes, dropBytes }) => message(bytes, dropBytes)));
        for (const piece of pieces(whole, lengths)) assert.equal(toy[how](piece), true);
        assert.deepEqual(
          toy.payloads,
          messages.map(({ bytes }) => Buffer.from(bytes)),
        );
        assert.equal(toy.inbound.receivedBytes, whole.byteLength);
        assert.equal(toy.inbound.availableBytes, 0);
      }),
    );
  });

  test('come out as well when every message is held up, and only one after the other', () => {
    fc.assert(
      fc.property(payloads, cuts, (messages, lengths) => {
        const toy = new Toy();
        let headers = 0;
        toy.onHeader = () => {
          headers++;
          toy.inbound.hold();
        };
        const whole = Buffer.concat(messages.map(({ bytes, dropBytes }) => message(bytes, dropBytes)));
        for (const piece of pieces(whole, lengths)) {
          let goOn = toy[how](piece);
          while (!goOn) {
            const before = headers;
            goOn = toy.inbound.resume();
            assert.ok(headers <= before + 1);
          }
        }
        assert.deepEqual(
          toy.payloads,
          messages.map(({ bytes }) => Buffer.from(bytes)),
        );
      }),
    );
  });
});

describe.each(['land', 'receive'] as const)('headers that cannot be taken yet, with bytes that %s,', (how) => {
  test('are taken later, and whole, wherever they were cut', () => {
    fc.assert(
      fc.property(payloads, cuts, fc.array(fc.boolean(), { minLength: 1 }), (messages, lengths, refusals) => {
        const toy = new Toy();
        let asked = 0;
        let refused = false;
        toy.mayTake = () => {
          // No header is refused twice in a row, or nothing would ever end.
          refused = !refused && refusals[asked++ % refusals.length] === true;
          if (refused) toy.inbound.hold();
          return !refused;
        };
        const whole = Buffer.concat(messages.map(({ bytes, dropBytes }) => message(bytes, dropBytes)));
        for (const piece of pieces(whole, lengths)) {
          let goOn = toy[how](piece);
          while (!goOn) goOn = toy.inbound.resume();
        }
        assert.deepEqual(
          toy.payloads,
          messages.map(({ bytes }) => Buffer.from(bytes)),
        );
      }),
      { numRuns: 300 },
    );
  });
});

test('a header that came in two parts and has to wait takes nothing that came behind it along', () => {
  const toy = new Toy();
  let free = false;
  toy.mayTake = () => {
    if (!free) toy.inbound.hold();
    return free;
  };
  const texts = [
    'one',
    'two',
    'three',
    'a payload that is longer than what is kept of a header, so that it lies behind',
  ];
  const whole = Buffer.concat(texts.map((text) => message(Buffer.from(text), 1)));
  assert.equal(toy.receive(whole.subarray(0, 5)), true);
  assert.equal(toy.receive(whole.subarray(5)), false);
  free = true;
  assert.equal(toy.inbound.resume(), true);
  assert.deepEqual(toy.payloads.map(String), texts);
});

test('what arrives although it is held is kept, behind what was there', () => {
  const toy = new Toy();
  const whole = message(Buffer.from('payload'), 0);
  assert.equal(toy.receive(whole.subarray(0, 5)), true);
  toy.inbound.hold();
  assert.equal(toy.receive(whole.subarray(5)), false);
  assert.deepEqual(toy.payloads, []);
  assert.equal(toy.inbound.resume(), true);
  assert.deepEqual(toy.payloads, [Buffer.from('payload')]);
});

test('a large payload is read into its place, not copied there', () => {
  const toy = new Toy();
  toy.land(message(Buffer.alloc(100_000), 0).subarray(0, 20));
  assert.equal(toy.inbound.midMessage, true);
  const landing = toy.inbound.landing();
  assert.equal(landing.byteLength, 100_000 - 12);
  landing.fill(7);
  assert.equal(toy.inbound.landed(landing.byteLength, landing), true);
  assert.ok(toy.payloads[0]?.subarray(12).every((byte) => byte === 7));
});

test('what is dropped is never parsed', () => {
  const toy = new Toy();
  toy.onHeader = () => toy.inbound.hold();
  toy.receive(Buffer.concat([message(new Uint8Array(0), 0), message(Buffer.from('secret'), 0)]));
  toy.inbound.drop();
  assert.equal(toy.inbound.resume(), true);
  assert.equal(toy.payloads.length, 1);
});
