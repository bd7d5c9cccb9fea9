import base from '../../tsup.base.ts';

export default base(['src/main.ts', 'src/laboratory/server/main.ts']);
