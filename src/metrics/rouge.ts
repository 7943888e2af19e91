/** ROUGE-L, and the longest common subsequence that it is computed from. */
import { ValueError } from '../errors.js';
import type { Words } from './words.js';

/** Recall counts beta^2 = 1.44 times as much as precision. */
const BETA = 1.2;
/** What coco-caption makes of an empty caption: splitting '' at spaces gives one empty word. */
const NOTHING: Words = [''];

/**
 * ROUGE-L as coco-caption computes it. With L the length of the longest common subsequence, P the
 * best of L / candidate length and R the best of L / reference length, each over all references
 * (they may be two different ones):
 *
 *     ROUGE-L = (1 + 1.2^2) P R / (R + 1.2^2 P),  0 where P or R is 0
 *
 * An empty caption counts as one empty word, so an empty candidate matches an empty reference.
 * The score of a corpus is the mean over its images.
 * Source: Lin 2004; Chen et al. 2015 (Microsoft COCO Captions).
 *
 * @throws ValueError without a reference.
 */
export function rougeL(candidate: Words, references: readonly Words[]): number {
  if (references.length === 0) throw new ValueError('ROUGE-L needs at least one reference.');
  const words = candidate.length === 0 ? NOTHING : candidate;
  let precision = 0;
  let recall = 0;
  for (const reference of references) {
    const truth = reference.length === 0 ? NOTHING : reference;
    const common = commonSubsequence(words, truth);
    precision = Math.max(precision, common / words.length);
    recall = Math.max(recall, common / truth.length);
  }
  if (precision === 0 || recall === 0) return 0;
  return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
}

/** Bits of a number that operations on bits see. */
const BITS = 32;
const RADIX = 2 ** BITS;

/** Where a word stands in a caption: of blocks of 32 places, those that have it, and the bits there. */
interface Places {
  readonly blocks: number[];
  readonly bits: number[];
}

/**
 * The length of the longest common subsequence of two captions: words that both have in the same
 * order, others between them or not.
 *
 * Every column of the table of lengths is kept as one bit a word of `b`: 0 where the length grows by
 * one. So 32 entries take one step, and captions of 50,000 words a fraction of a second.
 * Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
 */
export function commonSubsequence(a: Words, b: Words): number {
  let start = 0;
  let [endA, endB] = [a.length, b.length];
  while (start < endA && start < endB && a[start] === b[start]) start++;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const same = start + (a.length - endA);
  // What only one of them has is no part of any common subsequence.
  const [wordsOfA, wordsOfB] = [new Set(a.slice(start, endA)), new Set(b.slice(start, endB))];
  const left = a.slice(start, endA).filter((word) => wordsOfB.has(word));
  const right = b.slice(start, endB).filter((word) => wordsOfA.has(word));
  return same + longest(left, right);
}

function longest(a: Words, b: Words): number {
  const places = placesOf(b);
  const column = new Uint32Array(Math.ceil(b.length / BITS)).fill(RADIX - 1);
  for (const word of a) {
    const { blocks, bits } = places.get(word) ?? { blocks: [], bits: [] };
    let carry = 0;
    let block = 0;
    for (let i = 0; i < blocks.length; i++) {
      // Blocks without the word only pass the carry on, as far as it goes.
      for (const next = blocks[i] ?? 0; carry > 0 && block < next; block++) {
        carry = add(column, block, 0, carry);
      }
      block = blocks[i] ?? 0;
      carry = add(column, block, bits[i] ?? 0, carry);
      block++;
    }
    for (; carry > 0 && block < column.length; block++) carry = add(column, block, 0, carry);
  }
  let length = 0;
  for (let place = 0; place < b.length; place++) {
    if ((((column[Math.floor(place / BITS)] ?? 0) >>> (place % BITS)) & 1) === 0) length++;
  }
  return length;
}

/** `v = (v + (v & bits) + carry) | (v & ~bits)` in one block; gives the carry to the next one. */
function add(column: Uint32Array, block: number, bits: number, carry: number): number {
  const value = column[block] ?? 0;
  const sum = value + ((value & bits) >>> 0) + carry;
  column[block] = sum | (value & ~bits);
  return sum >= RADIX ? 1 : 0;
}

function placesOf(words: Words): ReadonlyMap<string, Places> {
  const places = new Map<string, Places>();
  for (const [place, word] of words.entries()) {
    let found = places.get(word);
    if (found === undefined) {
      found = { blocks: [], bits: [] };
      places.set(word, found);
    }
    const block = Math.floor(place / BITS);
    if (found.blocks.at(-1) !== block) {
      found.blocks.push(block);
      found.bits.push(0);
    }
    const last = found.bits.length - 1;
    found.bits[last] = ((found.bits[last] ?? 0) | (1 << (place % BITS))) >>> 0;
  }
  return places;
}
