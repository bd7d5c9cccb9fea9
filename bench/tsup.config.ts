import base from '../tsup.base.ts';

export default base(
  [
    'src/policy.ts',
    'src/hit.ts',
    'src/engine.ts',
    'src/rss.ts',
    'src/write-back.ts',
    'src/nbd.ts',
    'src/nbd-serve.ts',
    'src/s3.ts',
    'src/log.ts',
    'src/object-cache.ts',
    'src/status.ts',
    'src/page.ts',
    'src/boot.ts',
    'src/tier.ts',
    'src/upgrade.ts',
    'src/s3-cpu.ts',
    'src/s3-cpu-store.ts',
    'src/nbd-hostile.ts',
    'src/nbd-attack.ts',
  ],
  'node',
);
