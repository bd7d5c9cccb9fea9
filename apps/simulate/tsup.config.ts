import base from '../../tsup.base.ts';

export default base([
  'src/main.ts',
  'src/planted/register.ts',
  'src/planted/hooks.ts',
  'src/memory/main.ts',
  'src/runtimes/main.ts',
  'src/killed/victim.ts',
  'src/killed/fighter.ts',
  'src/power-cut/main.ts',
  'src/power-cut/volatile-disk.ts',
]);
