import { BlockError } from '@blockyard/block';
import { fromDomError } from '../file/dom-error.js';
import type { OpfsDriver } from '../file/driver.js';
import { connectVolume, createVolume, deleteVolume, listVolumes } from '../file/folder.js';
import { checkConnectOptions, checkCreateOptions, checkFolderOptions, checkVolumeOptions } from '../file/options.js';
import { type Call, type DeviceCall, isMessage, PROTOCOL, type Reply, type Request, type Result } from './messages.js';

/** What this takes of a worker's own scope. */
export interface WorkerScope {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  postMessage(message: Reply, transfer: ArrayBuffer[]): void;
}

/** Serves the volumes of the origin to the page that started this worker, call after call, until the worker ends. */
export function serveOpfs(scope: WorkerScope): void {
  const host = new Host();
  let last = Promise.resolve();
  scope.addEventListener('message', ({ data }) => {
    if (!isMessage(data)) return;
    const request = data as Request;
    last = last.then(async () => {
      const reply = await host.answer(request);
      scope.postMessage(reply, 'result' in reply && reply.result instanceof ArrayBuffer ? [reply.result] : []);
    });
  });
}

class Host {
  readonly #drivers = new Map<number, OpfsDriver>();
  #devices = 0;

  /** Never rejects: what fails is an answer, too. */
  async answer({ id, call }: Request): Promise<Reply> {
    try {
      return { protocol: PROTOCOL, id, result: await this.#carryOut(call) };
    } catch (error) {
      const { code, message, retryable } = fromDomError(error, call.kind);
      return { protocol: PROTOCOL, id, error: { code, message, retryable } };
    }
  }

  #carryOut(call: Call): Result | Promise<Result> {
    switch (call.kind) {
      case 'create':
        return createVolume(checkCreateOptions(call.options)).then(() => undefined);
      case 'connect':
        return connectVolume(checkConnectOptions(call.options)).then((driver) => this.#opened(driver));
      case 'list':
        return listVolumes(checkFolderOptions(call.options));
      case 'delete':
        return deleteVolume(checkVolumeOptions(call.options)).then(() => undefined);
      case 'device':
        return this.#operate(call.device, call.operation);
    }
  }

  #opened(driver: OpfsDriver): Result {
    this.#devices++;
    const device = this.#devices;
    this.#drivers.set(device, driver);
    const { name, sectorSize, sizeSectors, readOnly } = driver;
    return { device, name, sectorSize, sizeSectors, readOnly };
  }

  #operate(device: number, call: DeviceCall): Result {
    const driver = this.#drivers.get(device);
    if (driver === undefined) throw new BlockError('DISCONNECTED', 'the device was disconnected');
    switch (call.kind) {
      case 'read': {
        const bytes = new ArrayBuffer(call.count * driver.sectorSize);
        driver.read(call.start, [new Uint8Array(bytes)]);
        return bytes;
      }
      case 'extents':
        return driver.extents(call.start, call.count);
      case 'write':
        driver.write(call.start, [new Uint8Array(call.bytes)]);
        return undefined;
      case 'discard':
      case 'writeZeroes':
        driver[call.kind](call.start, call.count);
        return undefined;
      case 'resize':
        driver.resize(call.sizeSectors);
        return undefined;
      case 'flush':
        driver.flush();
        return undefined;
      case 'disconnect':
        driver.disconnect();
        this.#drivers.delete(device);
        return undefined;
    }
  }
}
