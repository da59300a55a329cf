"""Tables of figures, which scroll within themselves where the screen is narrow."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from compressor.report import format as fmt
from compressor.report.html.markup import Element, tag

__all__ = ["Cell", "pairs", "table"]

Cell = str | Element


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    caption: str | None = None,
    words: Collection[int] = (),
    strong: Collection[int] = (),
    grouped: bool = False,
    optional: Collection[int] = (),
) -> Element:
    """A table whose first column names its rows.

    Args:
        header: titles; what follows a line break is a unit, written small.
        words: columns besides the first that hold words and not figures: they are aligned left.
        strong: rows that stand out.
        grouped: rows that follow one another with the same name share it.
        optional: columns that are left out where no row has a figure in them.
    """
    left = {0, *words}
    shown = [i for i in range(1, len(header)) if i not in optional or any(row[i] != fmt.NA for row in rows)]
    head = [
        tag("th", *_title(title), scope="col", class_=_side(i, left))
        for i, title in enumerate(header)
        if i in (0, *shown)
    ]
    body = [
        tag(
            "tr",
            _name([other[0] for other in rows], number) if grouped else tag("th", row[0], scope="row"),
            *(tag("td", row[i], class_=_side(i, left)) for i in shown),
            class_="strong" if number in strong else None,
        )
        for number, row in enumerate(rows)
    ]
    drawn = tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
    )
    # A region that scrolls must be reachable with the keyboard.
    return tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=caption or header[0] or "table")


def pairs(rows: Sequence[tuple[str, str]]) -> Element:
    """Names and what they stand for."""
    entries = [tag("div", tag("dt", name), tag("dd", value)) for name, value in rows]
    return tag("dl", *entries)


def _name(names: Sequence[Cell], number: int) -> Element | None:
    """The name of a row and of those below it that are called the same; None where a row above has named this one."""
    if number and names[number - 1] == names[number]:
        return None
    count = next((i for i, name in enumerate(names[number:]) if name != names[number]), len(names) - number)
    return (
        tag("th", names[number], scope="rowgroup", rowspan=count)
        if count > 1
        else tag("th", names[number], scope="row")
    )


def _title(title: str) -> list[Element | str]:
    name, _, unit = title.partition("\n")
    return [name, tag("small", unit)] if unit else [name]


def _side(column: int, left: Collection[int]) -> str | None:
    return None if column in left else "figure"
