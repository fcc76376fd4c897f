"""The launcher, with programs in place of searches, and two searches for real."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rckeras.datasets import Dataset, save_dataset
from tuning import workers
from tuning.results import read_search
from tuning.workers import launch

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

# What every program begins with: its name, a folder for notes, and how often it ran.
HEAD = """
import os, signal, sys, time
from pathlib import Path
name = os.environ["KERASTUNER_TUNER_ID"]
notes = Path(sys.argv[1])
with (notes / name).open("a") as file:
    file.write(f"{os.getpid()}\\n")
starts = len((notes / name).read_text().splitlines())
def wait_for(*names):
    while not all((notes / name).exists() for name in names):
        time.sleep(0.01)
def done():
    (notes / f"{name}.done").touch()
    sys.exit()
"""
SEARCH = """
if name == "chief":
    wait_for("worker-0.done", "worker-1.done")
done()
"""


@pytest.fixture
def run(tmp_path):
    """Function that launches a program, and returns the folder of its notes."""
    notes = tmp_path / "notes"
    notes.mkdir()

    def start(program, workers=2, **options):
        command = [sys.executable, "-c", HEAD + program, str(notes)]
        launch(command, tmp_path / "search", workers, **options)

    start.notes = notes
    return start


def starts(run, name):
    """Process numbers of all starts of a process."""
    return [int(line) for line in (run.notes / name).read_text().split()]


def is_running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # A child whose end nobody has asked for is there, too.
    state = Path(f"/proc/{number}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_chief_and_the_workers_are_told_who_and_where_they_are(run):
    run(
        """
(notes / f"{name}.told").write_text(
    os.environ["KERASTUNER_ORACLE_IP"] + ":" + os.environ["KERASTUNER_ORACLE_PORT"]
)
"""
        + SEARCH
    )
    told = {path.stem: path.read_text() for path in run.notes.glob("*.told")}
    assert set(told) == {"chief", "worker-0", "worker-1"}
    (address,) = set(told.values())
    host, port = address.split(":")
    assert host == "127.0.0.1"
    with socket.socket() as listener:
        listener.bind((host, int(port)))


def test_a_worker_that_dies_comes_back_under_its_name(run, capfd):
    run(
        "if name == 'worker-1' and starts == 1:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n" + SEARCH
    )
    counts = {n: len(starts(run, n)) for n in ("chief", "worker-0", "worker-1")}
    assert counts == {"chief": 1, "worker-0": 1, "worker-1": 2}
    words = "worker-1 was ended by signal 9; it is started again\n"
    assert capfd.readouterr().err == words


def test_a_worker_that_dies_again_and_again_is_told_of_with_its_last_words(run):
    program = """
if name == "chief":
    wait_for("never")
print("rckeras: error: no room")
sys.exit(3)
"""
    with pytest.raises(ChildProcessError) as error:
        run(program, workers=1, restarts=2, progress=False)
    assert "worker-0 ended with code 3 after 3 starts: no room" in str(error.value)
    assert len(starts(run, "worker-0")) == 3
    assert not is_running(*starts(run, "chief"))


def test_the_others_go_on_without_a_worker_that_is_given_up(run):
    program = """
if name == "worker-1":
    sys.exit(3)
if name == "chief":
    wait_for("worker-0.done")
while True:  # until the launcher has seen the other one end twice
    try:
        processes = (notes / "worker-1").read_text().split()
        os.kill(int(processes[1]), 0)
    except (FileNotFoundError, IndexError):
        time.sleep(0.01)
    except ProcessLookupError:
        done()
"""
    run(program, restarts=1)
    assert len(starts(run, "worker-0")) == 1
    assert len(starts(run, "worker-1")) == 2


def test_an_error_of_the_chief_is_that_of_the_launch(run):
    program = """
if name == "chief":
    wait_for("worker-0", "worker-1")
    print("more", "rckeras: error: another search", sep="\\n")
    sys.exit(1)
wait_for("never")
"""
    with pytest.raises(ChildProcessError, match=r"^another search$"):
        run(program)
    assert not any(is_running(starts(run, f"worker-{i}")[0]) for i in (0, 1))


def test_if_the_chief_dies_all_are_started_again(run, capfd):
    program = """
