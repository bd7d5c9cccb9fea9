/** What this takes of a page, without the types of any platform. */
interface PageLike {
  readonly body: { append(element: FrameLike): void } | null;
  createElement(name: 'iframe'): FrameLike;
}

interface FrameLike {
  readonly contentWindow: { readonly Uint8Array: typeof Uint8Array } | null;
  remove(): void;
}

/** A module of Node's own, where there is a Node to give it: the kit imports none, so that it loads wherever devices run. */
export function nodeModule<T>(name: string): T | undefined {
  return globalThis.process?.getBuiltinModule?.(name) as T | undefined;
}

/** Node's own kind of byte array; undefined elsewhere. */
export function nodeBuffer(): typeof Buffer | undefined {
  return globalThis.Buffer;
}

/** Makes memory in another realm, as another window or a context of `node:vm` has it; undefined where there is one alone. */
export function otherRealm(): ((byteLength: number) => Uint8Array) | undefined {
  const vm = nodeModule<typeof import('node:vm')>('node:vm');
  if (vm !== undefined) return (byteLength) => vm.runInNewContext('new Uint8Array(byteLength)', { byteLength });
  const { document } = globalThis as { readonly document?: PageLike };
  return document === undefined ? undefined : (byteLength) => inFrame(document, byteLength);
}

function inFrame(page: PageLike, byteLength: number): Uint8Array {
  const frame = page.createElement('iframe');
  page.body?.append(frame);
  const Foreign = frame.contentWindow?.Uint8Array;
  if (Foreign === undefined) throw new Error('the page has no body for a frame');
  const bytes = new Foreign(byteLength);
  frame.remove();
  return bytes;
}
