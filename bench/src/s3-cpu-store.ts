/**
 * The store of `s3-cpu`: the small one of local-s3, in a process of its own, which ends with its standard input. With a folder
 * as argument, in which the certificate goes that is made for the occasion, it is behind TLS.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { startOddStore } from '@blockyard/local-s3';

const store = await startOddStore();
// A record of all requests, bodies included, is for tests.
store.answer = (_, honest) => {
  store.requests.length = 0;
  return honest();
};
const [, , folder] = process.argv;
const front = folder === undefined ? undefined : await startTls(folder, Number(new URL(store.endpoint).port));
process.stdout.write(
  front === undefined ? store.endpoint : `https://127.0.0.1:${(front.address() as AddressInfo).port}`,
);
process.stdin.resume().once('end', () => process.exit());

async function startTls(folder: string, port: number): Promise<Server> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, '-days', '1'], { stdio: 'ignore' });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (secure) => {
    const plain = connect(port, '127.0.0.1');
    secure.pipe(plain).pipe(secure);
    secure.on('error', () => plain.destroy());
    plain.on('error', () => secure.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
