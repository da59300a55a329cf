"""Shouting."""

from __future__ import annotations

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

PERTURBATION = Perturbation("all in capitals", lambda text, random: text.upper())
