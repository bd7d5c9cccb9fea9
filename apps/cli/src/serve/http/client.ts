import { lstat } from 'node:fs/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import type { ApiErrorBody } from '@blockyard/http-api';
import { Failure, messageOf } from '../../terminal/failure.js';

/** Where the API of a server is reached. */
export type ApiAddress =
  /** A control socket. */
  { readonly socketPath: string } | { readonly host: string; readonly port: number; readonly token?: string };

/** No answer of the API is longer, in bytes. */
const ANSWER_BYTES_MAX = 16 * 2 ** 20;

/** There is no server where one was asked for: exit code 7. */
export class NoServer extends Failure {
  override readonly exitCode = 7;
}

/** What a server refused, or failed with. */
export class ApiFailure extends Failure {
  readonly code: string;

  constructor(code: string, message: string, hint?: string) {
    super(message, hint);
    this.code = code;
  }
}

/**
 * Asks a server, and gives its answer. Rejects with `NoServer` if there is none, and with `ApiFailure` if it refuses. How long it
 * may take to answer has no bound, unless a signal is given.
 */
export async function askServer<T>(
  address: ApiAddress,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const answer = await send(address, method, path, body, signal).catch((error: unknown) => {
    if (signal?.aborted === true) throw signal.reason;
    throw noServer(address, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch (error) {
    throw noServer(address, error);
  }
  if (answer.status < 300) return value as T;
  const { error } = value as ApiErrorBody;
  throw new ApiFailure(error.code, error.message, error.hint);
}

async function send(
  address: ApiAddress,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const options: RequestOptions = { method, path, agent: false, ...(signal === undefined ? {} : { signal }) };
  if ('socketPath' in address) {
    await checkOwner(address.socketPath);
    Object.assign(options, { socketPath: address.socketPath, headers: { ...headers, host: 'localhost' } });
  } else {
    const { host, port, token } = address;
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    Object.assign(options, { host, port, headers: { ...headers, ...authorization } });
  }
  return new Promise((resolve, reject) => {
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        lengthBytes += chunk.byteLength;
        if (lengthBytes > ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.on('error', reject);
    request.end(text);
  });
}

/** Another user could have put a socket there, to be told what is meant for the server. */
async function checkOwner(socketPath: string): Promise<void> {
  if (process.getuid === undefined) return;
  if ((await lstat(socketPath)).uid !== process.getuid()) throw new Error('the control socket is that of another user');
}

function noServer(address: ApiAddress, cause: unknown): NoServer {
  const where = 'socketPath' in address ? JSON.stringify(address.socketPath) : `${address.host}:${address.port}`;
  const hint = 'is "blockyard serve" running there, as the same user, and with the same --nbd?';
  return new NoServer(`no server was reached by ${where}: ${messageOf(cause)}`, hint, cause);
}
