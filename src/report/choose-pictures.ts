/** Pictures that a page may hold: more make it slow to open and to send. */
export const MOST_PICTURES = 1000;

/**
 * Which of many pictures a page shows: as many as asked for, evenly from the best to the worst, the
 * best and the worst among them.
 *
 * @returns their indices, in ascending order.
 */
export function evenlyByScore(scores: readonly number[], count: number): number[] {
  const ranked = scores.map((_, index) => index);
  if (count >= scores.length) return ranked;
  ranked.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const last = scores.length - 1;
  const chosen = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * last) / (count - 1)),
  );
  return chosen.map((rank) => ranked[rank] ?? 0).sort((a, b) => a - b);
}

/**
 * How small photos are made so that a page of some hundred stays below about 15 MB: at most `side`
 * pixels across and down. What pages weigh is told in docs/report.md.
 */
export function photoSize(count: number): { readonly side: number; readonly quality: number } {
  return { side: count <= 250 ? 480 : count <= 500 ? 320 : 224, quality: 72 };
}
