"""Fetching a checkpoint from the Hugging Face hub into its cache: pinned to a commit, resumed, verified.

Names, revisions and access go through huggingface_hub. Contents are streamed here, because its own download begins a
file again from its start after each interruption.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

from vidflow.errors import ModelError
from vidflow.models.choosing import choose
from vidflow.models.hubcache import (
    Digest,
    HubFile,
    Record,
    Repository,
    is_blob,
    is_commit,
    is_inside,
    is_sound,
    repository,
    write_whole,
)
from vidflow.models.library import Licence

if TYPE_CHECKING:
    import httpx2

_CHUNK = 2**20
_TRIES = 5
"""How often in a row a connection may break off without a byte having come."""
_PAUSE = 0.5
"""Seconds before the third of these; twice as many before each after it."""
_SPARE = 64 * 2**20
"""Bytes of the disk that are left free."""
_PART = ".vidflow.incomplete"
_INDEX = "model_index.json"
_INDEX_LIMIT = 2**20
_MAY_PASS = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be fetched: `size` bytes in all, of which `missing` are not here yet."""

    name: str
    revision: str
    commit: str
    licence: Licence
    files: tuple[HubFile, ...]
    size: int
    missing: int


class Watch(Protocol):
    """Who shows a fetch. Bytes are counted as they come and as those that are here are checked."""

    def began(self, plan: Plan) -> None:
        """Nothing has been fetched yet."""
        ...

    def file(self, file: HubFile) -> None:
        """The next file."""
        ...

    def moved(self, count: int) -> None:
        """So many more bytes of it are done; a negative count takes some back."""
        ...


def fetch(name: str, revision: str | None, variant: str | None, watch: Watch) -> Path:
    """Fetch what vidflow needs of `org/name` at `revision` (by default its main branch) and give its folder.

    What is here already is checked and kept. Raises ModelError, saying what to do; the same call goes on where an
    earlier one stopped.
    """
    repo = repository(name)
    asked = revision or "main"
    if not is_inside(asked):
        raise ModelError(f"{asked!r} is no revision: expected a branch, a tag or a commit.")
    _ready()
    with _explained(repo, asked), _alone(repo):
        commit, licence, files = _listed(repo, asked)
        parts = _parts(repo, commit, files)
        chosen = choose(name, files, variant, parts)
        here = {file: _present(repo, file) for file in chosen}
        size = sum(file.size for file in chosen)
        plan = Plan(name, asked, commit, licence, chosen, size, size - sum(here.values()))
        watch.began(plan)
        _need_room(repo, plan)
        record = _record(repo, plan, variant)
        if repo.record(commit) is None or repo.lacks(commit) is not None:
            repo.write_record(commit, record)
        for file in chosen:
            watch.file(file)
            _content(repo, commit, file, watch)
            _link(repo, commit, file)
        # Last, so that what is here and whole stays so, under its revision, until this is whole too.
        repo.write_record(commit, record)
        if not is_commit(asked):
            write_whole(repo.folder / "refs" / asked, commit)
    return repo.snapshot(commit)


def _ready() -> None:
    """Have huggingface_hub at hand. Raises ModelError where it is not installed."""
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError as error:
        raise ModelError(
            "Fetching needs the package huggingface_hub: run `pip install 'vidflow[models]'` in vidflow's environment."
        ) from error
    # Otherwise it asks the hub, before anything else, which programs it may be running under.
    constants.HF_HUB_DISABLE_TELEMETRY = True


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _listed(repo: Repository, revision: str) -> tuple[str, Licence, list[HubFile]]:
    """The commit that a revision is now, what the hub says of its licence, and the files of that commit."""
    from huggingface_hub import HfApi

    api: Any = HfApi(endpoint=_endpoint(), library_name="vidflow")
    found = api.model_info(repo.name, revision=revision)
    commit = found.sha or ""
    if not is_commit(commit) or (is_commit(revision) and commit != revision):
        raise ModelError(f"The hub named no commit for revision {revision} of {repo.name}; try again later.")
    card: dict[str, Any] = found.card_data.to_dict() if found.card_data else {}
    stated = card.get("license")
    if stated in (None, "", "other", "unknown"):
        stated = card.get("license_name") or stated
    link = str(card.get("license_link") or "")
    if link and "://" not in link:
        link = f"{_endpoint()}/{quote(repo.name)}/blob/{commit}/{quote(link)}"  # a file of the model itself
    licence = Licence(str(stated or "not stated"), link)
    files = [
        HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id)
        for entry in api.list_repo_tree(repo.name, recursive=True, revision=commit)
        if hasattr(entry, "blob_id")
    ]
    for file in files:
        if not is_inside(file.path) or not is_blob(file.blob) or file.size < 0:
            raise ModelError(f"The hub's list of {repo.name} holds {file.path!r}, which is no file to be fetched.")
    return commit, licence, files


