"""Section `quantize`: a list of variants made from the exported graph."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from compressor.recipe.components import ComponentSection, component_registry

__all__ = ["QUANTIZERS", "QuantizeSection"]


class QuantizeSection(ComponentSection):
    """What every quantizer's config has. The quantizers themselves are in `deploy/quantize/`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
    method: str

    @property
    def precision(self) -> str:
        """What the variant's weights are, whatever its name: `int8`."""
        raise NotImplementedError

    @property
    def calibration_examples(self) -> int:
        """How many training examples it needs to choose scales by; 0 for a method that needs none."""
        return 0

    def make(self, source: Any, target: Any, calibration: Any, events: Any) -> Any:
        """The variant: see `QuantizerConfig` in `deploy/quantize/base.py`, which all of them are."""
        raise NotImplementedError


QUANTIZERS = component_registry("compressor.deploy.quantize", "compressor.quantizers", QuantizeSection, "method")
