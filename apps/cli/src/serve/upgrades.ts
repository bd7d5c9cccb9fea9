import type { ChildProcess } from 'node:child_process';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import type { NbdServer } from '@blockyard/nbd';
import type { Context } from '../terminal/context.js';
import { messageOf } from '../terminal/failure.js';
import { ControlSocket, controlPathOf, type UpgradeReply, type UpgradeRequest } from './control.js';
import type { Ending } from './ending.js';
import type { ListenAddress } from './listen.js';
import { ownProgram, startSuccessor, tellServiceManager } from './successor.js';

const SIGNAL = 'SIGUSR2';

export interface Served {
  readonly server: NbdServer;
  /** Where clients were told to find it, as the operator said it. */
  readonly address: ListenAddress;
  /** Names the device, for another process. */
  readonly device: string;
  /** Opens the device again. */
  readonly reopen: () => Promise<BlockDevice>;
}

/** Hands a running server over to another process when it is asked to: over its control socket, or by a signal. */
export class Upgrades {
  readonly #context: Context;
  readonly #served: Served;
  readonly #ending: Ending;
  #control: ControlSocket | undefined;
  #isRunning = false;

  constructor(context: Context, served: Served, ending: Ending) {
    this.#context = context;
    this.#served = served;
    this.#ending = ending;
  }

  /** A server that cannot be asked serves all the same. */
  async begin(): Promise<void> {
    if (this.#served.server.fd === undefined) return;
    process.on(SIGNAL, this.#onSignal);
    try {
      this.#control = await ControlSocket.begin(controlPathOf(this.#served.address), (request) =>
        this.#answer(request),
      );
    } catch (error) {
      this.#context.log(`no control socket, upgrades are by ${SIGNAL} alone: ${JSON.stringify(messageOf(error))}`);
    }
  }

  end(): void {
    process.off(SIGNAL, this.#onSignal);
    this.#control?.end();
  }

  readonly #onSignal = (): void => {
    void this.#answer({ dryRun: false });
  };

  /** Never rejects. */
  async #answer({ program = ownProgram(), dryRun }: UpgradeRequest): Promise<UpgradeReply> {
    if (this.#isRunning) return { error: 'an upgrade is under way already' };
    this.#isRunning = true;
    try {
      const { server, device } = this.#served;
      if (server.fd === undefined) return { error: 'the server is at its end' };
      const successor = startSuccessor(program, server.fd, device);
      this.#context.log(`upgrade: process ${successor.pid} is started${dryRun ? ', to be tried out' : ''}`);
      return await this.#handOver(successor, dryRun);
    } catch (error) {
      this.#context.log(`upgrade failed: ${JSON.stringify(messageOf(error))}`);
      return { error: messageOf(error) };
    } finally {
      this.#isRunning = false;
    }
  }

  async #handOver(successor: ChildProcess, dryRun: boolean): Promise<UpgradeReply> {
    let lost: unknown;
    const reopen = async () => {
      try {
        return await this.#served.reopen();
      } catch (error) {
        lost = error;
        throw error;
      }
    };
    try {
      const { pausedMs } = await this.#served.server.handOver({ successor, reopen, dryRun });
      const { pid = 0 } = successor;
      if (!dryRun) await this.#ended(successor, pid);
      return { pid, pausedMs };
    } catch (error) {
      if (lost !== undefined) this.#ending.end({ why: 'stranded', error });
      // It tells its own error on the same output.
      if (isBlockError(error)) return { error: error.message };
      throw error;
    }
  }

  async #ended(successor: ChildProcess, pid: number): Promise<void> {
    // It lives longer than this one.
    successor.unref();
    await tellServiceManager(pid).catch((error: unknown) =>
      this.#context.log(`the service manager was not told: ${JSON.stringify(messageOf(error))}`),
    );
    this.#ending.end({ why: 'upgraded', pid });
  }
}
