"""The one home of files fetched from the internet: download, digest, cache.

While a file arrives it is called `NAME.part`, which a later run resumes; `NAME.lock`
keeps two processes from fetching it at once. Only verified bytes get the name NAME.
"""

import hashlib
import logging
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPResponse, IncompleteRead
from importlib.util import find_spec
from pathlib import Path, PureWindowsPath
from socket import gaierror, gethostname
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

logger = logging.getLogger("rckeras")

_LARGEST = 4 << 30  # bytes accepted where the size is not known
_BACKOFF = (0.5, 2.0)  # seconds before the second and third attempt at a source
_POLL = 0.2  # seconds between two looks at a lock
_STALE = 3600.0  # seconds without progress after which a lock is broken
_STARTED = time.time_ns()  # tells this process from an earlier one of the same pid


class ChecksumError(ValueError):
    """A file does not have the size or digest that it should have."""


class DownloadError(OSError):
    """No source delivered the file."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the internet and what is known of its bytes.

    Args:
        name: Plain file name in the cache folder; one name, one content.
        sources: http or https URLs, tried in this order.
        size, sha256, md5: Bytes and hexadecimal digests, as far as published.
    """

    name: str
    sources: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    def __post_init__(self):
        # Windows rules know both slashes and drive letters.
        if self.name in ("", "..") or PureWindowsPath(self.name).name != self.name:
            raise ValueError(f"name must be a plain file name; received {self.name!r}")
        for url in self.sources:
            if not url.lower().startswith(("http://", "https://")):
                raise ValueError(f"sources must be http(s) URLs; received {url!r}")


