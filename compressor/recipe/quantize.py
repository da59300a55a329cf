"""Section `quantize`: a list of variants made from the exported graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from compressor.errors import Problem
from compressor.recipe.components import ComponentSection, component_registry
from compressor.recipe.gates import Gate, parse_gate
from compressor.recipe.section import Section, optional

__all__ = ["QUANTIZERS", "ControlSection", "QuantizeSection"]


class ControlSection(Section):
    """Accuracy control: weights that cost most quality stay in float until the budget holds on the validation split."""

    quality_lost: Gate = Field(
        description="How much worse the main metric may become on validation than that of the graph before: "
        "'<= 0.3'. In points (0 to 100) for a share, else in the metric's own unit."
    )
    size_mb: Gate | None = Field(None, description="How large the file may become in MB (10^6 bytes): '<= 12'.")
    examples: int = Field(2000, ge=1, description="Validation texts that a file is judged by, at most.")
    sensitivity_examples: int = Field(
        128, ge=1, description="Of these, so many tell how much of the error each weight's rounding makes."
    )

    def problems(self) -> Iterator[Problem]:
        """Bounds that keep nothing small."""
        for name in ("quality_lost", "size_mb"):
            if (gate := getattr(self, name)) is not None and not parse_gate(gate)[0].startswith("<"):
                yield Problem(f"must be an upper bound, such as '<= {0.3 if name == 'quality_lost' else 12}'", name)


class QuantizeSection(ComponentSection):
    """What every quantizer's config has. The quantizers themselves are in `deploy/quantize/`."""

    keeps_float: ClassVar[bool] = False
    """Whether its method leaves the weights named by `keep_float` as they are."""
    unsimulated: ClassVar[str | None] = "it doesn't say how it rounds in PyTorch"
    """Why no training can round as its method will; None where one can: `simulated`."""
    tries_texts: ClassVar[bool] = False
    """Whether `make` is given a few texts to try the model on: of the data where there are some, else built-in ones."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
    method: str
    # A list: what a validator that comes before hands on is no longer JSON, where a list may be a tuple.
    keep_float: list[str] = optional(
        "Weights that stay in float, by their names in PyTorch; `*` stands for anything: ['*.output.dense'].", []
    )
    control: ControlSection | None = optional(
        "Accuracy control: keep those weights in float that cost most quality, until a budget holds on validation."
    )

    backend: Literal["webgpu"] | None = optional(
        "Where it will run: refused if operators between its matrix products have no kernels there, so that data would "
        "go back and forth."
    )
    ort_format: bool = optional(
        "Put the graph as ONNX Runtime runs it into the bundle too (`.ort`), with the list of operators that a build "
        "of ONNX Runtime for this file alone needs.",
        False,
    )

    def problems(self) -> Iterator[Problem]:
        """Settings that this method doesn't know, and bounds that aren't any."""
        for name in ("keep_float", "control"):
            if getattr(self, name) and not self.keeps_float:
                message = f"the method {self.method!r} can't keep weights in float"
                yield Problem(message, name, hint="leave it out, or take another `method`")
        if self.control is not None:
            yield from (replace(one, path=f"control.{one.path}") for one in self.control.problems())

    @property
    def precision(self) -> str:
        """What the variant's weights are, whatever its name: `int8`."""
        raise NotImplementedError

    @property
    def calibration_examples(self) -> int:
        """How many training examples it needs to choose scales by; 0 for a method that needs none."""
        return 0

    def simulated(self, model: Any) -> AbstractContextManager[Callable[[], dict[str, list[str]]]]:
        """In here, a PyTorch model computes with what the variant will store: see `deploy/simulation.py`."""
        raise NotImplementedError

    def make(self, source: Any, target: Any, calibration: Any, events: Any) -> Any:
        """The variant: see `QuantizerConfig` in `deploy/quantize/base.py`, which all of them are."""
        raise NotImplementedError


QUANTIZERS = component_registry("compressor.deploy.quantize", "compressor.quantizers", QuantizeSection, "method")
