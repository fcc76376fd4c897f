"""Downloads against a small server on this machine, which misbehaves on demand."""

import hashlib
import io
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zoo import store
from zoo.store import ChecksumError, DownloadError, RemoteFile, fetch, verify

DATA = bytes(range(256)) * 1024
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()
HALF = len(DATA) // 2
ELSEWHERE = "99999999 elsewhere 1"  # owner of a lock, no such process here
ROOT = Path(__file__).resolve().parents[2]


class Handler(BaseHTTPRequestHandler):
    """The first folder of the path names the behaviour."""

    def do_GET(self):
        behaviour = self.path.strip("/")
        earlier = sum(path == behaviour for path, _ in self.server.requests)
        self.server.requests.append((behaviour, self.headers.get("Range")))
        getattr(self, behaviour)(earlier)

    def send(self, body, status=200, headers=None, sent=None):
        self.send_response(status)
        self.send_header("Content-Length", len(body))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[:sent])

    def good(self, earlier, sent=None):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if start >= len(DATA):
            return self.send_error(416)
        if not start:
            return self.send(DATA, sent=sent)
        span = {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}
        self.send(DATA[start:], 206, span, sent=sent)

    def cut_once(self, earlier):
        self.good(earlier, sent=None if earlier else HALF)

    def cut_always(self, earlier):
        self.good(earlier, sent=10)

    def range_ignored(self, earlier):
        self.send(DATA)

    def wrong_bytes(self, earlier):
        self.send(DATA[::-1])

    def too_long(self, earlier):
        self.send(DATA * 2)

    def endless(self, earlier):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(DATA)
        except OSError:
            self.server.hung_up.set()

    def missing(self, earlier):
        self.send_error(404)

    def broken(self, earlier):
        self.send_error(500)

    def broken_once(self, earlier):
        self.good(earlier) if earlier else self.send_error(503)

    def nothing(self, earlier):
        self.send_response(204)
        self.end_headers()

    def to_file(self, earlier):
        self.send(b"", 302, {"Location": "file:///etc/hosts"})

    def held(self, earlier):
        self.send_response(200)
        self.send_header("Content-Length", len(DATA))
        self.end_headers()
        self.wfile.write(DATA[:HALF])
        self.server.begun.set()
        self.server.release.wait(10)
        self.wfile.write(DATA[HALF:])

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.begun, self.release, self.hung_up = (threading.Event() for _ in range(3))

    def url(self, behaviour):
        return f"http://127.0.0.1:{self.server_port}/{behaviour}"

    def file(self, *behaviours, **known):
        known = known or {"size": len(DATA), "sha256": SHA256}
        return RemoteFile("net.h5", tuple(map(self.url, behaviours)), **known)

    def handle_error(self, request, client_address):
        pass  # clients that hang up


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("RCKERAS_HOME", str(home))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(store, "_BACKOFF", (0, 0))
    monkeypatch.setattr(store, "_POLL", 0.005)
    return home


@pytest.fixture
def part(home):
    home.mkdir()
    return home / "net.h5.part"


def contents(home):
    return sorted(path.name for path in home.iterdir())


def write_lock(home, owner, age=0.0):
    home.mkdir(exist_ok=True)
    lock = home / "net.h5.lock"
    lock.write_text(owner)
    os.utime(lock, (time.time() - age,) * 2)
    return lock


def dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def start_fetch(file):
    code = f"from zoo.store import *; print(fetch({file!r}))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes)


@contextmanager
def on_warning(action):
    """Calls back at each warning, so that a wait can end without a clock."""
    messages = []

    def emit(record):
        messages.append(record.getMessage())
        action()

    handler = logging.Handler(logging.WARNING)
    handler.emit = emit
    logging.getLogger("rckeras").addHandler(handler)
    try:
        yield messages
    finally:
        logging.getLogger("rckeras").removeHandler(handler)


# Fetching


def test_a_file_is_fetched_into_the_folder_that_rckeras_home_names(server, home):
    assert fetch(server.file("good")) == home / "net.h5"
    assert (home / "net.h5").read_bytes() == DATA
    assert contents(home) == ["net.h5"]


