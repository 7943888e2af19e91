/**
 * The page's own program, as text: draws the loss curves with uPlot in the colours of the style
 * sheet, anew when the window, the colour scheme or the medium (paper) changes, and lets the reader
 * choose among right and wrong captions. The page is readable without it.
 */
export const chartScript = `(() => {
  'use strict';
  const { history } = JSON.parse(document.getElementById('report-data').textContent);
  const box = document.getElementById('loss-chart');
  let plot;

  if (box && history.length > 0) {
    draw();
    new ResizeObserver(() => {
      if (plot && box.clientWidth !== plot.width) plot.setSize(size());
    }).observe(box);
    for (const query of ['(prefers-color-scheme: dark)', 'print']) {
      matchMedia(query).addEventListener('change', draw);
    }
  }

  function size() {
    const width = box.clientWidth;
    return { width, height: Math.round(Math.min(340, Math.max(210, width * 0.38))) };
  }

  function draw() {
    plot?.destroy();
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue('--' + name).trim();
    const losses = history.flatMap(({ trainLoss, devLoss }) => [trainLoss, devLoss]);
    const lowest = history.reduce((a, b) => (b.devLoss < a.devLoss ? b : a));
    const font = '12px system-ui, sans-serif';
    const axis = {
      stroke: colour('muted'),
      font,
      labelFont: font,
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    const points = { show: history.length < 40, size: 6 };
    const last = history.length;
    const edge = last === 1 ? 0.5 : (last - 1) * 0.02;
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    plot = new uPlot(
      {
        ...size(),
        padding: [12, 14, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
        scales: {
          x: { time: false, range: [history[0].epoch - edge, history[last - 1].epoch + edge] },
          y: { range: [0, (Math.max(...losses) || 1) * 1.06] },
        },
        axes: [
          { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 44, size: 34, grid: { show: false } },
          { ...axis, space: 48, size: 44 },
        ],
        series: [
          {},
          { stroke: colour('train'), width: 2, dash: [6, 5], points: { ...points, fill: colour('panel') } },
          { stroke: colour('dev'), width: 2.5, points: { ...points, fill: colour('dev') } },
        ],
        hooks: {
          init: [(u) => u.over.append(tip)],
          draw: [(u) => markBest(u, lowest, colour('dev'))],
          setCursor: [(u) => showTip(u, tip)],
        },
      },
      [
        history.map(({ epoch }) => epoch),
        history.map(({ trainLoss }) => trainLoss),
        history.map(({ devLoss }) => devLoss),
      ],
      box,
    );
  }

  function markBest(u, { epoch, devLoss }, colour) {
    const { ctx } = u;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    ctx.arc(u.valToPos(epoch, 'x', true), u.valToPos(devLoss, 'y', true), 8 * devicePixelRatio, 0, 7);
    ctx.stroke();
    ctx.restore();
  }

  function showTip(u, tip) {
    const report = u.cursor.idx == null || u.cursor.left < 0 ? undefined : history[u.cursor.idx];
    tip.hidden = !report;
    if (!report) return;
    const { epoch, trainLoss, devLoss } = report;
    tip.textContent = 'epoch ' + epoch + '\\ntrain ' + trainLoss.toFixed(3) + '\\ndev ' + devLoss.toFixed(3);
    const x = u.valToPos(epoch, 'x');
    const before = x > u.over.clientWidth / 2;
    tip.style.left = (before ? x - tip.offsetWidth - 14 : x + 14) + 'px';
  }

  for (const button of document.querySelectorAll('.filter button')) {
    button.addEventListener('click', () => {
      for (const other of document.querySelectorAll('.filter button')) {
        other.setAttribute('aria-pressed', String(other === button));
      }
      for (const card of document.querySelectorAll('.card')) {
        card.hidden = button.value !== '' && card.dataset.verdict !== button.value;
      }
    });
  }
})();`;
