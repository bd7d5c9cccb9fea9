import base from '../../tsup.base.ts';

export default base(['src/index.ts', 'src/directory/index.ts', 'src/conformance/index.ts', 'src/faults/index.ts']);
