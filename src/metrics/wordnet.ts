/** The synonyms of WordNet: the synsets of a word and of its base forms. */
import { FormatError } from '../errors.js';

/** WordNet's four index files: the text of index.noun, index.verb, index.adj and index.adv. */
export interface WordNetFiles {
  readonly noun: string;
  readonly verb: string;
  readonly adj: string;
  readonly adv: string;
}

/** Endings and what stands in the base form instead: WordNet's own rules of detachment. */
const DETACHMENTS: readonly (readonly [ending: string, instead: string])[] = [
  ...[
    ['s', ''],
    ['ses', 's'],
    ['xes', 'x'],
    ['zes', 'z'],
    ['ches', 'ch'],
    ['shes', 'sh'],
  ],
  ...[
    ['men', 'man'],
    ['ies', 'y'],
    ['es', 'e'],
    ['es', ''],
    ['ed', 'e'],
    ['ed', ''],
  ],
  ...[
    ['ing', 'e'],
    ['ing', ''],
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
  ],
].map(([ending = '', instead = '']) => [ending, instead]);

/** Forms that no ending explains; WordNet's own lists are not in the npm package. */
const IRREGULAR: ReadonlyMap<string, readonly string[]> = new Map(
  `child children · foot feet · tooth teeth · goose geese · mouse mice · knife knives · wolf wolves
  leaf leaves · loaf loaves · shelf shelves · scarf scarves · half halves · calf calves
  be is are was were been being am · have has had · do does did done · go went gone goes
  run ran · sit sat · stand stood · hold held · wear wore worn · ride rode ridden · throw threw thrown
  catch caught · take took taken · see saw seen · fly flew flown flies · swim swam swum
  drive drove driven · eat ate eaten · fall fell fallen · lie lay lain lying · lay laid · lead led
  leave left · make made · meet met · shoot shot · sleep slept · speak spoke spoken · stick stuck
  sweep swept · swing swung · teach taught · tell told · think thought · wind wound
  write wrote written · get got gotten · give gave given · grow grew grown · hang hung
  hide hid hidden · keep kept · know knew known · break broke broken · bring brought · build built
  buy bought · come came · dig dug · draw drew drawn · drink drank drunk · feed fed · fight fought
  find found · blow blew blown · bend bent · begin began begun · bite bit bitten · shake shook shaken
  shine shone · sing sang sung · sink sank sunk · slide slid · spin spun · win won · good better best`
    .split(/·|\n/)
    .flatMap((line) => {
      const [base = '', ...forms] = line.trim().split(/\s+/);
      return forms.map((form): [string, readonly string[]] => [form, [base]]);
    }),
);

/**
 * Which words mean the same: the sets of synonyms (synsets) of WordNet 3.1. Two words are synonyms
 * for METEOR when they, or their base forms, share a set in any part of speech.
 * Source: Miller 1995; Princeton University, https://wordnet.princeton.edu/
 */
export class WordNet {
  readonly #synsets = new Map<string, readonly number[]>();
  readonly #known = new Map<string, ReadonlySet<number>>();

  /** @throws FormatError naming the file and line that is no entry of an index. */
  constructor(files: WordNetFiles) {
    for (const [part, text] of Object.entries(files)) this.#read(part, text);
  }

  /** The numbers of the sets that hold a word in small letters, or its base form. */
  synsets(word: string): ReadonlySet<number> {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    const found = new Set(this.#synsets.get(word));
    for (const base of this.#bases(word)) {
      for (const set of this.#synsets.get(base) ?? []) found.add(set);
    }
    this.#known.set(word, found);
    return found;
  }

  #bases(word: string): readonly string[] {
    const irregular = IRREGULAR.get(word);
    if (irregular !== undefined) return irregular;
    if (word.endsWith('ss') || word.length <= 2) return [];
    for (const [ending, instead] of DETACHMENTS) {
      if (!word.endsWith(ending)) continue;
      const base = word.slice(0, -ending.length) + instead;
      if (this.#synsets.has(base)) return [base];
    }
    const doubled = /^(.*([bdfgklmnprstz]))\2(?:ed|ing)$/.exec(word)?.[1] ?? '';
    return this.#synsets.has(doubled) ? [doubled] : [];
  }

  /** An entry: lemma, part, sets, pointers and their symbols, senses, tagged, offset of each set. */
  #read(part: string, text: string): void {
    const partNumber = ['noun', 'verb', 'adj', 'adv'].indexOf(part);
    let lineNumber = 0;
    for (const line of text.split('\n')) {
      lineNumber++;
      const [lemma = '', ...fields] = line.trimEnd().split(' ');
      // The licence at the top is indented; compounds are no single tokens.
      if (lemma === '' || lemma.includes('_')) continue;
      const offsets = fields.slice(-Number(fields[1])).map(Number);
      if (offsets.length === 0 || offsets.some((offset) => !Number.isInteger(offset))) {
        throw new FormatError(
          `index.${part}`,
          `line ${lineNumber} is no entry of a WordNet index: ${JSON.stringify(line.slice(0, 60))}`,
        );
      }
      const sets = offsets.map((offset) => offset * 4 + partNumber);
      this.#synsets.set(lemma, [...(this.#synsets.get(lemma) ?? []), ...sets]);
    }
  }
}
