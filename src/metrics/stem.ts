/** The English stemmer Porter2. */

/** Words whose stem the rules would get wrong. */
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['skis', 'ski'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['idly', 'idl'],
  ['gently', 'gentl'],
  ['ugly', 'ugli'],
  ['early', 'earli'],
  ['only', 'onli'],
  ['singly', 'singl'],
  ...['sky', 'news', 'howe', 'atlas', 'cosmos', 'bias', 'andes'].map((word): [string, string] => [
    word,
    word,
  ]),
]);

/** Words that stay as they are once a plural's ending is gone. */
const INVARIANT = /^(?:inning|outing|canning|herring|earring|proceed|exceed|succeed)$/;

const DERIVATIONS: Readonly<Record<string, string>> = {
  ization: 'ize',
  ational: 'ate',
  fulness: 'ful',
  ousness: 'ous',
  iveness: 'ive',
  tional: 'tion',
  biliti: 'ble',
  lessli: 'less',
  entli: 'ent',
  ation: 'ate',
  alism: 'al',
  aliti: 'al',
  ousli: 'ous',
  iviti: 'ive',
  fulli: 'ful',
  enci: 'ence',
  anci: 'ance',
  abli: 'able',
  izer: 'ize',
  ator: 'ate',
  alli: 'al',
  bli: 'ble',
};

const NOUN_ENDINGS: Readonly<Record<string, string>> = {
  ational: 'ate',
  tional: 'tion',
  alize: 'al',
  icate: 'ic',
  iciti: 'ic',
  ical: 'ic',
  ness: '',
  ful: '',
};

/**
 * The stem of an English word in small letters, by the Snowball project's "English" algorithm
 * (Porter2): "climbing", "climbs" and "climbed" are all `climb`. Source:
 * https://snowballstem.org/algorithms/english/stemmer.html
 */
export function stem(text: string): string {
  if (text.length <= 2) return text;
  const irregular = IRREGULAR.get(text);
  if (irregular !== undefined) return irregular;
  // A y that stands for a consonant is written Y.
  let word = text
    .replace(/^'/, '')
    .replace(/^y/, 'Y')
    .replace(/([aeiouy])y/g, '$1Y');
  const r1 = regionAfter(word, /^(?:gener|commun|arsen)|^.*?[aeiouy][^aeiouy]/);
  const r2 = r1 + regionAfter(word.slice(r1), /^.*?[aeiouy][^aeiouy]/);

  word = word.replace(/'s'$|'s$|'$/, '');
  word = withoutPlural(word);
  if (INVARIANT.test(word)) return word;
  word = withoutTense(word, r1);
  word = word.replace(/(?<=.[^aeiouy])[yY]$/, 'i');
  word = withoutDerivation(word, r1);
  word = withoutNounEnding(word, r1, r2);
  word = withoutSuffix(word, r2);
  return withoutLastLetter(word, r1, r2).replaceAll('Y', 'y');
}

/** Where the part of a word behind the first vowel and consonant begins. */
function regionAfter(word: string, start: RegExp): number {
  return start.exec(word)?.[0].length ?? word.length;
}

function withoutPlural(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (/ie[ds]$/.test(word)) return word.slice(0, word.length > 4 ? -2 : -1);
  if (/[us]s$/.test(word)) return word;
  const hasVowelBefore = /[aeiouy]/.test(word.slice(0, -2));
  return word.endsWith('s') && hasVowelBefore ? word.slice(0, -1) : word;
}

function withoutTense(word: string, r1: number): string {
  const eed = /eed(?:ly)?$/.exec(word);
  if (eed) return eed.index >= r1 ? `${word.slice(0, eed.index)}ee` : word;
  const ending = /(?:ed|ing)(?:ly)?$/.exec(word);
  const base = word.slice(0, ending?.index);
  if (ending === null || !/[aeiouy]/.test(base)) return word;
  if (/(?:at|bl|iz)$/.test(base)) return `${base}e`;
  if (/(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/.test(base)) return base.slice(0, -1);
  return r1 >= base.length && endsInShortSyllable(base) ? `${base}e` : base;
}

function endsInShortSyllable(word: string): boolean {
  return /[^aeiouy][aeiouy][^aeiouywxY]$|^[aeiouy][^aeiouy]$/.test(word);
}

function withoutDerivation(word: string, r1: number): string {
  const found =
    /(?:ization|ational|fulness|ousness|iveness|tional|biliti|lessli|entli|ation|alism|aliti|ousli|iviti|fulli|enci|anci|abli|izer|ator|alli|bli|ogi|li)$/.exec(
      word,
    );
  if (found === null || found.index < r1) return word;
  const start = word.slice(0, found.index);
  const [ending] = found;
  if (ending === 'ogi') return start.endsWith('l') ? `${start}og` : word;
  if (ending === 'li') return /[cdeghkmnrt]$/.test(start) ? start : word;
  return start + (DERIVATIONS[ending] ?? ending);
}

function withoutNounEnding(word: string, r1: number, r2: number): string {
  const found = /(?:ational|tional|alize|icate|iciti|ative|ical|ness|ful)$/.exec(word);
  if (found === null || found.index < r1) return word;
  const [ending] = found;
  const start = word.slice(0, found.index);
  if (ending === 'ative') return found.index >= r2 ? start : word;
  return start + (NOUN_ENDINGS[ending] ?? ending);
}

function withoutSuffix(word: string, r2: number): string {
  const found =
    /(?:ement|ance|ence|able|ible|ment|ant|ent|ism|ate|iti|ous|ive|ize|ion|al|er|ic)$/.exec(word);
  if (found === null || found.index < r2) return word;
  const start = word.slice(0, found.index);
  return found[0] === 'ion' && !/[st]$/.test(start) ? word : start;
}

function withoutLastLetter(word: string, r1: number, r2: number): string {
  const start = word.slice(0, -1);
  if (word.endsWith('e')) {
    const drop = start.length >= r2 || (start.length >= r1 && !endsInShortSyllable(start));
    return drop ? start : word;
  }
  return word.endsWith('ll') && start.length >= r2 ? start : word;
}
