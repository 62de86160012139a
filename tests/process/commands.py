"""The `vidflow` command as tests start it: a real process with its output in files, its time and its memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VIDFLOW = str(Path(sys.executable).with_name("vidflow"))
TRIALS = int(os.environ.get("VIDFLOW_TRIALS", "2"))
"""How often a test with chance in it is repeated; a full run sets 20."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended. `status` is negative where a signal ended it, `memory` its peak in MiB."""

    status: int
    out: str
    err: str
    seconds: float
    memory: float

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it told, where it was started with `--events -`; a line that it was killed amid is left out."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{") and line.endswith("}")]

    @property
    def errors(self) -> list[str]:
        """The error messages."""
        return [line for line in (self.err + self.out).splitlines() if line.startswith("error:")]


class Running:
    """A process, its events (where it was started with `--events -`) read as they come."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str] | None, limit: float, **more: Any
    ) -> None:
        self._err = (folder / f".err-{time.monotonic_ns()}").open("w+", encoding="utf-8")
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
            env={**os.environ, **(environment or {})},
            **more,
        )
        self._read = ""
        self._timer = threading.Timer(limit, self.signal, (signal.SIGKILL,))
        self._timer.daemon = True
        self._timer.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal; harmless where the process has ended."""
        # Not send_signal, which may learn of the end, so that `end` would wait for it in vain.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def events(self) -> Iterator[dict[str, Any]]:
        """Its events; waits for each."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._read += line
            yield json.loads(line)

    def wait_for(self, event: str, node: str, step: int = 0) -> None:
        """Wait until the node has come so far."""
        for found in self.events():
            if found["event"] == event and found["node"] == node and found.get("step", 0) >= step:
                return
        raise AssertionError(f"{node} never came to {event} {step}: {self.end()}")

    def end(self) -> Ended:
        """Wait for the end."""
        assert self._process.stdout is not None
        with self._process.stdout as file:
            out = self._read + file.read()
        _, status, usage = os.wait4(self.pid, 0)
        seconds = time.monotonic() - self._began
        self._timer.cancel()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        with self._err as file:
            file.seek(0)
            err = file.read()
        Path(file.name).unlink()
        return Ended(self._process.returncode, out, err, seconds, usage.ru_maxrss / 1024)


class Place:
    """A folder to run graphs in, with a store, an output folder and a count of what the lab's nodes made."""

    def __init__(self, folder: Path, lab: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.out = folder / "outputs"
        self.store = folder / "store"
        self.log = folder / "made.log"
        self.environment = {
            "VIDFLOW_PACKS": str(lab),
            "VIDFLOW_STORE": str(self.store),
            "VIDFLOW_LAB_LOG": str(self.log),
        }

    def graph(self, name: str = "graph", /, **nodes: tuple[str, dict[str, Any]]) -> Path:
        """Write a graph of nodes given as `id=("type", {inputs})`; a string that begins with `@` is a link."""

        def value(given: Any) -> Any:
            if isinstance(given, str) and given.startswith("@"):
                return {"from": given[1:]}
            return [value(one) for one in given] if isinstance(given, list) else given

        return self.text(
            json.dumps(
                {
                    "vidflow": 1,
                    "nodes": {
                        id: {"type": type, "inputs": {key: value(one) for key, one in inputs.items()}}
                        for id, (type, inputs) in nodes.items()
                    },
                }
            ),
            name,
        )

    def text(self, text: str, name: str = "graph") -> Path:
        """Write a graph file that holds `text`."""
        path = self.folder / f"{name}.json"
        path.write_text(text, "utf-8", errors="surrogatepass")
        return path

    def start(
        self, *arguments: object, limit: float = 60, env: Mapping[str, str] | None = None, **more: Any
    ) -> Running:
        """Start the command; it is killed after `limit` seconds."""
        command = [VIDFLOW, *map(str, arguments)]
        return Running(command, self.folder, {**self.environment, **(env or {})}, limit, **more)

    def run(self, *arguments: object, limit: float = 60, env: Mapping[str, str] | None = None) -> Ended:
        """Run the command to its end."""
        return self.start(*arguments, limit=limit, env=env).end()

    def made(self, name: str) -> int:
        """How many frames or results of this kind all processes together have made."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum(int(line.split()[1]) for line in lines if line.split()[0] == name)

    def outputs(self) -> list[str]:
        """The names in the output folder, hidden ones too."""
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []


def pictures(path: Path) -> str:
    """The checksum of every decoded frame of a file, its sound's too."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("#"))
