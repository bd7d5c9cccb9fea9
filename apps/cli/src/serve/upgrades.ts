import type { ChildProcess } from 'node:child_process';
import type { BlockDevice } from '@blockyard/block';
import { type ApiRequest, checkFields, flagField, json, RequestError, type Route } from '@blockyard/http-api';
import type { HandOverStep, NbdServer } from '@blockyard/nbd';
import type { ListenAddress } from '../arguments/listen.js';
import type { Context } from '../terminal/context.js';
import { messageOf } from '../terminal/failure.js';
import { deviceNameOf } from './config/device-name.js';
import type { ControlSocket } from './control.js';
import type { Ending } from './ending.js';
import type { InheritedHttp } from './http/inherited.js';
import { tellMainProcess } from './service-manager.js';
import { UpgradeRecord, type UpgradeStatus } from './status/upgrade-status.js';
import { type Inheritance, ownProgram, type Program, startSuccessor } from './successor.js';
import { identityOf } from './volumes/identity.js';
import type { Volume } from './volumes/volume.js';
import type { Volumes } from './volumes/volumes.js';

export const UPGRADE_SIGNAL = 'SIGUSR2';
export const UPGRADE_PATH = '/v1/upgrade';

/** What a running server can be asked for. */
export interface UpgradeRequest {
  /** What is to take over; left out: what the server itself was started with. */
  readonly program?: Program;
  /** Only try it out. */
  readonly dryRun: boolean;
}

/** Who serves now, and how long clients waited; of a trial, who would. */
export interface Upgraded {
  readonly pid: number;
  readonly pausedMs: number;
}

export interface Served {
  readonly server: NbdServer;
  /** Where clients were told to find it, as the operator said it. */
  readonly address: ListenAddress;
  /** Names the devices that are served, for another process, by export. */
  readonly devices: () => Pick<Inheritance, 'devices' | 'ids'>;
  /** Opens the device of an export again. */
  readonly reopen: (exportName: string) => Promise<BlockDevice>;
  /** Does what clients would have to wait for otherwise. */
  readonly prepareToLeave: () => Promise<unknown>;
  /** It goes on here. */
  readonly stay: () => void;
  /** Whether nothing is to be opened here meanwhile. */
  readonly hold: (isHeld: boolean) => void;
}

/** What an upgrade has to know of a server: its operator said `nbd`, whatever port the system has chosen. */
export function servedOf(server: NbdServer, volumes: Volumes, nbd: ListenAddress): Served {
  const address = 'port' in server.address && 'host' in nbd ? { host: nbd.host, port: server.address.port } : nbd;
  return {
    server,
    address,
    devices: () => ({
      devices: Object.fromEntries(volumes.served().map(({ name, uri }) => [name, deviceNameOf(uri)])),
      ids: idsOf(volumes.served()),
    }),
    reopen: async (exportName) => {
      const volume = volumes.find(exportName);
      if (volume === undefined) throw new Error('an export has a volume');
      return volume.follow(await volume.reconnect());
    },
    prepareToLeave: () => Promise.all(volumes.served().map(({ device }) => device.prepareToLeave?.())),
    stay: () => {
      for (const { device } of volumes.served()) device.stay?.();
    },
    hold: (isHeld) => volumes.hold(isHeld),
  };
}

/** Hands a running server over to another process when it is asked to: over its control socket, or by a signal. */
export class Upgrades {
  readonly #context: Context;
  readonly #served: Served;
  readonly #ending: Ending;
  #control: ControlSocket | undefined;
  #http: () => readonly InheritedHttp[] = () => [];
  readonly #record = new UpgradeRecord();

  constructor(context: Context, served: Served, ending: Ending) {
    this.#context = context;
    this.#served = served;
    this.#ending = ending;
  }

