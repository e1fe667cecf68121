#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py - each job on our server, its peers and the bare system calls, in one run and one table.

The servers of a job take turns, round after round, so that what disturbs the machine disturbs all of
them. Every server is one thread on one core, the generator runs on another one. What is compared are the
ratios within a round; the table shows their medians. Everything is on Unix sockets in a directory of its
own, and every process that is started is ended."""

import argparse
import fnmatch
import json
import os
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
DEADLINE = 30
BLOCK = 64 * 1024  # what the stream job counts as one operation
WARM_UP = 0.5  # seconds of each turn that are not counted


class Job:
    """What is measured: the generator's arguments, the servers' job, and the goal we have set ourselves."""

    def __init__(self, name, kind, load, *load_options, goal=None):
        self.name, self.kind, self.load, self.load_options, self.goal = name, kind, load, load_options, goal or {}


JOBS = [
    Job("echo-1", "echo", "echo", "-c1", goal={"libuv": 1.0}),
    Job("echo-64", "echo", "echo", "-c64", goal={"bare": 0.95, "libuv": 1.0}),
    Job("echo-1000", "echo", "echo", "-c1000", goal={"libuv": 1.0}),
    Job("echo-64x16", "echo", "echo", "-c64", "-k16", goal={"libuv": 1.0}),
    Job("http-16", "http", "http", "-c16"),
    Job("http-128", "http", "http", "-c128", goal={"bare": 0.9, "nginx": 1.5, "node": 4.0, "httplib": 4.0, "go": 3.0}),
    Job("http-browser", "http-parse", "http", "-c64", "-b", goal={"bare": 0.9}),
    Job("http-128x16", "http-parse", "http", "-c128", "-k16", goal={"bare": 0.9, "nginx": 8.0}),
    Job("http-connect", "http", "connect", "-c16", goal={"nginx": 1.0}),
    Job("file-4k", "file-4k", "http", "-c16"),
    Job("file-64k", "file-64k", "http", "-c16"),
    Job("file-1m", "file-1m", "http", "-c16", goal={"nginx": 1.0}),
    Job("stream-64k", "sink", "stream", goal={"bare": 0.95}),
    Job("idle-echo", "echo", "idle-echo", goal={"bytes": 1024}),
    Job("idle-http", "http", "idle-http", goal={"bytes": 1024}),
]

# Which programs do which kind of job; the first is ours, the last the limit.
SERVERS = {
    "echo": ["ours", "libuv", "node", "bare"],
    "sink": ["ours", "libuv", "node", "bare"],
    "http": ["ours", "nginx", "haproxy", "node", "go", "httplib", "bare"],
    "http-parse": ["ours", "nginx", "haproxy", "node", "go", "bare"],  # cpp-httplib hangs on pipelined requests
    "file-4k": ["ours", "nginx", "bare"],
    "file-64k": ["ours", "nginx", "bare"],
    "file-1m": ["ours", "nginx", "bare"],
}
COLUMNS = ["libuv", "nginx", "haproxy", "node", "go", "httplib"]


def die(message):
    sys.exit(f"bench: {message}")


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {DEADLINE} s in vain for {what}")
        select.select([], [], [], 0.01)


def accepts(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
            return True
        except OSError:
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

    def command(self, server, kind, path):
        """The server's command line, or None when this machine does not have it."""
        ours = os.path.join(self.options.build, "bin", "")
        is_http = kind.startswith("http")
        if server == "ours" and kind.startswith("file"):
            return [ours + "sunpath", "serve", "--quiet", path, self.folder(kind)]
        if server == "bare" and kind.startswith("file"):
            return [ours + "bench-bare-sendfile", path, os.path.join(self.folder(kind), "index.html")]
        if server == "ours":
            return [ours + "bench-sunpath-http", path] if is_http else [ours + "bench-sunpath-echo", kind, path]
        if server == "bare":
            return [ours + "bench-bare-epoll", kind, path]
        if server == "libuv":
            argv = [ours + "bench-libuv-echo", kind, path]
        elif server == "node":
            script = "peer-node-http.js" if is_http else "peer-node-echo.js"
            argv = [shutil.which("node"), os.path.join(HERE, script)] + ([] if is_http else [kind]) + [path]
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


