/** Random numbers that follow from a seed. */
import { FormatError } from './errors.js';

/**
 * A seeded source of random numbers whose state can be saved and restored, so that a resumed run
 * continues with the very next number.
 *
 * The generator is xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018), seeded through SplitMix32. Not for cryptography.
 */
export class Random {
  /** Four 32-bit words. */
  #s: [number, number, number, number];
  #spareNormal: number | undefined;

  constructor(seed: number) {
    const word = splitMix32(seed);
    this.#s = [word(), word(), word(), word()];
  }

  /** The next 32 random bits, an integer in [0, 2^32). */
  uint32(): number {
    let [a, b, c, d] = this.#s;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    this.#s = [a, b, c, d];
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal by Box and Muller's transform. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const value = this.#spareNormal;
      this.#spareNormal = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** One of `items`, each as likely as the others. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)] as T;
  }

  /** Shuffles in place (Fisher and Yates) and returns its argument. */
  shuffle<A extends unknown[] | Int32Array>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }

  /** The whole state as text, for a checkpoint. */
  save(): string {
    return JSON.stringify({ s: this.#s, spareNormal: this.#spareNormal ?? null });
  }

  /**
   * A generator from any number of integers, each of which moves all four words: as good as
   * independent of those of other integers.
   */
  static of(...integers: readonly number[]): Random {
    const random = new Random(0);
    const lane = (number: number) =>
      integers.reduce((word, integer) => splitMix32(word ^ integer)(), number);
    random.#s = [lane(1), lane(2), lane(3), lane(4)];
    return random;
  }

  /** Restores what `save` returned. */
  static restore(saved: string): Random {
    const random = new Random(0);
    const { s, spareNormal } = parseState(saved);
    random.#s = s;
    random.#spareNormal = spareNormal ?? undefined;
    return random;
  }
}

/**
 * The generator for one purpose (`'dropout'`, `'order'`) at one place of a run: a pure function of its
 * arguments, so that a resumed run draws the same numbers with nothing saved.
 * @param index of a batch, a picture, or what else the purpose counts.
 */
export function randomAt(seed: number, purpose: string, epoch = 0, index = 0): Random {
  const name = Array.from(purpose, (letter) => letter.codePointAt(0) ?? 0);
  return Random.of(seed, name.length, ...name, epoch, index);
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function splitMix32(seed: number): () => number {
  let z = seed | 0;
  return () => {
    z = (z + 0x9e3779b9) | 0;
    let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    return t ^ (t >>> 15);
  };
}

interface State {
  s: [number, number, number, number];
  spareNormal: number | null;
}

function parseState(saved: string): State {
  try {
    const { s, spareNormal } = JSON.parse(saved);
    const [a, b, c, d] = s;
    const words =
      s.length === 4 &&
      [a, b, c, d].every((word) => Number.isInteger(word) && Math.abs(word) < 2 ** 32);
    // From four zeros the generator never gets away.
    if (words && (a || b || c || d) && (spareNormal === null || Number.isFinite(spareNormal))) {
      return { s: [a, b, c, d], spareNormal };
    }
  } catch {
    // Falls through to the typed error.
  }
  throw new FormatError('random state', `not a saved generator: ${saved.slice(0, 80)}`);
}
