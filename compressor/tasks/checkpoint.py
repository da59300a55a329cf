"""Reading tokenizers and models from a local folder with `transformers`, quietly and without surprises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import SourceError, UnsafeSource

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["load_tokenizer", "quiet_transformers", "refusals_explained"]


# What transformers raises for settings of another type or size than it reckons with. RecursionError is a RuntimeError.
_ODD_SETTINGS = (TypeError, AttributeError, ArithmeticError, IndexError, AssertionError)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' warnings, load report and progress bars inside, and put them back as they were after."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def refusals_explained(folder: Path) -> Iterator[None]:
    """Turn what `from_pretrained` raises for an unusable folder into `UnsafeSource` or `SourceError`."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise UnsafeSource(
                f"{folder} needs Python code that comes with the model.",
                hint="If you have read that code and trust it, set trust_remote_code: true beside the model.",
            ) from error
        raise SourceError(f"{folder} can't be loaded: {_first_line(error)}") from error
    except StrictDataclassError as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{folder / 'config.json'} can't be used: {reason}", hint="Get the model again.") from error
    except (OSError, RuntimeError, KeyError, ImportError, SafetensorError, *_ODD_SETTINGS) as error:
        raise SourceError(
            f"{folder} can't be loaded: {_first_line(error)}",
            hint="A model folder holds config.json, model.safetensors, tokenizer.json and tokenizer_config.json.",
        ) from error


def load_tokenizer(folder: Path, trust_remote_code: bool = False) -> PreTrainedTokenizerBase:
    """The folder's fast tokenizer, ready to batch: it pads on the right, with the end token where it has no padding.

    Raises:
        SourceError: there is none, it isn't a fast one (no `tokenizer.json` can be made, which the bundle needs),
            or nothing in it can pad.
        UnsafeSource: it comes as Python code.
    """
    from transformers import AutoTokenizer

    with quiet_transformers(), refusals_explained(folder):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    if not tokenizer.is_fast:
        raise SourceError(
            f"{folder} has no fast tokenizer: a bundle needs a tokenizer.json.",
            hint="Take a model that comes with a tokenizer.json.",
        )
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise SourceError(
                f"The tokenizer in {folder} has neither a padding nor an end token.",
                hint="Set pad_token in its tokenizer_config.json.",
            )
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
