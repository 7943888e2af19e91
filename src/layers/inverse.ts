/**
 * The inverse of a small dense matrix, by Gauss-Jordan elimination with the largest pivot of each
 * column. The matrix must have one: what comes of another is not finite.
 */
export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    const size = (row: readonly number[]) => Math.abs(row[column] ?? 0);
    const [pivot = []] = rows.slice(column).sort((a, b) => size(b) - size(a));
    rows.splice(rows.indexOf(pivot), 1);
    const scale = pivot[column] ?? 0;
    const unit = pivot.map((value) => value / scale);
    for (const [i, row] of rows.entries()) {
      const factor = row[column] ?? 0;
      rows[i] = row.map((value, j) => value - factor * (unit[j] ?? 0));
    }
    rows.splice(column, 0, unit);
  }
  return rows.map((row) => row.slice(n));
}
