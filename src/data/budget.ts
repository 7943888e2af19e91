/**
 * Lets pieces of work begin in turn, as long as what those at work take stays within a total: bytes,
 * or simply their number. What needs more than all of it works alone.
 */
export class Budget {
  readonly total: number;
  #free: number;
  readonly #waiting: { readonly share: number; readonly begin: () => void }[] = [];

  /** @param total above 0 */
  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  /** Does the work when its turn has come and `share` of the total is free. @throws what it throws */
  async spend<T>(share: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(share, this.total);
    await new Promise<void>((begin) => {
      this.#waiting.push({ share: taken, begin });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#free += taken;
      this.#next();
    }
  }

  /** First come, first served: otherwise small work could keep large work waiting for ever. */
  #next(): void {
    for (let [first] = this.#waiting; first && first.share <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= first.share;
      first.begin();
    }
  }
}
