import { randomBytes } from 'node:crypto';

const ID_BYTES = 16;
const ID_PATTERN = /^[0-9a-f]{32}$/;

/** 128 random bits as 32 hexadecimal digits: a stamp, or a part of one, that no one else has. */
export function newId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

/** Whether {@link newId} may have made it. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}
