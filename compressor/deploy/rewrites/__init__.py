"""Changes to an exported graph that keep its answers and save time: one a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor.deploy.rewrites.read_positions import keep_read_positions

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["REWRITES", "rewrite"]

REWRITES = {"read-positions": keep_read_positions}
"""Name -> what changes a graph in place and returns how many nodes compute less."""


def rewrite(model: onnx_ir.Model) -> dict[str, int]:
    """Apply all to a graph, in place; how many nodes of it each one changed."""
    from onnx_ir.passes import common

    changed = {name: change(model) for name, change in REWRITES.items()}
    common.RemoveUnusedNodesPass()(model)
    return changed
