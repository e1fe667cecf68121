# SPDX-License-Identifier: MIT
"""One turn of a job on a server, and the rounds of all of them."""

import json
import subprocess

from jobs import SERVERS, Job
from programs import DEADLINE, Server, progress

BLOCK = 64 * 1024  # what the stream job counts as one operation
WARM_UP = 0.5  # seconds of each turn that are not counted


def measure_rate(bench, job, server):
    """One turn: the generator's own report, and what the server's processor time was for each operation; of
    messages what it was at both ends."""
    if job.load:
        argv = [bench.load, job.load, server.path, *job.load_options]
    else:
        argv = bench.message_command("drive", server.name, job.kind, server.path)
    argv += [f"-s{bench.options.seconds}", f"-w{WARM_UP}"]
    before = server.cpu_seconds()
    load = bench.start(argv, bench.server_core if job.one_core else bench.load_core, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
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
    seconds = (server.cpu_seconds() - before) * scale
    if not job.load:
        seconds += report["cpu"] * report["seconds"]
    report["cpu_us"] = seconds / max(n_operations, 1) * 1e6
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
    names = [name for name in SERVERS[job.kind] if name != job.without and bench.command(name, job.kind, "") is not None]
    names = [name for name in names if not bench.options.only or name in bench.options.only]
    if not names:
        return {}
    rounds = 3 if job.is_idle else bench.options.rounds
    reports = {name: [] for name in names}
    for turn in range(rounds):
        order = names[turn % len(names):] + names[:turn % len(names)]
        for name in order:
            progress(f"{job.name}: round {turn + 1} of {rounds}, {name}")
            with Server(bench, name, job.kind) as server:
                reports[name].append((measure_idle if job.is_idle else measure_rate)(bench, job, server))
    progress("")
    return reports
