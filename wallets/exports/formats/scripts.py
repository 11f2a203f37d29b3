"""Callers' texts on a page: which font has a letter, where a line ends, what is read leftwards."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, Final

import arabic_reshaper
import pymupdf_fonts
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FONT: Final = "FiraGO"
BOLD: Final = "FiraGO-Bold"
_VIEWERS: Final = {"STSong-Light": "gbk", "HYSMyeongJo-Medium": "cp949"}
"""Fonts that a reader of the file brings along, for Chinese and Japanese and for Korean; each with
a code that has the letters it is known to have."""
_EM: Final = 1_000
_LEFTWARDS: Final = frozenset({"R", "AL"})
_NO_LETTER: Final = "\N{WHITE VERTICAL RECTANGLE}"
"""What stands in place of a letter that no font has."""
# The font has letters as they join, but no ligatures; marks stay where the caller put them.
_JOINING: Final = arabic_reshaper.ArabicReshaper(
    {"support_ligatures": False, "delete_harakat": False}
)


@dataclass(frozen=True, slots=True)
class Run:
    """Letters next to each other that one font has."""

    font: str
    text: str


@cache
def load_fonts() -> None:
    """Make the fonts known to the writer of PDF, once in a process."""
    for name, key in ((FONT, "figo"), (BOLD, "figbo")):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(pymupdf_fonts.fontbuffers[key]())))
    for name in _VIEWERS:
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def lines_of(text: str, size: int, width: int) -> list[list[Run]]:
    """Break a text into lines of at most so many points, at blanks where there are any."""
    joined = _JOINING.reshape(text) if _is_leftwards(text) else text
    return [_runs(_as_read(line)) for line in _wrapped(joined, size, width)]


def _wrapped(text: str, size: int, width: int) -> Iterator[str]:
    room = width * _EM // size
    if sum(map(_width, text)) <= room:
        yield text
        return
    begin, used, blank = 0, 0, -1
    for place, letter in enumerate(text):
        used += _width(letter)
        if letter == " ":
            blank = place
        if used <= room or place == begin:
            continue
        end = blank if blank > begin else place
        yield text[begin:end].strip(" ")
        begin = end
        used = sum(map(_width, text[begin : place + 1]))
    yield text[begin:].strip(" ")


def _as_read(line: str) -> str:
    return str(get_display(line)) if _is_leftwards(line) else line


def _is_leftwards(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(one) in _LEFTWARDS for one in text)


def _runs(line: str) -> list[Run]:
    found = [_drawn(letter) for letter in line]
    return [
        Run(font, "".join(letter for _, letter in group))
        for font, group in groupby(found, key=lambda one: one[0])
    ]


@lru_cache(maxsize=10_000)
def _drawn(letter: str) -> tuple[str, str]:
    """Choose the font of a letter, and what is drawn for it."""
    load_fonts()
    face: Any = pdfmetrics.getFont(FONT).face
    if ord(letter) in face.charToGlyph:
        return FONT, letter
    # A letter that stands alone is drawn as it is.
    if unicodedata.decomposition(letter).startswith("<isolated> "):
        letter = unicodedata.normalize("NFKC", letter)
        return FONT, letter if ord(letter[0]) in face.charToGlyph else _NO_LETTER
    for font, code in _VIEWERS.items():
        try:
            letter.encode(code)
        except UnicodeEncodeError:
            continue
        return font, letter
    return FONT, _NO_LETTER


@lru_cache(maxsize=10_000)
def _width(letter: str) -> int:
    """Tell how wide a letter is, in thousandths of the size."""
    font, drawn = _drawn(letter)
    wide: int = math.ceil(pdfmetrics.stringWidth(drawn, font, _EM))
    return wide
