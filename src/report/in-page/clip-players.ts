/** Runs in the page: plays the clips of a report, and shows what is said at each moment. */
import type { SheetLayout } from './view-box.js';

/** What the page's data holds about a clip. */
export interface PlayedClip {
  readonly end: number;
  readonly unit: 's' | 'steps';
  readonly film?: SheetLayout & { readonly times: readonly number[] };
  /** The probabilities that are drawn over time, by the number of their class; `of` a window or a step. */
  readonly overTime?: {
    readonly of: string;
    readonly times: readonly number[];
    readonly curves: readonly { readonly class: number; readonly values: readonly number[] }[];
    /** What each of them counts. */
    readonly weights?: readonly number[];
  };
}

/**
 * Runs in the page: every clip plays when asked to, one at a time. The reader moves through its time along the rows, by
 * pointing at them, dragging, or with the keyboard. The page is readable without it.
 */
export function clipPlayers({
  viewBoxOf,
}: {
  readonly viewBoxOf: (layout: SheetLayout, frame: number) => string;
}): void {
  const text = document.getElementById('report-data')?.textContent ?? '{}';
  const { clips }: { readonly clips: readonly PlayedClip[] } = JSON.parse(text);
  /** Stops what plays now. */
  let pausePlaying = () => {};

  for (const card of document.querySelectorAll<HTMLElement>('.clip')) {
    const clip = clips[Number(card.dataset.index)];
    const rows = card.querySelector<HTMLElement>('.timeline');
    if (clip && rows) attach(card, clip, rows);
  }

  function attach(card: HTMLElement, clip: PlayedClip, rows: HTMLElement): void {
    const { end, unit, film, overTime } = clip;
    const player = card.querySelector<HTMLElement>('.player');
    const screen = player?.querySelector('.screen svg');
    const button = player?.querySelector('button');
    const clock = player?.querySelector('.clock');
    const figures = card.querySelectorAll<HTMLElement>('.legend [data-class]');
    /** Where the reader is, or undefined before anything was asked for. */
    let now: number | undefined;
    let frame = 0;

    /** Tells the other parts of the card where the reader is now. */
    function tell(at: number | undefined): void {
      card.dispatchEvent(new CustomEvent('time', { detail: at }));
    }

    function show(time: number): void {
      const at = Math.min(end, Math.max(0, time));
      rows.classList.add('timed');
      rows.style.setProperty('--at', String(end > 0 ? at / end : 0));
      if (film && screen) {
        screen.setAttribute('viewBox', viewBoxOf(film, lastBefore(film.times, at)));
      }
      if (clock) clock.textContent = unit === 's' ? `${at.toFixed(2)} s` : `step ${Math.floor(at)}`;
      for (const figure of figures) {
        const curve = overTime?.curves.find((one) => one.class === Number(figure.dataset.class));
        const value = curve && between(overTime?.times ?? [], curve.values, at);
        figure.textContent = value === undefined ? '' : `${(100 * value).toFixed(0)} %`;
      }
      tell(at);
    }

    /** Goes to a time and stays there. */
    function seek(time: number): void {
      now = Math.min(end, Math.max(0, time));
      show(now);
    }

    function play(): void {
      pausePlaying();
      const first = now === undefined || now >= end ? 0 : now;
      // Steps have no duration of their own: they go as fast as frames of films.
      const perSecond = unit === 's' ? 1 : 25;
      const start = performance.now() - (1000 * first) / perSecond;
      const advance = (moment: number) => {
        // A request for a frame may be answered with a moment before it.
        seek(Math.max(0, ((moment - start) * perSecond) / 1000) % end);
        frame = requestAnimationFrame(advance);
      };
      frame = requestAnimationFrame(advance);
      if (button) button.textContent = 'Pause';
      pausePlaying = pause;
    }

    function pause(): void {
      cancelAnimationFrame(frame);
      frame = 0;
      if (button) button.textContent = 'Play';
      pausePlaying = () => {};
    }

    function toggle(): void {
      if (frame) pause();
      else play();
    }

    /** The frame after the one that is shown, or before it. */
    function step(by: number): void {
      const times = film?.times ?? [];
      const n = lastBefore(times, now ?? 0);
      seek(times[Math.min(times.length - 1, Math.max(0, n + by))] ?? 0);
    }

    function timeAt(event: PointerEvent): number | undefined {
      const track = rows.querySelector('.track');
      if (!track) return undefined;
      const { left, width } = track.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      return share < -0.01 || share > 1.01 ? undefined : share * end;
    }

    rows.addEventListener('pointermove', (event) => {
      const time = timeAt(event);
      if (time === undefined || (frame && event.buttons === 0)) return;
      if (event.buttons === 0) show(time);
      else seek(time);
    });
    rows.addEventListener('pointerdown', (event) => {
      const time = timeAt(event);
      if (time === undefined) return;
      pause();
      seek(time);
    });
    rows.addEventListener('pointerleave', () => {
      if (frame) return;
      if (now !== undefined) return show(now);
      rows.classList.remove('timed');
      tell(undefined);
    });
    const controls = player?.querySelector<HTMLElement>('.controls');
    if (controls) controls.hidden = !film || film.times.length < 2;
    button?.addEventListener('click', toggle);
    screen?.addEventListener('click', toggle);
    player?.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const acts: Readonly<Record<string, () => void>> = {
        ArrowRight: () => step(1),
        ArrowLeft: () => step(-1),
        Home: () => seek(0),
        End: () => seek(end),
      };
      const act = acts[event.key];
      // The button hears the space bar by itself.
      const space = event.key === ' ' && event.target === player;
      if (act) pause();
      if (act) act();
      else if (space) toggle();
      else return;
      event.preventDefault();
    });
  }

  /** The last of ascending times that is not after this one; the first if all are. */
  function lastBefore(times: readonly number[], time: number): number {
    let n = 0;
    while (n + 1 < times.length && (times[n + 1] ?? 0) <= time + 1e-9) n++;
    return n;
  }

  /** A curve's value at a time: on the line between two of its points, and level outside of them. */
  function between(times: readonly number[], values: readonly number[], time: number) {
    const n = lastBefore(times, time);
    const [from = 0, to = from] = [times[n], times[n + 1]];
    const [first, second] = [values[n], values[n + 1]];
    if (first === undefined || second === undefined || time <= from) return first;
    return first + ((second - first) * (time - from)) / (to - from);
  }
}
