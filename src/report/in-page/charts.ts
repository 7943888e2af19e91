/** Runs in the page: draws the charts. */
import type UPlot from 'uplot';

/** uPlot's program runs before. */
declare const uPlot: typeof UPlot;

/** A curve of a chart: the number of an epoch by its name in the history. */
interface Curve {
  readonly key: string;
  readonly label: string;
  /** Variable of the style sheet without `--`. */
  readonly colour: string;
  readonly dashed: boolean;
}

/** What `drawCharts` finds about a chart in the page's data. */
export interface Chart {
  /** Id of the element to draw in. */
  readonly id: string;
  readonly curves: readonly Curve[];
  /** The epoch with the best value of the curve of that name is marked. */
  readonly best: { readonly key: string; readonly epoch: number };
}

/**
 * Runs in the page: draws the training curves with uPlot in the colours of the style sheet, anew
 * when the window, the colour scheme or the medium (paper) changes.
 */
export function drawCharts(): void {
  type Epoch = Readonly<Record<string, number | undefined>>;
  const text = document.getElementById('report-data')?.textContent ?? '{}';
  const data: { history: readonly Epoch[]; charts: readonly Chart[] } = JSON.parse(text);
  const { history, charts } = data;
  const epochs = history.map(({ epoch }) => epoch ?? 0);
  for (const chart of charts) place(chart);

  function place(chart: Chart) {
    const box = document.getElementById(chart.id);
    if (!box) return;
    let plot: UPlot | undefined;
    const draw = () => {
      plot?.destroy();
      plot = drawn(chart, box);
    };
    draw();
    new ResizeObserver(() => {
      if (plot && box.clientWidth !== plot.width) plot.setSize(sizeOf(box));
    }).observe(box);
    for (const query of ['(prefers-color-scheme: dark)', 'print']) {
      matchMedia(query).addEventListener('change', draw);
    }
  }

  function sizeOf({ clientWidth: width }: HTMLElement) {
    return { width, height: Math.round(Math.min(340, Math.max(210, width * 0.38))) };
  }

  function drawn({ curves, best }: Chart, box: HTMLElement): UPlot {
    const css = getComputedStyle(document.documentElement);
    const colour = (name: string) => css.getPropertyValue(`--${name}`).trim();
    const values = curves.map(({ key }) => history.map((epoch) => epoch[key] ?? null));
    const highest = Math.max(...values.flat().map((value) => value ?? 0)) || 1;
    const font = '12px system-ui, sans-serif';
    const axis = {
      stroke: colour('muted'),
      font,
      labelFont: font,
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    const points = { show: history.length < 40, size: 6 };
    const [first = 0, last = 0] = [epochs[0], epochs.at(-1)];
    const edge = first === last ? 0.5 : (last - first) * 0.02;
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    const options: UPlot.Options = {
      ...sizeOf(box),
      padding: [12, 14, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
      scales: {
        x: { time: false, range: [first - edge, last + edge] },
        y: { range: [0, highest * 1.06] },
      },
      axes: [
        { ...axis, incrs: steps, space: 44, size: 34, grid: { show: false } },
        { ...axis, space: 48, size: 44 },
      ],
      series: [
        {},
        ...curves.map((curve) => ({
          stroke: colour(curve.colour),
          width: curve.dashed ? 2 : 2.5,
          ...(curve.dashed && { dash: [6, 5] }),
          spanGaps: true,
          points: { ...points, fill: colour(curve.dashed ? 'panel' : curve.colour) },
        })),
      ],
      hooks: {
        init: [(u) => u.over.append(tip)],
        draw: [(u) => markBest(u, best, colour('dev'))],
        setCursor: [(u) => showTip(u, tip, curves)],
      },
    };
    return new uPlot(options, [epochs, ...values], box);
  }

  function markBest(u: UPlot, { key, epoch }: Chart['best'], colour: string) {
    const value = history.find((one) => one.epoch === epoch)?.[key];
    if (value === undefined) return;
    const { ctx } = u;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    const radius = 8 * devicePixelRatio;
    ctx.arc(u.valToPos(epoch, 'x', true), u.valToPos(value, 'y', true), radius, 0, 7);
    ctx.stroke();
    ctx.restore();
  }

  function showTip(u: UPlot, tip: HTMLElement, curves: readonly Curve[]) {
    const { idx, left = -1 } = u.cursor;
    const report = idx == null || left < 0 ? undefined : history[idx];
    tip.hidden = !report;
    if (!report) return;
    const lines = curves.flatMap(({ key, label }) => {
      const value = report[key];
      return value === undefined ? [] : [`${label} ${value.toFixed(3)}`];
    });
    tip.textContent = [`epoch ${report.epoch}`, ...lines].join('\n');
    const x = u.valToPos(report.epoch ?? 0, 'x');
    const before = x > u.over.clientWidth / 2;
    tip.style.left = `${before ? x - tip.offsetWidth - 14 : x + 14}px`;
  }
}
