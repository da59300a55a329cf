"""Whether an int8 file answers otherwise on x86 CPUs without VNNI: computed on texts, on whatever CPU this is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.calibration import Calibration
from compressor.deploy.constants import with_constants_computed
from compressor.deploy.integer_products import (
    IntegerProduct,
    integer_products,
    unsigned,
    with_exact_sums,
    with_sums_of_16_bits,
)
from compressor.deploy.pairs import risky, saturating
from compressor.events import Events
from compressor.runtime.encoder import Encoder
from compressor.runtime.options import read_options
from compressor.runtime.outputs import Outputs, joined, relative_differences
from compressor.runtime.tasks import Encoded, Settings, runtime_task

if TYPE_CHECKING:
    import onnx

__all__ = ["TEXTS", "saturation"]

TEXTS = 64
"""At most so many are tried."""
TOKENS = 4096
"""No further texts after so many tokens: what enters every product is held in memory."""

Unsigned = npt.NDArray[np.uint8]


def saturation(file: Path, texts: Calibration, events: Events) -> dict[str, Any]:
    """Count what 16 bits would cut off in the products of an ONNX file, with its tokenizer beside it, and what that
    does to its answers. `pairs.py` says which products are meant, and why.

    Returns:
        - `products`: how many there are; `possible`: in how many two weights are so large that some text can saturate
          their sum. Without any, nothing is run: no text can.
        - `texts` and `tokens` tried; `saturating`: products in which a sum did; `share` of the outputs of all products
          that hold such a sum, and `largest_share` of the outputs of the one with most, `by_product` of each.
        - `largest` and `mean`: how far the model's outputs move, as shares of their spread over the texts, where that
          isn't nought; `changed`: the share of texts with another answer, where answers aren't numbers or vectors.

        Nothing where no product has signed 8-bit weights.
    """
    import onnx

    proto = onnx.load(file)
    # Weights that are stored in 4 bits are int8 once the file is open.
    weights = {node.input[1] for node in proto.graph.node if node.op_type == "MatMulInteger"}
    proto = with_constants_computed(proto, weights)
    products = integer_products(proto)
    if not products:
        return {}
    counts: dict[str, Any] = {
        "products": len(products),
        "possible": sum(bool(risky(product.weights).any()) for product in products),
    }
    if not counts["possible"]:
        return counts | {"saturating": 0}
    tried = _Tried(file, texts)
    activations = sorted({product.activations for product in products})
    exact, entered = tried.run(with_exact_sums(proto), activations, events)
    found = counts | {"texts": len(exact), "tokens": max(map(len, entered.values()))}
    found |= _shares(products, entered)
    if found["saturating"]:
        cut, _ = tried.run(with_sums_of_16_bits(proto), (), events)
        found |= tried.apart(exact, cut)
    return found


def _shares(products: Sequence[IntegerProduct], entered: Mapping[str, Unsigned]) -> dict[str, Any]:
    cuts = [saturating(entered[product.activations], product.weights) for product in products]
    shares: dict[str, float] = {}
    for product, cut in zip(products, cuts, strict=True):
        # Layers may share their weights: of these, the one with most.
        shares[product.name] = max(float(cut.mean()), shares.get(product.name, 0.0))
    return {
        "saturating": sum(bool(cut.any()) for cut in cuts),
        "share": sum(int(cut.sum()) for cut in cuts) / sum(cut.size for cut in cuts),
        "largest_share": max(shares.values()),
        "by_product": {name: share for name, share in shares.items() if share},
    }


class _Tried:
    """Texts that graphs are run on, one row of tokens at a time, as a bundle answers."""

    def __init__(self, file: Path, texts: Calibration) -> None:
        self.task = runtime_task(texts.task)
        self.settings = Settings(options=read_options(file.parent))
        self.encoder = Encoder.from_folder(file.parent, texts.max_length)
        encoded = [self.task.encode(self.encoder, [example]) for example in texts.examples[:TEXTS]]
        ends = np.cumsum([sum(map(len, text.rows)) for text in encoded])
        self.texts: list[Encoded] = encoded[: int(np.searchsorted(ends, TOKENS)) + 1]

    def run(
        self, proto: onnx.ModelProto, shown: Sequence[str], events: Events
    ) -> tuple[list[Outputs], dict[str, Unsigned]]:
        """What is kept of the outputs for each text, and the 8-bit values `shown` of the graph [rows, inputs]."""
        session = _unfused(proto, shown)
        taken = [value.name for value in session.get_inputs()]
        first = len(session.get_outputs()) - len(shown)
        kept: list[Outputs] = []
        codes: dict[str, list[Unsigned]] = {name: [] for name in shown}
        what, total = "8-bit products in 16 bits", len(self.texts)
        for number, text in enumerate(self.texts):
            events.progress(what, number, total)
            parts = []
            for place, row in enumerate(text.rows):
                inputs = self.encoder.pad([row])
                arrays = session.run(None, {name: inputs[name] for name in taken})
                part = Encoded(text.examples, [row], text.example_of_row[place : place + 1])
                parts.append(self._reduced(arrays[:first], part))
                for name, values in zip(shown, arrays[first:], strict=True):
                    codes[name].append(unsigned(values).reshape(-1, values.shape[-1]))
            kept.append(joined(parts))
        events.progress(what, total, total)
        return kept, {name: np.concatenate(parts) for name, parts in codes.items()}

    def apart(self, exact: Sequence[Outputs], cut: Sequence[Outputs]) -> dict[str, float]:
        """How far the outputs for the texts lie apart, and how many of the answers."""
        moved = relative_differences(exact, cut)
        found = {} if moved is None else {"largest": float(moved.max()), "mean": float(moved.mean())}
        if not self.task.graded:
            keys = [[self._key(*both) for both in zip(outputs, self.texts, strict=True)] for outputs in (exact, cut)]
            found["changed"] = float(np.mean([one != other for one, other in zip(*keys, strict=True)]))
        return found

    def _key(self, outputs: Outputs, text: Encoded) -> list[Any]:
        return self.task.keys(self.task.decode(outputs, text, self.settings))

    def _reduced(self, arrays: Sequence[npt.NDArray[Any]], part: Encoded) -> Outputs:
        return self.task.reduce(arrays, part, pads_left=self.encoder.pads_left, options=self.settings.options)


def _unfused(proto: onnx.ModelProto, shown: Sequence[str]) -> Any:
    """A session that computes the graph as it stands, with further outputs: fused, what enters a product is nowhere to
    be seen."""
    import onnx
    import onnxruntime

    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in shown)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