def cache_dir() -> Path:
    """The folder of fetched files: `RCKERAS_HOME`, else the platform's cache folder."""
    if home := os.environ.get("RCKERAS_HOME"):
        return Path(home).expanduser().absolute()
    windows = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    unix = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    base = {"win32": windows, "darwin": "~/Library/Caches"}.get(sys.platform, unix)
    return Path(base).expanduser().absolute() / "rckeras"


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file in lower-case hexadecimal digits, read piece by piece."""
    return _measure(path, "sha256")


def verify(path: str | Path, file: RemoteFile) -> None:
    """Checks a copy, cached or supplied by a user, against all that is known of it.

    Raises:
        ChecksumError: If size, SHA-256 or MD5 differ.
    """
    for kind in ("size", "sha256", "md5"):
        expected = getattr(file, kind)
        if expected and (found := _measure(path, kind)) != str(expected).lower():
            raise ChecksumError(
                f"{path} is not {file.name}: expected {kind} {expected}, found {found}"
            )


def fetch(file: RemoteFile, progress: bool = True) -> Path:
    """The path of a verified copy in the cache, downloaded if it is missing.

    A corrupt copy is renamed to `NAME.corrupt` and fetched anew. Without a published
    digest, that of the first copy is kept in `NAME.sha256` and enforced from then on;
    a copy in a folder that cannot be written to is used with a warning.

    Args:
        file: What to fetch.
        progress: Whether to show a bar on stderr, if that is a terminal.

    Raises:
        DownloadError: If no source delivers; says why and where to put a copy.
        OSError: If the cache folder cannot be written to.
    """
    path = cache_dir() / file.name
    pinned = _pinned(file, path)
    if (pinned.sha256 or pinned.md5) and _is_intact(path, pinned):
        return path
    unwritable = path.is_file() and not os.access(path.parent, os.W_OK)
    if unwritable and _is_intact(path, pinned):
        logger.warning("%s is used unverified: no digest of it is known", path)
        return path
    with _locked(path):
        pinned = _pinned(file, path)
        if path.exists() and not _is_intact(path, pinned):
            logger.warning("%s is corrupt; kept as %s.corrupt", path, path.name)
            path.replace(f"{path}.corrupt")
        if not path.exists():
            _download(pinned, path, progress).replace(path)
        _pin(pinned, path)
    return path


def _measure(path: str | Path, kind: str) -> str:
    if kind == "size":
        return str(Path(path).stat().st_size)
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, kind).hexdigest()


def _is_intact(path: Path, file: RemoteFile) -> bool:
    try:
        verify(path, file)
    except (ChecksumError, FileNotFoundError, NotADirectoryError):
        return False
    return True


def _pinned(file: RemoteFile, path: Path) -> RemoteFile:
    """The file with the digest recorded at first use, where none is published."""
    record = Path(f"{path}.sha256")
    if file.sha256 or file.md5 or not record.exists():
        return file
    return replace(file, sha256=record.read_text().partition(" ")[0])


def _pin(file: RemoteFile, path: Path) -> None:
    if not (file.sha256 or file.md5):
        digest, record = sha256_of(path), Path(f"{path}.sha256")
        record.write_text(f"{digest}  {file.name}\n")
        logger.info("recorded sha256 %s of %s in %s", digest, file.name, record)


def _download(file: RemoteFile, path: Path, progress: bool) -> Path:
    """A verified `NAME.part` from the first source that delivers."""
    part, failures = Path(f"{path}.part"), {}
    for url in file.sources:
        if not (file.sha256 or file.md5):
            part.unlink(missing_ok=True)  # nothing would tell a mixture of versions
        try:
            _download_from(url, file, part, progress)
            return part
        except (OSError, HTTPException, ChecksumError) as error:
            failures[url] = error
    raise DownloadError(_advice(file, path, failures))


def _advice(file: RemoteFile, path: Path, failures: dict[str, Exception]) -> str:
    lines = [f"could not fetch {file.name}:"]
    lines += [f"  {url}: {e}" for url, e in failures.items()] or ["  no source known"]
    if any(isinstance(error, gaierror) for error in failures.values()):
        lines.append("A host name did not resolve: this machine seems to be offline.")
    if (record := Path(f"{path}.sha256")).exists():
        lines.append(f"To accept a new version, delete the digest of the old: {record}")
    known = [f"{k} {v}" for k in ("sha256", "md5", "size") if (v := getattr(file, k))]
    known = ", ".join(known) or "no digest published"
    lines.append(f"Put a copy of {file.name} ({known}) at {path}, or pass weights=PATH")
    return "\n".join(lines)


def _download_from(url: str, file: RemoteFile, part: Path, progress: bool) -> None:
    pauses = iter(_BACKOFF)
    while True:
        resumed = part.exists()
        try:
            _transfer(url, file, part, progress)
            return verify(part, file)
        except ChecksumError:
            part.unlink(missing_ok=True)
            if not resumed:
                raise
        except (TimeoutError, ConnectionError, IncompleteRead):
            if (pause := next(pauses, None)) is None:
                raise
            time.sleep(pause)


def _transfer(url: str, file: RemoteFile, part: Path, progress: bool) -> None:
    """Appends to `part` what it lacks, or begins anew where the server insists."""
    done = part.stat().st_size if part.exists() else 0
    logger.info("fetching %s from %s", file.name, url)
    with _open(url, done) as response:
        if response.status == 416:  # nothing is missing
            return
        if response.status not in (200, 206):  # None where redirected to ftp
            raise OSError(f"unexpected status {response.status}")
        done = done if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else file.size
        bar = _bar(file.name, done, total, progress)
        with part.open("ab" if done else "wb") as out, bar as advance:
            while chunk := response.read(1 << 16):
                done += len(chunk)
                if done > (file.size or _LARGEST):
                    raise ChecksumError(f"more than {file.size or _LARGEST} bytes came")
                advance(out.write(chunk))
    if total is not None and done < total:
        raise ConnectionResetError(f"the data ended after {done} of {total} bytes")


def _open(url: str, start: int) -> HTTPResponse:
    request = Request(url, headers={"User-Agent": "rckeras"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        return urlopen(request, timeout=30)
    except HTTPError as error:
        if error.code == 416 and start:
            return error
        error.close()
        if error.code >= 500:  # worth another attempt
            raise ConnectionError(str(error)) from error
        raise
    except URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else error from None


@contextmanager
def _bar(name: str, done: int, total: int | None, wanted: bool):
    if not (wanted and sys.stderr and sys.stderr.isatty() and find_spec("rich")):
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    columns = *Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total, completed=done)
        yield lambda count: bar.advance(task, count)


@contextmanager
def _locked(path: Path):
    lock = Path(f"{path}.lock")
    message = "waiting for another download; if none runs, delete %s"
    while not _create(lock):
        if _is_stale(lock):
            with _locked(lock):  # one process may break it
                if _is_stale(lock):
                    lock.unlink(missing_ok=True)
        elif message:
            logger.warning(message, lock)
            message = None
        time.sleep(_POLL)
    try:
        lock.write_text(f"{os.getpid()} {gethostname()} {_STARTED}")
        yield
    finally:
        lock.unlink(missing_ok=True)


def _create(lock: Path) -> bool:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch(exist_ok=False)  # O_CREAT | O_EXCL
    except OSError as error:
        if isinstance(error, FileExistsError) and lock.parent.is_dir():
            return False
        raise OSError(f"{error}; set RCKERAS_HOME to a writable folder") from error
    return True


def _is_stale(lock: Path) -> bool:
    files = lock, lock.with_suffix(".part")
    try:
        owner = lock.read_text().split()
        touched = max(file.stat().st_mtime for file in files if file.exists())
    except (OSError, ValueError):  # released meanwhile
        return False
    return time.time() - touched > _STALE or (len(owner) == 3 and _has_died(*owner))


def _has_died(pid: str, host: str, started: str) -> bool:
    if host != gethostname() or os.name == "nt":  # where os.kill would interrupt it
        return False
    if int(pid) == os.getpid():
        return int(started) != _STARTED
    try:
        os.kill(int(pid), 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
