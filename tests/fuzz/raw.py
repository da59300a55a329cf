"""Ways to spoil bytes, and lines of text, whatever they mean."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["spoil_bytes", "spoil_lines"]

_BYTES = (b"\0", b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\r", b"\n", b'"', b"{", b"\x80" * 9, b"\xef\xbb\xbf", b"\x7f")
_SIGNS = ("\t", "  ", "{", "}", "[", "]", ":", ": ", "- ", "#", "&a ", "*a", "!!python/object:os.system ", "!x ", "|",
          ">", "'", '"', "%", "@", "`", "?", ",", "---\n", "...\n", "<<: *a\n", "\0", "\x85", "\u2028", "\ufeff",
          "\U0001f600", "\x1b[2J", "\r", "${A}", "${", "0x", ".nan", "!!binary ", "!!set ", "\x7f")  # fmt: skip


def spoil_bytes(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    """Bytes changed in one way, and how."""
    if not content:
        return chance.choice(_BYTES), "something in an empty file"
    how: Callable[[random.Random, bytes], tuple[bytes, str]] = chance.choice(
        [_flip, _flip, _flip_many, _cut, _take_out, _repeat, _insert, _zeroes, _swap]
    )
    return how(chance, content)


def spoil_lines(chance: random.Random, text: str) -> tuple[str, str]:
    """A text with one line or sign changed, and how."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    place = chance.randrange(len(lines[at]) + 1)
    sign = chance.choice(_SIGNS)
    way = chance.randrange(9)
    if way == 0:
        gone = lines.pop(at)
        return "\n".join(lines), f"line {at + 1} removed: {gone[:40]!r}"
    if way == 1:
        lines.insert(chance.randrange(len(lines) + 1), lines[at])
        return "\n".join(lines), f"line {at + 1} doubled"
    if way == 2:
        lines[at] = " " * chance.randint(1, 5) + lines[at]
        return "\n".join(lines), f"line {at + 1} indented"
    if way == 3:
        lines[at] = lines[at].lstrip()
        return "\n".join(lines), f"line {at + 1} not indented"
    if way == 4:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
        return "\n".join(lines), f"lines {at + 1} and {other + 1} exchanged"
    if way == 5:
        end = chance.randrange(len(text) + 1)
        return text[:end], f"cut after {end} characters"
    if way == 6:
        lines[at] = lines[at][:place] + lines[at][place + 1 :]
        return "\n".join(lines), f"a sign of line {at + 1} removed"
    lines[at] = lines[at][:place] + sign + lines[at][place:]
    return "\n".join(lines), f"{sign!r} put into line {at + 1}"


def _flip(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    at = chance.randrange(len(content))
    changed = bytes([content[at] ^ (1 << chance.randrange(8))])
    return content[:at] + changed + content[at + 1 :], f"a bit of byte {at} flipped"


def _flip_many(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    changed = bytearray(content)
    count = chance.choice([2, 8, 64])
    for _ in range(count):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed), f"{count} bytes drawn anew"


def _cut(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    end = chance.choice([0, 1, len(content) - 1, chance.randrange(len(content))])
    return content[:end], f"cut after {end} of {len(content)} bytes"


def _take_out(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    begin, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:begin] + content[end:], f"bytes {begin} to {end} taken out"


def _repeat(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    begin, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    times = chance.choice([1, 1, 20])
    return content[:end] + content[begin:end] * times + content[end:], f"bytes {begin} to {end} {times} times more"


def _insert(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    at = chance.randrange(len(content) + 1)
    piece = chance.choice((*_BYTES, chance.randbytes(16)))
    return content[:at] + piece + content[at:], f"{piece!r} put in at {at}"


def _zeroes(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    begin, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:begin] + bytes(end - begin) + content[end:], f"bytes {begin} to {end} zero"


def _swap(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    middle = chance.randrange(len(content))
    return content[middle:] + content[:middle], f"parts exchanged at {middle}"
