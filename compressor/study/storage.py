"""Where the trials of a search are kept: a file that only grows, or a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from compressor.disk import is_disk_full
from compressor.errors import MissingExtra, RecipeError, shortened

if TYPE_CHECKING:
    import optuna

__all__ = ["Direction", "open_search", "require_optuna", "storage_explained"]

Direction = Literal["minimize", "maximize"]

FILE = "trials.log"
"""In the run directory, where a recipe names no storage."""
HINT = "Give another in `tune.storage`, or leave it out: trials are then kept in the run directory."


def require_optuna() -> None:
    """Raise MissingExtra where Optuna isn't installed."""
    if find_spec("optuna") is None:
        raise MissingExtra("Tuning", "tune", "optuna")


def open_search(storage: str | None, name: str, directions: list[Direction], *, out: Path) -> optuna.Study:
    """The search of this name, with the trials of earlier calls and of other machines.

    Args:
        storage: a file or a database URL; left out, a file in `out`.
        directions: a goal each.

    Raises:
        RecipeError: the storage can't be opened, or holds a search of this name with other goals.
        MissingExtra: the driver of a database isn't installed.
    """
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place = storage or str(out / FILE)
    with storage_explained(place):
        opened = RDBStorage(place) if "://" in place else JournalStorage(JournalFileBackend(place))
        study = optuna.create_study(storage=opened, study_name=name, directions=directions, load_if_exists=True)
    if [one.name.lower() for one in study.directions] != directions:
        raise RecipeError(f"{_hidden(place)} holds a search {name!r} with other goals.", hint=HINT)
    return study


@contextmanager
def storage_explained(place: str) -> Iterator[None]:
    """Say in words that a storage can't be read or written."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ImportError as error:
        raise RecipeError(f"The driver of {_hidden(place)} is not installed.", hint=str(error)) from error
    except (SQLAlchemyError, StorageInternalError, OSError, ValueError) as error:
        if isinstance(error, OSError) and is_disk_full(error):
            raise
        # What a driver says may quote the URL with its password.
        said = "" if "://" in place else f": {shortened(str(error))}"
        raise RecipeError(
            f"The trials in {_hidden(place)} can't be read or written ({type(error).__name__}){said}.", hint=HINT
        ) from error


def _hidden(place: str) -> str:
    """The storage as messages call it: a URL without its password."""
    if "://" not in place:
        return place
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(place).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "the database of `tune.storage`"
