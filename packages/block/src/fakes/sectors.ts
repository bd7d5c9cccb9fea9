/** `count` sectors that hold `byte` everywhere. */
export function sectorsOf(byte: number, count: number, sectorSize = 512): Uint8Array {
  return new Uint8Array(count * sectorSize).fill(byte);
}

/** Whether two arrays are the same, byte for byte. What test runners bring takes seconds over many thousands of elements. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
