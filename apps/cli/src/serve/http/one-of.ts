import { RequestError } from '@blockyard/http-api';

/** The volume that the field `export` names, which may be left out where there is one alone. Throws a `RequestError`. */
export function oneOf<T extends { readonly name: string }>(
  volumes: readonly T[],
  { export: name }: { readonly export?: unknown },
): T {
  const [only, second] = volumes;
  if (name === undefined && only !== undefined && second === undefined) return only;
  const found = volumes.find((volume) => volume.name === name);
  if (found !== undefined) return found;
  const names = volumes.map((volume) => JSON.stringify(volume.name)).join(', ');
  const problem = name === undefined ? 'export must say which is meant' : `there is no export ${JSON.stringify(name)}`;
  throw new RequestError('BAD_REQUEST', problem, `there ${second === undefined ? 'is' : 'are'} ${names || 'none'}`);
}
