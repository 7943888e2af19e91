/** Damage to files, for tests that damage whatever a reader reads. */
import fc from 'fast-check';

/** A way to spoil a file: cut it, change bytes at a place, repeat or leave out a part. */
type Fault =
  | { readonly cut: number }
  | { readonly at: number; readonly bytes: Uint8Array }
  | { readonly from: number; readonly length: number; readonly twice: boolean };

const extremes = [
  Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127),
  Uint8Array.of(255, 255, 255, 255),
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0),
  Uint8Array.of(128),
];

/** Spoilt versions of a file; half of the places lie in its first `head` bytes, where formats say what follows. */
export function damaged(good: Uint8Array, head = 256): fc.Arbitrary<Buffer> {
  const last = Math.max(0, good.length - 1);
  const place = fc.oneof(fc.nat(Math.min(last, head)), fc.nat(last));
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constantFrom(...extremes),
  );
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    fc.record({ cut: place }),
    fc.record({ at: place, bytes }),
    fc.record({ at: place, bytes }),
    fc.record({ from: place, length: fc.nat(64), twice: fc.boolean() }),
  );
  return fc
    .array(fault, { minLength: 1, maxLength: 3 })
    .map((faults) => faults.reduce(spoil, Buffer.from(good)));
}

function spoil(file: Buffer, fault: Fault): Buffer {
  if ('cut' in fault) return file.subarray(0, fault.cut);
  if ('at' in fault) {
    const changed = Buffer.from(file);
    changed.set(
      fault.bytes.subarray(0, Math.max(0, file.length - fault.at)),
      Math.min(fault.at, file.length),
    );
    return changed;
  }
  const end = fault.from + fault.length;
  return Buffer.concat([
    file.subarray(0, fault.twice ? end : fault.from),
    file.subarray(fault.twice ? fault.from : end),
  ]);
}
