"""A hub on the loopback interface: what huggingface.co answers to a download, and what goes wrong on the way to it.

Large files (`.safetensors` and the like) are redirected to another host name, as they are there to a CDN; small ones
are answered at once. Faults are given by path and are used up one by one.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt", ".onnx")


def commit_of(files: Mapping[str, bytes]) -> str:
    """A commit's hash, made from its files."""
    text = "".join(f"{path} {hashlib.sha256(data).hexdigest()}\n" for path, data in sorted(files.items()))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def pipeline(**parts: object) -> bytes:
    """A model_index.json that names these folders as its parts."""
    named = {part: ["diffusers", "AutoencoderKL"] if there else [None, None] for part, there in parts.items()}
    return json.dumps({"_class_name": "WanPipeline", "_diffusers_version": "0.42.1", **named}).encode()


def blob_of(path: str, data: bytes) -> str:
    """The hash that the hub states for a file."""
    if path.endswith(LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Asked:
    """A request as it came, and how many bytes of its body were sent."""

    method: str
    path: str
    host: str
    range: str | None
    authorised: bool
    sent: int = 0


@dataclass
class Model:
    """A repository: commits with their files, and what revisions mean."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    def put(self, files: Mapping[str, bytes], revision: str = "main") -> str:
        """Make a commit of these files and let a revision mean it."""
        commit = commit_of(files)
        self.commits[commit] = dict(files)
        self.refs[revision] = commit
        return commit


@dataclass
class Hub:
    """The server. `cut` ends the connection after so many bytes of a body; `hold` waits there until `release`, `spoil`
    sends so often a wrong first byte, `status` answers so instead, `states` is what the list says against the truth.
    """

    models: dict[str, Model] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    hold: dict[str, int] = field(default_factory=dict)
    spoil: dict[str, int] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: dict[str, list[int]] = field(default_factory=dict)
    ranges: bool = True
    page: int = 1000
    token: str = "hf_of_the_test"
    address: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def model(self, name: str, files: Mapping[str, bytes], **card: Any) -> Model:
        """Have a model with one commit, which is its main branch."""
        model = self.models[name] = Model(card=card)
        model.put(files)
        return model

    def sent(self, path: str) -> int:
        """How many bytes of a file's content have been sent."""
        return sum(one.sent for one in self.asked if one.path.endswith(f"/{path}"))

    def contents(self) -> set[str]:
        """The paths of files whose contents were asked for."""
        return {one.path.split("/", 5)[5] for one in self.asked if "/resolve/" in one.path}


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that answers until the context is left."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test says itself what went wrong."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        authorised = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        host = self.headers.get("Host", "").partition(":")[0]
        asked = Asked(self.command, path, host, self.headers.get("Range"), "Authorization" in self.headers)
        self.hub.asked.append(asked)
        match path.strip("/").split("/"):
            case ["api", "models", org, name, "revision", *revision]:
                self._info(f"{org}/{name}", "/".join(revision), authorised)
            case ["api", "models", org, name, "tree", revision]:
                self._tree(f"{org}/{name}", revision, authorised, parse_qs(url.query))
            case ["cdn", org, name, commit, *file]:
                self._body(asked, f"{org}/{name}", commit, "/".join(file))
            case [org, name, "resolve", revision, *file]:
                self._resolve(asked, f"{org}/{name}", revision, "/".join(file), authorised)
            case _:
                self._fail(404, "", "no such address")

    def _found(self, name: str, revision: str, authorised: bool) -> tuple[Model, str] | None:
        if "Authorization" in self.headers and not authorised:
            self._fail(401, "", "Invalid credentials in Authorization header")
            return None
        model = self.hub.models.get(name)
        if model is None or (model.private and not authorised):
            self._fail(401, "RepoNotFound", "Repository not found")
            return None
        commit = model.refs.get(revision, revision)
        if commit not in model.commits:
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return model, commit

    def _info(self, name: str, revision: str, authorised: bool) -> None:
        if (found := self._found(name, revision, authorised)) is not None:
            model, commit = found
            gated = "manual" if model.gated else False
            self._json({"id": name, "modelId": name, "sha": commit, "gated": gated, "cardData": model.card})

    def _tree(self, name: str, revision: str, authorised: bool, query: dict[str, list[str]]) -> None:
        if (found := self._found(name, revision, authorised)) is None:
            return
        model, commit = found
        entries: list[dict[str, Any]] = []
        for path, data in sorted(model.commits[commit].items()):
            blob = blob_of(path, data)
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob}
            if path.endswith(LARGE):
                entry |= {"oid": commit_of({path: data}), "lfs": {"oid": blob, "size": len(data), "pointerSize": 135}}
                entry["xetHash"] = blob
            entries.append(entry | self.hub.states.get(path, {}))
        entries += [
            {"type": "directory", "path": folder, "size": 0, "oid": commit_of({folder: b""})}
            for folder in sorted({path.rpartition("/")[0] for path in model.commits[commit]} - {""})
        ]
        start = int(query.get("cursor", ["0"])[0])
        stop = start + self.hub.page
        more: dict[str, str] = {}
        if stop < len(entries):
            address = f"{self.hub.address}/api/models/{name}/tree/{revision}?recursive=true&cursor={stop}"
            more["Link"] = f'<{address}>; rel="next"'
        self._json(entries[start:stop], more)

    def _resolve(self, asked: Asked, name: str, revision: str, file: str, authorised: bool) -> None:
        if (found := self._found(name, revision, authorised)) is None:
            return
        model, commit = found
        if model.gated and not authorised:
            self._fail(401, "GatedRepo", f"Access to model {name} is restricted.")
        elif file not in model.commits[commit]:
            self._fail(404, "EntryNotFound", "Entry not found")
        elif file.endswith(LARGE):
            data = model.commits[commit][file]
            headers = {
                "Location": f"{self.hub.address.replace('127.0.0.1', 'localhost')}/cdn/{name}/{commit}/{file}",
                "X-Repo-Commit": commit,
                "X-Linked-Etag": f'"{blob_of(file, data)}"',
                "X-Linked-Size": str(len(data)),
            }
            self._send(302, b"", headers)
        else:
            self._body(asked, name, commit, file)

    def _body(self, asked: Asked, name: str, commit: str, file: str) -> None:
        hub = self.hub
        data = hub.models[name].commits[commit][file]
        headers = {"ETag": f'"{blob_of(file, data)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if hub.status.get(file):
            self._fail(hub.status[file].pop(0), "", "for the time being")
            return
        if file in hub.spoil and hub.spoil[file] > 0:
            hub.spoil[file] -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        status, start = 200, 0
        if asked.range and hub.ranges:
            status, start = 206, int(asked.range.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = hub.cut[file].pop(0) if hub.cut.get(file) else None
        hold = hub.hold.pop(file, None)
        if hold is not None:
            cut = hold
        if cut is None:
            self._write(asked, body)
            return
        self._write(asked, body[:cut])
        if hold is not None:
            hub.held.set()
            hub.release.wait(60)
        self.close_connection = True

    def _write(self, asked: Asked, data: bytes) -> None:
        asked.sent += len(data)  # first, for a test that goes on as soon as it has the last byte
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _json(self, value: Any, more: Mapping[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(more or {})})

    def _fail(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._send(status, json.dumps({"error": message}).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
