/** Light and dark, narrow and wide. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --shade: #f6f8fa; --link: #0550ae;
  --series-0: #0969da; --series-1: #bc4c00; --series-2: #1a7f37; --series-3: #8250df;
  --series-4: #bf3989; --series-5: #7d4e00; --series-6: #0a6e78; --series-7: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #30363d; --shade: #161b22; --link: #79c0ff;
    --series-0: #58a6ff; --series-1: #ffa657; --series-2: #56d364; --series-3: #bc8cff;
    --series-4: #ff9bce; --series-5: #e3b341; --series-6: #39c5cf; --series-7: #9198a1;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { max-width: 48rem; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption, caption { font-weight: 600; text-align: left; padding: .5rem 0; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll > table { min-width: min(100%, 20rem); }
.scroll > table th, .scroll > table td { padding: .3rem .6rem; font-size: .9rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
.scroll > table th { font-weight: 600; color: var(--quiet); }
.scroll > table tbody th { color: var(--text); text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; max-width: 20rem; }
.scroll > table thead th:first-child, .scroll > table .text { text-align: left; }
.scroll > table thead { background: var(--shade); }
details { margin-top: .25rem; }
summary { cursor: pointer; color: var(--link); }
.u-legend { font-size: .85rem; }
.u-legend .u-series th { cursor: pointer; }
`;
