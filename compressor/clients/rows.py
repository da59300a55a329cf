"""Programs that read rows of tokens as lines: C, C#. They are given tokens, since tokenizers are another library's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compressor.clients.program import Reply, Request, reply_of, run

__all__ = ["ask_rows"]


def ask_rows(
    command: Sequence[str | Path], request: Request, bundle: Path, *, what: str, compiler: str, work: Path
) -> Reply:
    """Run a program with each variant: it reads two lines a row, its token ids and which text each is of, and prints
    the version of onnxruntime and a line of JSON a row.

    Args:
        what: the program, in messages.
        compiler: that made it, and its version.
    """
    lines = [numbers for row in request["rows"] for numbers in (row["input_ids"], row["token_type_ids"])]
    given = "".join(" ".join(map(str, numbers)) + "\n" for numbers in lines)
    variants, version = {}, ""
    for variant, file in request["variants"].items():
        version, *printed = run([*command, bundle / file], f"{what} on {file}", folder=work, given=given).splitlines()
        outputs = [reply_of(line, what) for line in printed]
        variants[variant] = {"outputs": outputs, "answers": [None] * len(outputs)}
    return {
        "versions": {"onnxruntime": version, "compiler": compiler},
        "tokens": [None] * len(request["rows"]),
        "variants": variants,
    }
