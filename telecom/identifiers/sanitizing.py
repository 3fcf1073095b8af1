"""Take out of strings what no reader sees and what breaks a wire."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def sanitize_text(text: str) -> str:
    """Drop control, bidi, zero-width and tag characters; a lone surrogate becomes U+FFFD.

    Line ends and tabs stay.
    """
    if text.isascii():
        return _CONTROLS.sub("", text) if _CONTROLS.search(text) else text
    return _SURROGATE.sub("\ufffd", _UNWANTED.sub("", text))
