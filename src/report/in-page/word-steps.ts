/** Runs in the page: steps through the words of a caption. */
import type { PackedAttention } from '../report-picture.js';
import type { AttentionStyle, AttentionTools, Frame } from './attention.js';

/** What the page's data holds about a picture. */
export interface PictureData {
  readonly id: string;
  readonly caption: string;
  readonly words: readonly string[];
  /** Of each word, 0 to 1; empty when the model gives none. */
  readonly probabilities: readonly number[];
  readonly references: readonly string[];
  readonly scores: {
    readonly cider: number;
    readonly bleu1: number;
    readonly bleu4: number;
    readonly rougeL: number;
  };
  readonly field: readonly number[];
  readonly attention?: PackedAttention | undefined;
}

/** The elements that show the words and the heat map. */
export interface SteppedPicture {
  readonly data: PictureData;
  /** Holds an element with `data-word` for each word. */
  readonly caption: HTMLElement;
  /** Lies over the photo. */
  readonly canvas: HTMLCanvasElement;
  readonly image: HTMLImageElement;
  /** Describes in words what is shown. */
  readonly readout: HTMLElement;
  /** Called when another word is shown. */
  readonly onShow?: (word: number | undefined) => void;
}

export type WordSteps = ReturnType<typeof wordSteps>;

/**
 * Runs in the page: the word that the reader points at, taps or steps to with the arrow keys moves
 * the heat map over the photo.
 */
export function wordSteps({
  tools,
  grid,
}: {
  readonly tools: AttentionTools;
  readonly grid: Frame['grid'];
}) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const live = new Set<{ repaint(): void }>();
  let style: AttentionStyle = 'heat';

  /** All photos show attention the other way from now on. */
  function setStyle(next: AttentionStyle): void {
    style = next;
    for (const one of live) one.repaint();
  }

  function attach({ data, caption, canvas, image, readout, onShow }: SteppedPicture) {
    const words = [...caption.querySelectorAll<HTMLElement>('[data-word]')];
    const attention = data.attention && tools.unpack(data.attention);
    const frame: Frame = { grid, field: data.field };
    const context = canvas.getContext('2d');
    const silent = readout.textContent;
    let shown: number | undefined;
    let pinned: number | undefined;
    let painted: Float32Array | undefined;
    let strength = 0;
    let moving = 0;
    const self = { show, pin, step, repaint, stop, word: () => shown };

    function show(word: number | undefined): void {
      if (word === shown) return;
      shown = word;
      for (const [index, element] of words.entries()) {
        element.classList.toggle('shown', index === word);
      }
      readout.textContent = word === undefined ? silent : tell(word);
      move();
      if (word === undefined) live.delete(self);
      else live.add(self);
      onShow?.(word);
    }

    /** Keeps a word shown when the pointer leaves; the same word again deselects it. */
    function pin(word: number | undefined): void {
      pinned = word;
      show(word);
    }

    function step(by: number): void {
      const last = words.length - 1;
      if (last < 0) return;
      const next = shown === undefined ? (by > 0 ? 0 : last) : shown + by;
      pin(Math.min(last, Math.max(0, next)));
    }

    function tell(word: number): string {
      const values = attention?.[word];
      const probability = data.probabilities[word];
      return [
        ...(probability === undefined ? [] : [`p ${probability.toFixed(2)}`]),
        ...(values ? [tools.describe(values, grid)] : []),
      ].join(', ');
    }

    /** Animates the map from what it shows to what it should show. */
    function move(): void {
      cancelAnimationFrame(moving);
      const values = shown === undefined ? undefined : attention?.[shown];
      if (!attention) return;
      if (!canvas.width || canvas.dataset.sized !== 'yes') size();
      const [from, weak, start] = [painted, strength, performance.now()];
      const target = values ? 1 : 0;
      const frameAt = (now: number) => {
        const share = calm.matches ? 1 : Math.min(1, Math.max(0, (now - start) / 180));
        const eased = share * (2 - share);
        strength = weak + (target - weak) * eased;
        // A map that fades in does so in place.
        if (values) painted = from && weak > 0 ? tools.between(from, values, eased) : values;
        repaint();
        if (share < 1) moving = requestAnimationFrame(frameAt);
      };
      frameAt(start);
    }

    function repaint(): void {
      if (!context) return;
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (painted && strength > 0) tools.paint(context, painted, frame, style, strength);
    }

    /** In the resolution in which it is shown, in the photo's proportions. */
    function size(): void {
      const longest = Math.max(image.naturalWidth, image.naturalHeight, 1);
      const scale = Math.max(1, 480 / longest);
      canvas.width = Math.round(image.naturalWidth * scale);
      canvas.height = Math.round(image.naturalHeight * scale);
      canvas.dataset.sized = 'yes';
    }

    function wordAt({ target }: Event): number | undefined {
      const element = target instanceof Element ? target.closest<HTMLElement>('[data-word]') : null;
      return element && caption.contains(element) ? Number(element.dataset.word) : undefined;
    }

    const release = () => pin(undefined);
    const listening = new AbortController();
    const { signal } = listening;
    caption.addEventListener(
      'pointerover',
      (event) => {
        if (event.pointerType === 'touch') return;
        const word = wordAt(event);
        if (word !== undefined) show(word);
      },
      { signal },
    );
    caption.addEventListener('pointerleave', () => show(pinned), { signal });
    caption.addEventListener(
      'click',
      (event) => {
        const word = wordAt(event);
        if (word !== undefined) pin(word === pinned ? undefined : word);
      },
      { signal },
    );
    caption.addEventListener(
      'keydown',
      (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
        const steps: Readonly<Record<string, () => void>> = {
          ArrowRight: () => step(1),
          ArrowLeft: () => step(-1),
          Home: () => step(Number.NEGATIVE_INFINITY),
          End: () => step(Number.POSITIVE_INFINITY),
        };
        const act = steps[event.key] ?? (shown !== undefined && event.key === 'Escape' && release);
        if (!act) return;
        act();
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );

    /** Removes all event listeners and what is shown. */
    function stop(): void {
      cancelAnimationFrame(moving);
      live.delete(self);
      listening.abort();
    }
    return self;
  }

  return { attach, setStyle, style: () => style };
}
