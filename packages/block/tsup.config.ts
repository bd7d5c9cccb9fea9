import base from '../../tsup.base.ts';

export default base(['src/index.ts', 'src/async.ts', 'src/testing.ts'], 'neutral');
