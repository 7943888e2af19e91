/** The style sheet of all reports. */

/** The report's style sheet. Colours are variables, so that the curves can be drawn in them. */
export const style = `:root {
  color-scheme: light dark;
  --page: #f4f3ef;
  --panel: #ffffff;
  --ink: #1c1f24;
  --muted: #5d6570;
  --line: #e3e1da;
  --accent: #1f5fbf;
  --dev: #1f5fbf;
  --train: #c2691c;
  --right: #17724a;
  --right-wash: #e2f2e9;
  --wrong: #b02e2e;
  --wrong-wash: #fbe6e4;
  --mat: #e9e7e0;
  --glow: #ffd75a;
  --on-glow: #2a1c00;
  --shadow: 0 1px 2px rgb(30 30 20 / .06), 0 6px 20px rgb(30 30 20 / .05);
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #121418;
    --panel: #1b1e24;
    --ink: #eceef2;
    --muted: #9da6b3;
    --line: #2c313a;
    --accent: #86b5ff;
    --dev: #86b5ff;
    --train: #f0a560;
    --right: #6fd6a3;
    --right-wash: #16352a;
    --wrong: #ff9a91;
    --wrong-wash: #43211f;
    --mat: #0c0e11;
    --shadow: none;
  }
}

* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto;
  padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 4vw, 2.5rem) 4rem;
  max-width: 1240px;
  background: var(--page);
  color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
html { background: var(--page); }

header { margin-bottom: 2rem; }
.brand { display: flex; align-items: center; gap: .5rem; margin: 0 0 1.1rem; color: var(--accent); font-weight: 650; }
.brand span { color: var(--muted); font-weight: 400; }
.brand .glint { fill: var(--page); }
h1 { margin: 0; font-size: clamp(1.7rem, 4.2vw, 2.6rem); line-height: 1.15; letter-spacing: -.02em; text-wrap: balance; overflow-wrap: anywhere; }
.subtitle { margin: .6rem 0 0; max-width: 68ch; color: var(--muted); font-size: 1.06rem; }
h2 { margin: 0; font-size: 1.2rem; letter-spacing: -.01em; }
h2 small { margin-left: .35rem; color: var(--muted); font-size: .86rem; font-weight: 400; letter-spacing: 0; }

section { margin-bottom: 2rem; }
.panel { padding: 1.25rem 1.4rem; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: var(--shadow); }
.heading { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .6rem 1.5rem; margin-bottom: .9rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1px; margin: 0; overflow: hidden; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: var(--shadow); }
.figure { padding: 1.1rem 1.3rem 1.15rem; box-shadow: 0 0 0 1px var(--line); }
.figure dt { color: var(--muted); font-size: .88rem; }
.figure dd { margin: 0; }
.figure .value { margin-top: .1rem; font-size: 1.75rem; font-weight: 650; line-height: 1.25; letter-spacing: -.02em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.figure:first-child .value { color: var(--accent); }
.figure .hint { margin-top: .15rem; color: var(--muted); font-size: .84rem; line-height: 1.35; }

.note { margin: .7rem .2rem 0; color: var(--muted); font-size: .88rem; max-width: 90ch; }
.remark { margin: 0 0 2rem; color: var(--muted); }
.remark b { color: var(--ink); }

.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; margin: 0; padding: 0; list-style: none; color: var(--muted); font-size: .9rem; }
.legend li { display: flex; align-items: center; gap: .45rem; }
.legend path { stroke-width: 2.5; }
.legend .train path { stroke: var(--train); stroke-dasharray: 6 4; }
.legend .dev path { stroke: var(--dev); }
.legend i { width: 13px; height: 13px; border: 2px solid var(--dev); border-radius: 50%; }
.chart { min-height: 210px; }
.chart .uplot { width: 100%; }
.u-hz .u-cursor-x { border-color: var(--muted); }
.tip { position: absolute; top: 8px; z-index: 2; padding: .4rem .65rem; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); box-shadow: var(--shadow); font-size: .84rem; line-height: 1.45; white-space: pre; pointer-events: none; font-variant-numeric: tabular-nums; }

details { margin-top: .8rem; }
summary { color: var(--accent); font-size: .9rem; cursor: pointer; }
.scroll { overflow-x: auto; }
table { width: 100%; margin-top: .7rem; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; }
thead th { color: var(--muted); font-weight: 500; }
td em, th em { margin-left: .3rem; color: var(--dev); font-size: .85em; }

.filter { display: flex; overflow: hidden; border: 1px solid var(--line); border-radius: 9px; background: var(--panel); }
.filter button { padding: .35rem .85rem; border: 0; background: none; color: var(--muted); font: inherit; font-size: .9rem; cursor: pointer; }
.filter button + button { border-left: 1px solid var(--line); }
.filter button b { font-weight: 600; font-variant-numeric: tabular-nums; }
.filter button[aria-pressed="true"] { background: var(--accent); color: var(--panel); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.filter button:focus-visible { outline-offset: -3px; }
.filter button[aria-pressed="true"]:focus-visible { outline-color: var(--panel); }

.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--card, 13rem), 1fr)); gap: 1.1rem; }
.cards.photos { --card: 17rem; }
.card { display: flex; flex-direction: column; overflow: hidden; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: var(--shadow); break-inside: avoid; }
.card.wrong { border-color: var(--wrong); }
.picture { aspect-ratio: 4 / 3; background: var(--line); }
.picture.pixelated { aspect-ratio: 1; }
.picture img { display: block; width: 100%; height: 100%; object-fit: cover; }
.pixelated img { image-rendering: pixelated; }
.badge { display: flex; align-items: center; gap: .2rem; margin: -.1rem -.3rem 0 auto; padding: .1rem .5rem .12rem .38rem; border-radius: 99px; font-size: .77rem; font-weight: 650; letter-spacing: 0; }
.badge path { fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.right .badge { background: var(--right-wash); color: var(--right); }
.wrong .badge { background: var(--wrong-wash); color: var(--wrong); }
.words { padding: .8rem 1rem 1rem; overflow-wrap: anywhere; }
.label { margin: .65rem 0 .1rem; color: var(--muted); font-size: .76rem; letter-spacing: .02em; }
.label:first-child { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .25rem; min-height: 1.5rem; margin: 0 0 .2rem; }
.caption { margin: 0; font-weight: 600; line-height: 1.38; }
.truths { margin: 0; padding: 0; list-style: none; font-size: .93rem; line-height: 1.4; }
.photos .truths { color: var(--muted); font-size: .9rem; }
.truths li + li { margin-top: .3rem; padding-top: .3rem; border-top: 1px solid var(--line); }
mark { border-radius: 3px; padding: 0 .15em; background: var(--right-wash); color: var(--right); font-weight: 600; }
.caption mark { background: var(--wrong-wash); color: var(--wrong); text-decoration: line-through; text-decoration-thickness: 1px; }

@media screen and (max-width: 34rem) {
  .cards.scenes { --card: 9.5rem; gap: .7rem; }
  .cards.scenes .words { padding: .65rem .75rem .8rem; font-size: .94rem; }
  .badge { margin-left: 0; }
}

.command pre { margin: .7rem 0 0; overflow-x: auto; font: .92rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }

@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; background: none; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html { background: none; }
  .panel, .figures { break-inside: avoid; box-shadow: none; }
  .heading { break-after: avoid; }
  .card { box-shadow: none; }
  .figures { grid-template-columns: repeat(auto-fit, minmax(7.2rem, 1fr)); }
  .figure { padding: .7rem .8rem; }
  .figure .value { font-size: 1.4rem; }
  .cards.scenes { grid-template-columns: repeat(5, 1fr); gap: .6rem; }
  .cards.photos { grid-template-columns: repeat(3, 1fr); gap: .7rem; }
  .words { padding: .4rem .55rem .55rem; font-size: 8.5pt; }
  .truths, .photos .truths { font-size: 1em; }
  .label, .badge { font-size: .85em; }
  .badge { margin-left: 0; }
  .filter, details { display: none; }
}
`;
