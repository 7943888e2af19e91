import type { Words } from './words.js';

const LETTER = String.raw`\p{Script=Latin}\p{Script=Cyrillic}`;
const OTHER_SIGN = new RegExp(String.raw`([^${LETTER}0-9\s.'\x60,\-‘’])`, 'gu');
const INNER_HYPHEN = new RegExp(`(?<=[${LETTER}0-9.])-(?=[${LETTER}0-9])`, 'gu');
const CLITIC = new RegExp(`(?<=[${LETTER}])'(?=[${LETTER}])|(?<=[0-9])'(?=s)`, 'gu');

/**
 * The words that METEOR compares: its `-norm` step, applied to what the Penn Treebank tokenizer
 * left. Hyphens inside words become spaces ("t-shirt": two words), signs stand alone, an
 * apostrophe between letters begins a word ("n't": `n`, `'t`), dots in acronyms go (`u.s.`: `us`),
 * other final dots stand alone at the end.
 */
export function meteorWords(tokens: Words): Words {
  const words = tokens
    .join(' ')
    .toLowerCase()
    .replace(OTHER_SIGN, ' $1 ')
    .replace(/(?<!\d),|,(?!\d)/g, ' , ')
    .replace(/[`‘’]/g, "'")
    .replace(INNER_HYPHEN, ' ')
    .replace(CLITIC, " '")
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.flatMap((word, index) => {
    if (word.length < 2 || !word.endsWith('.')) return [word];
    const lastInnerDot = word.lastIndexOf('.', word.length - 2);
    if (/\p{L}/u.test(word.slice(0, Math.max(0, lastInnerDot)))) return [word.replaceAll('.', '')];
    return /^\p{Ll}/u.test(words[index + 1] ?? '') ? [word] : [word.slice(0, -1), '.'];
  });
}