def measure_rate(bench, job, server):
    """One turn: the generator's own report, and what the server's processor time was for each operation."""
    argv = [bench.load, job.load, server.path, f"-s{bench.options.seconds}", f"-w{WARM_UP}", *job.load_options]
    before = server.cpu_seconds()
    load = bench.start(argv, bench.load_core, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        out, _ = load.communicate(timeout=bench.options.seconds + DEADLINE)
    except BaseException:
        load.kill()
        load.wait()
        raise
    if load.returncode != 0:
        raise RuntimeError(f"{job.name} on {server.name}: the generator failed")
    report = json.loads(out)
    scale = report["seconds"] / (report["seconds"] + WARM_UP)  # the warm-up cost processor time too
    n_operations = report["n"] / BLOCK if job.load == "stream" else report["n"]
    report["server_us"] = (server.cpu_seconds() - before) * scale / max(n_operations, 1) * 1e6
    return report


def measure_idle(bench, job, server):
    """What the server's memory grows by when connections that were used once stay open."""
    n = bench.n_idle()
    measure_rate(bench, Job(job.name, job.kind, job.kind, "-c8", "-s0.1"), server)  # its memory for working at all
    before = server.resident_bytes()
    load = bench.start([bench.load, job.load, server.path, f"-c{n}"], bench.load_core, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
    try:
        if load.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{job.name} on {server.name}: the generator failed")
        grown = server.resident_bytes() - before
    finally:
        load.kill()
        load.communicate()
    return {"rate": grown / n, "cpu": 0, "n": n}


def run_job(bench, job):
    """Returns {server: [report of each round]} of one job. The servers take turns in another order each round."""
    names = [name for name in SERVERS[job.kind] if bench.command(name, job.kind, "") is not None]
    names = [name for name in names if not bench.options.only or name in bench.options.only]
    if not names:
        return {}
    is_idle = job.load.startswith("idle")
    rounds = 3 if is_idle else bench.options.rounds
    reports = {name: [] for name in names}
    for turn in range(rounds):
        order = names[turn % len(names):] + names[:turn % len(names)]
        for name in order:
            progress(f"{job.name}: round {turn + 1} of {rounds}, {name}")
            with Server(bench, name, job.kind) as server:
                reports[name].append((measure_idle if is_idle else measure_rate)(bench, job, server))
    progress("")
    return reports


def median(reports, key="rate"):
    return statistics.median(report[key] for report in reports)


def ratios(reports, other):
    """Ours against another server, round by round."""
    if "ours" not in reports or other not in reports:
        return None
    return [a["rate"] / b["rate"] for a, b in zip(reports["ours"], reports[other])]


def amount(job, value):
    if job.load.startswith("idle"):
        return f"{value:.0f} B"
    if job.load == "stream":
        return f"{value / 1e6:.0f} MB/s"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k"


def cpu_ratio(reports, other):
    """How much more processor time another server takes for an operation than ours: what the generator cannot
    hold back, and so the steadier of the two ratios."""
    return statistics.median(b["server_us"] / a["server_us"] for a, b in zip(reports["ours"], reports[other]))


def ratio_text(values):
    return f"{statistics.median(values):.2f}" if values else "-"


def spread_text(values):
    """The lowest and the highest of a round."""
    return f"{min(values):.2f}-{max(values):.2f}" if values else "-"


def latency_text(each):
    return f"{median(each, 'p50_us'):.0f} / {median(each, 'p99_us'):.0f}"


def verdict(value, wanted):
    return f"{value:.2f} {'met' if value >= wanted else 'MISSED'}"


def goal_rows(job, reports):
    """What we wanted to reach, and what came of it: by the rate, and by the server's processor time."""
    if "bytes" in job.goal and "ours" in reports:
        n = median(reports["ours"])
        yield [job.name, "", f"<= {job.goal['bytes']} B", f"{n:.0f} {'met' if n <= job.goal['bytes'] else 'MISSED'}"] + 4 * [""]
        return
    for other, wanted in job.goal.items():
        if other not in reports or "ours" not in reports:
            continue
        cpu = max(report["cpu"] for name in ("ours", other) for report in reports[name])
        has_times = job.load != "stream"
        yield [job.name, other, f"{wanted}x", verdict(statistics.median(ratios(reports, other)), wanted),
               verdict(cpu_ratio(reports, other), wanted), f"{cpu * 100:.0f} %",
               latency_text(reports["ours"]) if has_times else "-", latency_text(reports[other]) if has_times else "-"]


def print_goals(results):
    rows = [line for job, reports in results for line in goal_rows(job, reports)]
    if rows:
        print()
        print_table([["goal", "against", "wanted", "by rate", "by server cpu", "generator", "our p50 / p99 us", "theirs"]] + rows)


def row(job, reports):
    is_idle = job.load.startswith("idle")
    cells = [job.name]
    cells += [amount(job, median(reports[name])) if name in reports else "-" for name in ("ours", "bare")]
    cells += ["-" if is_idle else ratio_text(ratios(reports, "bare")),
              "-" if is_idle else spread_text(ratios(reports, "bare"))]
    for name in COLUMNS:
        cell = amount(job, median(reports[name])) if name in reports else "-"
        values = None if is_idle else ratios(reports, name)
        cells.append(f"{cell} ({ratio_text(values)}x)" if values else cell)
    cpu = max(report["cpu"] for each in reports.values() for report in each)
    cells.append("-" if is_idle else f"{cpu * 100:.0f} %")
    return cells


def print_table(rows):
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]))]
    for cells in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


