/** Right or wrong: the badge of one answer, and the buttons that choose among many. */
import { html, type Markup } from './html.js';

export type Verdict = 'right' | 'wrong';

/** A sign, a word and a colour: any one of them is enough. */
export function badge(verdict: Verdict): Markup {
  const path = verdict === 'right' ? 'M3 8.5 6.5 12 13 4.5' : 'M4 4l8 8M12 4l-8 8';
  return html`<span class="badge"><svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true"><path d="${path}"/></svg> ${verdict}</span>`;
}

/** Buttons for all, the right and the wrong ones; none where no verdict is known. See `chooseVerdict`. */
export function verdictFilter(verdicts: readonly (Verdict | undefined)[]): Markup | undefined {
  const count = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
  const [right, wrong] = [count('right'), count('wrong')];
  if (right === 0 && wrong === 0) return undefined;
  const button = (value: string, label: string, number: number) =>
    html`<button type="button" value="${value}" aria-pressed="${value === '' ? 'true' : 'false'}">${label} <b>${number}</b></button>`;
  return html`<div class="filter" role="group" aria-label="Show">${[
    button('', 'All', verdicts.length),
    button('right', 'Right', right),
    button('wrong', 'Wrong', wrong),
  ]}</div>`;
}