def test_a_second_fetch_makes_no_request(server):
    for _ in range(2):
        fetch(server.file("good"))
    assert server.requests == [("good", None)]


def test_a_file_is_verified_by_its_md5_where_that_is_what_is_published(server, home):
    fetch(server.file("good", md5=MD5))
    with pytest.raises(DownloadError, match=f"expected md5 {'0' * 32}, found {MD5}"):
        fetch(RemoteFile("b", (server.url("good"),), md5="0" * 32))
    assert contents(home) == ["net.h5"]


def test_digests_may_be_written_in_capitals(server):
    fetch(server.file("good", sha256=SHA256.upper(), md5=MD5.upper()))


def test_an_interrupted_download_is_resumed(server, part):
    part.write_bytes(DATA[:1000])
    assert fetch(server.file("good")).read_bytes() == DATA
    assert server.requests == [("good", "bytes=1000-")]


def test_a_part_that_is_complete_already_is_used(server, part):
    part.write_bytes(DATA)
    assert fetch(server.file("good", sha256=SHA256)).read_bytes() == DATA
    assert server.requests == [("good", f"bytes={len(DATA)}-")]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, part):
    part.write_bytes(DATA[:1000])
    assert fetch(server.file("range_ignored")).read_bytes() == DATA
    assert server.requests == [("range_ignored", "bytes=1000-")]


@pytest.mark.parametrize("size", [1000, len(DATA), len(DATA) + 1])
def test_a_part_of_something_else_is_given_up_for_a_fresh_start(server, part, size):
    part.write_bytes(b"x" * size)
    assert fetch(server.file("good")).read_bytes() == DATA
    assert server.requests == [("good", f"bytes={size}-"), ("good", None)]


def test_a_part_is_not_resumed_where_no_digest_could_tell_a_mixture(server, part):
    part.write_bytes(b"x" * 1000)
    assert fetch(server.file("good", size=len(DATA))).read_bytes() == DATA
    assert server.requests == [("good", None)]


# Sources that fail


def test_wrong_bytes_are_an_error_and_leave_nothing(server, home):
    found = hashlib.sha256(DATA[::-1]).hexdigest()
    with pytest.raises(DownloadError, match=f"expected sha256 {SHA256}, found {found}"):
        fetch(server.file("wrong_bytes"))
    assert contents(home) == []


def test_the_next_source_is_tried_after_wrong_bytes_or_a_missing_file(server):
    file = server.file("missing", "wrong_bytes", "good")
    assert fetch(file).read_bytes() == DATA
    asked = [path for path, _ in server.requests]
    assert asked == ["missing", "wrong_bytes", "good"]


def test_a_connection_that_was_cut_is_taken_up_again(server):
    assert fetch(server.file("cut_once")).read_bytes() == DATA
    assert server.requests == [("cut_once", None), ("cut_once", f"bytes={HALF}-")]


def test_the_next_source_goes_on_where_the_last_was_cut(server):
    assert fetch(server.file("cut_always", "good")).read_bytes() == DATA
    assert server.requests[2:] == [("cut_always", "bytes=20-"), ("good", "bytes=30-")]


def test_a_passing_server_error_is_tried_again(server):
    assert fetch(server.file("broken_once")).read_bytes() == DATA


def test_a_lasting_server_error_is_tried_three_times(server, home):
    with pytest.raises(DownloadError, match="broken: HTTP Error 500"):
        fetch(server.file("broken"))
    assert len(server.requests) == 3
    assert contents(home) == []


@pytest.mark.parametrize("behaviour", ["too_long", "endless"])
def test_more_bytes_than_expected_end_the_download(server, home, behaviour):
    with pytest.raises(DownloadError, match=f"more than {len(DATA)} bytes"):
        fetch(server.file(behaviour))
    assert contents(home) == []


