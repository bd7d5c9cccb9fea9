// Tests the S3 store and backend on Ceph: `npm run test:ceph`, or `npm run test:ceph -- --release 16 -- src/volume.test.ts`.
//
// Installs Ceph into a private root file system (once), starts a small cluster with its data in memory, runs the tests against its
// gateway, and stops it. Needs root, for the private root and its mounts, and Debian's mmdebstrap.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cluster } from './cluster.mjs';
import { installRootfs, RELEASES } from './rootfs.mjs';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** The packages whose tests talk to a store. */
const PACKAGES = ['object-store-s3', 'backend-s3'].map((name) => new URL(`../../packages/${name}/`, import.meta.url));
const fromPackage = createRequire(new URL('package.json', PACKAGES[0]));
const { CreateBucketCommand, S3Client } = fromPackage('@aws-sdk/client-s3');

const USAGE = 'usage: npm run test:ceph -- [--release 16|18|20] [--cache DIR] [-- arguments of vitest]';
const OPTIONS = /** @type {const} */ ({
  release: { type: 'string', default: '20' },
  cache: { type: 'string', default: '/var/cache/blockyard-ceph' },
});

async function main() {
  const { values, positionals } = readArguments();
  if (values === undefined) return fail(USAGE);
  const release = RELEASES[values.release];
  if (release === undefined) {
    return fail(`--release is one of ${Object.keys(RELEASES).join(', ')}, not ${values.release}`);
  }
  if (process.getuid?.() !== 0) return fail('needs root: Ceph runs in a root file system of its own');
  const cluster = new Cluster(installRootfs(values.cache, release.suite));
  // The tests get the signal too, and end; then so does the cluster.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  try {
    await cluster.start();
    console.log(`ceph: ${await cluster.version()}`);
    await makeBucket(cluster.environment);
    process.exitCode = await runTests(positionals, {
      ...cluster.environment,
      S3_CONDITIONAL_DELETES: String(release.conditionalDeletes),
    });
  } finally {
    await cluster.stop();
  }
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch {
    return {};
  }
}

async function makeBucket(environment) {
  const client = new S3Client({
    endpoint: environment.S3_ENDPOINT,
    region: environment.S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: environment.S3_ACCESS_KEY_ID, secretAccessKey: environment.S3_SECRET_ACCESS_KEY },
  });
  await client.send(new CreateBucketCommand({ Bucket: environment.S3_BUCKET }));
  client.destroy();
}

/** The tests of all packages, or those that the arguments name, wherever there are such. Gives the worst exit code. */
async function runTests(args, environment) {
  const codes = [];
  for (const folder of PACKAGES) codes.push(await runTestsOf(folder, args, environment));
  return Math.max(...codes);
}

async function runTestsOf(folder, args, environment) {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const named = args.length > 0 ? ['--passWithNoTests'] : [];
  const child = spawn(process.execPath, [vitest, 'run', ...named, ...args], {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

function fail(message) {
  console.error(`test:ceph: ${message}`);
  process.exitCode = 1;
}

await main();
