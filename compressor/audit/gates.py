"""What must hold of an audit's figures: read, checked before anything is asked, and judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from compressor.bench.gates import Audited, audit_verdicts
from compressor.bench.results import GateVerdict
from compressor.errors import RecipeError
from compressor.evaluate import Inquiry, JudgedSplit, audit_figures, unchecked_figures, unknown_figures
from compressor.recipe.gates import parse_named_gate
from compressor.recipe.problems import suggest
from compressor.report.blocks import Finding

__all__ = ["check_gates", "judge_gates", "read_gates"]

SLICES = ("slice.", "slice_calibration.")
"""Begin the names of figures of groups."""


def read_gates(given: Iterable[str]) -> dict[str, str]:
    """Figure -> its gate, of `worst_slice>=0.8` and the like.

    Raises:
        RecipeError: one of them is no comparison of a figure with a number, or two are about one figure.
    """
    found: dict[str, str] = {}
    for one in given:
        try:
            figure, expression = parse_named_gate(one)
        except ValueError as error:
            raise RecipeError(
                f"The gate {one!r} is no comparison.",
                hint="Write FIGURE, >=, <=, > or <, and a number: 'worst_slice>=0.8'. In a shell, quote it.",
            ) from error
        if figure in found:
            raise RecipeError(f"Two gates are about {figure!r}.", hint="Leave one out.")
        found[figure] = expression
    return found


def check_gates(gates: Collection[str], inquiry: Inquiry, slices: Iterable[str]) -> None:
    """Raise `RecipeError` for a gate on a figure that this audit can't have.

    Args:
        slices: names of the groups that are compared.
    """
    groups = [f"{kind}{name}" for name in slices for kind in SLICES]
    unknown = unknown_figures(gates, inquiry)
    unknown += [name for name in gates if name.startswith(SLICES) and name not in groups]
    if unknown:
        known = [name for name in audit_figures(inquiry) if name not in SLICES]
        raise RecipeError(f"An audit has no figure {unknown[0]!r}.", hint=suggest(unknown[0], [*known, *groups]))


def judge_gates(gates: Mapping[str, str], findings: Iterable[Finding], split: JudgedSplit) -> tuple[GateVerdict, ...]:
    """Whether each gate holds; one whose check could not be made doesn't, and says what is missing."""
    figures = {key: value for finding in findings for key, value in finding.figures.items()}
    return tuple(audit_verdicts(gates, Audited(figures, unchecked_figures(split))))