if name == "chief" and starts == 1:
    wait_for("worker-0", "worker-1")
    os.kill(os.getpid(), signal.SIGKILL)
if name != "chief" and starts == 1:
    wait_for("never")
"""
    run(program + SEARCH)
    assert [len(starts(run, n)) for n in ("chief", "worker-0", "worker-1")] == [2] * 3
    assert not is_running(starts(run, "worker-0")[0])
    assert "the chief ended by signal 9; all are" in capfd.readouterr().err


def test_a_chief_that_hangs_is_noticed(run, capfd):
    program = """
if name == "chief":
    wait_for("never" if starts == 1 else "worker-0.done")
done()
"""
    run(program, workers=1, patience=0.3)
    assert "the chief did not end; all are started again" in capfd.readouterr().err
    assert len(starts(run, "chief")) == 2


def test_a_chief_that_hangs_again_and_again_is_told_of(run):
    program = """
if name == "chief":
    wait_for("never")
"""
    with pytest.raises(ChildProcessError, match=r"did not end, see .*logs/chief\.log"):
        run(program, restarts=1, patience=0.1)
    assert len(starts(run, "chief")) == 2


def test_workers_are_heard_once_and_all_that_is_printed_is_kept(run, tmp_path, capfd):
    program = """
print(f"{name}: trial 7", "a warning", sep="\\n")
if name == "worker-0" and starts == 1:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run(program + SEARCH)
    again = "worker-0 was ended by signal 9; it is started again"
    told = [again, *["worker-0: trial 7"] * 2, "worker-1: trial 7"]
    heard = capfd.readouterr()
    assert sorted(heard.err.splitlines()) == told
    assert heard.out == ""
    for name, count in (("chief", 1), ("worker-0", 2), ("worker-1", 1)):
        log = tmp_path / "search" / "logs" / f"{name}.log"
        assert log.read_text() == count * f"{name}: trial 7\na warning\n"
    run(SEARCH)
    assert capfd.readouterr().err == ""  # what an earlier launch printed


def test_nothing_is_shown_if_no_progress_is_wanted(run, capfd):
    run("print(f'{name}: trial 7')\n" + SEARCH, progress=False)
    assert capfd.readouterr() == ("", "")


LAUNCHER = """
import sys
from tuning.workers import launch
launch([sys.executable, "-c", *sys.argv[2:]], sys.argv[1], 2)
"""


def start_launcher(run, tmp_path, program):
    """A launcher in a process of its own, with two workers that run."""
    arguments = [str(tmp_path / "search"), HEAD + program, str(run.notes)]
    command = [sys.executable, "-c", LAUNCHER, *arguments]
    root = Path(workers.__file__).parents[1]
    launcher = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE)
    names = "chief", "worker-0", "worker-1"
    wait_until(lambda: all((run.notes / f"{name}.ready").exists() for name in names))
    return launcher, [starts(run, name)[0] for name in names]


READY = """
(notes / f"{name}.ready").touch()
wait_for("never")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_launcher_that_is_stopped_ends_all(run, tmp_path, number):
    launcher, processes = start_launcher(run, tmp_path, READY)
    launcher.send_signal(number)
    launcher.communicate(timeout=20)
    assert launcher.returncode != 0
    assert not any(map(is_running, processes))


def test_what_does_not_end_when_asked_to_is_killed(run, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_GRACE", 0.1)
    program = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(notes / f"{name}.ready").touch()
wait_for("worker-0.ready") if name == "chief" else wait_for("never")
"""
    run(program, workers=1)
    assert not is_running(*starts(run, "worker-0"))


def test_what_a_killed_launcher_has_left_keeps_others_out(run, tmp_path):
    launcher, processes = start_launcher(run, tmp_path, READY)
    launcher.kill()
    launcher.communicate()
    try:
        with pytest.raises(BlockingIOError, match=r"still run in .*search; wait"):
            run(SEARCH)
    finally:
        for process in processes:
            os.kill(process, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, processes)))
    run(SEARCH)


def test_there_must_be_a_worker(run):
    with pytest.raises(ValueError, match=r"`workers` .* at least 1. Received: 0"):
        run(SEARCH, workers=0)


