/** Runs in the page: a row of small photos, one for each word. */
import type { AttentionTools, Frame } from './attention.js';
import type { PictureData } from './word-steps.js';

/**
 * Runs in the page: fills a list with one small photo for each word, the word's attention on it.
 * @returns the buttons, in the order of the words.
 */
export function attentionStrip(
  list: HTMLElement,
  { data, image }: { readonly data: PictureData; readonly image: HTMLImageElement },
  { tools, grid }: { readonly tools: AttentionTools; readonly grid: Frame['grid'] },
): HTMLButtonElement[] {
  const attention = data.attention && tools.unpack(data.attention);
  list.replaceChildren();
  list.hidden = !attention;
  if (!attention) return [];
  return data.words.map((word, index) => {
    const canvas = document.createElement('canvas');
    const scale = 240 / Math.max(image.naturalWidth, image.naturalHeight, 1);
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    const context = canvas.getContext('2d');
    const values = attention[index];
    if (context && values) {
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      tools.paint(context, values, { grid, field: data.field }, 'heat');
    }
    const label = document.createElement('span');
    label.textContent = word;
    const button = document.createElement('button');
    button.type = 'button';
    button.title = values ? tools.describe(values, grid) : '';
    button.append(canvas, label);
    const item = document.createElement('li');
    item.append(button);
    list.append(item);
    return button;
  });
}
