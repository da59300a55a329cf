"""Kinds of target, a file each: what the rows of a data set say that a model is to answer."""

from __future__ import annotations

from compressor.data.targets.base import Rejected, Target
from compressor.registry import Registry

__all__ = ["TARGETS", "Rejected", "Target"]

TARGETS: Registry[type[Target]] = Registry(
    "compressor.data.targets", "compressor.targets", lambda module: module.TARGET
)
