/** A caption as its tokens. */
export type Words = readonly string[];

/** The characters at which Python's `str.split()` splits. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts U+001C to U+001F as space.
const PYTHON_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * The words that coco-caption's BLEU and CIDEr see. They split the tokenised caption at every
 * white space, also at the no-break space that the tokenizer leaves inside "5 1/2"; ROUGE-L splits
 * at the plain space only and sees one word there.
 */
export function splitAtSpaces(tokens: Words): Words {
  if (!tokens.some((token) => PYTHON_SPACE.test(token))) return tokens;
  return tokens.flatMap((token) => token.split(PYTHON_SPACE)).filter((word) => word !== '');
}
