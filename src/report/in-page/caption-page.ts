/** Runs in the page: makes a caption report interactive. */
import type { AttentionStyle, AttentionTools, Frame } from './attention.js';
import type { pictureList } from './picture-list.js';
import type { attentionStrip } from './strip.js';
import type { pictureViewer } from './viewer.js';
import type { PictureData, wordSteps } from './word-steps.js';

/** What the page's program is made of. */
export interface CaptionPageParts {
  readonly attentionTools: () => AttentionTools;
  readonly wordSteps: typeof wordSteps;
  readonly attentionStrip: typeof attentionStrip;
  readonly pictureList: typeof pictureList;
  readonly pictureViewer: typeof pictureViewer;
}

/** Runs in the page: makes a caption report interactive. The page is readable without it. */
export function captionPage(parts: CaptionPageParts): void {
  interface Data {
    readonly pictures: readonly PictureData[];
    readonly grid?: Frame['grid'];
    /** The picture whose words are shown one by one at the top. */
    readonly showcase?: number;
  }
  const text = document.getElementById('report-data')?.textContent ?? '{}';
  const { pictures, grid, showcase }: Data = JSON.parse(text);
  const tools = parts.attentionTools();
  const steps = parts.wordSteps({ tools, grid });
  const cards = parts.pictureList(pictures);
  const strip = parts.attentionStrip;
  const viewer = parts.pictureViewer({ pictures, cards, steps, tools, grid, strip });
  const cardOf = (index: number) => document.getElementById(`picture-${index}`);
  const steppers = new WeakMap<HTMLElement, ReturnType<typeof steps.attach>>();

  /** A card becomes interactive when the reader first comes to its words. */
  function wake(target: EventTarget | null): void {
    if (!(target instanceof Element)) return;
    const card = target.closest<HTMLElement>('.photo-card');
    const caption = card?.querySelector<HTMLElement>('.caption');
    const canvas = card?.querySelector('canvas');
    const image = card?.querySelector('img');
    const readout = card?.querySelector<HTMLElement>('.readout');
    const data = pictures[Number(card?.dataset.index)];
    if (!card || !caption?.contains(target) || steppers.has(card)) return;
    if (!canvas || !image || !readout || !data) return;
    steppers.set(card, steps.attach({ data, caption, canvas, image, readout }));
  }
  const list = document.getElementById('cards');
  list?.addEventListener('pointerover', ({ target }) => wake(target), { capture: true });
  list?.addEventListener('click', ({ target }) => wake(target), { capture: true });
  list?.addEventListener('focusin', ({ target }) => wake(target), { capture: true });
  // A word chosen by keyboard is deselected when the reader goes on.
  list?.addEventListener('focusout', ({ target }) => {
    const card = target instanceof Element ? target.closest<HTMLElement>('.photo-card') : null;
    if (card && target instanceof Element && target.matches('.caption')) {
      steppers.get(card)?.pin(undefined);
    }
  });
  list?.addEventListener('click', ({ target }) => {
    const stage = target instanceof Element ? target.closest('.stage') : null;
    const card = stage?.closest<HTMLElement>('.photo-card');
    if (card) void viewer.open(card);
  });

  // The best and the worst: their photos are those of the cards, which the page holds once.
  for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-picture]')) {
    const card = cardOf(Number(link.dataset.picture));
    const photo = card?.querySelector<HTMLImageElement>('.stage img');
    const image = link.querySelector('img');
    if (!card || !photo || !image) continue;
    image.src = photo.src;
    image.classList.toggle('pixelated', photo.classList.contains('pixelated'));
    link.addEventListener('click', (event) => {
      event.preventDefault();
      void viewer.open(card);
    });
  }

  for (const button of document.querySelectorAll<HTMLButtonElement>('#look button')) {
    button.addEventListener('click', () => {
      for (const other of document.querySelectorAll('#look button')) {
        other.setAttribute('aria-pressed', String(other === button));
      }
      const style: AttentionStyle = button.value === 'spotlight' ? 'spotlight' : 'heat';
      steps.setStyle(style);
    });
  }

  if (showcase !== undefined) void show(showcase);

  async function show(index: number): Promise<void> {
    const data = pictures[index];
    const card = cardOf(index);
    const image = card?.querySelector<HTMLImageElement>('.stage img');
    const list = document.querySelector<HTMLElement>('#showcase .strip');
    if (!data || !card || !image || !list) return;
    await image.decode().catch(() => {});
    for (const [word, button] of strip(list, { data, image }, { tools, grid }).entries()) {
      button.addEventListener('click', () => void viewer.open(card, word));
    }
  }

  // On paper nothing can be opened.
  const folded = new Set<HTMLDetailsElement>();
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>('#cards details')) {
      if (details.open) continue;
      folded.add(details);
      details.open = true;
    }
  });
  addEventListener('afterprint', () => {
    for (const details of folded) details.open = false;
    folded.clear();
  });
}
