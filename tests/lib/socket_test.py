# SPDX-License-Identifier: MIT
"""What the tests of listen and connect share: plain sockets of the test's own, pipes, /proc."""

import os
import socket
import subprocess

from sunpath_test import *

TYPES = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}


def read_file(path):
    with open(path) as file:
        return file.read()


def stat_of(process):
    """The fields of /proc/PID/stat behind the name: state is 0, utime 11, stime 12."""
    return read_file(f"/proc/{process.pid}/stat").rsplit(") ", 1)[1].split()


def name_of(path):
    return b"\0" + path[1:].encode() if path.startswith("@") else path


class Copying(TestCase):
    def listening(self, name, kind="stream", backlog=8):
        """A listening (or bound datagram) socket of the test's own."""
        sock = socket.socket(socket.AF_UNIX, TYPES[kind])
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        sock.bind(name_of(name))
        if kind != "dgram":
            sock.listen(backlog)
        return sock

    def connected(self, name, kind="stream"):
        sock = socket.socket(socket.AF_UNIX, TYPES[kind])
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        until(lambda: sock.connect_ex(name_of(name)) == 0, f"{name} to accept")
        return sock

    def accept(self, listener):
        sock, address = listener.accept()
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        return sock, address

    def pipes(self, *argv, **options):
        """Starts a command with pipes at both ends; its complaints go to the log."""
        return self.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    def read_all(self, sock):
        data = b""
        while True:
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece

    def connect_started(self, *arguments, kind="stream", name=None):
        """A running `sunpath connect` and the test's end of its connection."""
        path = name or self.path("peer.sock")
        listener = self.listening(path, kind)
        client = self.pipes(SUNPATH, "connect", "--type", kind, *arguments, path)
        peer, _ = self.accept(listener)
        return client, peer

    def end(self, process, status=0):
        process.stdin.close()
        output = process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(DEADLINE), status, process.output())
        return output