def print_details(results):
    rows = [["job", "server", "rate", "lowest", "highest", "p50 us", "p99 us", "server cpu us/op",
             "ours by cpu", "generator cpu"]]
    for job, reports in results:
        if job.load.startswith("idle"):
            continue
        for name, each in reports.items():
            rates = [report["rate"] for report in each]
            is_stream = job.load == "stream"
            rows.append([job.name, name, amount(job, median(each)), amount(job, min(rates)), amount(job, max(rates)),
                         "-" if is_stream else f"{median(each, 'p50_us'):.1f}",
                         "-" if is_stream else f"{median(each, 'p99_us'):.1f}",
                         f"{median(each, 'server_us'):.3f}",
                         f"{cpu_ratio(reports, name):.2f}x" if "ours" in reports and name != "ours" else "-",
                         f"{max(report['cpu'] for report in each) * 100:.0f} %"])
    print()
    print_table(rows)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].partition(" - ")[2],
                                     epilog="jobs: " + " ".join(job.name for job in JOBS))
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"), help="where the programs are")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default: 5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn (default: 2)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second, 1000 idle connections")
    parser.add_argument("--jobs", nargs="+", default=["*"], metavar="JOB", help="names or patterns (default: all)")
    parser.add_argument("--only", nargs="+", metavar="SERVER", help="ours, bare, libuv, nginx, haproxy, node, go, httplib")
    parser.add_argument("--idle", type=int, default=10000, help="idle connections to measure memory with")
    parser.add_argument("--json", metavar="FILE", help="write every report there, too")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.idle = 2, 0.5, min(options.idle, 1000)
    return options


def raise_file_limit(wanted):
    """As many descriptors as wanted, or as allowed: root may raise the hard limit as well."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (wanted, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            continue
    return hard


def main():
    options = read_options()
    jobs = [job for job in JOBS if any(fnmatch.fnmatch(job.name, pattern) for pattern in options.jobs)]
    if not jobs:
        die("no such job; see --help")
    if not os.path.exists(os.path.join(options.build, "bin", "bench-load")):
        die(f"no bench-load in {options.build}/bin: build with -DSUNPATH_BENCH=ON, or run ./dev bench")
    cores = sorted(os.sched_getaffinity(0))
    n_files = raise_file_limit(2 * options.idle + 400)
    results = []
    with tempfile.TemporaryDirectory(prefix="sunpath-bench-") as directory:
        bench = Bench(options, directory, cores[0], cores[1 % len(cores)], n_files)
        for job in jobs:
            reports = run_job(bench, job)
            if reports:
                results.append((job, reports))
    if not results:
        die("none of the chosen servers does any of the chosen jobs")
    rows = [["job", "ours", "bare", "/bare", "rounds"] + COLUMNS + ["generator"]]
    print_table(rows + [row(job, reports) for job, reports in results])
    print_details(results)
    print_goals(results)
    print(f"\nmedians of {options.rounds} interleaved rounds of {options.seconds:g} s; in brackets: ours as a multiple of it;"
          f"\nours by cpu: what a server's processor time for an operation is, as a multiple of ours;"
          f"\na generator near 100 % holds fast servers back: then it is by cpu that they compare;"
          f"\n/bare: ours as a share of the bare system calls, rounds: its lowest and highest;"
          f"\nservers on core {cores[0]}, generator on core {cores[1 % len(cores)]}"
          + (" (THE SAME: only one core here)" if len(cores) == 1 else "")
          + f"; idle: growth of resident memory for each of {bench.n_idle()} connections, median of 3")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({job.name: reports for job, reports in results}, out, indent=1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))  # by way of the `with` blocks
    try:
        main()
    except RuntimeError as error:
        die(error)
    except KeyboardInterrupt:
        sys.exit(130)
