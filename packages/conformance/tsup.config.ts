import base from '../../tsup.base.ts';

export default base(['src/index.ts', 'src/simulator.ts', 'src/testing.ts', 'src/saboteurs/main.ts']);
