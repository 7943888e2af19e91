/** Runs in the page: which pictures are shown, and in which order. */
import type { PictureData } from './word-steps.js';

/**
 * Runs in the page: search, order and choice among the cards.
 * @returns a function that gives the cards that are shown, in their order.
 */
export function pictureList(pictures: readonly PictureData[]): () => readonly HTMLElement[] {
  const list = document.querySelector<HTMLElement>('#cards');
  const search = document.querySelector<HTMLInputElement>('#search');
  const order = document.querySelector<HTMLSelectElement>('#order');
  const told = document.querySelector<HTMLElement>('#count');
  const nothing = document.querySelector<HTMLElement>('#nothing');
  const bars = [...document.querySelectorAll<HTMLButtonElement>('.histogram button')];
  const clear = document.querySelector<HTMLButtonElement>('#clear');
  const cards = [...(list?.querySelectorAll<HTMLElement>('.photo-card') ?? [])];
  const texts = pictures.map(({ id, caption, references }) =>
    [caption, id, ...references].join('\n').toLowerCase(),
  );
  let shown: readonly HTMLElement[] = cards;

  const dataOf = (card: HTMLElement) => pictures[Number(card.dataset.index)];
  const certainty = ({ probabilities }: PictureData) =>
    probabilities.reduce((sum, p) => sum + Math.log(p), 0) / Math.max(1, probabilities.length);
  /** What is sorted by, the largest first. */
  const keys: Readonly<Record<string, (picture: PictureData, index: number) => number>> = {
    given: (_, index) => -index,
    best: ({ scores }) => scores.cider,
    worst: ({ scores }) => -scores.cider,
    bleu4: ({ scores }) => scores.bleu4,
    rougeL: ({ scores }) => scores.rougeL,
    sure: certainty,
    unsure: (picture) => -certainty(picture),
    long: ({ words }) => words.length,
  };

  function update(): void {
    const wanted = (search?.value ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const bar = bars.find((button) => button.getAttribute('aria-pressed') === 'true');
    const [low, high] = (bar?.value ?? '').split(' ').map(Number);
    const key = keys[order?.value ?? ''] ?? (() => 0);
    const fits = (card: HTMLElement) => {
      const cider = dataOf(card)?.scores.cider ?? 0;
      if (bar && !(cider >= (low ?? 0) && cider < (high ?? 0))) return false;
      const text = texts[Number(card.dataset.index)] ?? '';
      return wanted.every((word) => text.includes(word));
    };
    const values = new Map(
      cards.map((card) => {
        const data = dataOf(card);
        return [card, data ? key(data, Number(card.dataset.index)) : 0];
      }),
    );
    // Sorting is stable: equal ones stay in the order of the dataset.
    const sorted = [...cards].sort((a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0));
    for (const card of cards) card.hidden = !fits(card);
    list?.append(...sorted);
    shown = sorted.filter((card) => !card.hidden);
    if (told) {
      told.textContent =
        shown.length === cards.length
          ? `all ${cards.length} pictures`
          : `${shown.length} of ${cards.length} pictures`;
    }
    if (nothing) nothing.hidden = shown.length > 0;
    if (clear) clear.hidden = !bar && wanted.length === 0;
  }

  for (const bar of bars) {
    bar.addEventListener('click', () => {
      const on = bar.getAttribute('aria-pressed') !== 'true';
      for (const other of bars) other.setAttribute('aria-pressed', String(on && other === bar));
      update();
    });
  }
  search?.addEventListener('input', update);
  order?.addEventListener('change', update);
  clear?.addEventListener('click', () => {
    if (search) search.value = '';
    for (const bar of bars) bar.setAttribute('aria-pressed', 'false');
    update();
    search?.focus();
  });
  // A browser that comes back to the page has kept what was typed and chosen.
  update();
  return () => shown;
}
