/** As much of random-access-storage 3, which has no types, as is used here. */
declare module 'random-access-storage' {
  export type Callback<T = void> = (error: Error | null, value?: T) => void;

  export interface Request {
    readonly offset: number;
    readonly size: number;
    readonly data: Uint8Array | null;
    callback(error: Error | null, value?: unknown): void;
  }

  export interface Methods {
    read?(request: Request): void;
    write?(request: Request): void;
    del?(request: Request): void;
    truncate?(request: Request): void;
    stat?(request: Request): void;
    close?(request: Request): void;
  }

  class RandomAccessStorage {
    constructor(methods?: Methods);
    read(offset: number, size: number, callback: Callback<Uint8Array>): void;
    write(offset: number, data: Uint8Array, callback?: Callback): void;
    del(offset: number, size: number, callback?: Callback): void;
    truncate(offset: number, callback?: Callback): void;
    stat(callback: Callback<{ readonly size: number }>): void;
    close(callback?: Callback): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package has one
  export { RandomAccessStorage as default };
}
