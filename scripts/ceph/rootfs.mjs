import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The Debian suite that has each release of Ceph, and what the release does not do. */
export const RELEASES = {
  16: { suite: 'bookworm', conditionalDeletes: false },
  18: { suite: 'trixie', conditionalDeletes: false },
  20: { suite: 'sid', conditionalDeletes: true },
};

const PACKAGES = 'ceph-mon,ceph-osd,radosgw,ceph-common';
const MIRROR = 'http://deb.debian.org/debian';

/**
 * Directory with a Debian that has Ceph in it, and nothing to do with the Debian of this machine. Made at the first call: some
 * 170 MB are fetched, some 650 MB kept.
 */
export function installRootfs(cacheDir, suite) {
  const rootfs = join(cacheDir, suite);
  if (existsSync(rootfs)) return rootfs;
  requireMmdebstrap();
  console.log(`ceph: making a private Debian ${suite} with Ceph in ${rootfs}; this takes minutes`);
  mkdirSync(cacheDir, { recursive: true });
  // Another run may be making one too: the first to be finished counts.
  const unfinished = mkdtempSync(`${rootfs}-`);
  const options = [
    '--quiet',
    '--mode=root',
    '--variant=apt',
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    `--include=${PACKAGES}`,
  ];
  const made = spawnSync('mmdebstrap', [...options, suite, unfinished, MIRROR], { stdio: 'inherit' });
  if (made.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`mmdebstrap could not make a Debian ${suite} with Ceph`);
  }
  if (existsSync(rootfs)) rmSync(unfinished, { recursive: true, force: true });
  else renameSync(unfinished, rootfs);
  return rootfs;
}

function requireMmdebstrap() {
  if (spawnSync('mmdebstrap', ['--version']).status === 0) return;
  console.log('ceph: installing mmdebstrap');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['install', '--quiet=2', '--yes', '--no-install-recommends', 'mmdebstrap'];
  const installed = spawnSync('apt-get', options, { stdio: 'inherit', env: environment });
  if (installed.status !== 0) throw new Error('mmdebstrap is needed: apt-get install mmdebstrap');
}
