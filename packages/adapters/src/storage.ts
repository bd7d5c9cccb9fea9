/** What a random-access-storage does, as far as a device over one needs it: any implementation of version 2 or 3 will do. */
export interface Storage {
  read(offset: number, size: number, callback: (error: Error | null, data?: Uint8Array) => void): void;
  write(offset: number, data: Uint8Array, callback: (error: Error | null) => void): void;
  truncate(offset: number, callback: (error: Error | null) => void): void;
  stat(callback: (error: Error | null, stat?: { readonly size: number }) => void): void;
  close(callback: (error: Error | null) => void): void;
}

/** What a device becomes: a storage that can also zero a part of itself. */
export interface DeviceStorage extends Storage {
  del(offset: number, size: number, callback: (error: Error | null) => void): void;
}

/** Calls a method of a storage that answers by a callback. */
export function answerOf<T>(
  call: (callback: (error: Error | null, value?: T) => void) => void,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null || error === undefined ? resolve(value) : reject(error)));
  });
}