def test_a_server_that_never_ends_is_left_where_no_size_is_known(
    server, home, monkeypatch
):
    monkeypatch.setattr(store, "_LARGEST", 10**6)
    with pytest.raises(DownloadError, match="more than 1000000 bytes"):
        fetch(server.file("endless", sha256=SHA256))
    assert server.hung_up.wait(5)
    assert contents(home) == []


def test_an_answer_without_content_is_not_taken_for_the_file(server, home):
    with pytest.raises(DownloadError, match="unexpected status 204"):
        fetch(RemoteFile("net.h5", (server.url("nothing"),)))
    assert contents(home) == []


def test_a_failure_lists_each_source_and_says_where_to_put_a_copy(server, home):
    with pytest.raises(DownloadError) as caught:
        fetch(server.file("missing", "broken"))
    message = str(caught.value)
    assert f"{server.url('missing')}: HTTP Error 404: Not Found" in message
    assert f"{server.url('broken')}: HTTP Error 500: Internal" in message
    copy = f"copy of net.h5 (sha256 {SHA256}, size {len(DATA)}) at {home / 'net.h5'}"
    assert f"{copy}, or pass weights=PATH" in message
    assert "offline" not in message


def test_a_failure_without_sources_still_says_where_to_put_a_copy(home):
    with pytest.raises(DownloadError, match="no source known") as caught:
        fetch(RemoteFile("net.h5", ()))
    assert f"(no digest published) at {home / 'net.h5'}" in str(caught.value)


