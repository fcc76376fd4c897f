"""Searches by several processes: a launcher for the chief and the workers of a machine.

The protocol is keras-tuner's own. Each process runs the same search, and three
variables of its environment say what it does there:

| variable | value |
|---|---|
| `KERASTUNER_TUNER_ID` | `chief`, or the name of a worker |
| `KERASTUNER_ORACLE_IP` | address of the chief |
| `KERASTUNER_ORACLE_PORT` | port on which the chief listens |

The chief hands out trials and trains none; workers train. A worker that has died must
come back under its own name, for only then does the chief give it its trial again.
`launch` sees to all this on one machine. On many, set the variables yourself, and let
all have the folder of the search on a file system that they share.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CHIEF = "chief"
LOGS = "logs"  # folder in that of a search

_HOST = "127.0.0.1"
_TICK = 0.2  # seconds between two looks at the processes
_GRACE = 10.0  # seconds to end after being asked to


def launch(
    command: Sequence[str],
    folder: str | os.PathLike,
    workers: int,
    *,
    restarts: int = 3,
    patience: float = 120.0,
    progress: bool = True,
) -> None:
    """Run a search by a chief and several workers on this machine.

    Several devices are divided among the workers. A worker that dies is started again
    under its name and goes on with its trial. If the chief dies, or does not end though
    all workers have, all are started again; what is done is not run again.

    Args:
        command: Program and arguments of the search, the same for all processes.
        folder: Folder of the search. What a process prints goes to `logs/NAME.log`
            there.
        workers: Number of workers, at least 1.
        restarts: How often each of the processes is started again at most.
        patience: Seconds that the chief has to end after all workers have.
        progress: Whether to show on stderr what the workers say about their trials.

    Raises:
        ValueError: If there is to be no worker.
        ChildProcessError: If the chief reports an error, or a process dies too often;
            the message has the last line that it wrote.
        BlockingIOError: If processes of an earlier launch still run in the folder.

    Example:

    ```python
    launch([sys.executable, "my_search.py"], "recombination", workers=4)
    ```
    """
    if workers < 1:
        raise ValueError(
            f"`workers` (--workers) must be at least 1. Received: {workers}"
        )
    logs = Path(folder) / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    with _claim(logs / "lock") as lock, _stoppable():
        for last in [*[False] * restarts, True]:
            crew = _Crew(command, logs, workers, restarts, lock, progress)
            try:
                code = crew.watch(patience)
            finally:
                crew.stop()
            if code == 0:
                return
            what = "did not end" if code is None else f"ended by signal {-code}"
            if last:
                raise ChildProcessError(f"the chief {what}, see {crew.chief.log}")
            crew.say(f"the chief {what}; all are started again")


class _Process:
    """The chief or a worker."""

    def __init__(self, name: str, logs: Path, environment: Mapping[str, str]):
        self.name = name
        self.log = logs / f"{name}.log"
        self.environment = {**os.environ, **environment, "KERASTUNER_TUNER_ID": name}
        self.starts = 0
        self.heard = self.log.stat().st_size if self.log.exists() else 0

    def start(self, command: Sequence[str], lock: Sequence[int]) -> None:
        """Start it, in a session of its own: the launcher handles interrupts."""
        self.starts += 1
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=lock,
            )

    @property
    def code(self) -> int | None:
        """Exit code, below 0 if a signal ended it; `None` while it runs."""
        return self.child.poll()

    def news(self) -> list[str]:
        """Whole lines that it has written since the last time."""
        with self.log.open("rb") as log:
            log.seek(self.heard)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.heard += len(whole)
        return whole.decode("utf-8", "replace").splitlines()

    def last_words(self) -> str:
        """The last line that it wrote, without what the command puts before it."""
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].removeprefix("rckeras: error: ") if lines else "no message"


class _Crew:
    """A chief and its workers."""

    def __init__(
        self,
        command: Sequence[str],
        logs: Path,
        workers: int,
        restarts: int,
        lock: Sequence[int],
        progress: bool,
    ):
        self.command, self.lock = command, lock
        self.restarts, self.progress = restarts, progress
        common = _environment(_free_port())
        self.chief = _Process(CHIEF, logs, common)
        self.workers = [
            _Process(f"worker-{i}", logs, common | devices)
            for i, devices in enumerate(_share(_visible_devices(), workers))
        ]

    def watch(self, patience: float) -> int | None:
        """Start all, and mend what breaks until the chief has ended.

        Returns:
            0, or the signal that ended the chief, below 0; `None` if it did not end.
        """
        for process in (self.chief, *self.workers):
            process.start(self.command, self.lock)
        left_alone = None
        while self.chief.code is None:
            self._relay()
            for worker in self.workers:
                self._mend(worker)
            if any(worker.code is None for worker in self.workers):
                left_alone = None
            elif left_alone is None:
                left_alone = time.monotonic()
            elif time.monotonic() - left_alone > patience:
                return None
            time.sleep(_TICK)
        self._relay()
        if self.chief.code > 0:
            raise ChildProcessError(self.chief.last_words())
        return self.chief.code

    def _mend(self, worker: _Process) -> None:
        """Start a worker that has died again; give up if none is left."""
        if worker.code in (None, 0):
            return
        if worker.starts <= self.restarts:
            self.say(f"{worker.name} {_ended(worker)}; it is started again")
            worker.start(self.command, self.lock)
        elif all(other.code is not None for other in self.workers):
            raise ChildProcessError(
                f"{worker.name} {_ended(worker)} after {worker.starts} starts: "
                f"{worker.last_words()} (see {worker.log})"
            )

    def _relay(self) -> None:
        """Show what workers say under their names."""
        for worker in self.workers:
            for line in worker.news():
                if line.startswith(f"{worker.name}: "):
                    self.say(line)

    def stop(self) -> None:
        """End all that run, by force if need be."""
        running = [
            process
            for process in (self.chief, *self.workers)
            if process.starts and process.code is None
        ]
        for process in running:
            process.child.terminate()
        deadline = time.monotonic() + _GRACE
        for process in running:
            try:
                process.child.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.child.kill()
                process.child.wait()

    def say(self, text: str) -> None:
        if self.progress:
            print(text, file=sys.stderr, flush=True)


def _ended(process: _Process) -> str:
    code = process.code
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"


def _environment(port: int) -> dict[str, str]:
    """What chief and workers have in common."""
    # Several processes on one device must each take what they need, not all there is.
    sparing = {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    return {
        **{name: os.environ.get(name, value) for name, value in sparing.items()},
        "KERASTUNER_ORACLE_IP": _HOST,
        "KERASTUNER_ORACLE_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "no_grpc_proxy": _HOST,
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        return listener.getsockname()[1]


def _visible_devices() -> list[str]:
    """The GPUs that CUDA would show to this process, as far as can be known."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [d for d in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if d.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.split() if found.returncode == 0 else []


def _share(devices: Sequence[str], workers: int) -> list[dict[str, str]]:
    """The environment by which each worker sees its devices.

    With more devices than workers each has several of its own; with fewer, they are
    taken in turn.
    """
    if len(devices) < 2:
        return [{}] * workers
    shares = [
        devices[i::workers] or [devices[i % len(devices)]] for i in range(workers)
    ]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(share)} for share in shares]


@contextlib.contextmanager
def _claim(path: Path) -> Iterator[tuple[int, ...]]:
    """Hold a folder, until the launcher and all processes it has started have ended.

    Processes inherit the lock with the file: what a killed launcher leaves running is
    found by the next one.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield ()
        return
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"processes of an earlier launch still run in {path.parents[1]}; wait "
                "for them, or end them"
            ) from None
        yield (file.fileno(),)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let the signal that asks to terminate end what was started, too."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
