"""Documents as trees of elements: the standard library's serializer escapes every text and closes every tag."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

__all__ = ["Element", "Value", "render", "tag"]

Value = str | float | int | None

# Control characters are allowed neither in HTML nor in XML.
_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in range(32) if chr(code) not in "\t\n\r"}
# Valid JSON may hold halves of surrogate pairs, which no encoding can write.
_CONTROLS |= dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def tag(name: str, /, *children: Element | str | None, **attributes: Value) -> Element:
    """An element. Children are elements or texts, attributes are named as in Python: `class_`, `stroke_width`.

    None among the children or attributes is left out. An element belongs to one parent: make it anew for another.
    """
    element = Element(
        name, {key.rstrip("_").replace("_", "-"): _written(v) for key, v in attributes.items() if v is not None}
    )
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if not isinstance(child, str):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + child.translate(_CONTROLS)
        else:
            last.tail = (last.tail or "") + child.translate(_CONTROLS)
    return element


def render(element: Element) -> str:
    """The element as HTML."""
    return tostring(element, encoding="unicode", method="html")


def _written(value: str | float) -> str:
    """A text as it is, a number with no more digits than a drawing needs."""
    if isinstance(value, str):
        return value.translate(_CONTROLS)
    return f"{value:.2f}".rstrip("0").rstrip(".")
