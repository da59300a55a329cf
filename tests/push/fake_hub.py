"""A model hub on this machine: as much of it as a push asks for, by HTTP."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

OWNER = "me"
"""Whom the tokens belong to: it may write to its own repositories only."""
TOKEN, READER = "may-write", "may-read"


@dataclass
class Repository:
    """What the hub keeps."""

    private: bool
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {".gitattributes": b""}})
    proposed: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


class FakeHub(ThreadingHTTPServer):
    """Listens on a free port. `broken` is what every request is answered with, where that is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        self.broken: tuple[int, bytes] | None = None
        self.wrong_card: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, method: str, body: bytes) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(f"{method} {path}")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.server.broken is not None:
            return self._send(*self.server.broken)
        if token not in (TOKEN, READER):
            return self._refuse(401, message="Invalid credentials in Authorization header")
        if path == "/api/validate-yaml":
            wrong = self.server.wrong_card
            found = {"errors": [{"message": wrong}] if wrong else [], "warnings": []}
            return self._send(400 if wrong else 200, json.dumps(found).encode())
        if method == "POST" and token == READER:
            return self._refuse(403, message="You need a token with the right to write")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        _, _, _, owner, name, *rest = map(unquote, path.split("/"))
        repository = self.server.repositories.get(f"{owner}/{name}")
        if repository is None:
            return self._refuse(404, "RepoNotFound")
        return self._of(repository, f"{owner}/{name}", rest, body)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] != OWNER:
            return self._refuse(403, message=f"You don't have the rights to create a model under {name}")
        if name in self.server.repositories:
            return self._refuse(409, message="You already created this model repo")
        self.server.repositories[name] = Repository(private=asked.get("visibility") == "private")
        return self._send(200, json.dumps({"url": f"{self.server.url}/{name}"}).encode())

    def _of(self, repository: Repository, name: str, rest: list[str], body: bytes) -> None:
        what, branch = (*rest, "revision", "main")[:2] if rest else ("revision", "main")
        if what == "branch":
            repository.branches[branch] = dict(repository.branches["main"])
            return self._send(200, b"{}")
        if branch not in repository.branches:
            return self._refuse(404, "RevisionNotFound")
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._send(200, json.dumps({"files": files}).encode())
        if what == "commit":
            return self._commit(repository, name, branch, body)
        siblings = [{"rfilename": file} for file in repository.branches[branch]]
        found = {"id": name, "private": repository.private, "siblings": siblings, "sha": "0" * 40}
        return self._send(200, json.dumps(found).encode())

    def _commit(self, repository: Repository, name: str, branch: str, body: bytes) -> None:
        lines = [json.loads(line) for line in body.splitlines()]
        proposed = "create_pr=1" in self.path
        files = repository.proposed if proposed else repository.branches[branch]
        for line in lines:
            if line["key"] == "header":
                repository.messages.append(line["value"]["summary"])
            else:
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        url = f"{self.server.url}/{name}"
        made = {"commitUrl": f"{url}/commit/{'1' * 40}", "commitOid": "1" * 40}
        self._send(200, json.dumps({**made, "pullRequestUrl": f"{url}/discussions/1" if proposed else None}).encode())

    def _refuse(self, status: int, code: str | None = None, *, message: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send(status, b'{"error": "refused"}', **{key: value for key, value in headers.items() if value})

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
