"""Words of a text, the same for a column and for one value: spelled-out character classes, no Unicode tables."""

from __future__ import annotations

import re

# Chinese characters and kana are written without spaces: each is a word of its own.
SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
BETWEEN = (
    "\x00-/:-@\\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    "\u2000-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\ufeff"
)
WORD = f"[{SINGLE}]|[^{BETWEEN}{SINGLE}]+"
_WORDS = re.compile(WORD)


def words(text: str) -> list[str]:
    """The text's words; a Chinese character is a word."""
    return _WORDS.findall(text)
