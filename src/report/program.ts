import { Markup } from './html.js';

/**
 * A function that runs inside the page, as a program that calls it.
 *
 * Functions of `in-page/` are ordinary code, checked and tested like all other, but only their text
 * travels into the page: so each stands alone. It uses its parameters, the globals of a browser and
 * nothing of its module; other functions of `in-page/` that it needs come as parameters.
 *
 * @param main called with `parts`.
 * @param parts further functions, which may not refer to anything outside of themselves either.
 */
export function program<Parts extends Readonly<Record<string, unknown>>>(
  main: (parts: Parts) => void,
  parts: Parts,
): Markup {
  const texts = Object.entries(parts).map(([name, part]) => `${name}: ${part}`);
  const text = `(() => {\n'use strict';\n(${main})({\n${texts.join(',\n')}\n});\n})();`;
  // A string or comment in a program must not end its script element.
  if (/<\/script|<!--/i.test(text)) throw new TypeError('a program of a page contains markup');
  return new Markup(text);
}
