from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.errors import BundleError
from compressor.runtime import load
from compressor.runtime.tasks.base import Answer
from tests.bench.models import LABELS, MAX_LENGTH
from tests.runtime.bundles import TEXTS, edit, logits


def softmax(row: Any) -> Any:
    return np.exp(row) / np.exp(row).sum()


def scores(answer: Answer) -> dict[str, float]:
    found: dict[str, float] = answer.to_dict()["scores"]
    return found


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_texts_are_answered_in_order(bundle: Path, batch_size: int) -> None:
    found = load(bundle).predict(TEXTS, batch_size=batch_size)
    for answer, text in zip(found, TEXTS, strict=True):
        prediction = answer.to_dict()
        expected = softmax(logits(bundle, text))
        assert list(prediction["scores"]) == list(LABELS)
        assert list(prediction["scores"].values()) == pytest.approx(expected, abs=1e-5)
        assert prediction["label"] == LABELS[int(expected.argmax())]


def test_another_variant_can_be_asked(bundle: Path) -> None:
    text = TEXTS[0]
    for variant in ("fp32", "int8"):
        loaded = load(bundle, variant=variant)
        encoded = loaded.task.encode(loaded.encoder, [{"text": text}])
        given = loaded.compute(encoded)["logits"][0]
        assert given == pytest.approx(logits(bundle, text, variant), abs=1e-4)
    with pytest.raises(BundleError, match="'int4'"):
        load(bundle, variant="int4")


def test_one_text_needs_no_list(bundle: Path) -> None:
    loaded = load(str(bundle))
    assert [loaded.predict(TEXTS[0])] == loaded.predict([TEXTS[0]]) == loaded.predict([{"text": TEXTS[0]}])
    assert loaded.predict({"text": TEXTS[0]}) == loaded.predict(TEXTS[0])


def test_no_texts_get_no_answers(bundle: Path) -> None:
    assert load(bundle).predict([]) == []


def test_an_empty_text_is_answered(bundle: Path) -> None:
    assert sum(scores(load(bundle).predict("")).values()) == pytest.approx(1.0)


def test_a_long_text_is_cut(bundle: Path) -> None:
    loaded = load(bundle)
    cut = " ".join(["good"] * (MAX_LENGTH - 2))
    assert loaded.predict("good " * 10_000) == loaded.predict(cut)


@pytest.mark.parametrize("text", [None, 7, b"good", ["good"]])
def test_what_is_not_a_text_is_refused(bundle: Path, text: object) -> None:
    with pytest.raises(BundleError, match="is not a text"):
        load(bundle).predict(["good", text])  # type: ignore[list-item]  # what is tested


def test_half_a_character_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="half a character"):
        load(bundle).predict(["caf\udce9"])


def test_a_batch_size_of_nothing_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="batch_size"):
        load(bundle).predict(TEXTS, batch_size=0)


def test_pairs_are_answered_as_pairs(pairs_bundle: Path) -> None:
    loaded = load(pairs_bundle)
    first, second = loaded.predict(TEXTS[:2], TEXTS[2:4], batch_size=2)
    assert scores(first) == pytest.approx(scores(loaded.predict(TEXTS[0], TEXTS[2])))
    assert scores(second) == pytest.approx(scores(loaded.predict(TEXTS[1], TEXTS[3])))
    assert scores(first) != pytest.approx(scores(loaded.predict(TEXTS[0], TEXTS[3])))


def test_pairs_where_none_belong_are_refused_and_the_other_way_round(bundle: Path, pairs_bundle: Path) -> None:
    with pytest.raises(BundleError, match="single texts"):
        load(bundle).predict(["good"], ["bad"])
    with pytest.raises(BundleError, match="pairs of texts"):
        load(pairs_bundle).predict(["good"])
    with pytest.raises(BundleError, match="pairs of texts"):
        load(pairs_bundle).predict(["good", "bad"], ["film"])


def test_a_task_it_does_not_know_says_so(spoilt: Path) -> None:
    edit(spoilt / "manifest.json", lambda manifest: manifest.update(task="mind-reading"))
    with pytest.raises(BundleError, match="'mind-reading'"):
        load(spoilt)


def test_it_runs_where_nothing_but_the_base_install_can_be_imported(bundle: Path) -> None:
    code = f"""
import sys

class Refuse:
    names = {{"torch", "transformers", "datasets", "onnx", "sklearn", "optimum", "huggingface_hub", "safetensors"}}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(f"{{name}} was imported")

sys.meta_path.insert(0, Refuse())
from compressor import runtime

print(runtime.load({str(bundle)!r}).predict(["a good film"])[0].label)
print(runtime.verify({str(bundle)!r}).files)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [load(bundle).predict("a good film").to_dict()["label"], "10"]


def test_an_error_names_the_folder_of_the_bundle(spoilt: Path) -> None:
    edit(spoilt / "manifest.json", lambda manifest: manifest.update(labels=["one", "two", "three", "four"]))
    with pytest.raises(BundleError, match="labels are named") as caught:
        load(spoilt).predict("a film")
    assert str(spoilt) in caught.value.message
    assert caught.value.hint
