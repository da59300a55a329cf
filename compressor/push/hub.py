"""Sending the files of a bundle to a hub, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

from compressor.errors import BundleError, CompressorError, HubError, RecipeError
from compressor.push.destination import MAIN, Destination
from compressor.push.upload import Upload
from compressor.sources import hub_client

__all__ = ["Sent", "send"]

_OF_THE_HUB = {".gitattributes"}
"""Files of a repository that nobody has written to yet."""
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write."


@dataclass(frozen=True)
class Sent:
    """Where the files are now."""

    url: str
    """Of the commit, or of the pull request."""
    created: bool
    """Whether the repository was made for it."""


def send(upload: Upload, destination: Destination, *, message: str) -> Sent:
    """Make the repository where there is none, and commit the files, all in one commit. Nothing is deleted.

    Raises:
        HubError: there is no token, or the hub can't be reached or doesn't take the files.
        RecipeError: the repository is there and holds other files, or isn't as private as asked.
        BundleError: the hub can't read the model card.
        MissingExtra: the hub client isn't installed.
    """
    client = hub_client("`compressor push`")
    if client.constants.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set: nothing can be sent.", hint="Unset it.")
    with _explained(destination, client):
        token = client.get_token()
        if token is None:
            raise HubError(f"There is no token for {destination.endpoint}.", hint=_LOG_IN)
        api = client.HfApi(endpoint=destination.endpoint, token=token)
        created = _make_ready(api, destination, client)
        commit = api.create_commit(
            destination.repository,
            [client.CommitOperationAdd(name, path) for name, path in upload.files.items()],
            commit_message=message,
            revision=destination.revision,
            create_pr=destination.pull_request,
        )
    return Sent(commit.pr_url or commit.commit_url, created)


def _make_ready(api: Any, destination: Destination, client: Any) -> bool:
    """See to it that there is a branch to commit to; whether its repository had to be made."""
    repository = destination.repository
    try:
        found = api.model_info(repository)
    except client.errors.GatedRepoError:
        raise
    except client.errors.RepositoryNotFoundError:
        if destination.pull_request:
            raise RecipeError(
                f"There is no {destination.url} to propose a change to, or the token may not see it.",
                hint="Leave --pull-request out to make it.",
            ) from None
        api.create_repo(repository, private=destination.private)
        if destination.revision != MAIN:
            api.create_branch(repository, branch=destination.revision)
        return True
    if bool(found.private) != destination.private:
        now, asked = ("private", "public") if found.private else ("public", "private")
        raise RecipeError(
            f"{destination.url} is {now}, and --{asked} is asked for.",
            hint=f"Give --{now}, or change it on its settings page.",
        )
    try:
        held = {file.rfilename for file in api.model_info(repository, revision=destination.revision).siblings}
    except client.errors.RevisionNotFoundError:
        api.create_branch(repository, branch=destination.revision)
        return False
    if held - _OF_THE_HUB and not destination.overwrite and not destination.pull_request:
        raise RecipeError(
            f"{destination.url} is there already and holds files ({len(held)}, on {destination.revision}).",
            hint="Commit over those of the same name with --overwrite, propose it with --pull-request, or give a new "
            "branch with --revision.",
        )
    return False


@contextmanager
def _explained(destination: Destination, client: Any) -> Iterator[None]:
    """Turn the hub client's errors into ours, with what to do about each."""
    # Not every version of the client has the two about logging in.
    logins = (getattr(client.errors, name, OSError) for name in ("OIDCError", "DeviceCodeError"))
    expected = (client.errors.HTTPError, *logins, OSError, RuntimeError)
    try:
        yield
    except expected as error:
        raise _explain(error, destination) from error
    except JSONDecodeError as error:
        raise HubError(
            f"{destination.endpoint} doesn't answer as a hub does.", hint="Check HF_ENDPOINT, and any proxy."
        ) from error
    except ValueError as error:
        # The client has the hub check the model card's front matter before anything is sent.
        why = " ".join(str(error).split())
        raise BundleError(f"The hub can't read the model card: {why}", hint="Make the bundle again.") from error


def _explain(error: Exception, destination: Destination) -> CompressorError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = f" ({_told(error)})"
    if status == 401:
        return HubError(f"{destination.endpoint} doesn't know the token, or it has expired{said}.", hint=_LOG_IN)
    if status in (403, 404):
        return HubError(
            f"The token may not write to {destination.url}{said}.",
            hint=f"It needs the right to write, and its user a part in {destination.owner}. {_LOG_IN}",
        )
    if status == 409:
        return HubError(
            f"{destination.url} is there already, or was changed by somebody else meanwhile{said}.",
            hint="Look at it, and give the command again.",
        )
    if status is not None:
        hint = "Give the command again later." if status >= 500 or status == 429 else "Nothing was committed."
        return HubError(f"{destination.endpoint} doesn't take it{said}.", hint=hint)
    return HubError(
        f"{destination.endpoint} can't be reached{said}.",
        hint="Check the network and HF_ENDPOINT, and give the command again: nothing was committed by halves.",
    )


def _told(error: Exception) -> str:
    """What the hub says about it, else the first line of the client's message."""
    text = str(getattr(error, "server_message", None) or error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
