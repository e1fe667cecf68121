# SPDX-License-Identifier: MIT
"""What the tests share that speak raw HTTP to a mirror (tests/interop/http-mirror.c or another one)."""

import fcntl
import os
import re
import socket
import struct
import termios
import time

from sunpath_test import *

MIRROR = os.path.join(BIN, "test-program-http-mirror")


class Response:
    """One final response: its status and headers, and what it says about the request it answers."""

    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body
        self.closes = re.search(rb"\r\nconnection: close\r\n", head, re.I) is not None

    @property
    def request(self):
        """"METHOD TARGET", or None when the mirror did not answer this."""
        found = re.search(rb"\r\nx-request: ([^\r]*)\r\n", self.head, re.I)
        return found and found[1].decode("latin1")


def take_chunks(data):
    """The content of a chunked body and what follows it."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        body, data = body + data[:n], data[n + 2:]
        if n == 0:
            return body, data


def take_body(head, data):
    """The body that belongs to a response's head, and what follows it."""
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head, re.I)
    if re.search(rb"\r\nx-request: HEAD ", head, re.I) or re.match(rb"HTTP/1\.[01] (1\d\d|204|304)", head):
        return b"", data
    if re.search(rb"\r\ntransfer-encoding: chunked\r\n", head, re.I):
        return take_chunks(data)
    if not length:
        return data, b""
    n = int(length[1])
    assert len(data) >= n or not data, (head, data)  # nothing: an error that answers HEAD
    return data[:n], data[n:]


def read_responses(data):
    """All responses in `data` but the interim ones. A cut or malformed one is an AssertionError."""
    responses = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        head += separator
        start = re.match(rb"HTTP/1\.[01] (\d\d\d) [^\r\n]*\r\n", head)
        assert start and separator, head
        body, data = take_body(head, data)
        if int(start[1]) >= 200:
            responses.append(Response(int(start[1]), head, body))
    return responses


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE)
    sock.connect(path)
    return sock


def wait_until_read(sock):
    """Waits until the peer has read all that was sent, so that what is sent next comes in a read of its own."""
    number = bytearray(4)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        fcntl.ioctl(sock, termios.TIOCOUTQ, number)
        if struct.unpack("i", number)[0] == 0:
            return
        os.sched_yield()
    raise AssertionError("the server does not read")


NOW, AFTER_ANSWER, NEVER = range(3)  # when a client half-closes; Go's servers drop what is not answered by then


def exchange(path, pieces, half_close=NOW):
    """Sends the pieces, each to be read by itself, and returns all that comes back until the server closes. A
    server that refuses does not read on, and may reset: that is an end, too."""
    heard = b""
    with connect(path) as sock:
        try:
            for i, piece in enumerate(pieces):
                if i > 0:
                    wait_until_read(sock)
                sock.sendall(piece)
            if half_close == AFTER_ANSWER:
                heard = sock.recv(1 << 16)
            if half_close != NEVER:
                sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while piece := sock.recv(1 << 16):
                heard += piece
        except ConnectionResetError:
            pass
    return heard
