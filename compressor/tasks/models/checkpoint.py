"""Reading tokenizers and models from a local folder with `transformers`, quietly and without surprises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import DataError, SourceError, UnsafeSource
from compressor.runtime.encoder import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["encoder_of", "load_tokenizer", "quiet_transformers", "refusals_explained"]


_WHOLE = "A model folder holds config.json, model.safetensors, tokenizer.json and tokenizer_config.json. Get it again."

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
        raise SourceError(f"{folder} can't be loaded: {_first_line(error)}", hint=_WHOLE) from error
    except StrictDataclassError as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{folder / 'config.json'} can't be used: {reason}", hint="Get the model again.") from error
    except (OSError, RuntimeError, KeyError, ImportError, SafetensorError, *_ODD_SETTINGS) as error:
        raise SourceError(f"{folder} can't be loaded: {_first_line(error)}", hint=_WHOLE) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        # tokenizers raises a bare Exception for whatever is wrong in tokenizer.json.
        raise SourceError(f"{folder} can't be loaded: {_first_line(error)}", hint=_WHOLE) from error


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


def encoder_of(tokenizer: PreTrainedTokenizerBase, max_length: int) -> Encoder:
    """What a bundle with this tokenizer encodes texts with, so that training sees the same tokens.

    Raises:
        DataError: `max_length` is more than the model takes.
    """
    from tokenizers import Tokenizer

    if max_length > tokenizer.model_max_length:
        raise DataError(
            f"max_length is {max_length}, and the model takes at most {tokenizer.model_max_length} tokens.",
            hint=f"Set data.max_length (without data, export.max_length) to {tokenizer.model_max_length} or less.",
        )
    settings = {
        "pad_token": tokenizer.pad_token,
        "eos_token": tokenizer.eos_token,
        "pad_token_type_id": tokenizer.pad_token_type_id,
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
        "split_special_tokens": tokenizer.split_special_tokens,
    }
    # A copy: an encoder cuts and pads by settings of its own.
    return Encoder(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()), settings, max_length=max_length)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
