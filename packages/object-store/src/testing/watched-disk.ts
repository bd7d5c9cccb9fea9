import { relative } from 'node:path';
import { type Disk, systemDisk } from '../directory/disk.js';

/** The disk, with each call noted before it is made, so that a test can see their order, and make one fail. */
export class WatchedDisk implements Disk {
  readonly calls: string[] = [];
  /** Throws where a call is to fail. */
  onCall: (call: string) => void = () => {};
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  readonly open: Disk['open'] = async (path, flags) => {
    const file = await systemDisk.open(path, flags);
    const note = (call: string) => this.#note(call, path);
    return {
      ...file,
      write: (bytes, offset) => {
        note('write');
        return file.write(bytes, offset);
      },
      sync: () => {
        note('sync');
        return file.sync();
      },
    };
  };

  readonly link: Disk['link'] = async (path, newPath) => {
    this.#note('link', newPath);
    await systemDisk.link(path, newPath);
  };

  readonly rename: Disk['rename'] = async (path, newPath) => {
    this.#note('rename', newPath);
    await systemDisk.rename(path, newPath);
  };

  readonly unlink: Disk['unlink'] = async (path) => {
    this.#note('unlink', path);
    await systemDisk.unlink(path);
  };

  readonly mkdir: Disk['mkdir'] = async (path) => {
    this.#note('mkdir', path);
    await systemDisk.mkdir(path);
  };

  readonly readdir = systemDisk.readdir;
  readonly modifiedMs = systemDisk.modifiedMs;

  readonly syncDirectory: Disk['syncDirectory'] = async (path) => {
    this.#note('sync', path);
    await systemDisk.syncDirectory(path);
  };

  /** Names of objects that are being stored are random: `.new/*`. */
  #note(call: string, path: string): void {
    const name = relative(this.#root, path).replace(/^\.new\/.+/, '.new/*');
    const text = `${call} ${name === '' ? '.' : name}`;
    this.calls.push(text);
    this.onCall(text);
  }
}
