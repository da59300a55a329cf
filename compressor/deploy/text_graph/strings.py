"""Strings on which two tokenizers that should be the same most likely differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

__all__ = ["STRINGS", "difficult_strings"]

STRINGS = 1000
"""How many are compared."""
_LONGEST_WORDS = (99, 100, 101, 150, 200, 201, 400)
"""Characters; BERT takes words of more than 100 for unknown."""
_SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202e\ufe0f\x01\x08\x1b\x1f\x7f\x80\ufffd\ue000\U000f0001"
_MARKS = "\u0300\u0301\u0308\u0327\u0328\u0338\u0345\u05b0\u064b\u0e31\u093e\u094d\u20dd\u3099\U0001d165"
_LETTERS = (
    "abcxyzABCXYZ0189 éÉñÑüÜßẞøØåÅçÇœŒæÆþÐıİĳǅﬁﬀŁłŠšŽžŐőẤấỗȩ̇ "
    "αΑάΆςσΣΩώϋΰ ЖжЙйЁёІіЎў ԱաႠა אבשׁ ءآأئابةى٠۴ हिन्दीक़ বাংলা தமிழ் ไทยำ 가각힣ᄀᆨㄱ がガパぱｶﾞ 漢字龍㐀𠀀豈﨎 ①½²™ℵＡｂ３"
)
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡§«»¿–—‘’“”…‰€₹°±×÷≠→∑√∞⟨⟩。、「」！？·٪؟।"  # noqa: RUF001
_EMOJI = ("😀", "👍🏽", "👩‍👩‍👧", "🏳️‍🌈", "🇩🇪", "1️⃣", "☕", "❤️", "🫠")
_WORDS = (
    "the film was good", "Don't", "can't.", "e-mail", "NATO", "iPhone", "3.14", "1,200", "$5.99", "C++", "U.S.A.",
    "http://a.example/b?c=d&e", "user@host.example", "#tag", "<br />", "naïve café", "Zürich", "Ångström", "İstanbul",
    "Straße", "x²+y²", "re\u0301sume\u0301", "ﬁne", "co\u00adoperate", "中文字符", "日本語のテスト", "한국어 문장",
    "русский Язык", "ελληνικάΣ", "עִבְרִית", "العربية", "हिन्दी", "ไทย",
)  # fmt: skip


def difficult_strings(tokens: Sequence[str], *, count: int = STRINGS, seed: int = 0) -> list[str]:
    """Distinct strings: accents, combining marks, scripts, emoji, controls, runs of spaces, very long words, mixed
    case, zero-width characters, spellings of special tokens, the empty string; drawn one by one and put together.

    NUL is left out: it ends a string in onnxruntime's C interface.

    Args:
        tokens: spellings that the tokenizer takes for one token of their own, `[SEP]` for example.
    """
    draw = random.Random(seed)
    of: tuple[Callable[[], str], ...] = (
        lambda: draw.choice(_WORDS),
        lambda: _mixed_case(draw, draw.choice(_WORDS)),
        lambda: "".join(draw.choices(_LETTERS, k=draw.randint(1, 12))),
        lambda: "".join(one + draw.choice(("", *_MARKS)) for one in draw.choices(_LETTERS, k=draw.randint(1, 6))),
        lambda: "".join(draw.choices(_PUNCTUATION, k=draw.randint(1, 6))),
        lambda: draw.choice(_INVISIBLE).join(draw.choice(_WORDS)),
        lambda: "".join(draw.choices(_SPACES, k=draw.randint(1, 9))),
        lambda: draw.choice(_SPACES) * draw.randint(1, 40),
        lambda: "".join(draw.choices(_EMOJI, k=draw.randint(1, 3))),
        lambda: draw.choice(("a", "xyz", "é", "漢", "1", "-")) * draw.choice(_LONGEST_WORDS),
        lambda: _anywhere(draw),
        lambda: draw.choice(tokens) if tokens else draw.choice(_WORDS),
    )
    found = dict.fromkeys(["", " ", *(one for one in tokens), *_WORDS, *_EMOJI])
    while len(found) < count:
        parts = [draw.choice(of)() for _ in range(draw.randint(1, 5))]
        found[draw.choice(("", " ", "  ", "\u200b")).join(parts)] = None
    return list(found)[:count]


def _mixed_case(draw: random.Random, text: str) -> str:
    return "".join(one.upper() if draw.random() < 0.5 else one.lower() for one in text)


def _anywhere(draw: random.Random) -> str:
    """Characters from all of Unicode but NUL and halves of characters."""
    codes = [draw.choice((draw.randint(1, 0x2FFF), draw.randint(1, 0xD7FF), draw.randint(0xE000, 0x10FFFF)))]
    codes += [draw.randint(1, 0x2FFF) for _ in range(draw.randint(0, 4))]
    return "".join(map(chr, codes))
