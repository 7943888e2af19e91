/** British stem, American stem, and the endings with which the lexer knows it. */
const SPELLINGS: readonly (readonly [british: string, american: string, endings: string])[] = [
  ['anaesthetic', 'anesthetic', ''],
  ['analogue', 'analog', ' s'],
  ['analys', 'analyz', 'e ed ing'],
  ['armour', 'armor', 'ed'],
  ['cancell', 'cancel', 'ed ing'],
  ['candour', 'candor', ''],
  ['capitalis', 'capitaliz', 'e ed ation'],
  ['centre', 'center', ''],
  ['chimaeric', 'chimeric', ''],
  ['clamour', 'clamor', ''],
  ['colour', 'color', 'ed ing ful'],
  ['defence', 'defense', ''],
  ['Defence', 'Defense', ''],
  ['discolour', 'discolor', ' s ed ing'],
  ['encyclopaedia', 'encyclopedia', ''],
  ['endeavour', 'endeavor', ' s ed ing'],
  ['fervour', 'fervor', ''],
  ['favour', 'favor', ' s ed ing ite ites'],
  ['fibre', 'fiber', ' s'],
  ['finalis', 'finaliz', 'e ed ing'],
  ['flavour', 'flavor', ' s ed ing'],
  ['grey', 'gray', ''],
  ['harbour', 'harbor', ' s'],
  ['homologue', 'homolog', ' s'],
  ['honour', 'honor', ' s ed ing able'],
  ['humour', 'humor', ' s ed ing'],
  ['kerb', 'curb', ''],
  ['labell', 'label', 'ed ing'],
  ['labour', 'labor', ' s ed ing'],
  ['Labour', 'Labor', ''],
  ['leant', 'leaned', ''],
  ['learnt', 'learned', ''],
  ['localis', 'localiz', 'e ed'],
  ['manoeuvre', 'maneuver', ' s'],
  ['maximis', 'maximiz', 'e ed ing'],
  ['meagre', 'meager', ''],
  ['minimis', 'minimiz', 'e ed ing'],
  ['modernis', 'moderniz', 'e ed ing'],
  ['misdemeanour', 'misdemeanor', ' s'],
  ['neighbour', 'neighbor', ' s hood hoods'],
  ['oestrogen', 'estrogen', ' s'],
  ['organisation', 'organization', ' s'],
  ['penalis', 'penaliz', 'e ed'],
  ['popularis', 'populariz', 'e ed es ing'],
  ['practis', 'practic', 'e ed'],
  ['pressuris', 'pressuriz', 'e ed es ing'],
  ['realis', 'realiz', 'e ed ing es'],
  ['recognis', 'recogniz', 'e ed ing es'],
  ['rumour', 'rumor', 'ed ing'],
  ['savour', 'savor', ' s ed ing'],
  ['splendour', 'splendor', ' s'],
  ['theatre', 'theater', ' s'],
  ['titre', 'titer', ' s'],
  ['travell', 'travel', 'ed ing'],
];

const AMERICAN: ReadonlyMap<string, string> = new Map(
  SPELLINGS.flatMap(([british, american, endings]) =>
    endings.split(' ').map((ending): [string, string] => [british + ending, american + ending]),
  ),
);

/** Words in -our that both spell so, and what is no such word. */
const OUR_STAYS =
  /abatjour|beflour|bonjour|calambour|carrefour|cornflour|contour|de[tv]our|dortour|dyvour|downpour|giaour|glamour|holour|inpour|outpour|pandour|paramour|pompadour|recontour|repour|ryeflour|sompnour|tambour|troubadour|tregetour|velour/;

/**
 * The American spelling of a British word, as far as the lexer knows it: some 150 words ("grey",
 * "colourful", "theatre") and, from six letters on, the endings -our(s), -programme(s), -aemia and
 * the syllables haemo-, haemato-, leukaem-. Capitalised words stay as they are, but for two.
 */
export function american(word: string): string {
  if (word.length < 4) return word;
  const known = AMERICAN.get(word);
  if (known !== undefined || word.length < 6) return known ?? word;
  if (/haem(?:at)?o/.test(word)) return word.replace(/haem(at)?o/g, 'hem$1o');
  if (/aemia$/.test(word)) return word.replace(/aemia$/, 'emia');
  if (/[lL]eukaem/.test(word)) return word.replace(/([lL])eukaem/g, '$1eukem');
  if (/programmes?$/.test(word)) return word.replace(/programme(s?)$/, 'program$1');
  if (OUR_STAYS.test(word)) return word;
  return word.replace(/^([a-z]{3,})our(s?)$/, '$1or$2');
}
