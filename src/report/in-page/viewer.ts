/** Runs in the page: the large view of one picture. */
import type { AttentionTools, Frame } from './attention.js';
import type { attentionStrip } from './strip.js';
import type { PictureData, WordSteps } from './word-steps.js';

/**
 * Runs in the page: shows a picture large in the dialog `viewer`, with its words, scores and
 * references as its card has them, and a photo for each word.
 */
export function pictureViewer({
  pictures,
  cards,
  steps,
  tools,
  grid,
  strip,
}: {
  readonly pictures: readonly PictureData[];
  /** The cards that the reader can page through now, in their order. */
  readonly cards: () => readonly HTMLElement[];
  readonly steps: WordSteps;
  readonly tools: AttentionTools;
  readonly grid: Frame['grid'];
  readonly strip: typeof attentionStrip;
}) {
  const dialog = find<HTMLDialogElement>(document, '#viewer');
  const image = find<HTMLImageElement>(dialog, 'img');
  const canvas = find<HTMLCanvasElement>(dialog, '.stage canvas');
  const words = find<HTMLElement>(dialog, '.words');
  const list = find<HTMLElement>(dialog, '.strip');
  const position = find<HTMLElement>(dialog, '.position');
  const play = find<HTMLButtonElement>(dialog, '[value="play"]');
  let current: HTMLElement | undefined;
  let stepper: ReturnType<WordSteps['attach']> | undefined;
  let playing: ReturnType<typeof setInterval> | undefined;

  function find<E extends Element>(within: ParentNode, selector: string): E {
    const element = within.querySelector<E>(selector);
    if (!element) throw new Error(`the page lacks ${selector}`);
    return element;
  }

  /** Opens a card's picture, on one of its words if told so. */
  async function open(card: HTMLElement, word?: number): Promise<void> {
    const data = pictures[Number(card.dataset.index)];
    if (!data) return;
    pause();
    current = card;
    const photo = find<HTMLImageElement>(card, '.stage img');
    image.src = photo.src;
    image.alt = photo.alt;
    image.classList.toggle('pixelated', photo.classList.contains('pixelated'));
    // The card's own words, scores and references; its ids would stand twice.
    const copy = find<HTMLElement>(card, '.words').cloneNode(true);
    words.replaceChildren(...(copy instanceof Element ? copy.childNodes : []));
    for (const details of words.querySelectorAll('details')) details.open = true;
    for (const shown of words.querySelectorAll('.shown')) shown.classList.remove('shown');
    const readout = find<HTMLElement>(words, '.readout');
    readout.textContent = readout.dataset.silent ?? '';
    const all = cards();
    position.textContent = `${all.indexOf(card) + 1} of ${all.length} · ${data.id}`;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    await image.decode().catch(() => {});
    if (current !== card) return;
    canvas.dataset.sized = 'no';
    const buttons = strip(list, { data, image }, { tools, grid });
    const onShow = (shown: number | undefined) => {
      for (const [index, button] of buttons.entries()) {
        button.setAttribute('aria-pressed', String(index === shown));
      }
    };
    const caption = find<HTMLElement>(words, '.caption');
    stepper = steps.attach({ data, caption, canvas, image, readout, onShow });
    for (const [index, button] of buttons.entries()) {
      button.addEventListener('click', () => {
        pause();
        stepper?.pin(index);
      });
    }
    play.hidden = data.words.length === 0 || !data.attention;
    stepper.pin(word);
    caption.focus({ preventScroll: true });
  }

  function showOther(by: number): void {
    const all = cards();
    const next = current && all[all.indexOf(current) + by];
    if (next) {
      stepper?.pin(undefined);
      stepper?.stop();
      void open(next);
    }
  }

  /** Steps through the words by itself, from the first or from where it stands. */
  function togglePlay(): void {
    if (playing !== undefined) {
      pause();
      return;
    }
    const last = (pictures[Number(current?.dataset.index)]?.words.length ?? 0) - 1;
    if (stepper?.word() === last) stepper.pin(0);
    else stepper?.step(1);
    playing = setInterval(() => {
      if (stepper?.word() === last) pause();
      else stepper?.step(1);
    }, 800);
    play.textContent = 'Pause';
  }

  function pause(): void {
    clearInterval(playing);
    playing = undefined;
    play.textContent = 'Play';
  }

  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
    const button = target instanceof Element ? target.closest('button') : null;
    const acts: Readonly<Record<string, () => void>> = {
      previous: () => showOther(-1),
      next: () => showOther(1),
      play: togglePlay,
      close: () => dialog.close(),
    };
    if (button) acts[button.value]?.();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const keys: Readonly<Record<string, () => void>> = {
      ArrowRight: () => (event.shiftKey ? showOther(1) : stepper?.step(1)),
      ArrowLeft: () => (event.shiftKey ? showOther(-1) : stepper?.step(-1)),
      p: togglePlay,
    };
    const act = keys[event.key];
    if (!act) return;
    if (event.key !== 'p') pause();
    act();
    event.preventDefault();
  });
  dialog.addEventListener('close', () => {
    pause();
    stepper?.pin(undefined);
    stepper?.stop();
    stepper = undefined;
    find<HTMLElement>(current ?? document, '.stage').focus({ preventScroll: true });
    current?.scrollIntoView({ block: 'nearest' });
  });

  return { open };
}
