/** What a random-access-storage does, as far as a device over one needs it: any implementation of version 2 or 3 will do. */
export interface Storage {
  /** Gives `size` bytes from `offset` on. Fails where the storage ends before. */
  read(offset: number, size: number, callback: (error: Error | null, data?: Uint8Array) => void): void;
  /** Writes bytes from `offset` on, and lengthens the storage if it has to. */
  write(offset: number, data: Uint8Array, callback: (error: Error | null) => void): void;
  /** Makes the storage `offset` bytes long. */
  truncate(offset: number, callback: (error: Error | null) => void): void;
  /** Tells how many bytes there are. */
  stat(callback: (error: Error | null, stat?: { readonly size: number }) => void): void;
  /** Ends the storage. */
  close(callback: (error: Error | null) => void): void;
}

/** What a device becomes: a storage that can also zero a part of itself. */
export interface DeviceStorage extends Storage {
  /** Makes zeroes of `size` bytes from `offset` on. */
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