def _parts(repo: Repository, commit: str, files: list[HubFile]) -> set[str] | None:
    """The folders that the pipeline's model_index.json names; None where there is none."""
    index = next((file for file in files if file.path == _INDEX), None)
    if index is None:
        return None
    if index.size > _INDEX_LIMIT:
        raise ModelError(f"{_INDEX} of {repo.name} is {index.size} bytes long, which is no list of parts.")
    if not (repo.blobs / index.blob).is_file():
        _content(repo, commit, index, None)
    try:
        named: dict[str, Any] = json.loads((repo.blobs / index.blob).read_bytes())
        parts = {name for name, value in named.items() if isinstance(value, list) and any(cast("list[Any]", value))}
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{_INDEX} of {repo.name} is damaged on the hub: it is no JSON object.") from error
    return parts


def _present(repo: Repository, file: HubFile) -> int:
    """How many bytes of a file are here."""
    for path in (repo.blobs / file.blob, _part(repo, file)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def _need_room(repo: Repository, plan: Plan) -> None:
    folder = next(path for path in (repo.folder, *repo.folder.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if plan.missing and plan.missing + _SPARE > free:
        raise ModelError(
            f"{plan.name} needs {plan.missing / 1e9:.1f} GB more, and {folder} has {free / 1e9:.1f} GB free."
            " Make room ('vidflow models' lists what is here), or set HF_HUB_CACHE to a folder on another disk."
        )


def _record(repo: Repository, plan: Plan, variant: str | None) -> Record:
    before = repo.record(plan.commit)
    files = {file.path: file for file in (*(before.files if before else ()), *plan.files)}
    return Record(plan.revision, variant, tuple(files[path] for path in sorted(files)))


def _part(repo: Repository, file: HubFile) -> Path:
    return repo.blobs / f"{file.blob}{_PART}"


def _content(repo: Repository, commit: str, file: HubFile, watch: Watch | None) -> None:
    """Have the blob of a file here, with the bytes that its name promises."""
    moved = watch.moved if watch is not None else lambda count: None
    blob, part = repo.blobs / file.blob, _part(repo, file)
    if blob.is_file():
        size = blob.stat().st_size
        if size == file.size:
            if is_sound(blob, file.blob, moved):
                return
            moved(-size)
        # Unlinking takes a link to a content that several repositories share away, not that content.
        blob.unlink()
    part.parent.mkdir(parents=True, exist_ok=True)
    for last in (False, True):
        resumed = part.exists()
        if _streamed(repo, commit, file, part, moved) == file.blob:
            part.replace(blob)
            return
        part.unlink()
        if last or not resumed:
            break
        moved(-file.size)  # what was here of it may have been damaged
    raise ModelError(
        f"{file.path} of {repo.name} arrived with other bytes than the hub states, and was dropped. Fetch it again;"
        " where that does not help, something on the way (a proxy, a mirror) changes files."
    )


def _streamed(repo: Repository, commit: str, file: HubFile, part: Path, moved: Any) -> str:
    """Add to `part` what is missing of the file; the hash of the whole."""
    import httpx2
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    address = hf_hub_url(repo.name, file.path, revision=commit, endpoint=_endpoint())
    headers = {**build_hf_headers(library_name="vidflow"), "Accept-Encoding": "identity"}
    digest = Digest(file.blob, file.size)
    # Unbuffered: what has come is on disk even where the process is killed.
    with part.open("ab+", buffering=0) as target:
        target.seek(0)
        while data := target.read(_CHUNK):
            digest.update(data)
            moved(len(data))
        done = target.tell()
        if done > file.size:
            target.truncate(0)
            moved(-done)
            done, digest = 0, Digest(file.blob, file.size)
        failures = 0
        while done < file.size:
            before = done
            wanted = {**headers, "Range": f"bytes={done}-"} if done else headers
            reason = "the connection broke off"
            try:
                with get_session().stream("GET", address, headers=wanted, timeout=_timeout()) as response:
                    if response.status_code in _MAY_PASS:
                        reason = f"the hub answered {response.status_code}"
                    else:
                        hf_raise_for_status(response)
                        if done and response.status_code != 206:
                            target.truncate(0)
                            moved(-done)
                            done, digest = 0, Digest(file.blob, file.size)
                        for data in _within(response, file.size - done):
                            target.write(data)
                            digest.update(data)
                            done += len(data)
                            moved(len(data))
            except httpx2.TransportError as error:
                reason = str(error) or reason
            failures = failures + 1 if done <= before else 0
            if done < file.size and failures >= _TRIES:
                raise ModelError(
                    f"{file.path} of {repo.name} stopped at {done} of {file.size} bytes: {reason}."
                    " The same command goes on from there."
                )
            if failures > 1:
                time.sleep(_PAUSE * 2 ** (failures - 2))
    return digest.name


def _within(response: httpx2.Response, size: int) -> Iterator[bytes]:
    """The bytes of an answer, no more than one beyond those that are wanted."""
    left = size + 1
    for data in response.iter_bytes():  # in what sizes it comes: collected into larger ones, the last would be lost
        yield data[:left]
        left -= len(data)
        if left <= 0:
            return


def _timeout() -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or 10))


def _link(repo: Repository, commit: str, file: HubFile) -> None:
    """Have the file in the snapshot under its own name."""
    path = repo.snapshot(commit) / file.path
    blob = repo.blobs / file.blob
    if path.exists() and path.samefile(blob):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.link")
    part.unlink(missing_ok=True)
    try:
        part.symlink_to(os.path.relpath(blob, path.parent))
    except (OSError, NotImplementedError):
        os.link(blob, part)  # Windows lets only administrators make symlinks
    part.replace(path)


@contextmanager
def _alone(repo: Repository) -> Iterator[None]:
    """Keep out another fetch of the same model. Raises ModelError where one is at work."""
    from filelock import FileLock, Timeout

    lock = FileLock(repo.folder.parent / ".locks" / repo.folder.name / "vidflow.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelError(f"{repo.name} is being fetched by another process; wait for it, or end it.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _explained(repo: Repository, revision: str) -> Iterator[None]:
    """Turn what goes wrong on the way to the hub into one sentence that says what to do."""
    import httpx2
    from huggingface_hub import errors

    name, home = repo.name, _endpoint()
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ModelError(
            f"{name} was not fetched, as HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it to fetch."
        ) from error
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its terms at {home}/{quote(name)} with an account of the hub, then fetch it again"
            " with HF_TOKEN set to a token of that account."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"The hub at {home} has no model {name}, or it is private: check the name, and for a private one set"
            " HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{name} has no revision {revision!r}; {home}/{quote(name)}/tree/main lists them.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ModelError(
                f"The hub refused access to {name} ({status}): the token in HF_TOKEN, or that of 'hf auth login',"
                " is not valid or has no access to it."
            ) from error
        raise ModelError(f"The hub answered {status} when asked for {name}; try again later.") from error
    except httpx2.HTTPError as error:
        raise ModelError(
            f"The hub at {home} cannot be reached ({error}); check the connection. The same command goes on where"
            " this one stopped."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                f"The disk of {repo.folder.parent} is full. Make room, and the same command goes on where this one"
                " stopped."
            ) from error
        raise ModelError(f"{error.filename or repo.folder} cannot be written: {error.strerror or error}.") from error
