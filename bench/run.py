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
import signal
import sys
import tempfile

from jobs import COLUMNS, JOBS
from measure import run_job
from programs import HERE, Bench
from tables import print_details, print_goals, print_jobs


def die(message):
    sys.exit(f"bench: {message}")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].partition(" - ")[2],
                                     epilog="jobs: " + " ".join(job.name for job in JOBS))
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"), help="where the programs are")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default: 5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn (default: 2)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second, 1000 idle connections")
    parser.add_argument("--jobs", nargs="+", default=["*"], metavar="JOB", help="names or patterns (default: all)")
    parser.add_argument("--only", nargs="+", metavar="SERVER", help="ours, bare, " + ", ".join(COLUMNS))
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
    print_jobs(results)
    print_details(results)
    print_goals(results)
    print(f"\nmedians of {options.rounds} interleaved rounds of {options.seconds:g} s; in brackets: ours as a multiple of it;"
          f"\nours by cpu: what a server's processor time for an operation is, as a multiple of ours; of messages (ping, push,"
          f"\nlarge) what both ends take: there each program drives itself, ping with both ends on core {cores[0]};"
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
