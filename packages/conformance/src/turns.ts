/** Lets the event loop turn so many times: whatever can go on without anybody's help does. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
