"""A model or data set on a model hub, pinned to one commit.

The hub client's own settings apply: HF_HUB_OFFLINE, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN. Its telemetry is turned off.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from compressor.errors import MissingExtra, UnsafeSource
from compressor.events import Events
from compressor.sources.hub_errors import explain
from compressor.sources.safety import HOW_TO_CONVERT, is_pickle

__all__ = ["HubSource", "hub_client", "is_hub_id"]

COMMIT = re.compile(r"[0-9a-f]{40}")
# What `huggingface_hub.utils.validate_repo_id` accepts, without importing it.
HUB_ID = re.compile(r"(?:\b[\w\-.]{1,96}\b/)?\b[\w\-.]{1,96}\b", re.ASCII)

# Weights as safetensors only, the configuration, and the files tokenizers are made of.
MODEL_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "*/config.json",
    "modules.json",
    "*sentence*.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "*.bpe.model",
    "README.md",  # its front matter names the licence
]
# Second copies of the weights, for other programs.
NEVER = ["onnx/*", "openvino/*", "original/*", "consolidated*.safetensors"]


def is_hub_id(text: str) -> bool:
    """Whether `text` could be the id of a repository: `name` or `org/name`."""
    return bool(HUB_ID.fullmatch(text)) and "--" not in text and ".." not in text and not text.endswith(".git")


def hub_client(what: str) -> ModuleType:
    """The hub client, without telemetry.

    Raises:
        MissingExtra: it isn't installed, and `what` needs it.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import huggingface_hub
        from huggingface_hub import constants, errors  # noqa: F401  (named as attributes of the package)
    except ImportError as error:
        raise MissingExtra(what, "toolkit", "huggingface_hub") from error
    # The variable is read when the client is imported, which another library may have done before us.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    module: ModuleType = huggingface_hub
    return module


@dataclass(frozen=True)
class HubSource:
    """A repository of a hub at one commit.

    A model is fetched as a folder with its safetensors weights, configuration and tokenizer. A data set is best not
    fetched whole: `datasets.load_dataset(source.id, subset, revision=source.commit)` downloads the subset it needs,
    within `source.explained()`, which turns the hub's errors into ours. `fetch` gives the whole repository all the
    same.
    """

    reference: str
    id: str
    kind: Literal["model", "data"]
    requested_revision: str | None = None
    code: bool = False
    """Fetch the model's Python code too."""

    def identity(self) -> dict[str, str]:
        """Id and commit. Needs no network when the revision is a commit already."""
        return {"hub": self.id, "revision": self.commit}

    @cached_property
    def commit(self) -> str:
        """The 40-digit commit that the revision (left out: `main`) stands for: asked of the hub once, or, when it is
        offline or can't be reached, read from the local cache."""
        if self.requested_revision and COMMIT.fullmatch(self.requested_revision):
            return self.requested_revision
        client = self._client()
        with self.explained():
            found = client.HfApi().resolve_revision(
                self.id,
                repo_type=self._repo_type,
                revision=self.requested_revision,
                local_files_only=client.constants.is_offline_mode(),
            )
        return str(found.resolved)

    def fetch(self, events: Events) -> Path:
        """The snapshot folder in the hub client's own cache, downloading what is missing."""
        if self.commit != self.requested_revision:
            events.note(f"{self.id} is at commit {self.commit}; pin it with `revision` to repeat this run")
        with self.explained():
            folder = Path(
                self._client().snapshot_download(
                    self.id,
                    repo_type=self._repo_type,
                    revision=self.commit,
                    allow_patterns=self._wanted,
                    ignore_patterns=NEVER if self.kind == "model" else None,
                    tqdm_class=_bar(f"download {self.id}", events),
                )
            )
        if self.kind == "model":
            self._refuse_pickle(folder)
        return folder

    @property
    def card(self) -> Path | None:
        """The repository's README.md, where the hub client's cache has it."""
        kept = self._client().try_to_load_from_cache(
            self.id, "README.md", repo_type=self._repo_type, revision=self.commit
        )
        return Path(kept) if isinstance(kept, str) else None

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the hub client's errors into SourceError, or DiskFull, with what to do about each."""
        errors = self._client().errors
        # HTTPError is the HTTP library's own base, which the client lets through; RuntimeError comes from hf-xet.
        expected = (errors.HTTPError, errors.EntryNotFoundError, errors.RevisionResolutionError, OSError, RuntimeError)
        try:
            yield
        except expected as error:
            revision = self.requested_revision or "main"
            raise explain(error, reference=self.reference, hub_id=self.id, kind=self.kind, revision=revision) from error

    @property
    def _repo_type(self) -> str:
        return "model" if self.kind == "model" else "dataset"

    @property
    def _wanted(self) -> list[str] | None:
        if self.kind == "data":
            return None
        return [*MODEL_FILES, "*.py"] if self.code else MODEL_FILES

    def _client(self) -> ModuleType:
        return hub_client(f"The hub source {self.reference!r}")

    def _refuse_pickle(self, folder: Path) -> None:
        """Only safetensors were fetched; say so where the repository has weights in pickle alone."""
        if any(folder.glob("*.safetensors")):
            return
        client = self._client()
        try:
            listing = client.get_cached_repo_tree(self.id, repo_type=self._repo_type, revision=self.commit)
        except client.errors.CachedRepoTreeNotFoundError:
            return  # an old cache: `check_model_folder` looks at what is there
        if pickles := [file.path for file in listing if is_pickle(file.path)]:
            raise UnsafeSource(
                f"{self.id} has its weights only as pickle ({', '.join(pickles[:3])}): loading them can run any code.",
                hint=f"Take a revision with model.safetensors, or download and convert it. {HOW_TO_CONVERT}",
            )


def _bar(what: str, events: Events) -> type[Any]:
    """A tqdm class that draws nothing and tells `events` how many bytes are on disk."""
    from tqdm.std import tqdm  # type: ignore[import-untyped]  # tqdm ships no types

    class Bar(tqdm):  # type: ignore[misc]  # as above
        def __init__(self, *args: Any, **settings: Any) -> None:
            # Of the client's three bars: not the one that counts files, nor the one that counts what the wire carried.
            self.counts_bytes = settings.get("unit") == "B" and not str(settings.get("desc")).startswith("Downloading")
            self.told = 0.0
            settings.pop("name", None)
            super().__init__(*args, **{**settings, "disable": False, "file": io.StringIO()})

        def display(self, *args: Any, **settings: Any) -> bool:
            if self.counts_bytes and self.n != self.told:
                self.told = self.n
                events.progress(what, self.n / 1e6, self.total / 1e6 if self.total else None, "MB")
            return True

    return Bar
