"""The libraries for explanations, installed as the extra says, on a model that adds up its words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.install]

PROGRAM = """
import json, sys
import numpy as np
from compressor.data.words import Words
from compressor.explain import explain

WEIGHTS = {"gripping": 0.5, "funny": 0.25, "drags": -0.25}
TEXT = "A gripping, funny film that (sadly) drags, and that is that."

def score(texts):
    return np.asarray([0.4 + sum(WEIGHTS.get(word, 0.0) for word in Words.of(text).words) for text in texts])

found = {}
for method in ("occlusion", "shap", "lime"):
    one, other = (explain(TEXT, score, method=method, calls=300, seed=seed) for seed in (1, 1))
    assert one == other, method
    found[method] = {"words": one.words, "weights": one.weights, "calls": one.calls}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this package and the extra."""
    folder = tmp_path_factory.mktemp("explain") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install: list[str | Path] = [
        folder / "bin" / "pip",
        "install",
        "-q",
        f"{ROOT}[explain]",
        "-c",
        ROOT / "constraints.txt",
    ]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "bin" / "python"


def test_every_method_finds_the_words_of_a_sum_and_repeats_itself_under_a_seed(python: Path, tmp_path: Path) -> None:
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    for method, found in json.loads(done.stdout.splitlines()[-1]).items():
        weights = dict(zip(found["words"], found["weights"], strict=True))
        by_weight = sorted(weights, key=lambda word: weights[word])
        assert by_weight[-1] == "gripping" and by_weight[-2] == "funny" and by_weight[0] == "drags", (method, weights)
    shap = json.loads(done.stdout.splitlines()[-1])["shap"]
    assert sum(shap["weights"]) == pytest.approx(0.5, abs=1e-6), "they add up to what the text has over the empty one"
