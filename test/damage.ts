/** Damage to files, for tests and fuzz runs that damage whatever a reader reads. */
import { gunzipSync, gzipSync } from 'node:zlib';
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

const utf8 = new TextEncoder();

/** Stand for what JSON.stringify cannot write. */
const WILD = { DEEP: `${'['.repeat(50_000)}${']'.repeat(50_000)}`, INFINITE: '1e999' };

/** Every value inside a value of JSON, as the way to it. */
function waysIn(json: unknown, way: readonly string[] = []): (readonly string[])[] {
  const inside = typeof json === 'object' && json !== null ? Object.entries(json) : [];
  return [way, ...inside.flatMap(([key, value]) => waysIn(value, [...way, key]))];
}

function replaced(json: unknown, [key, ...way]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(json)) {
    return json.map((item, index) => (`${index}` === key ? replaced(item, way, value) : item));
  }
  const members = Object.entries(json as object);
  return Object.fromEntries(
    members.map(([name, item]) => [name, name === key ? replaced(item, way, value) : item]),
  );
}

const wrong = fc.oneof(
  fc.constantFrom<unknown>(...Object.keys(WILD), null, -1, 0, 0.5, 1e300, '', ' ', '\0', '../..'),
  fc.constantFrom<unknown>([], {}, [[]], [null], '__proto__', 'constructor', '\ud800'),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Texts of JSON in which one value, anywhere, is another. */
export function wrongJson(json: unknown): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.constantFrom(...waysIn(json)), wrong).map(([way, value]) => {
    const text = JSON.stringify(replaced(json, way, value));
    return utf8.encode(
      text.replace(/"(DEEP|INFINITE)"/g, (_, key: keyof typeof WILD) => WILD[key]),
    );
  });
}

/** What texts and tables are spoilt with: it divides, quotes, ends or means something, or is long. */
const pieces = [
  ...['"', '""', "'", ',', ';', '\t', '\r', '\n', '\n\n', '\r\n', '\0', '#', '\\', '{', '[', '<'],
  ...['../', '/', '=1+1', '\u001b[2J', '\u2028', '\ufeff', '\u00a0', 'e\u0301', '\u{1f415}', '狗'],
  ...['a'.repeat(70_000), '.'.repeat(20_000), '('.repeat(20_000), '\u{1f415}'.repeat(20_000)],
  ...['a ', 'a,', "a'", 'a-', '"a'].map((part) => part.repeat(20_000)),
].map((piece) => utf8.encode(piece));

/** Texts into which something was put. */
function wrongText(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.nat(good.length), fc.constantFrom(...pieces))
    .map(([place, piece]) => Buffer.concat([good.subarray(0, place), piece, good.subarray(place)]));
}

/**
 * Spoilt versions of a file by what its ending says it is: not only bytes are others, but values of
 * JSON, too, and entries of a safetensors header, words of a text, and what was packed.
 */
export function spoilt(name: string, good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const bytes = damaged(good);
  switch (/\.[a-z]+$/.exec(name)?.[0]) {
    case '.json':
      return fc.oneof(bytes, wrongJson(JSON.parse(new TextDecoder().decode(good))));
    case '.safetensors':
      return fc.oneof(bytes, wrongHeader(good));
    case '.gz':
      return fc.oneof(
        bytes,
        damaged(gunzipSync(good)).map((inner) => gzipSync(inner)),
      );
    case '.csv':
    case '.tsv':
    case '.jsonl':
    case '.txt':
      return fc.oneof(bytes, wrongText(good));
    default:
      return bytes;
  }
}

/** Safetensors files with a wrong value in the header, or in JSON that the header keeps as a text. */
function wrongHeader(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const file = Buffer.from(good);
  const end = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, end));
  const metadata: Record<string, string> = header.__metadata__ ?? {};
  const inner = Object.entries(metadata)
    .filter(([, text]) => /^[[{]/.test(text))
    .map(([key, text]) =>
      wrongJson(JSON.parse(text)).map((wrong) => {
        const changed = { ...metadata, [key]: Buffer.from(wrong).toString() };
        return utf8.encode(JSON.stringify({ ...header, __metadata__: changed }));
      }),
    );
  return fc.oneof(wrongJson(header), ...inner).map((text) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, file.subarray(end)]);
  });
}
