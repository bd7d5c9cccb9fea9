import { conformance, type Subject } from '@blockyard/conformance';

/** How one case of the kit ended. */
export interface CaseResult {
  readonly group: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'left out';
  readonly tookMs: number;
  readonly message?: string;
}

/** Runs the kit on the subject, without a runner, one case after the other. */
export async function runCases(subject: Subject, seed: number): Promise<CaseResult[]> {
  const cases: { readonly group: string; readonly title: string; readonly body: () => Promise<void> }[] = [];
  let group = '';
  const runner = {
    describe(title: string, body: () => void) {
      group = title;
      body();
    },
    test: (title: string, body: () => Promise<void>) => void cases.push({ group, title, body }),
  };
  conformance(subject, runner, { seed, runs: 3, watchMs: 10 });
  const results: CaseResult[] = [];
  for (const each of cases) results.push(await run(each));
  return results;
}

async function run(each: { group: string; title: string; body: () => Promise<void> }): Promise<CaseResult> {
  const { group, title, body } = each;
  if (title.startsWith('left out')) return { group, title, outcome: 'left out', tookMs: 0 };
  const beginMs = performance.now();
  const tookMs = () => performance.now() - beginMs;
  try {
    await body();
    return { group, title, outcome: 'passed', tookMs: tookMs() };
  } catch (error) {
    return {
      group,
      title,
      outcome: 'failed',
      tookMs: tookMs(),
      message: error instanceof Error ? String(error.stack) : String(error),
    };
  }
}