def test_a_name_that_does_not_resolve_is_explained_by_being_offline(monkeypatch):
    def unresolved(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    with pytest.raises(DownloadError, match="offline") as caught:
        fetch(RemoteFile("net.h5", ("https://example.org/net.h5",)))
    assert "example.org/net.h5: [Errno -2] Name or service" in str(caught.value)


def test_a_timeout_is_tried_again_and_reported(monkeypatch):
    attempts = []

    def slow(*args, **kwargs):
        attempts.append(args)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", slow)
    with pytest.raises(DownloadError, match="timed out"):
        fetch(RemoteFile("net.h5", ("http://127.0.0.1/net.h5",)))
    assert len(attempts) == 3


# Cached copies and digests


def test_a_corrupt_cached_copy_is_kept_aside_and_fetched_anew(server, home, caplog):
    home.mkdir()
    (home / "net.h5").write_bytes(b"damaged")
    assert fetch(server.file("good")).read_bytes() == DATA
    assert (home / "net.h5.corrupt").read_bytes() == b"damaged"
    assert "net.h5 is corrupt" in caplog.text


def test_a_copy_put_into_the_folder_by_hand_is_used(server, home):
    home.mkdir()
    (home / "net.h5").write_bytes(DATA)
    assert fetch(server.file("missing")) == home / "net.h5"
    assert server.requests == []


def test_an_unpublished_digest_is_recorded_at_first_use(server, home, caplog):
    with caplog.at_level(logging.INFO, logger="rckeras"):
        fetch(server.file("good", size=len(DATA)))
    assert (home / "net.h5.sha256").read_text() == f"{SHA256}  net.h5\n"
    assert f"recorded sha256 {SHA256} of net.h5" in caplog.text


def test_a_recorded_digest_makes_the_second_fetch_free_of_requests(server):
    for _ in range(2):
        fetch(server.file("good", size=len(DATA)))
    assert len(server.requests) == 1


def test_a_recorded_digest_is_enforced_on_the_cached_copy(server, home):
    fetch(server.file("good", size=len(DATA)))
    (home / "net.h5").write_bytes(DATA[::-1])
    assert fetch(server.file("good", size=len(DATA))).read_bytes() == DATA
    assert (home / "net.h5.corrupt").read_bytes() == DATA[::-1]


def test_a_recorded_digest_is_enforced_on_a_new_download(server, home):
    fetch(server.file("good", size=len(DATA))).unlink()
    with pytest.raises(DownloadError, match=f"expected sha256 {SHA256}") as caught:
        fetch(server.file("wrong_bytes", size=len(DATA)))
    assert f"delete the digest of the old: {home / 'net.h5.sha256'}" in str(
        caught.value
    )


def test_verify_names_the_path_and_both_digests(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(DATA)
    verify(path, RemoteFile("net.h5", (), len(DATA), SHA256, MD5))
    message = f"{path} is not net.h5: expected sha256 {'0' * 64}, found {SHA256}"
    with pytest.raises(ChecksumError, match=message):
        verify(str(path), RemoteFile("net.h5", (), sha256="0" * 64))


def test_verify_compares_sizes_first(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(b"abc")
    with pytest.raises(ChecksumError, match="expected size 5, found 3"):
        verify(path, RemoteFile("net.h5", (), 5, SHA256))


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(DATA)
    assert store.sha256_of(path) == store.sha256_of(str(path)) == SHA256


# What is refused


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://example.org/a", "a.h5"])
def test_only_http_and_https_are_accepted(url):
    with pytest.raises(ValueError, match=f"received '{url}'"):
        RemoteFile("net.h5", ("https://example.org/net.h5", url))


def test_a_redirection_to_a_local_file_is_refused(server, home):
    with pytest.raises(DownloadError, match="to_file: HTTP Error 302"):
        fetch(RemoteFile("net.h5", (server.url("to_file"),)))
    assert contents(home) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "../a", "/a", "a\\b", "C:a"])
def test_a_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(ValueError, match="plain file name; received"):
        RemoteFile(name, ())


# The folder


def test_without_rckeras_home_the_cache_folder_of_the_platform_is_used(monkeypatch):
    monkeypatch.delenv("RCKERAS_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    folders = {}
    for platform in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        folders[platform] = store.cache_dir().as_posix()
    assert folders == {
        "linux": "/xdg/rckeras",
        "darwin": "/home/me/Library/Caches/rckeras",
        "win32": "/local/rckeras",
    }


def test_a_home_folder_written_with_a_tilde_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("RCKERAS_HOME", "~/weights")
    assert store.cache_dir() == Path("/home/me/weights")


def test_a_folder_that_cannot_be_written_is_an_error_that_says_what_to_set(
    server, tmp_path, monkeypatch
):
    (tmp_path / "occupied").write_text("a file, not a folder")
    for name in ("occupied", "occupied/home"):
        monkeypatch.setenv("RCKERAS_HOME", str(tmp_path / name))
        with pytest.raises(OSError, match=r"occupied.*set RCKERAS_HOME"):
            fetch(server.file("good"))
    assert server.requests == []


# Several at once


def test_two_processes_at_once_share_one_download(server, home):
    file = server.file("held")
    with start_fetch(file) as first:
        assert server.begun.wait(10)
        with start_fetch(file) as second:
            assert f"delete {home / 'net.h5.lock'}" in second.stderr.readline()
            server.release.set()
            paths = [first.communicate()[0], second.communicate()[0]]
    assert paths == [f"{home / 'net.h5'}\n"] * 2
    assert server.requests == [("held", None)]
    assert contents(home) == ["net.h5"]


def test_many_threads_at_once_share_one_download(server, home):
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(fetch, [server.file("good")] * 8))
    assert paths == {home / "net.h5"}
    assert server.requests == [("good", None)]


def test_a_lock_of_a_process_that_was_killed_is_broken_by_one_of_many(server, home):
    write_lock(home, f"{dead_pid()} {socket.gethostname()} 1")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, [server.file("good")] * 8))
    assert server.requests == [("good", None)]
    assert contents(home) == ["net.h5"]


def test_a_lock_of_an_earlier_process_with_our_number_is_broken(server, home):
    write_lock(home, f"{os.getpid()} {socket.gethostname()} 1")
    fetch(server.file("good"))
    assert contents(home) == ["net.h5"]


@pytest.mark.parametrize("owner", [ELSEWHERE, ""])
def test_a_lock_without_progress_for_an_hour_is_broken(server, home, owner):
    write_lock(home, owner, age=3700)
    fetch(server.file("good"))
    assert contents(home) == ["net.h5"]


