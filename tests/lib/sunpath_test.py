# SPDX-License-Identifier: MIT
"""What the Python tests stand on: private directories, processes that are always ended, waiting on
the thing itself and never on time."""

import atexit
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest


def for_everyone(program):
    """The program where other users can run it, too: a copy when the checkout is in somebody's home."""
    folder = os.path.dirname(program)
    while folder != "/" and os.stat(folder).st_mode & 0o001:
        folder = os.path.dirname(folder)
    if folder == "/":
        return program
    place = tempfile.mkdtemp(prefix="sunpath-test-bin-", dir="/tmp")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chmod(place, 0o755)
    return shutil.copy(program, place)


signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the children's too, though the tests run under nohup

SOURCE = os.environ.get("SUNPATH_SOURCE") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.environ.get("SUNPATH_BUILD") or os.path.join(SOURCE, "build", "test")
BIN = os.path.join(BUILD, "bin")
SUNPATH = for_everyone(os.path.join(BIN, "sunpath"))
DEBIAN_PYTHON = "/usr/bin/python3"  # has the Python packages that ./dev test installs; another one may come first in PATH
NODE_MODULES = os.path.join(SOURCE, "build", "node", "node_modules")  # what tests/node/package.json names
DEADLINE = 60  # seconds after which waiting for something counts as never


def until(condition, what, deadline=DEADLINE):
    """Waits for `condition` to return something true and returns it. The only place that polls."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s in vain for {what}")
        select.select([], [], [], 0.005)


def accepts(path, kind=socket.SOCK_STREAM):
    """True when something listens at `path` (a name that begins with @ is abstract)."""
    name = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, kind) as probe:
        try:
            probe.connect(name)
            return True
        except OSError:
            return False


def published(path):
    """True when the socket file has its mode: one that is bound in place has none until it accepts."""
    try:
        return os.stat(path).st_mode & 0o777 != 0
    except FileNotFoundError:
        return False


class Process(subprocess.Popen):
    """A child that a test started. Its output goes to a file, so it can never block on a full pipe."""

    def __init__(self, argv, log, **options):
        self.argv = [str(a) for a in argv]
        self.log_path = log
        with open(log, "ab") as out:
            options.setdefault("stdout", out)
            options.setdefault("stderr", out)
            options.setdefault("stdin", subprocess.DEVNULL)
            super().__init__(self.argv, **options)

    def output(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def wait_for_output(self, text):
        def seen():
            if text in self.output():
                return True
            if self.poll() is not None and text not in self.output():
                raise AssertionError(f"{self.argv} ended with {self.returncode}:\n{self.output()}")
            return False
        until(seen, f"{text!r} from {self.argv}")

    def wait_for_socket(self, path, kind=socket.SOCK_STREAM):
        def up():
            if self.poll() is not None:
                raise AssertionError(f"{self.argv} ended with {self.returncode}:\n{self.output()}")
            return accepts(path, kind)
        until(up, f"{self.argv} to accept on {path}")

    def stop(self, number=signal.SIGTERM):
        """Ends it and returns its exit status (negative: the signal that ended it)."""
        if self.poll() is None:
            self.send_signal(number)
        return self.wait(DEADLINE)


def place_not_cleaned():
    """A directory below which sockets are published by rename, not bound in place as below /tmp; None when
    this user has none."""
    return "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or None


class TestCase(unittest.TestCase):
    """Gives each test a private directory, self.dir, and ends whatever self.start() started."""

    place = "/tmp"

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sunpath-test-", dir=self.place)
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *argv, **options):
        process = Process(argv, self.path(f"log-{len(self.processes)}"), **options)
        self.processes.append(process)
        return process

    def serve(self, path, *arguments, **options):
        """Starts `sunpath serve` on `path` and returns when it accepts."""
        process = self.start(SUNPATH, "serve", path, *arguments, **options)
        process.wait_for_socket(path)
        return process

    def start_node(self, script, *arguments):
        """Starts tests/node/`script`, which may require() what tests/node/package.json names."""
        return self.start("node", os.path.join(SOURCE, "tests", "node", script), *arguments,
                          env={**os.environ, "NODE_PATH": NODE_MODULES})

    def run_node(self, script, *arguments, **options):
        """Runs it to its end, which must be a success, and returns what it printed."""
        return self.run_ok("node", os.path.join(SOURCE, "tests", "node", script), *arguments,
                           env={**os.environ, "NODE_PATH": NODE_MODULES}, **options)

    def run_ok(self, *argv, **options):
        """Runs a command that must succeed and returns what it printed."""
        done = self.run_any(*argv, **options)
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def run_any(self, *argv, **options):
        options.setdefault("timeout", DEADLINE)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("text", True)
        return subprocess.run([str(a) for a in argv], capture_output=True, **options)


def main():
    unittest.main(verbosity=2)
