/** Runs in the page: joins the words of captions with the moments of their clips. */

/** What the page's data holds about the words of a clip's caption. */
export interface FilmedWords {
  readonly end: number;
  /** Seconds at which the frames are shown that the model looked at. */
  readonly seen: readonly number[];
  readonly words: readonly {
    readonly word: string;
    readonly probability?: number | undefined;
    /** What its attention gave to each of these frames. */
    readonly weights?: readonly number[] | undefined;
  }[];
}

/**
 * Runs in the page: the word that the reader points at, or steps to with the arrow keys, lights up the frames that the
 * model looked at for it; while the clip plays, the words light up that looked at what is shown.
 */
export function filmWords(): void {
  const text = document.getElementById('report-data')?.textContent ?? '{}';
  const { clips }: { readonly clips: readonly FilmedWords[] } = JSON.parse(text);
  for (const card of document.querySelectorAll<HTMLElement>('.clip.told')) {
    const clip = clips[Number(card.dataset.index)];
    if (clip) attach(card, clip);
  }

  function attach(card: HTMLElement, { end, seen, words }: FilmedWords): void {
    const caption = card.querySelector<HTMLElement>('.caption');
    const readout = card.querySelector<HTMLElement>('.readout');
    const rows = card.querySelector<HTMLElement>('.timeline');
    const elements = [...card.querySelectorAll<HTMLElement>('.caption [data-word]')];
    const frames = [...card.querySelectorAll<SVGElement>('.row.film .strip-of-frames > svg')];
    /** The row of each word; words without attention have none. */
    const found = [...card.querySelectorAll<HTMLElement>('.row.word')];
    const rowOf = words.map(({ weights }) => (weights ? found.shift() : undefined));
    let shown: number | undefined;
    let pinned: number | undefined;

    /** Shows which frames a word looked at. */
    function show(word: number | undefined): void {
      shown = word;
      const { weights, probability } = (word === undefined ? undefined : words[word]) ?? {};
      rows?.classList.toggle('pointed', weights !== undefined);
      for (const [w, row] of rowOf.entries()) row?.classList.toggle('shown', w === word);
      for (const [w, element] of elements.entries()) light(element, w === word ? 1 : 0);
      for (const [n, frame] of frames.entries()) {
        frame.style.opacity = weights ? String(0.16 + 0.84 * share(weights, n)) : '';
      }
      if (!readout) return;
      readout.textContent =
        word === undefined ? (readout.dataset.silent ?? '') : describe(probability, weights);
    }

    /** How much of its highest weight a word gives to a frame of the strip: by its part of the time. */
    function share(weights: readonly number[], n: number): number {
      const [from, to] = [(n * end) / frames.length, ((n + 1) * end) / frames.length];
      const inside = weights.filter((_, t) => (seen[t] ?? 0) >= from && (seen[t] ?? 0) < to);
      const most = Math.max(...weights);
      const highest = inside.length > 0 ? Math.max(...inside) : (weights[lastBefore(from)] ?? 0);
      return most > 0 ? highest / most : 0;
    }

    function describe(probability: number | undefined, weights: readonly number[] | undefined) {
      const parts = probability === undefined ? [] : [`p ${probability.toFixed(2)}`];
      if (weights) {
        const most = Math.max(...weights);
        const time = seen[weights.indexOf(most)] ?? 0;
        parts.push(`most at ${time.toFixed(2)} s: ${(100 * most).toFixed(0)} %`);
      }
      return parts.join(', ');
    }

    /** Lights up the words that looked at a moment. */
    function glow(time: number | undefined): void {
      if (shown !== undefined) return;
      for (const [w, element] of elements.entries()) {
        const weights = words[w]?.weights;
        const most = weights ? Math.max(...weights) : 0;
        const own = time === undefined ? 0 : (weights?.[lastBefore(time)] ?? 0);
        light(element, most > 0 ? own / most : 0);
      }
    }

    function light(element: HTMLElement, share: number): void {
      element.style.setProperty('--light', share.toFixed(3));
      element.classList.toggle('lit', share > 0.6);
    }

    function lastBefore(time: number): number {
      let n = 0;
      while (n + 1 < seen.length && (seen[n + 1] ?? 0) <= time + 1e-9) n++;
      return n;
    }

    function wordAt({ target }: Event): number | undefined {
      const element = target instanceof Element ? target.closest<HTMLElement>('[data-word]') : null;
      return element ? Number(element.dataset.word) : undefined;
    }

    function pin(word: number | undefined): void {
      pinned = word;
      show(word);
    }

    card.addEventListener('time', (event) => {
      if (event instanceof CustomEvent) glow(event.detail);
    });
    caption?.addEventListener('pointerover', (event) => {
      const word = wordAt(event);
      if (word !== undefined && event.pointerType !== 'touch') show(word);
    });
    caption?.addEventListener('pointerleave', () => show(pinned));
    caption?.addEventListener('click', (event) => {
      const word = wordAt(event);
      if (word !== undefined) pin(word === pinned ? undefined : word);
    });
    caption?.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
      const last = words.length - 1;
      const keys: Readonly<Record<string, () => number | undefined>> = {
        ArrowRight: () => Math.min(last, (shown ?? -1) + 1),
        ArrowLeft: () => Math.max(0, (shown ?? last + 1) - 1),
        Escape: () => undefined,
      };
      const next = keys[event.key];
      if (!next || last < 0) return;
      pin(next());
      event.preventDefault();
    });
    caption?.addEventListener('focusout', () => pin(undefined));
  }
}
