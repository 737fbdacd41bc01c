"""The frame and the style sheet of report pages."""

import string

TEMPLATE = string.Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<main>
<header>
<h1>$title</h1>
<p>$summary</p>
</header>
$body
</main>
</body>
</html>
""")

CSS = """\
:root {
  color-scheme: light dark;
  --ink: #1d232b; --soft: #5d6875; --line: #dde2e8; --page: #fff;
  --panel: #f6f8fa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e8ee; --soft: #98a4b2; --line: #333b45; --page: #14181d;
    --panel: #1c2229;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "Liberation Sans", Arial, sans-serif;
}
main { max-width: 84rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1, h2, p, li, figcaption { overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 {
  font-size: 1.2rem; margin: 2.6rem 0 .9rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line);
}
p { max-width: 46rem; margin: 0 0 .9rem; }
header p { color: var(--soft); font-size: 1.05rem; }
.scroll { overflow-x: auto; }
table {
  border-collapse: collapse; font-variant-numeric: tabular-nums;
  margin-bottom: 1.5rem;
}
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .3rem .8rem; text-align: right; white-space: nowrap; }
th[scope=row] { text-align: left; font-weight: 500; padding-left: 0; }
th[scope=colgroup] { text-align: center; }
th[scope=col] { color: var(--soft); font-weight: 400; }
tbody tr, tfoot tr { border-top: 1px solid var(--line); }
tfoot tr { border-top: 2px solid var(--soft); }
thead + tbody tr:first-child { border-top: 2px solid var(--soft); }
th[scope=colgroup], td:nth-child(even), th[scope=col]:nth-child(even) {
  border-left: 1px solid var(--line);
}
figure { margin: 0 0 2rem; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
.grid {
  display: grid; gap: .5rem; min-width: 40rem;
  grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
}
.grid img { width: 100%; height: auto; display: block; border-radius: 3px; }
.grid > img { image-rendering: pixelated; }
.head, .strip span { overflow-wrap: anywhere; }
.head b { display: block; }
.head span { color: var(--soft); font-size: .85rem; }
.whole { display: flex; align-items: center; }
.whole > div { position: relative; width: 100%; }
.whole i {
  position: absolute; border: 2px solid #fff; outline: 1px solid #000;
}
.bar {
  display: flex; flex-wrap: wrap; align-items: center; gap: .6rem;
  margin: 0 0 1.2rem; color: var(--soft); font-size: .85rem;
}
.bar span:first-child { color: var(--ink); margin-right: .4rem; }
.bar i { width: 14rem; max-width: 40%; height: .8rem; border-radius: 3px; }
.cards {
  display: grid; gap: 1.5rem 1.2rem; margin-bottom: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr));
}
.cards figure { margin: 0; max-width: 32rem; }
.cards figcaption { overflow-wrap: anywhere; }
.cards img { width: 100%; height: auto; display: block; border-radius: 3px; }
.cards table { width: 100%; margin: .4rem 0 0; font-size: .78rem; }
.cards th, .cards td { padding: .05rem .2rem; border: 0; }
.cards th { white-space: normal; overflow-wrap: anywhere; }
.cards .marked { background: var(--panel); font-weight: 600; }
.strip {
  display: grid; gap: .4rem; align-items: center;
  grid-template-columns: 9rem repeat(var(--columns), 9rem);
}
.strip img { width: 100%; height: auto; display: block; border-radius: 2px; }
.strip span, .strip .head { color: var(--soft); font-size: .78rem; }
.strip .name { font-size: .85rem; overflow-wrap: anywhere; }
.judged {
  table-layout: fixed; font-size: .82rem; border-collapse: separate;
  border-spacing: 0; width: min(100%, var(--columns) * 12.5rem);
  min-width: calc(var(--columns) * 5.3rem);
}
.judged img {
  width: 100%; height: auto; display: block; border-radius: 3px;
  image-rendering: pixelated;
}
.judged tr > * {
  padding: .12rem .3rem; border: 0; text-align: center; white-space: normal;
  overflow-wrap: anywhere; vertical-align: top;
}
.judged thead tr > [scope=col] {
  color: var(--ink); padding-bottom: .4rem; border: 0; font-weight: 600;
}
.judged tbody tr > * { border-top: 1px solid var(--line); }
.judged tbody tr > td { border-left: 0; }
.judged .best { background: var(--panel); font-weight: 600; }
.judged tr > :first-child {
  position: sticky; left: 0; background: var(--page); text-align: left;
}
.judged tr > :first-child { padding-left: 0; padding-right: .6rem; }
figcaption small { color: var(--soft); font-weight: 400; }
section > img { max-width: 100%; height: auto; margin-bottom: 1.2rem; }
.curves svg { width: 100%; max-width: 64rem; height: auto; }
.facts {
  display: grid; gap: .25rem 1.5rem;
  grid-template-columns: fit-content(24rem) minmax(0, 1fr);
  background: var(--panel); border-radius: 6px; padding: 1rem 1.2rem; margin: 0;
}
.facts dt { color: var(--soft); }
.facts dt, .facts dd { overflow-wrap: anywhere; }
.facts dd { margin: 0; }
pre { overflow-x: auto; }
@media (max-width: 40rem) {
  main { padding: 1.2rem .9rem 3rem; }
  .facts { grid-template-columns: minmax(0, 1fr); }
  .facts dd { margin-bottom: .5rem; }
}
@media print { main { max-width: none; } figure { break-inside: avoid; } }
"""
