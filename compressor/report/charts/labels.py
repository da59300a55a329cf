"""Where the names of points go, so that they cover neither one another nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from compressor.report.charts.svg import TEXT, label, line, text_width
from compressor.report.markup import Element

__all__ = ["Box", "Placed", "draw_label", "place_labels"]

DIRECTIONS = ((1, 0), (1, -1), (1, 1), (0, -1), (0, 1), (-1, 0), (-1, -1), (-1, 1))
DISTANCES = (11.0, 24.0, 40.0, 60.0, 84.0)
NEAR = 20.0
ON_A_NAME, OFF_THE_DRAWING, ON_A_LINE = 20.0, 50.0, 0.4


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)

    def wider(self, by: float) -> Box:
        """The same box with room around it."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


class Placed(NamedTuple):
    """A name: the box of its text, and how far that is from its point."""

    distance: float
    box: Box


def place_labels(
    points: Sequence[tuple[float, float]], names: Sequence[str], bounds: Box, lines: Sequence[Box] = ()
) -> list[Placed]:
    """A place beside each point for its name: the nearest that covers least.

    Args:
        bounds: what names should stay within.
        lines: what they may cover at need, such as intervals.
    """
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    placed = []
    for (x, y), name in zip(points, names, strict=True):
        ways = product(DISTANCES, DIRECTIONS)
        candidates = [_candidate(x, y, text_width(name), direction, distance, bounds) for distance, direction in ways]
        best = min(candidates, key=lambda found: _cost(found, taken, bounds, lines))
        taken.append(best.box)
        placed.append(best)
    return placed


def draw_label(point: tuple[float, float], name: str, placed: Placed, *, strong: bool = False) -> list[Element]:
    """The name in its place, with a line to its point where that isn't next to it."""
    box = placed.box
    marks = [label(box.left, box.bottom - TEXT / 4, name, "name strong" if strong else "name")]
    if placed.distance > NEAR:
        x = min(max(point[0], box.left), box.right)
        y = min(max(point[1], box.top), box.bottom)
        marks.insert(0, line(*point, x, y, "leader"))
    return marks


def _candidate(x: float, y: float, width: float, direction: tuple[int, int], distance: float, bounds: Box) -> Placed:
    across, down = direction
    if across:
        left, step = x + distance if across > 0 else x - distance - width, 0.9 * distance
    else:
        # Above or below a point at the edge, a name moves in.
        left, step = max(bounds.left, min(x - width / 2, bounds.right - width)), distance + TEXT / 3
    middle = y + down * step
    return Placed(distance, Box(left, middle - TEXT * 0.6, left + width, middle + TEXT * 0.6))


def _cost(found: Placed, taken: Sequence[Box], bounds: Box, lines: Sequence[Box]) -> float:
    own = found.box
    outside = own.area - own.overlap(bounds)
    on_names, on_lines = (sum(map(own.overlap, boxes)) for boxes in (taken, lines))
    return found.distance + OFF_THE_DRAWING * outside + ON_A_NAME * on_names + ON_A_LINE * on_lines