  /** Follows the signal, where a server can be handed over at all. */
  begin(): void {
    if (this.#served.server.fd !== undefined) process.on(UPGRADE_SIGNAL, this.#onSignal);
  }

  /** What it is asked over, and who watches it. Their sockets are handed over too. */
  askedOver(
    control: ControlSocket | undefined,
    others: () => readonly ({ readonly inheritance: InheritedHttp | undefined } | undefined)[],
  ): void {
    this.#control = control;
    this.#http = () => others().flatMap((each) => each?.inheritance ?? []);
  }

  end(): void {
    process.off(UPGRADE_SIGNAL, this.#onSignal);
  }

  status(): UpgradeStatus {
    return this.#record.status();
  }

  readonly route: Route = {
    method: 'POST',
    path: UPGRADE_PATH,
    answer: async ({ body }) => json(await this.#upgrade(requestIn(body))),
  };

  readonly #onSignal = (): void => {
    this.#upgrade({ dryRun: false }).catch(() => {});
  };

  /** Rejects with a `RequestError`, which is in the log as well. */
  async #upgrade({ program = ownProgram(), dryRun }: UpgradeRequest): Promise<Upgraded> {
    if (this.#record.isUnderWay) throw failed('an upgrade is under way already');
    this.#record.begin(dryRun);
    try {
      const { server, devices, address } = this.#served;
      if (server.fd === undefined) throw failed('the server is at its end, or has no socket that can be handed over');
      const control = this.#control?.inheritance;
      const http = this.#http();
      const successor = startSuccessor(program, { fd: server.fd, ...devices(), address, control, http });
      this.#record.started(successor.pid);
      this.#context.log(`upgrade: process ${successor.pid} is started${dryRun ? ', to be tried out' : ''}`);
      return await this.#handOver(successor, dryRun);
    } catch (error) {
      // A successor that failed may be ended before it has told its own error.
      this.#record.failed(messageOf(error));
      this.#context.log(`upgrade failed: ${JSON.stringify(messageOf(error))}`);
      throw error instanceof RequestError ? error : failed(messageOf(error));
    } finally {
      this.#record.end();
    }
  }

  async #handOver(successor: ChildProcess, dryRun: boolean): Promise<Upgraded> {
    const { hold, prepareToLeave, stay } = this.#served;
    let lost: unknown;
    const reopen = async (exportName: string) => {
      try {
        return await this.#served.reopen(exportName);
      } catch (error) {
        lost = error;
        throw error;
      }
    };
    try {
      hold(true);
      let rounds = 0;
      const prepare = async () => {
        rounds++;
        const beginMs = performance.now();
        await prepareToLeave();
        const tookMs = Math.round(performance.now() - beginMs);
        this.#context.log(`upgrade: prepared in ${tookMs} ms (round ${rounds}); clients are served meanwhile`);
      };
      const onStep = (step: HandOverStep) => this.#record.step(step);
      const { pausedMs } = await this.#served.server.handOver({ successor, reopen, prepare, onStep, dryRun });
      const { pid = 0 } = successor;
      if (!dryRun) this.#context.log(`upgrade: clients waited for ${Math.round(pausedMs)} ms`);
      if (dryRun) hold(false);
      else await this.#ended(successor, pid);
      return { pid, pausedMs };
    } catch (error) {
      stay();
      hold(false);
      if (lost === undefined) throw error;
      this.#ending.end({ why: 'stranded', error });
      throw failed(messageOf(error), 'the old server has ended, too: start it again');
    }
  }

  async #ended(successor: ChildProcess, pid: number): Promise<void> {
    // It lives longer than this one.
    successor.unref();
    this.#control?.leave();
    await tellMainProcess(pid).catch((error: unknown) =>
      this.#context.log(`the service manager was not told: ${JSON.stringify(messageOf(error))}`),
    );
    this.#ending.end({ why: 'upgraded', pid });
  }
}

function idsOf(served: readonly Volume[]): Readonly<Record<string, string>> {
  const ids = served.map(({ name, device }) => [name, identityOf(device)] as const);
  return Object.fromEntries(ids.flatMap(([name, id]) => (id === undefined ? [] : [[name, id]])));
}

function failed(message: string, hint = 'the old server goes on; its log may say more'): RequestError {
  return new RequestError('UPGRADE_FAILED', message, hint);
}

function requestIn(body: ApiRequest['body']): UpgradeRequest {
  checkFields(body, ['program', 'dryRun']);
  const { program } = body;
  const dryRun = flagField(body, 'dryRun');
  if (program === undefined) return { dryRun };
  if (isProgram(program)) return { program, dryRun };
  throw new RequestError('BAD_REQUEST', 'program must be { file, args, folder }');
}

function isProgram(value: unknown): value is Program {
  if (typeof value !== 'object' || value === null) return false;
  const { file, args, folder } = value as Partial<Record<keyof Program, unknown>>;
  const isText = (each: unknown) => typeof each === 'string';
  return isText(file) && isText(folder) && Array.isArray(args) && args.every(isText);
}
