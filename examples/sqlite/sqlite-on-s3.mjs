// SQLite on a volume in S3, behind a cache: node sqlite/sqlite-on-s3.mjs [NOTE]
//
// It takes the place from S3_BUCKET and S3_ENDPOINT, and credentials from where the AWS SDK does. A note that is given is added
// to the database. Killed at any time, it leaves a database that SQLite can open, with every note that it has acknowledged.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connectS3, createVolume } from '@blockyard/backend-s3';
import { isBlockError } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import { partition } from '@blockyard/layers';
import SQLiteAsync from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import * as SQLite from 'wa-sqlite/src/sqlite-api.js';
import { DeviceVfs } from './device-vfs.mjs';

const volume = { bucket: process.env.S3_BUCKET, prefix: 'databases/notes', endpoint: process.env.S3_ENDPOINT };
const [sectorSize, databaseSectors, journalSectors] = [4096, 2 ** 20, 2 ** 16]; // 4 GiB and 256 MiB; what is unused is not stored

await createVolume({ ...volume, sectorSize, sizeSectors: databaseSectors + journalSectors }).catch((error) => {
  if (!isBlockError(error, 'ALREADY_EXISTS')) throw error;
});
const disk = await connectCache(await connectS3(volume), { maxSizeBytes: 16 * 2 ** 20 });

const vfs = await DeviceVfs.over({
  notes: partition(disk, { startSector: 0, sizeSectors: databaseSectors }),
  'notes-journal': partition(disk, { startSector: databaseSectors, sizeSectors: journalSectors }),
});

const wasmBinary = await readFile(createRequire(import.meta.url).resolve('wa-sqlite/dist/wa-sqlite-async.wasm'));
const sqlite = SQLite.Factory(await SQLiteAsync({ wasmBinary }));
sqlite.vfs_register(vfs, true);
const database = await sqlite.open_v2('notes');

// One page of SQLite is one sector, and the journal stays where it is.
await sqlite.exec(database, 'pragma page_size = 4096; pragma journal_mode = persist; pragma locking_mode = exclusive');
await sqlite.exec(database, 'create table if not exists notes (id integer primary key, note text not null)');

const [, , note] = process.argv;
if (note !== undefined) {
  for await (const statement of sqlite.statements(database, 'insert into notes (note) values (?)')) {
    sqlite.bind_collection(statement, [note]);
    await sqlite.step(statement);
  }
  console.log(`acknowledged: ${note}`); // SQLite has flushed, so it is in S3
}
await sqlite.exec(database, 'select id, note from notes', ([id, text]) => console.log(`${id}: ${text}`));
await sqlite.exec(database, 'pragma integrity_check', ([answer]) => console.log(`integrity: ${answer}`));

await sqlite.close(database);
await disk.disconnect();
