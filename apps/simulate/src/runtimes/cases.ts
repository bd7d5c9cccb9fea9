import { conformance, type Subject } from '@blockyard/conformance';

export interface Case {
  readonly title: string;
  readonly body: () => unknown;
}

export interface Result {
  readonly passed: number;
  readonly failed: readonly { readonly title: string; readonly error: unknown }[];
}

const OPTIONS = { runs: 3, seed: 1 };

/** The kit's cases for a subject, with the groups that they stand in before their titles. */
export function collect(subject: Subject): Case[] {
  const cases: Case[] = [];
  const groups: string[] = [];
  const describe = (title: string, body: () => void) => {
    groups.push(title);
    body();
    groups.pop();
  };
  const test = (title: string, body: () => unknown) => {
    cases.push({ title: [...groups, title].join(' > '), body });
  };
  conformance(subject, { describe, test }, OPTIONS);
  return cases;
}

/** One after the other, as any runner would. */
export async function runCases(cases: readonly Case[]): Promise<Result> {
  let passed = 0;
  const failed: { title: string; error: unknown }[] = [];
  for (const { title, body } of cases) {
    try {
      await body();
      passed++;
    } catch (error) {
      failed.push({ title, error });
    }
  }
  return { passed, failed };
}
