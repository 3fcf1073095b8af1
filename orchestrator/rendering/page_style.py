"""The style sheet of the report page: one column on a phone, paper and dark screens included."""

STYLE = """
:root{--ink:#1b2430;--dim:#5b6675;--line:#d9dfe7;--card:#fff;--page:#f4f6f9;--red:#c62f2f;
--amber:#a86400;--green:#1d7a46;--blue:#1f5fbf;--mono:ui-monospace,Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf2;--dim:#9aa7b8;--line:#303a48;--card:#1a212b;
--page:#11161d;--red:#ff7b72;--amber:#e3a94a;--green:#4cc38a;--blue:#79b0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 .4em}
h2{font-size:1.02rem;margin:0 0 .7em}
p{margin:.3em 0}
.dim,small{color:var(--dim)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;
margin:0 0 16px;overflow-x:auto}
.chip{display:inline-block;padding:1px 10px;border-radius:99px;font-weight:600;font-size:.85rem;
border:1px solid currentColor}
.confirmed{color:var(--green)}.probable{color:var(--amber)}.inconclusive{color:var(--blue)}
.first{display:grid;gap:16px;grid-template-columns:minmax(0,3fr) minmax(0,2fr)}
.pair{display:grid;gap:16px;grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
@media (max-width:760px){.first,.pair{grid-template-columns:minmax(0,1fr)}}
.cause{border-left:4px solid var(--red);padding-left:14px;margin:0 0 12px}
.cause b{font-size:1.12rem}
.bar{height:6px;border-radius:3px;background:var(--line);margin:8px 0 4px;max-width:320px}
.bar i{display:block;height:100%;border-radius:3px;background:var(--green)}
ol,ul{margin:.2em 0;padding-left:1.3em}
li{margin:.35em 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{text-align:left;color:var(--dim);font-weight:600}
th,td{padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code,pre{font-family:var(--mono);font-size:.84rem}
pre{margin:.3em 0;white-space:pre-wrap;overflow-wrap:anywhere}
.add{color:var(--green)}.cut{color:var(--red)}
blockquote{margin:.3em 0;padding-left:12px;border-left:3px solid var(--line)}
summary{cursor:pointer;font-weight:600}
svg{display:block;max-width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg .soft{fill:var(--dim)}
svg .box{fill:var(--card);stroke:var(--dim)}
svg .culprit{stroke:var(--red);stroke-width:2.5}
svg .hit{stroke:var(--amber);stroke-width:1.5}
svg .edge{stroke:var(--dim);fill:none}
svg .grid{stroke:var(--line)}
svg .dot-red{fill:var(--red)}svg .dot-blue{fill:var(--blue)}svg .dot-green{fill:var(--green)}
@media print{body{background:#fff;font-size:11pt}.card{break-inside:avoid;border-color:#bbb}
details{display:block}main{max-width:none;padding:0}@page{margin:16mm}}
"""
