/** The cards of pictures in a caption report, with what searches and sorts them. */
import { SMALL_PICTURE } from '../data/pictures/photos.js';
import { joinUnspaced } from '../data/text/tokenize.js';
import { base64, html, type Markup } from './html.js';
import type { ReportPicture } from './report-picture.js';

/** The cards of all pictures, with what searches, sorts and chooses among them. */
export function photoSection(
  pictures: readonly ReportPicture[],
  { about, attention }: { readonly about: string; readonly attention: boolean },
): Markup {
  return html`<section aria-labelledby="pictures-title">
<h2 id="pictures-title">Pictures <small>${about}</small></h2>
<div class="toolbar" role="search">
  <label class="search"><span>Search</span><input id="search" type="search" placeholder="Words, file names" autocomplete="off"></label>
  <label class="order"><span>Order</span><select id="order">
    <option value="given">as in the dataset</option>
    <option value="best">CIDEr, best first</option>
    <option value="worst">CIDEr, worst first</option>
    <option value="bleu4">BLEU-4, best first</option>
    <option value="rougeL">ROUGE-L, best first</option>
    <option value="sure">most certain first</option>
    <option value="unsure">least certain first</option>
    <option value="long">longest caption first</option>
  </select></label>
  ${attention ? lookButtons : undefined}
  <p class="count"><span id="count" aria-live="polite"></span> <button type="button" id="clear" hidden>Show all</button></p>
</div>
<div id="cards" class="photo-cards">
${pictures.map(card)}</div>
<p id="nothing" class="nothing" hidden>No picture fits.</p>
</section>`;
}

const lookButtons = html`<div id="look" class="choice" role="group" aria-label="Attention is shown as"><button type="button" value="heat" aria-pressed="true">Heat map</button><button type="button" value="spotlight" aria-pressed="false">Spotlight</button></div>`;

function card(picture: ReportPicture, index: number): Markup {
  const { photo, references } = picture;
  const look = isPixelArt(photo) ? html` class="pixelated"` : undefined;
  const alt = references[0] ?? `picture ${index + 1}`;
  return html`<article class="photo-card" id="picture-${index}" data-index="${index}" aria-label="${picture.id}">
<button type="button" class="stage" title="${picture.id}: open large"><img${look} src="data:${photo.type};base64,${base64(photo.bytes)}" width="${photo.width}" height="${photo.height}" alt="${alt}" decoding="async"><canvas aria-hidden="true"></canvas></button>
<div class="words">
${captionOf(picture)}
${scoreLine(picture)}
${referenceList(references)}</div>
</article>
`;
}

/** Whether a word is written with a space before it. */
function isSpaced(before: string | undefined, word: string): boolean {
  return before !== undefined && word !== "'s" && joinUnspaced([before, word]).includes(' ');
}

/** Each word in an element of its own, so that it can be pointed at. */
export function captionOf({ words, caption }: Pick<ReportPicture, 'words' | 'caption'>): Markup {
  const markedWords = words.map(
    ({ word }, index) =>
      html`${isSpaced(words[index - 1]?.word, word) ? ' ' : undefined}<span data-word="${index}">${word}</span>`,
  );
  const whole = caption ?? joinUnspaced(words.map(({ word }) => word));
  const silent = certainty(words);
  return html`<p class="caption" tabindex="0" role="group" aria-label="${whole}: the arrow keys step through its words">${words.length > 0 ? markedWords : '(no words)'}</p>
<p class="readout" aria-live="polite" data-silent="${silent}">${silent}</p>`;
}

/** The geometric mean of the words' probabilities, where the model gives them. */
function certainty(words: ReportPicture['words']): string {
  let sum = 0;
  for (const { probability } of words) {
    if (probability === undefined) return '';
    sum += Math.log(probability);
  }
  return words.length === 0 ? '' : `p ${Math.exp(sum / words.length).toFixed(2)} a word`;
}

/** How well a caption agrees with its references. */
export function scoreLine({
  scores: { cider, bleu4, bleu1, rougeL },
}: Pick<ReportPicture, 'scores'>): Markup {
  const share = Math.min(1, cider / 2);
  const other = (label: string, value: number) =>
    html`<span>${label} <b>${value.toFixed(2)}</b></span>`;
  return html`<p class="scores"><span class="cider">CIDEr <b>${cider.toFixed(2)}</b><svg viewBox="0 0 60 6" width="60" height="6" aria-hidden="true"><rect width="60" height="6" rx="3"/><rect class="filled" width="${(60 * share).toFixed(1)}" height="6" rx="3"/></svg></span>${[
    other('BLEU-1', bleu1),
    other('BLEU-4', bleu4),
    other('ROUGE-L', rougeL),
  ]}</p>`;
}

/** The first one visible, the others behind a click. */
export function referenceList([first, ...others]: readonly string[]): Markup | undefined {
  if (first === undefined) return undefined;
  const rest =
    others.length === 0
      ? undefined
      : html`<details><summary>${others.length} more</summary>
<ul class="truths">${others.map((text) => html`<li>${text}</li>`)}</ul></details>
`;
  return html`<p class="label">${others.length === 0 ? 'The truth' : 'People say'}</p>
<ul class="truths"><li>${first}</li></ul>
${rest}`;
}

/** Small pictures are shown with their pixels as squares: smoothing would only blur them. */
function isPixelArt({ width, height }: ReportPicture['photo']): boolean {
  return Math.max(width, height) <= SMALL_PICTURE;
}
