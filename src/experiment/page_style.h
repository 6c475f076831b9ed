// SPDX-License-Identifier: Apache-2.0

#pragma once

// The style sheet of the report's page.

namespace gust::experiment {

inline constexpr const char* kPageStyle = R"css(
:root{--paper:#faf9f6;--card:#fff;--ink:#1c1e21;--soft:#44484f;--muted:#6b7079;--grid:#e7e5df;--line:#dcd9d1;--accent:#1f5fae;
--good:#256b3a;--bad:#a3261c;--note:#fff6e5;--note-line:#e2a03a}
@media (prefers-color-scheme:dark){:root{--paper:#14161a;--card:#1c1f25;--ink:#eceae5;--soft:#c5c6c9;--muted:#969ba5;--grid:#2b2f37;
--line:#333842;--accent:#8ab8f3;--good:#7fcf97;--bad:#f0918a;--note:#2a2416;--note-line:#b98327}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:48px 24px 40px}
h1,h2,.verdict{font-family:Charter,"Iowan Old Style","Noto Serif","DejaVu Serif",Georgia,serif;font-weight:600;line-height:1.2}
header{margin-bottom:32px}
.kicker{margin:0 0 6px;color:var(--accent);font-size:13px;font-weight:600;letter-spacing:.08em;text-transform:uppercase}
h1{margin:0 0 10px;font-size:42px;letter-spacing:-.01em}
.lead{margin:0;color:var(--muted)}
section{margin:0 0 40px}
section>h2{margin:0 0 14px;font-size:25px}
.answers{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:18px;margin-bottom:18px}
.answers article,figure{background:var(--card);border:1px solid var(--line);border-radius:10px}
.answers article{padding:20px 22px;border-top:3px solid var(--accent)}
.answers h2{margin:0 0 10px;font:600 14px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;color:var(--muted)}
.answers p{margin:0;font-size:15px;color:var(--soft)}
.answers .verdict{margin:0 0 10px;font-size:25px;color:var(--ink)}
.flip{margin:0 0 36px;padding:14px 20px;border-left:3px solid var(--accent);background:var(--card);border-radius:0 10px 10px 0;color:var(--soft)}
.flip strong{color:var(--ink)}
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:18px}
figure{margin:0;padding:20px 20px 12px;break-inside:avoid}
figcaption h3{margin:0;font-size:17px;line-height:1.3}
figcaption p{margin:2px 0 14px;color:var(--muted);font-size:14px}
svg{display:block;width:100%;height:auto;font-size:12.5px}
svg .label{fill:var(--ink)}svg .value{fill:var(--ink);font-weight:600}svg .muted{fill:var(--muted)}
svg text{font-variant-numeric:tabular-nums}
svg .grid{stroke:var(--grid)}svg .axis{stroke:var(--muted)}svg .whisker{stroke:var(--ink);stroke-width:1.4}
svg .halo{stroke:var(--card);stroke-width:5;stroke-opacity:.75}svg .swatch{fill:var(--muted)}svg .mark{stroke:var(--muted);stroke-dasharray:3 4}
svg .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}svg .dot{stroke:var(--card);stroke-width:2}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:14.5px;font-variant-numeric:tabular-nums}
thead th{border-bottom:2px solid var(--line);font-weight:600}
th,td{padding:5px 12px;text-align:right;white-space:nowrap}
tbody th{text-align:left;font-weight:400;color:var(--soft);padding-left:0}
tbody th.sub{padding-left:16px;color:var(--muted)}
tbody td{border-bottom:1px solid var(--grid)}tbody th{border-bottom:1px solid var(--grid)}
tr.group td,tr.group th{border-top:2px solid var(--line)}
table.words th,table.words td{text-align:left;white-space:normal;padding-left:0}
.id{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:13px;overflow-wrap:anywhere}
.small{margin-top:12px;color:var(--muted);font-size:13.5px}.small p{margin:0 0 3px}
.note{margin:12px 0 0;padding:10px 16px;background:var(--note);border-left:3px solid var(--note-line);border-radius:0 8px 8px 0;font-size:14.5px}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
footer{padding-top:18px;border-top:1px solid var(--line);color:var(--muted);font-size:13px}
footer p{margin:0 0 3px}
@media (max-width:860px){.answers,.figures{grid-template-columns:1fr}main{padding:28px 16px}h1{font-size:32px}}
@media print{
:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#222;--muted:#555;--grid:#ddd;--line:#bbb;--accent:#1f5fae;--good:#256b3a;--bad:#a3261c;--note:#fff}
body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
.answers{grid-template-columns:repeat(3,minmax(0,1fr))}.figures{grid-template-columns:repeat(2,minmax(0,1fr))}
.answers article,tr,.flip{break-inside:avoid}.scroll{overflow:visible}table{font-size:9pt}th,td{padding:3px 8px}}
)css";

}  // namespace gust::experiment
