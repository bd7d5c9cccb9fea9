import base from '../../tsup.base.ts';

export default base(['src/random-access-storage.ts', 'src/file-disk.ts']);
