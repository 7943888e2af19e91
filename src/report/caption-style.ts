/** The style sheet of the caption report. */

/** What the style sheet of a caption report has besides `style`. */
export const captionStyle = `body { max-width: 1320px; }
.figure:first-child .value { font-size: 2.3rem; line-height: 1.1; }

.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2.2rem; }
.curves > div { min-width: 0; }

.shelf, .strip, .histogram { margin: 0; padding: 0; list-style: none; }
.extremes { display: grid; gap: 1.6rem; }
.extremes > div { min-width: 0; }
.extremes h2 { margin-bottom: .6rem; }
.shelf { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(11rem, 1fr); gap: .9rem; overflow-x: auto; padding: 4px 4px .6rem; margin: -4px -4px 0; scroll-snap-type: x proximity; scroll-padding-inline: 4px; scrollbar-width: thin; }
.shelf li { scroll-snap-align: start; }
.shelf a { position: relative; display: block; height: 100%; overflow: hidden; border: 1px solid var(--line); border-radius: 12px; background: var(--panel); box-shadow: var(--shadow); color: inherit; text-decoration: none; }
.shelf img { display: block; width: 100%; height: auto; aspect-ratio: var(--aspect, 4 / 3); object-fit: cover; background: var(--line); }
.shelf b { position: absolute; top: .5rem; right: .5rem; padding: .05rem .5rem; border-radius: 99px; background: var(--right); color: var(--panel); font-size: .82rem; font-variant-numeric: tabular-nums; }
.worst .shelf b { background: var(--wrong); }
.shelf span { display: block; padding: .55rem .75rem .7rem; font-size: .9rem; line-height: 1.35; font-weight: 550; }
.shelf a:hover { border-color: var(--accent); }

.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(7.4rem, 28%), 1fr)); gap: .6rem; }
.strip button { display: flex; flex-direction: column; width: 100%; padding: 0; border: 0; border-radius: 8px; background: none; color: inherit; font: inherit; font-size: .92rem; font-weight: 600; cursor: pointer; }
.strip canvas { display: block; width: 100%; aspect-ratio: var(--aspect, 4 / 3); object-fit: contain; border-radius: 8px; background: var(--mat); }
.strip span { padding: .25rem .1rem 0; overflow-wrap: anywhere; }
.strip button[aria-pressed="true"] { color: var(--accent); }
.strip button[aria-pressed="true"] canvas { outline: 2.5px solid var(--accent); outline-offset: 1px; }

.histogram { display: grid; grid-template-columns: repeat(9, 1fr); gap: clamp(3px, .6vw, 8px); }
.histogram button { display: flex; flex-direction: column; justify-content: flex-end; width: 100%; height: 8.5rem; padding: 0; border: 0; border-bottom: 1px solid var(--line); border-radius: 6px 6px 0 0; background: none; color: var(--muted); font: inherit; font-size: .82rem; font-variant-numeric: tabular-nums; cursor: pointer; }
.histogram button:disabled { cursor: default; }
.histogram .bar { display: block; flex: none; width: 100%; max-height: calc(100% - 1.4rem); border-radius: 6px 6px 0 0; background: var(--accent); opacity: .55; }
.histogram button:hover:enabled .bar { opacity: .8; }
.histogram button[aria-pressed="true"] { color: var(--ink); font-weight: 650; }
.histogram button[aria-pressed="true"] .bar { opacity: 1; }
.histogram .from { display: block; margin-top: .2rem; color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; }

.toolbar { position: sticky; top: 0; z-index: 3; display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; margin: .7rem -.8rem 1rem; padding: .6rem .8rem; border-radius: 0 0 12px 12px; background: var(--page); }
.toolbar label { display: flex; align-items: center; gap: .45rem; color: var(--muted); font-size: .9rem; }
.toolbar input, .toolbar select { min-width: 0; padding: .38rem .7rem; border: 1px solid var(--line); border-radius: 9px; background: var(--panel); color: var(--ink); font: inherit; font-size: .92rem; }
.search { flex: 1 1 14rem; max-width: 24rem; }
.search input { flex: 1; }
.count { display: flex; align-items: center; gap: .8rem; margin: 0 0 0 auto; color: var(--muted); font-size: .9rem; font-variant-numeric: tabular-nums; }
.count button, .viewer-bar button { padding: .3rem .8rem; border: 1px solid var(--line); border-radius: 9px; background: var(--panel); color: var(--accent); font: inherit; font-size: .9rem; cursor: pointer; }
.choice { display: flex; overflow: hidden; border: 1px solid var(--line); border-radius: 9px; background: var(--panel); }
.choice button { padding: .36rem .8rem; border: 0; background: none; color: var(--muted); font: inherit; font-size: .9rem; cursor: pointer; }
.choice button[aria-pressed="true"] { background: var(--accent); color: var(--panel); }
.choice button:focus-visible { outline-offset: -3px; }
.nothing { padding: 3rem 0; color: var(--muted); text-align: center; }

.photo-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: 1.15rem; align-items: start; }
.photo-card { overflow: hidden; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: var(--shadow); break-inside: avoid; scroll-margin-top: 5rem; }
.stage { position: relative; display: block; width: 100%; padding: 0; border: 0; aspect-ratio: var(--aspect, 4 / 3); background: var(--mat); cursor: zoom-in; }
.stage img, .stage canvas { position: absolute; inset: 0; display: block; width: 100%; height: 100%; object-fit: contain; }
.stage canvas { pointer-events: none; }
.stage:focus-visible { outline-offset: -3px; }
.pixelated { image-rendering: pixelated; }
.photo-card .caption { font-size: 1.02rem; }
.caption [data-word] { border-radius: 5px; padding: .1em .12em; margin: 0 -.12em; cursor: pointer; transition: background-color .15s; }
.caption [data-word].shown { background: var(--glow); color: var(--on-glow); }
.caption:focus-visible { border-radius: 6px; }
.readout { min-height: 1.35em; margin: .25rem 0 .5rem; color: var(--muted); font-size: .8rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.photo-card .readout { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.scores { display: flex; flex-wrap: wrap; align-items: center; gap: .1rem .7rem; margin: 0; padding: .45rem 0 .1rem; border-top: 1px solid var(--line); color: var(--muted); font-size: .77rem; font-variant-numeric: tabular-nums; }
.scores b { color: var(--ink); font-weight: 600; }
.cider { display: flex; flex: 1 0 100%; align-items: center; gap: .4rem; font-size: .92rem; }
.cider svg { margin-left: auto; }
.cider rect { fill: var(--line); }
.cider .filled { fill: var(--accent); }
.photo-card .truths, #viewer .truths { color: var(--muted); font-size: .9rem; }
.photo-card details, #viewer details { margin-top: .3rem; }
.photo-card details .truths, #viewer details .truths { margin-top: .3rem; padding-top: .3rem; border-top: 1px solid var(--line); }

#viewer { width: min(1240px, 100vw - 2rem); max-width: none; max-height: calc(100dvh - 2rem); padding: 0; border: 1px solid var(--line); border-radius: 16px; background: var(--panel); color: var(--ink); overflow: auto; overscroll-behavior: contain; }
#viewer::backdrop { background: rgb(8 10 14 / .66); backdrop-filter: blur(3px); }
.viewer-bar { position: sticky; top: 0; z-index: 2; display: flex; align-items: center; gap: .5rem; padding: .6rem .8rem .6rem 1.1rem; border-bottom: 1px solid var(--line); background: var(--panel); }
.viewer-bar p { margin: 0; color: var(--muted); font-size: .9rem; }
.viewer-bar .position { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.viewer-bar .keys { margin-right: .6rem; }
.viewer-bar button { min-width: 2.3rem; line-height: 1.4; }
kbd { padding: .05rem .35rem; border: 1px solid var(--line); border-radius: 5px; font: inherit; font-size: .85em; }
.viewer-body { display: grid; grid-template-columns: minmax(0, 1.65fr) minmax(17rem, 1fr); }
#viewer .stage { cursor: default; background: #101216; aspect-ratio: auto; height: min(64vh, 46rem); }
#viewer .words { padding: 1.2rem 1.3rem; max-height: min(64vh, 46rem); overflow: auto; }
#viewer .caption { font-size: 1.35rem; line-height: 1.4; }
#viewer .readout { margin-top: .45rem; }
#viewer summary { display: none; }
#showcase .strip { grid-template-columns: repeat(auto-fill, minmax(min(9.2rem, 28%), 1fr)); }
#viewer .strip { padding: 1rem 1.1rem 1.2rem; border-top: 1px solid var(--line); }

@media screen and (max-width: 46rem) {
  #viewer { width: 100vw; max-height: 100dvh; height: 100dvh; margin: 0; border: 0; border-radius: 0; }
  .viewer-bar .keys { display: none; }
  .viewer-body { grid-template-columns: minmax(0, 1fr); }
  #viewer .stage { height: 44vh; }
  #viewer .words { max-height: none; padding: .9rem 1.1rem; }
  #viewer .caption { font-size: 1.2rem; }
  .shelf { grid-auto-columns: 62%; }
  .toolbar { position: static; gap: .5rem .7rem; }
  .toolbar label span { position: absolute; clip-path: inset(50%); }
  .search { flex-basis: 9rem; }
  .order { flex: 1 1 9rem; }
  .order select { width: 100%; }
}
@media screen and (max-width: 34rem) {
  .figures { grid-template-columns: repeat(2, 1fr); }
}

@media print {
  .toolbar, #viewer, #histogram-title small { display: none; }
  .figure:first-child .value { font-size: 1.4rem; }
  .curves { grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
  .histogram button { height: 5rem; }
  .shelf { grid-auto-flow: row; grid-template-columns: repeat(6, 1fr); gap: .5rem; overflow: visible; }
  .shelf a, .photo-card { box-shadow: none; }
  .shelf span { padding: .3rem .4rem; font-size: 7.5pt; }
  #showcase .strip { grid-template-columns: repeat(7, 1fr); }
  .strip button { font-size: 8pt; }
  .photo-cards { grid-template-columns: repeat(3, 1fr); gap: .6rem; }
  .photo-card .caption { font-size: 9pt; }
  .photo-card .truths, .scores, .cider, .readout { font-size: 7.5pt; }
  .photo-card summary { display: none; }
  .photo-card details { display: block; margin: 0; }
}
`;
