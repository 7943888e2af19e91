/** Runs in the page, too: where a frame is in a sheet of frames. */

/** How the frames of a sheet lie: `columns` side by side, each of so many pixels. */
export interface SheetLayout {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
}

/** The SVG view box of a frame: x, y, width, height. */
export function viewBoxOf({ width, height, columns }: SheetLayout, frame: number): string {
  // Pixels left out at each edge: where a frame is made larger, its neighbours would show through.
  const edge = 0.3;
  const [x, y] = [(frame % columns) * width, Math.floor(frame / columns) * height];
  return [x + edge, y + edge, width - 2 * edge, height - 2 * edge].join(' ');
}