@pytest.mark.parametrize(
    ("owner", "age", "growing"),
    [(ELSEWHERE, 3500, False), (ELSEWHERE, 3700, True), ("", 0, False)],
)
def test_a_lock_that_may_be_alive_is_waited_for(server, home, owner, age, growing):
    lock = write_lock(home, owner, age)
    if growing:
        (home / "net.h5.part").write_bytes(DATA[:1000])
    with on_warning(lock.unlink) as messages:
        fetch(server.file("good"))
    assert len(messages) == 1
    assert f"delete {lock}" in messages[0]


def test_waiting_is_announced_once(server, home, monkeypatch):
    lock, naps = write_lock(home, ELSEWHERE), iter((False, False, True))
    monkeypatch.setattr(time, "sleep", lambda _: next(naps) and lock.unlink())
    with on_warning(lambda: None) as messages:
        fetch(server.file("good"))
    assert len(messages) == 1


def test_a_stale_lock_that_another_has_just_broken_is_left_to_it(
    server, home, monkeypatch
):
    lock = write_lock(home, ELSEWHERE, age=3700)
    is_stale = store._is_stale

    def overtaken(path):
        stale = is_stale(path)
        write_lock(home, ELSEWHERE)
        return stale

    monkeypatch.setattr(store, "_is_stale", overtaken)
    with on_warning(lock.unlink) as messages:
        fetch(server.file("good"))
    assert len(messages) == 1


def test_a_verified_copy_is_used_without_waiting_for_a_lock(server, home):
    fetch(server.file("good"))
    lock = write_lock(home, ELSEWHERE)
    with on_warning(lock.unlink) as messages:
        fetch(server.file("good"))
    assert messages == []


def test_a_running_process_on_this_machine_keeps_its_lock(home):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as child:
        lock = write_lock(home, f"{child.pid} {socket.gethostname()} 1")
        assert not store._is_stale(lock)
        child.communicate(b"\n")
    assert store._is_stale(lock)


def test_an_interrupted_download_leaves_its_part_and_no_lock(server, home, monkeypatch):
    @contextmanager
    def interrupting(*args):
        yield lambda count: signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(store, "_bar", interrupting)
        with pytest.raises(KeyboardInterrupt):
            fetch(server.file("good"))
    assert contents(home) == ["net.h5.part"]
    assert fetch(server.file("good")).read_bytes() == DATA
    assert server.requests == [("good", None), ("good", f"bytes={1 << 16}-")]


def test_an_interrupted_wait_leaves_the_lock_to_its_owner(server, home):
    lock = write_lock(home, ELSEWHERE)
    interrupt = on_warning(lambda: signal.raise_signal(signal.SIGINT))
    with interrupt, pytest.raises(KeyboardInterrupt):
        fetch(server.file("good"))
    assert lock.read_text() == ELSEWHERE


# What is shown and imported


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_a_bar_with_the_name_and_the_bytes(server, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(server.file("good"))
    assert "net.h5" in sys.stderr.getvalue()
    assert "262.1/262.1 kB" in sys.stderr.getvalue()


def test_no_bar_is_drawn_when_not_wanted(server, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(server.file("good"), progress=False)
    assert sys.stderr.getvalue() == ""


def test_nothing_is_written_where_stderr_is_no_terminal(server, capfd):
    fetch(server.file("good"))
    assert capfd.readouterr() == ("", "")


def test_the_store_is_imported_without_keras_and_rich():
    code = "import sys, zoo.store; print({'keras', 'rich'} & {*sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert run.stdout == "set()\n", run.stderr


def test_a_copy_in_a_folder_that_cannot_be_written_is_used(
    server, home, monkeypatch, caplog
):
    home.mkdir(parents=True, exist_ok=True)
    (home / "net.h5").write_bytes(b"put here by hand")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert fetch(server.file("missing", size=16)) == home / "net.h5"
    assert "unverified" in caplog.text
    assert [path.name for path in home.iterdir()] == ["net.h5"]
