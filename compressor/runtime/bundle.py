"""A bundle, loaded and ready to answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

from compressor.errors import BundleError
from compressor.runtime.compute import Model, compute
from compressor.runtime.encoder import Encoder
from compressor.runtime.manifest import Manifest
from compressor.runtime.outputs import Outputs
from compressor.runtime.session import open_session
from compressor.runtime.tasks import Answer, Encoded, Example, Settings, runtime_task

__all__ = ["Bundle", "assemble", "load", "named_in_errors"]


class Bundle:
    """Texts in, answers out.

    A loaded bundle may be used by several threads at once. After a fork, load it again in the new process: the threads
    of onnxruntime don't survive a fork.
    """

    def __init__(self, manifest: Manifest, encoder: Encoder, session: Model) -> None:
        self.manifest = manifest
        self.task = runtime_task(manifest.task)
        self.settings = Settings(manifest.labels, manifest.options, manifest.unsure_below)
        self.encoder = encoder
        self.folder: Path | None = None
        """Where it was loaded from: what its errors name."""
        self._session = session

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is also an iterable of str
        self, texts: str | Example, pairs: str | None = None, *, batch_size: int = 1
    ) -> Answer: ...

    @overload
    def predict(
        self, texts: Iterable[str | Example], pairs: Iterable[str] | None = None, *, batch_size: int = 1
    ) -> list[Answer]: ...

    def predict(
        self,
        texts: str | Example | Iterable[str | Example],
        pairs: str | Iterable[str] | None = None,
        *,
        batch_size: int = 1,
    ) -> Answer | list[Answer]:
        """One answer for one text, a list of answers for several, in their order; an empty list for no texts.

        Args:
            texts: a text, or several; or mappings with a text for each role, `{"question": ..., "context": ...}`.
            pairs: the second text of each, where the bundle answers pairs.
            batch_size: rows computed at once. With 1, each text gets the answer it was measured with: int8
                activations are scaled over the whole batch, so a text's neighbours change its outputs slightly.

        Texts longer than the bundle's `max_length` tokens are cut.

        Raises:
            BundleError: the bundle answers pairs and got none, or the other way round, or unlike numbers of both; or
                something is not a text.
        """
        if batch_size < 1:
            raise BundleError(f"batch_size is {batch_size}; it must be at least 1.")
        alone = isinstance(texts, str | Mapping)
        first: list[Any] = [texts] if isinstance(texts, str | Mapping) else list(texts)
        second = [pairs] if isinstance(pairs, str) else None if pairs is None else list(pairs)
        examples = self.examples(first, second)
        answers = list(self.answer(examples, batch_size=batch_size)) if examples else []
        return answers[0] if alone else answers

    def examples(self, texts: Sequence[str | Example], pairs: Sequence[str] | None = None) -> list[dict[str, str]]:
        """Texts under the names of their roles.

        Raises:
            BundleError: as `predict` does.
        """
        roles = self.manifest.roles
        if self.task.spec.single_or_pair:
            paired = pairs is not None or any(isinstance(text, Mapping) and len(text) > 1 for text in texts)
            roles = self.task.spec.text_roles[: 2 if paired else 1]
        if len(roles) > 1 and not all(isinstance(text, Mapping) for text in texts):
            if pairs is None or len(pairs) != len(texts):
                raise BundleError(
                    f"This bundle answers pairs of texts ({' and '.join(roles)}): give two texts for each."
                )
            found: list[Any] = [dict(zip(roles, both, strict=True)) for both in zip(texts, pairs, strict=True)]
        elif pairs is not None:
            raise BundleError("This bundle answers single texts: leave the second texts out.")
        else:
            found = [text if isinstance(text, Mapping) else {roles[0]: text} for text in texts]
        return [{role: _text(example, role) for role in roles} for example in found]

    def answer(self, examples: Sequence[Example], *, batch_size: int = 1) -> Iterator[Answer]:
        """Answers to examples, which have a text for each of the manifest's roles."""
        for start in range(0, len(examples), batch_size):
            with named_in_errors(self.folder):
                encoded = self.task.encode(self.encoder, examples[start : start + batch_size])
                answers = self.task.decode(self.compute(encoded, batch_size=batch_size), encoded, self.settings)
            yield from answers

    def compute(self, encoded: Encoded, *, batch_size: int = 1) -> Outputs:
        """The model's outputs for every row, `batch_size` rows at a time."""
        options = self.settings.options
        return compute(self._session, self.encoder, self.task, encoded, options=options, batch_size=batch_size)


@contextmanager
def named_in_errors(folder: Path | None) -> Iterator[None]:
    """Let what is wrong with a bundle be told with the name of its folder."""
    try:
        yield
    except BundleError as error:
        if folder is None or str(folder) in error.message:
            raise
        raise type(error)(f"{folder}: {error.message}", hint=error.hint) from error


def _text(example: Mapping[str, Any], role: str) -> str:
    text = example.get(role)
    if not isinstance(text, str):
        raise BundleError(f"{str(text)[:80]!r} is not a text.", hint=f"Give the {role} of every example as str.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BundleError(f"{text[:80]!r} holds half a character.", hint="Read the text with its right encoding.")
    return text


def load(folder: Path | str, *, device: str = "cpu", threads: int = 1, variant: str | None = None) -> Bundle:
    """Load a bundle. onnxruntime, tokenizers and numpy are all it takes.

    Args:
        device: `cpu`, `cuda`, `tensorrt` or `openvino`.
        threads: intra-op threads.
        variant: one of the manifest's variants; left out, the default one.

    Raises:
        BundleError: not a bundle, damaged, or without that variant.
        TargetUnavailable: the device isn't here.
    """
    folder = Path(folder)
    return assemble(folder, Manifest.read(folder), device=device, threads=threads, variant=variant)


def assemble(
    folder: Path,
    manifest: Manifest,
    *,
    device: str = "cpu",
    threads: int = 1,
    variant: str | None = None,
    file: str | None = None,
) -> Bundle:
    """`load` for a folder whose manifest is known already; `file` is another one of the same variant."""
    with named_in_errors(folder):
        encoder = Encoder.from_folder(folder, manifest.max_length)
        session = open_session(folder / (file or manifest.file_of(variant)), device=device, threads=threads)
        bundle = Bundle(manifest, encoder, session)
    bundle.folder = folder
    return bundle
