/**
 * English words so frequent that METEOR lets them count less than content words. METEOR takes all
 * above one in a thousand in news text; this is a list of our own to that rule, so its values
 * differ in a few words.
 */
const LIST = `
  a about after all also an and any are as at be been before being but by can could did do does down
  during each even first for from had has have he her him his how i if in into is it its just like
  many may more most much my new no not now of off on one only or other our out over own said same
  she should so some such than that the their them then there these they this those through to too
  two under up very was we well were what when where which while who will with would you your
  's 't 're 've 'll 'd 'm n't ' " - -- . , ; : ! ? ( ) [ ] & / %
`;

/** Whether METEOR discounts this word, which is in small letters. */
export function isFunctionWord(word: string): boolean {
  return WORDS.has(word);
}

const WORDS: ReadonlySet<string> = new Set(LIST.trim().split(/\s+/));
