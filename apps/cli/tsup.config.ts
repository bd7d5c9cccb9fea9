import base from '../../tsup.base.ts';

export default base(['src/main.ts', 'src/trace/index.ts', 'src/manual/write.ts']);
