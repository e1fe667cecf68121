#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""instructions.py - how many instructions of its own a server runs for a request or a message, by callgrind.

Instructions are no time, but they are the same on a machine that others use too. The system calls are not in
them, so what is compared is what a server adds to those. Counted twice, with more requests the second time: the
difference has no start and end in it."""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile

from programs import HERE, accepts, until

N_CONNECTIONS = 64
FRAME = b"\x40\0\0\0"  # a length, little-endian
PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def browser_request():
    """The one that load.c sends."""
    with open(os.path.join(HERE, "load.c"), encoding="utf-8") as source:
        text = re.search(r"browser\[\] =\n(.*?);\n", source.read(), re.S)[1]
    literals = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return "".join(literals).encode().decode("unicode_escape").encode("latin1")


def drive(path, request, n_in_flight, n_rounds):
    """Each round sends on all connections and then reads all answers."""
    socks = []
    for _ in range(N_CONNECTIONS):
        socks.append(socket.socket(socket.AF_UNIX))
        socks[-1].connect(path)
    for _ in range(n_rounds):
        for sock in socks:
            sock.sendall(request * n_in_flight)
        for sock in socks:
            n_answers = 0
            while n_answers < n_in_flight:
                n_answers += sock.recv(1 << 16).count(b"hello, world\n")
    for sock in socks:
        sock.close()


def exchange(path, kind, message, n_in_flight, has_answers, n_rounds):
    """The same with messages, on one connection."""
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.connect(path)
        for _ in range(n_rounds):
            sock.sendall(message * n_in_flight)
            n_left = len(message) * n_in_flight if has_answers else 0
            while n_left > 0:
                n_left -= len(sock.recv(1 << 16))
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)  # until all was taken and the other side has ended, too


def count(argv, path, drive_it):
    out = f"{path}.callgrind"
    process = subprocess.Popen(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", *argv],
                               stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or accepts(path), argv[0])
        drive_it()
    finally:
        process.terminate()
        process.wait()
        if os.path.exists(path):
            os.unlink(path)
    with open(out, encoding="latin1") as report:
        return int(re.search(r"^(?:summary|totals): (\d+)", report.read(), re.M)[1])


def count_each(argv, programs, drive_it, few, many, n_each):
    """Instructions for one of the `n_each` that a round has. `drive_it` gets a path and the number of rounds."""
    with tempfile.TemporaryDirectory(prefix="sunpath-bench-") as directory:
        path = os.path.join(directory, "a.sock")
        argv = [os.path.join(programs, argv[0]), *argv[1:], path]
        counts = [count(argv, path, lambda n=n: drive_it(path, n)) for n in (few, many)]
    return round((counts[1] - counts[0]) / ((many - few) * n_each))


def count_requests(programs):
    print(f"{'requests':24} {'ours':>8} {'bare':>8} {'bare with a parser':>20}")
    for name, request, n_in_flight in (("plain", PLAIN, 1), ("a browser's", browser_request(), 1),
                                       ("plain, 16 in flight", PLAIN, 16), ("browser's, 16 in flight", browser_request(), 16)):
        counts = [count_each(argv, programs, lambda path, n: drive(path, request, n_in_flight, n), 4, 24,
                             N_CONNECTIONS * n_in_flight)
                  for argv in (["bench-sunpath-http"], ["bench-bare-epoll", "http"], ["bench-bare-epoll", "http-parse"])]
        print(f"{name:24} {counts[0]:8} {counts[1]:8} {counts[2]:20}")


def count_messages(programs):
    print(f"\n{'messages of 64 bytes':24} {'ours':>8} {'bare':>8}")
    for name, job, kind, header, n_in_flight in (("echo, seqpacket", "seqpacket", socket.SOCK_SEQPACKET, b"", 1),
                                                 ("echo, frame", "frame", socket.SOCK_STREAM, FRAME, 1),
                                                 ("taken, 64 in a read", "push", socket.SOCK_STREAM, FRAME, 64)):
        counts = [count_each([f"bench-{program}-messages", "serve", job], programs,
                             lambda path, n: exchange(path, kind, header + b"a" * 64, n_in_flight, job != "push", n),
                             200, 1200, n_in_flight)
                  for program in ("sunpath", "bare")]
        print(f"{name:24} {counts[0]:8} {counts[1]:8}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].partition(" - ")[2])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"), help="where the programs are")
    options = parser.parse_args()
    programs = os.path.join(options.build, "bin")
    count_requests(programs)
    count_messages(programs)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"instructions: {error}")
