from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench import onnx_engine as module
from compressor.bench.io_binding import IoBindingEngine
from compressor.bench.onnx_engine import OnnxEngine
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.bench.torch_engine import TorchEngine
from compressor.errors import TargetUnavailable
from compressor.runtime import open_session
from tests.bench.models import MAX_LENGTH

INPUTS = {name: np.ones((2, 5), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}


def onnx(folder: Path) -> Subject:
    return Subject("fp32", "onnxruntime", folder, MAX_LENGTH, "text-classification")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a session is asked for, while it always runs on the CPU."""
    real = open_session
    found: dict[str, Any] = {}

    def open_(model: Path, **how: Any) -> Any:
        found.update(how)
        return real(model)

    monkeypatch.setattr(module, "open_session", open_)
    return found


def test_the_session_gets_the_whole_placement(onnx_folder: Path, asked: dict[str, Any]) -> None:
    open_engine(onnx(onnx_folder), Placement("openvino", threads=2, arena=False, spinning=True))

    assert asked == {"device": "openvino", "threads": 2, "arena": False, "spinning": True}


def test_an_engine_answers_what_the_session_does(onnx_folder: Path) -> None:
    engine = open_engine(onnx(onnx_folder), Placement())
    (logits,) = engine.collect(engine.compute(engine.place(INPUTS)))

    assert logits.shape == (2, 2)
    assert engine.multiply_adds(INPUTS) is None, "the profile has them"


def test_binding_is_an_engine_of_its_own(onnx_folder: Path, asked: dict[str, Any]) -> None:
    plain = open_engine(onnx(onnx_folder), Placement("cuda"))
    bound = open_engine(onnx(onnx_folder), Placement("cuda", io_binding=True))

    assert (type(plain), type(bound)) == (OnnxEngine, IoBindingEngine)
    assert asked["device"] == "cuda"


def test_a_torch_subject_takes_torch(classifier_folder: Path) -> None:
    subject = Subject("teacher", "torch", classifier_folder, MAX_LENGTH, "text-classification")

    assert isinstance(open_engine(subject, Placement()), TorchEngine)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't pin a process to CPUs")
def test_every_thread_of_a_session_is_pinned(onnx_folder: Path) -> None:
    """Threads inherit the CPUs of the one that starts them: pinning has to come first."""
    cpu = min(os.sched_getaffinity(0))
    code = f"""
import os
from pathlib import Path
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
subject = Subject("fp32", "onnxruntime", Path({str(onnx_folder)!r}), 32, "text-classification")
before = set(os.listdir("/proc/self/task"))
engine = open_engine(subject, Placement(threads=3, affinity=({cpu},)))
threads = set(os.listdir("/proc/self/task")) - before
print(len(threads), *(os.sched_getaffinity(int(thread)) for thread in threads))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *where = done.stdout.split()

    assert int(count) >= 2
    assert set(where) == {f"{{{cpu}}}"}


def test_cpus_that_are_not_there_stop_it_before_the_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match="pin"):
        open_engine(onnx(tmp_path / "nothing"), Placement(affinity=(1000,)))
