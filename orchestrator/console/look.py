"""How the console looks: one style sheet and one script for all pages, served from here.

NiceGUI's utility classes (Tailwind) are not loaded: a browser would compile them on every page.
The classes of `console.css` are few and named by what they are for.
"""

from __future__ import annotations

import hashlib
from html import escape
from pathlib import Path
from urllib.parse import quote

ASSETS = Path(__file__).parent / "assets"
ASSETS_URL = "/console-assets"
VERSION = hashlib.sha256(
    b"".join(file.read_bytes() for file in sorted(ASSETS.iterdir()))
).hexdigest()[:12]
"""In the address of every file here, so that a browser may keep them for good."""
HEAD = (
    f'<link rel="stylesheet" href="{ASSETS_URL}/console.css?{VERSION}">'
    f'<link rel="stylesheet" href="{ASSETS_URL}/architect.css?{VERSION}">'
    f'<script defer src="{ASSETS_URL}/console.js?{VERSION}"></script>'
)
"""What every page's head has."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" '
    'rx="7" fill="#1c58b0"/><path d="M7 22h18M10 16h12M13 10h6" stroke="#fff" stroke-width="3" '
    'stroke-linecap="round"/></svg>'
)
"""The mark in the browser's tab."""
_PLAIN_STYLE = """
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.55 system-ui,sans-serif;
background:light-dark(#f4f6f9,#10151c);color:light-dark(#1b2430,#e6ebf2)}
main{max-width:26rem;padding:2rem;margin:1rem;border-radius:12px;
border:1px solid light-dark(#d9dfe7,#2c3644);background:light-dark(#fff,#171e28)}
h1{font-size:1.15rem;margin:0 0 .8rem}p{margin:.5rem 0}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.88em}
button{font:inherit;font-weight:600;margin-top:.6rem;padding:.5rem 1.1rem;border-radius:8px;
border:0;color:#fff;background:#1f5fbf;cursor:pointer}
button:focus-visible{outline:3px solid #79b0ff;outline-offset:2px}
.warn{color:light-dark(#a83232,#ff9b93)}
"""


def plain_page(title: str, body: str, *, head: str = "") -> str:
    """A page without script, for who is not signed in.

    Args:
        title: Plain text.
        body: HTML of ours.
        head: More for the head.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:image/svg+xml,{quote(ICON)}">'
        f"<title>{escape(title)} · tierwise</title><style>{_PLAIN_STYLE}</style>{head}</head>"
        f"<body><main><h1>tierwise</h1>{body}</main></body></html>"
    )
