"""What the false-alarm benchmark times: a model, and the same with a slow-down of known size.

The slow-down is a busy wait for a share of what the call itself took, so it is that share on any machine, quiet or not.
The model's file comes from the environment: a factory takes no arguments.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tiny_model import VOCABULARY

from compressor.runtime import open_session

MODEL_VARIABLE = "COMPRESSOR_BENCHMARK_MODEL"
SLOW_DOWN_VARIABLE = "COMPRESSOR_BENCHMARK_SLOW_DOWN"


def plain() -> Callable[[], object]:
    """One text of 32 tokens."""
    session = open_session(Path(os.environ[MODEL_VARIABLE]))
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (1, 32))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return lambda: session.run(inputs)


def slowed() -> Callable[[], object]:
    """The same, slower by the share in the environment."""
    call, share = plain(), float(os.environ[SLOW_DOWN_VARIABLE])

    def slower() -> object:
        begin = time.perf_counter()
        answer = call()
        end = begin + (1 + share) * (time.perf_counter() - begin)
        while time.perf_counter() < end:
            pass
        return answer

    return slower
