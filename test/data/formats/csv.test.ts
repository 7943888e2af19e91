import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvRecords } from '@/data/formats/csv.js';

const fieldsOf = (text: string, delimiter = ',') =>
  [...csvRecords(text, delimiter)].map(({ fields }) => fields);

describe('csvRecords', () => {
  test('what is quoted by the rules comes back, whatever is in it and however lines end', () => {
    const delimiters = fc.constantFrom(',', ';', '|', '\t');
    const field = fc.stringMatching(/^[ab",;|\t\r\n]{0,8}$/).map((text) => text.trim());
    const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(table, delimiters, fc.constantFrom('\n', '\r\n', '\r'), (rows, by, end) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = rows.map((row) => row.map(quoted).join(by) + end).join('');
        expect(fieldsOf(text, by)).toEqual(rows);
        expect(fieldsOf(text.trimEnd(), by)).toEqual(rows);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('of any text, each character but quotes, spaces and dividers is in one field', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab", \r\n]*$/), (text) => {
        const letters = (of: string) => of.replace(/[^ab]/g, '');
        expect(letters(fieldsOf(text).flat().join(''))).toBe(letters(text));
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  test('a quote that does not close its field is a character', () => {
    expect(fieldsOf('p.jpg\t"Big" dog\nq.jpg\t5" long\nr.jpg\t"A dog', '\t')).toEqual([
      ['p.jpg', '"Big" dog'],
      ['q.jpg', '5" long'],
      ['r.jpg', '"A dog'],
    ]);
  });

  test('a quoted field goes on in the next line, but not over the record of another photo', () => {
    expect(fieldsOf('p.jpg,"A dog\nruns"\nq.jpg,b')).toEqual([
      ['p.jpg', 'A dog\nruns'],
      ['q.jpg', 'b'],
    ]);
    expect(fieldsOf('p.jpg,"A dog\nq.jpg,it is 5"\n')).toEqual([
      ['p.jpg', '"A dog'],
      ['q.jpg', 'it is 5"'],
    ]);
  });

  test('knows lines, and a record from a field on', () => {
    const records = [...csvRecords('a,"b\nc"\n\nd,e , f,"g"\n', ',')];
    expect(records.map(({ line }) => line)).toEqual([1, 4]);
    expect(records[1]?.from(1)).toBe('e , f,"g"');
  });

  test('a text of nothing but quotes takes no time that grows with its square', () => {
    const begun = performance.now();
    const text = `a,${'"",""x,'.repeat(100_000)}`;
    expect(fieldsOf(text)[0]).toHaveLength(200_002);
    expect(fieldsOf(`${'a,"""",""\n'.repeat(50_000)}"`)).toHaveLength(50_001);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
