# SPDX-License-Identifier: MIT
"""The programs that are measured: their command lines, and processes that are always ended."""

import os
import re
import resource
import select
import shutil
import subprocess
import sys
import time

from jobs import MESSAGES

HERE = os.path.dirname(os.path.realpath(__file__))
DEADLINE = 30


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {DEADLINE} s in vain for {what}")
        select.select([], [], [], 0.01)


def accepts(path):
    """Does somebody listen there, or take datagrams? Asked without connecting: nng does not survive a peer that
    leaves at once. haproxy binds beside the path and renames: the kernel keeps the name it was bound by."""
    if not path.startswith("@") and not os.path.exists(path):
        return False
    with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            fields = line.rstrip("\n").split(" ", 7)
            name = re.sub(r"\.\d+\.tmp$", "", fields[-1])
            if name.endswith(path) and (fields[3] == "00010000" or fields[4] == "0002"):
                return True
    return False


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, directory, server_core, load_core, n_files):
        self.options, self.directory, self.n_files = options, directory, n_files
        self.server_core, self.load_core = server_core, load_core
        self.load = os.path.join(options.build, "bin", "bench-load")

    def start(self, argv, core, **streams):
        def prepare():
            os.sched_setaffinity(0, {core})
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.n_files, self.n_files))

        return subprocess.Popen(argv, preexec_fn=prepare, **streams)

    def n_idle(self):
        """As many idle connections as the limits allow: haproxy wants two descriptors for each, and some more."""
        return min(self.options.idle, self.n_files // 2 - 60)

    def folder(self, kind):
        """A directory with the file of a job like "file-64k", which is its index.html, too."""
        folder = os.path.join(self.directory, kind)
        size = int(kind[5:-1]) * {"k": 1 << 10, "m": 1 << 20}[kind[-1]]
        if not os.path.isdir(folder):
            os.mkdir(folder)
            with open(os.path.join(folder, "index.html"), "wb") as file:
                file.write(os.urandom(size))
        return folder

    def fill_in(self, template, path, kind):
        """Writes a peer's configuration into our directory and returns its name."""
        content = f"root {self.folder(kind)}; sendfile on;" if kind.startswith("file") else 'return 200 "hello, world\\n";'
        with open(os.path.join(HERE, template), encoding="utf-8") as source:
            text = source.read()
        for key, value in {"SOCKET": path, "DIR": self.directory, "NOFILE": self.n_files, "CONTENT": content,
                           "CONNECTIONS": self.n_files // 2 - 50}.items():
            text = text.replace(f"@{key}@", str(value))
        name = os.path.join(self.directory, template.removesuffix(".in"))
        with open(name, "w", encoding="utf-8") as config:
            config.write(text)
        return name

    def message_command(self, role, server, kind, path):
        program = {"ours": "sunpath", "blocking": "bare"}.get(server, server)
        program = os.path.join(self.options.build, "bin", f"bench-{program}-messages")
        return [program, role, MESSAGES[kind][server], path] if os.path.exists(program) else None

    def command(self, server, kind, path):
        """The server's command line, or None when this machine does not have it."""
        ours = os.path.join(self.options.build, "bin", "")
        is_http = kind.startswith("http")
        if kind in MESSAGES:
            return self.message_command("serve", server, kind, path)
        if server == "ours" and kind.startswith("file"):
            return [ours + "sunpath", "serve", "--quiet", path, self.folder(kind)]
        if server == "bare" and kind.startswith("file"):
            return [ours + "bench-bare-sendfile", path, os.path.join(self.folder(kind), "index.html")]
        modules = os.path.join(HERE, "..", "build", "node", "node_modules")
        addon = os.path.join(os.path.realpath(self.options.build), "node", "sunpath.node")
        if kind == "node-express":
            argv = [shutil.which("node"), os.path.join(HERE, "node-express.js"), modules, path]
            argv += [addon] if server == "ours" else []
            return argv if argv[0] and all(map(os.path.exists, [os.path.join(modules, "express"), addon])) else None
        if server == "ours" and kind.startswith("node-"):
            job = kind.removeprefix("node-")
            script = "sunpath-node-http.js" if job == "http" else "sunpath-node-echo.js"
            argv = [shutil.which("node"), os.path.join(HERE, script), addon, job, path]
            return argv if argv[0] and os.path.exists(addon) else None
        if server == "ours":
            return [ours + "bench-sunpath-http", path] if is_http else [ours + "bench-sunpath-echo", kind, path]
        if server == "bare":
            return [ours + "bench-bare-epoll", kind, path]
        if server == "libuv":
            argv = [ours + "bench-libuv-echo", kind, path]
        elif server == "node":
            job = kind.removeprefix("node-")
            script = ["peer-node-http.js"] if job.startswith("http") else ["peer-node-echo.js", job]
            argv = [shutil.which("node"), os.path.join(HERE, script[0]), *script[1:], path]
        elif server == "node-unix-socket":
            if not os.path.isdir(os.path.join(modules, "node-unix-socket")):
                return None
            argv = [shutil.which("node"), os.path.join(HERE, "peer-node-unix-socket.js"), modules, path]
        elif server in ("go", "httplib"):
            argv = [ours + f"bench-{server}-http", path]
        elif server == "nginx":
            argv = [shutil.which("nginx"), "-p", self.directory, "-c", self.fill_in("nginx.conf.in", path, kind)]
        else:
            argv = [shutil.which("haproxy"), "-db", "-f", self.fill_in("haproxy.cfg.in", path, kind)]
        return argv if argv[0] and os.path.exists(argv[0]) else None


class Server:
    """A running server. Ended, and its socket removed, when the `with` block is left."""

    def __init__(self, bench, name, kind):
        self.bench, self.name = bench, name
        self.path = os.path.join(bench.directory, f"{name}.sock")
        self.log = os.path.join(bench.directory, f"{name}.log")
        self.argv = bench.command(name, kind, self.path)

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = self.bench.start(self.argv, self.bench.server_core, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        try:
            until(lambda: self.process.poll() is not None or accepts(self.path), self.name)
            if self.process.poll() is not None:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.name} ended at once: {log.read().strip()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as maps:
            return next(int(line.split()[1]) for line in maps if line.startswith("Rss:")) * 1024
