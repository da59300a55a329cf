"""Fixtures every test may use. Nothing here touches the network; every cache lives in a temporary folder."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import tiny
from tests.tiny_run import TinyRun
from tests.tiny_run import make as make_tiny_run

pytest_plugins = ["pytester"]

# A job that a shell starts in the background ignores ctrl-C, and so would every process the tests start to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):  # the same under nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Set before any Hugging Face library is imported: a test that reaches for a hub fails at once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Models this small lose by a second thread, and on a busy machine they lose a lot.
os.environ["OMP_NUM_THREADS"] = "1"
# A developer's own history takes no figures of tests.
os.environ.pop("COMPRESSOR_HISTORY", None)

# The same examples every time, and no deadline: the first one may pay for an import.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _what_is_there_is_no_garbage() -> None:
    """Leave what earlier tests imported out of the searches for garbage: a run makes one after each stage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a store and download cache of its own."""
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path_factory.mktemp("home")))
    yield


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare 4-layer BERT with a tokenizer. Read only."""
    return tiny.write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def classifier_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 4-layer BERT with a head for [bad, good]. Read only."""
    return tiny.write_encoder(tmp_path_factory.mktemp("classifier"), labels=["bad", "good"])


@pytest.fixture(scope="session")
def decoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare 2-layer GPT-2 with a tokenizer that has no padding token. Read only."""
    return tiny.write_decoder(tmp_path_factory.mktemp("decoder"))


@pytest.fixture(scope="session")
def reviews_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 made-up reviews, columns `text` and `label`. Read only."""
    return tiny.write_reviews(tmp_path_factory.mktemp("reviews") / "reviews.csv")


@pytest.fixture(scope="session")
def base_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a clean environment with the base install alone, made as the runtime image makes it. Read only.

    Needs the package index: tests that use it carry the marker `install`.
    """
    from tests import dockerfile

    return dockerfile.install_runtime(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path, reviews_csv: Path) -> TinyRun:
    """A whole run on the tiny models. Read only."""
    return make_tiny_run(tmp_path_factory.mktemp("tiny-run"), data=reviews_csv, model=encoder_folder)


@pytest.fixture
def finished(tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch) -> TinyRun:
    """The tiny run, its stages in the store. Leave them as they are."""
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tiny_run
