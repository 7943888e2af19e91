/** Pages that are drawn while a model learns: their flags, and which examples they show. */
import { join } from 'node:path';
import { z } from 'zod';

/**
 * The flags of a page that is drawn while a model learns.
 * @param help what the page is. @param examples what it shows some of.
 */
export function watchFlags(help: string, examples: string) {
  return {
    report: z
      .union([z.string(), z.literal(true)])
      .optional()
      .meta({ flag: '--report [file]', help: `${help} (default: report.html in --out)` }),
    watch: z
      .int()
      .positive()
      .default(8)
      .meta({
        flag: '--watch <count>',
        help: `${examples} in the report`,
        needs: { report: true },
      }),
  };
}

/** The page that flags ask for; undefined where they ask for none. */
export function watchedPage(report: string | true | undefined, folder: string): string | undefined {
  return report === true ? join(folder, 'report.html') : report;
}

/** Places of examples whose classes differ as far as possible: one of each class, then a second one, ... */
export function oneOfEach(labels: ArrayLike<number>, count: number): number[] {
  const counts = new Map<number, number>();
  const rounds = Array.from(labels, (label, index) => {
    const round = counts.get(label) ?? 0;
    counts.set(label, round + 1);
    return { index, label, round };
  });
  rounds.sort((a, b) => a.round - b.round || a.label - b.label);
  return rounds.slice(0, count).map(({ index }) => index);
}
