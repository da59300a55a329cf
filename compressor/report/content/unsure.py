"""Which answers a bundle calls unsure, and what is left: a section of the report, and a sentence for the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Cell, Finding, Prose, Tone, table

__all__ = ["unsure_finding", "unsure_sentence"]


def unsure_finding(found: Mapping[str, Any]) -> Finding:
    """What the stage `unsure` found, as it says it itself."""
    rows: list[tuple[Cell, ...]] = [
        (name, f"{one['n']:,}", *(_share(one, key) for key in ("answered", "wrong", "wrong_of_all")))
        for name, one in found["splits"].items()
    ]
    header = ("split", "texts", "answered\n95% interval", "of these wrong\n95% interval", "wrong of all\n95% interval")
    tone: Tone = "bad" if found["threshold"] is None else ""
    remark = (
        "The threshold was chosen by validation, where its promise holds exactly; what to expect of new texts is what "
        "the test split shows, within its interval."
    )
    blocks = (Prose(unsure_sentence(found), tone=tone), table(header, rows), Prose(remark, "remark"))
    return Finding("Unsure answers", blocks, _figures(found))


def unsure_sentence(found: Mapping[str, Any]) -> str:
    """The threshold and what it promises, or that there is none."""
    if found["threshold"] is None:
        return (
            f"However sure {found['variant']} is, no threshold keeps the promise on validation: {found['promise']}. "
            "The bundle has none, and its answers don't say whether they are unsure."
        )
    told = f"Answers with a probability below {fmt.number(found['threshold'])} are called unsure"
    on_test = found["splits"].get("test") or found["splits"]["validation"]
    where = "test" if "test" in found["splits"] else "validation"
    left = f"{fmt.percent(on_test['answered'])} of the {where} texts are left, {fmt.percent(on_test['wrong'])} of them"
    return f"{told} (chosen on validation for {found['variant']}: {found['promise']}): {left} wrong."


def _share(found: Mapping[str, Any], key: str) -> str:
    if found[key] is None:
        return fmt.NA
    low, high = (fmt.percent(bound) for bound in found[f"{key}_interval"])
    return f"{fmt.percent(found[key])} ({low} to {high})"


def _figures(found: Mapping[str, Any]) -> dict[str, float]:
    """On the test split, where there is one with right answers."""
    if found["threshold"] is None:
        return {}
    test = found["splits"].get("test", {})
    known = {f"unsure_{key}": test.get(key) for key in ("answered", "wrong")}
    return {"unsure_threshold": found["threshold"], **{key: one for key, one in known.items() if one is not None}}
