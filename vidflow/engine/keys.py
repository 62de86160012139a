"""Keys: a content hash for every output, from what made it. Equal keys mean equal bytes, on any machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vidflow.errors import MediaError
from vidflow.nodespec.hints import File, Folder, OutputFile
from vidflow.nodespec.spec import NodeSpec

SAMPLED_ABOVE = 256 * 2**20
"""Files over this many bytes are digested by blocks, unless digests are strict."""
BLOCKS = 64
BLOCK = 64 * 1024


def node_key(
    spec: NodeSpec, settings: Iterable[tuple[str, Any]], inputs: Iterable[tuple[str, Any]], device: str
) -> str:
    """The key of a node from its type, version, settings and the keys of what it reads.

    `settings` pairs names with values (for a file its digest), `inputs` names with the keys of outputs; both in the
    order of the signature. `device` counts for nodes of the GPU lane.
    """
    parts = (
        spec.type,
        spec.version,
        spec.digest,
        device if spec.lane == "gpu" else "",
        tuple(settings),
        tuple(inputs),
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=20).hexdigest()


def split_hints(spec: NodeSpec) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the settings that read files, and of those that write one."""
    reads = frozenset(one.name for one in spec.inputs if isinstance(one.hint, File | Folder))
    writes = frozenset(one.name for one in spec.inputs if isinstance(one.hint, OutputFile))
    return reads, writes


def digest_file(path: Path, strict: bool = False) -> str:
    """The digest of a file's content; of 64 blocks spread over it, its size and time where it is large.

    Raises MediaError where it cannot be read.
    """
    hasher = hashlib.blake2b(digest_size=20)
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if strict or status.st_size <= SAMPLED_ABOVE:
                while block := file.read(2**20):
                    hasher.update(block)
            else:
                hasher.update(f"{status.st_size} {status.st_mtime_ns}".encode())
                for number in range(BLOCKS):
                    file.seek((status.st_size - BLOCK) * number // (BLOCKS - 1))
                    hasher.update(file.read(BLOCK))
    except OSError as error:
        raise MediaError(path, f"the file cannot be read: {error.strerror or error}.") from error
    return hasher.hexdigest()
