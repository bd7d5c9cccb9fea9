import { BlockError, type SchemeUri } from '@blockyard/block';
import { invalid } from './invalid.js';
import { localPath } from './local-path.js';
import { type Moment, parseMoment } from './moment.js';
import { parseDuration } from './outage.js';
import { parseSize } from './size.js';

/** What tells of an image on the device, whatever its scheme. */
export const IMAGE_PARAMETERS: readonly string[] = ['format', 'snapshot', 'backing'];

/** `disk.img`, `/srv/disk.img`, `C:\disk.img`: what is meant for a file, but is no URI. */
const SCHEME = /^([a-z][a-z0-9+.-]+):(.*)$/is;

/** In the last part of a path, behind the host if there is one: what it names, and what stands behind the last @. */
const PLACE_AND_MOMENT = /^(\/\/[^/]*\/.*|(?!\/\/).*)@([^/@]*)$/s;

/**
 * A device URI taken apart: scheme, what follows it, parameters. Percent codes are decoded in the parameters and the moment
 * alone; `rest` and `place` are as they were written.
 */
export class DeviceUri implements SchemeUri {
  /** In lower case. */
  readonly scheme: string;
  /** What stands between the colon and the question mark. */
  readonly rest: string;
  readonly #parameters: ReadonlyMap<string, string>;

  /** Throws `INVALID_ARGUMENT`. No message repeats the URI: there are secrets that people put into one. */
  constructor(text: string) {
    const [, scheme, body] = SCHEME.exec(text) ?? [];
    if (scheme === undefined || body === undefined) {
      throw invalid(`a device is named by a URI, such as ${example(text)}`);
    }
    if (body.includes('#')) throw invalid('a # in a URI must be written %23');
    const mark = body.indexOf('?');
    this.scheme = scheme.toLowerCase();
    this.rest = mark < 0 ? body : body.slice(0, mark);
    this.#parameters = parametersOf(mark < 0 ? '' : body.slice(mark + 1));
  }

  /** For schemes whose devices have a past: `rest` without the moment. */
  get place(): string {
    return PLACE_AND_MOMENT.exec(this.rest)?.[1] ?? this.rest;
  }

  /** For the same: what stands behind the @, if there is one. Throws `INVALID_ARGUMENT` if that is no moment. */
  get moment(): Moment | undefined {
    const text = PLACE_AND_MOMENT.exec(this.rest)?.[2];
    return text === undefined ? undefined : parseMoment(decode(text));
  }

  get path(): string {
    return decode(localPath(this.scheme, this.rest));
  }

  /** Refuses parameters that are not among `known`: a misspelt one must not be a silent default. */
  checkParameters(known: readonly string[]): void {
    for (const name of this.#parameters.keys()) {
      if (known.includes(name) || IMAGE_PARAMETERS.includes(name)) continue;
      const choice = known.length === 0 ? `${this.scheme}: has none` : `${this.scheme}: has ${known.join(', ')}`;
      throw invalid(`unknown parameter ${JSON.stringify(name)}; ${choice}`);
    }
  }

  parameter(name: string): string | undefined {
    return this.#parameters.get(name);
  }

  /** Bytes of a parameter that is a size. */
  size(name: string): number | undefined {
    const text = this.#parameters.get(name);
    return text === undefined ? undefined : parseSize(text, `?${name}=`);
  }

  /** A parameter that is a whole number. */
  count(name: string): number | undefined {
    const text = this.#parameters.get(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw invalid(`?${name}= must be a whole number`);
    return Number(text);
  }

  /** A parameter that is `true` or `false`. */
  flag(name: string): boolean | undefined {
    const text = this.#parameters.get(name);
    if (text === undefined) return undefined;
    if (text !== 'true' && text !== 'false') throw invalid(`?${name}= must be true or false`);
    return text === 'true';
  }

  /** Milliseconds of a parameter that is a time. */
  duration(name: string): number | undefined {
    const text = this.#parameters.get(name);
    return text === undefined ? undefined : parseDuration(text, `?${name}=`);
  }

  /** A parameter that is one of a few words. */
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.#parameters.get(name);
    if (text === undefined) return undefined;
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) throw invalid(`?${name}= must be ${choices.join(' or ')}`);
    return chosen;
  }

  /** The URI without the parameters in `names`. */
  without(names: readonly string[]): string {
    const kept = [...this.#parameters].filter(([name]) => !names.includes(name));
    const query = kept.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
    return `${this.scheme}:${this.rest}${query === '' ? '' : `?${query}`}`;
  }
}

/** Text with its percent codes decoded. Throws `INVALID_ARGUMENT`. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new BlockError('INVALID_ARGUMENT', 'a wrong percent code in a URI; a % itself is written %25', { cause });
  }
}

/** Unlike in the query of a web form, a plus is a plus here. */
function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&').filter((text) => text !== '')) {
    const equals = part.indexOf('=');
    if (equals < 0) throw invalid(`parameter ${JSON.stringify(decode(part))} has no value`);
    const name = decode(part.slice(0, equals));
    if (parameters.has(name)) throw invalid(`parameter ${JSON.stringify(name)} is given twice`);
    parameters.set(name, decode(part.slice(equals + 1)));
  }
  return parameters;
}

/** The URI that was probably meant. */
function example(text: string): string {
  const isPath = text !== '' && /^[\w./ -]+$/.test(text);
  return isPath ? `file:${text}` : 'file:/srv/disk.img or s3://bucket/volume';
}
