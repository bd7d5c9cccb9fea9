import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const STEP_TIMEOUT_MS = 120_000;
const POLL_MS = 200;
/** The object store is in memory; this is what it claims to have. */
const CAPACITY_BYTES = 4 * 2 ** 30;
const LOG_CHARS_MAX = 2000;
const BUCKET = 'volumes';

/** Enters the private root with the work directory at its own path. The mounts are gone with the process. */
const ENTER = `root=$1; dir=$2; shift 2
mkdir -p "$root$dir" && mount --bind "$dir" "$root$dir" && mount --bind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
exec chroot "$root" "$@"`;

/** A monitor, an object store in memory and a gateway, as processes of this one. */
export class Cluster {
  #rootfs;
  #dir = mkdtempSync(join(tmpdir(), 'blockyard-ceph-'));
  #daemons = [];
  #credentials = {
    accessKeyId: `AK${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  #port;

  constructor(rootfs) {
    this.#rootfs = rootfs;
  }

  async start() {
    this.#port = await freePort();
    const fsid = randomUUID();
    const osdId = randomUUID();
    // An address of the loopback network of its own: the daemons' ports are fixed.
    const address = `127.77.${this.#port >> 8}.${this.#port & 255 || 1}`;
    mkdirSync(this.#path('mon'));
    mkdirSync(this.#path('osd'));
    writeFileSync(this.#path('ceph.conf'), this.#config(fsid, address));
    await this.#run(
      'monmaptool',
      '--create',
      '--fsid',
      fsid,
      '--addv',
      'a',
      `[v2:${address}:3300]`,
      this.#path('monmap'),
    );
    await this.#run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', this.#path('monmap'));
    this.#spawn('ceph-mon', '-f', '-i', 'a');
    await this.#run('ceph', 'osd', 'new', osdId);
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdId);
    this.#spawn('ceph-osd', '-f', '-i', '0');
    await this.#until(async () => JSON.parse(await this.#run('ceph', 'osd', 'stat', '-f', 'json')).num_up_osds === 1);
    await this.#run('ceph', 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=localhost');
    const { accessKeyId, secretAccessKey } = this.#credentials;
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
    await this.#run('radosgw-admin', 'user', 'create', '--uid', 'tests', '--display-name', 'tests', ...keys);
    this.#spawn('radosgw', '-f', '-n', 'client.rgw');
    await this.#until(() => isListening(this.#port));
  }

  /** What the tests take their store from. */
  get environment() {
    return {
      S3_ENDPOINT: `http://127.0.0.1:${this.#port}`,
      S3_REGION: 'us-east-1',
      S3_ACCESS_KEY_ID: this.#credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: this.#credentials.secretAccessKey,
      S3_BUCKET: BUCKET,
    };
  }

  async version() {
    return (await this.#run('radosgw', '--version')).trim();
  }

  /** Ends the daemons, the gateway first, and removes what they kept. */
  async stop() {
    for (const daemon of this.#daemons.splice(0).reverse()) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      daemon.kill('SIGKILL');
      await once(daemon, 'exit');
    }
    rmSync(this.#dir, { recursive: true, force: true });
    rmSync(join(this.#rootfs, this.#dir), { recursive: true, force: true });
  }

  #path(name) {
    return join(this.#dir, name);
  }

  #entering(command) {
    const [program, ...rest] = command;
    const config = program === 'monmaptool' ? [] : ['-c', this.#path('ceph.conf')];
    const enter = ['--mount', '--propagation', 'private', '/bin/sh', '-c', ENTER, 'sh'];
    return [...enter, this.#rootfs, this.#dir, program, ...config, ...rest];
  }

  async #run(...command) {
    const options = { timeout: STEP_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
    const { stdout } = await execute('unshare', this.#entering(command), options);
    return stdout;
  }

  #spawn(...command) {
    const daemon = spawn('unshare', this.#entering(command), {
      stdio: 'ignore',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    this.#daemons.push(daemon);
  }

  async #until(isSo) {
    const deadline = Date.now() + STEP_TIMEOUT_MS;
    while (!(await isSo())) {
      const dead = this.#daemons.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
      if (dead !== undefined) throw new Error(`a daemon ended: ${dead.spawnargs.join(' ')}\n${this.#logs()}`);
      if (Date.now() > deadline) throw new Error(`not ready after ${STEP_TIMEOUT_MS} ms\n${this.#logs()}`);
      await delay(POLL_MS);
    }
  }

  #logs() {
    return ['mon.a', 'osd.0', 'client.rgw'].map((name) => lastOf(this.#path(`${name}.log`))).join('\n');
  }

  #config(fsid, address) {
    return `[global]
fsid = ${fsid}
mon host = v2:${address}:3300/0
public addr = ${address}
cluster addr = ${address}
ms bind msgr1 = false
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
run dir = ${this.#dir}
admin socket = ${this.#dir}/$type.$id.asok
pid file = ${this.#dir}/$type.$id.pid
crash dir = ${this.#dir}
log file = ${this.#dir}/$type.$id.log
log to stderr = false
mon cluster log to file = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 2000
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 0
[mon.a]
mon data = ${this.#path('mon')}
[osd.0]
osd data = ${this.#path('osd')}
osd objectstore = memstore
memstore device bytes = ${CAPACITY_BYTES}
osd class update on start = false
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${this.#port} tcp_nodelay=1
rgw enable apis = s3, admin
`;
  }
}

/** What a log ends with, if there is one. */
function lastOf(path) {
  return existsSync(path) ? `${path}:\n${readFileSync(path, 'utf8').slice(-LOG_CHARS_MAX)}` : `${path}: not there`;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

async function isListening(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