@pytest.mark.parametrize(
    ("devices", "workers_", "shares"),
    [
        ("", 2, [None, None]),
        ("0", 2, ["0", "0"]),
        ("0,1,2,3", 2, ["0,2", "1,3"]),
        ("4,6", 3, ["4", "6", "4"]),
    ],
)
def test_devices_are_divided_among_the_workers(
    run, monkeypatch, devices, workers_, shares
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    program = """
(notes / f"{name}.sees").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
if name == "chief":
    wait_for(*(f"worker-{i}.sees" for i in range(int(sys.argv[2]))))
"""
    command = [sys.executable, "-c", HEAD + program, str(run.notes), str(workers_)]
    launch(command, run.notes / "search", workers_)
    seen = [(run.notes / f"worker-{i}.sees").read_text() for i in range(workers_)]
    assert seen == [devices if share is None else share for share in shares]
    assert (run.notes / "chief.sees").read_text() == devices


def test_processes_on_one_device_take_no_more_memory_than_they_need(run, monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "mine")
    program = """
names = "XLA_PYTHON_CLIENT_PREALLOCATE", "TF_FORCE_GPU_ALLOW_GROWTH"
(notes / f"{name}.set").write_text(" ".join(os.environ[n] for n in names))
"""
    run(program + SEARCH)
    assert (run.notes / "worker-0.set").read_text() == "false mine"


# The command, which notes its process number first.
COMMAND = """
import os, sys
from pathlib import Path
with Path(sys.argv.pop(1), os.environ["KERASTUNER_TUNER_ID"]).open("a") as file:
    file.write(f"{os.getpid()}\\n")
from tuning.cli import main
sys.exit(main())
"""


@pytest.fixture
def search(tmp_path, run):
    """Function that runs a search for real, and kills a process in its midst."""
    rng = np.random.default_rng(0)
    sequences = rng.integers(0, 4, (120, 60)).astype("uint8")
    labels = rng.integers(0, 2, (120, 1)).astype("uint8")
    splits = (np.arange(120) % 3 == 0).astype("uint8")
    data = tmp_path / "data.h5"
    save_dataset(Dataset(sequences, labels, ("bound",), splits), data)
    folder = tmp_path / "search"
    options = "--tuner grid --seeds 1 --set filters=2,3 --set widths=21"
    options += " --set epochs=12 --set patience=12"
    words = ["tune", "shrikumar2017", data, "-o", folder, *options.split()]
    command = [sys.executable, "-c", COMMAND, run.notes, *words]

    def start(victim):
        killed = []

        def kill():
            log = folder / "logs" / "worker-0.log"
            wait_until(lambda: log.exists() and ": trial " in log.read_text(), 300)
            trial = log.read_text().split(": trial ")[1].split()[0]
            state = folder / "runs" / trial / "seed-0" / "state.npz"
            wait_until(state.exists, 300)
            os.kill(starts(run, victim)[0], signal.SIGKILL)
            killed.append(trial)

        killer = threading.Thread(target=kill)
        killer.start()
        launch([str(word) for word in command], folder, 2)
        killer.join()
        return folder, killed[0]

    return start


def lines_of(folder):
    """Names of the trials that have been written, as often as they have."""
    lines = (folder / "trials.csv").read_text().splitlines()
    return sorted(line.split(",")[0] for line in lines[1:])


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker-0", "chief"])
def test_all_trials_are_done_once_though_a_process_is_killed(search, run, victim):
    folder, trial = search(victim)
    assert lines_of(folder) == ["0000", "0001", "0002", "0003"]
    found = read_search(folder)
    assert all(each.status == "done" for each in found.trials)
    assert all(each.epochs == (12,) for each in found.trials)
    assert len({str(each.hyperparameters) for each in found.trials}) == 4
    again = victim == "chief"
    assert len(starts(run, "chief")) == 1 + again
    assert len(starts(run, "worker-0")) == 2
    assert len(starts(run, "worker-1")) == 1 + again
    if victim == "worker-0":
        # It had its trial back, and went on with it.
        log = (folder / "logs" / "worker-0.log").read_text()
        assert log.count(f"worker-0: trial {trial} ") == 2
    for name in ("best.keras", "best.json", "leaderboard.csv", "report.html"):
        assert (folder / name).is_file()
