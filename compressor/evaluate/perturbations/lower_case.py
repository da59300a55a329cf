"""Careless writing without capitals."""

from __future__ import annotations

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

PERTURBATION = Perturbation("all in small letters", lambda text, random: text.lower())
