/** A value among rows that is not finite. */
export interface NotFinite {
  readonly row: number;
  /** Its place in the row. */
  readonly place: number;
  readonly value: number;
}

/** The first value that is not finite among rows of `size` values; undefined where all are. */
export function firstNotFinite(values: ArrayLike<number>, size: number): NotFinite | undefined {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) return { row: Math.floor(i / size), place: i % size, value };
  }
  return undefined;
}

/** What is said of such a row: "are not finite (value 2 is NaN)". */
export function notFinite({ place, value }: NotFinite): string {
  const beyond = Number.isNaN(value) ? '' : ', or beyond what float32 holds';
  return `are not finite (value ${place} is ${value}${beyond})`;
}
