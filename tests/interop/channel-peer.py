# SPDX-License-Identifier: MIT
"""channel-peer.py server|client KIND PATH [COUNT] - messages with nothing but Python's own socket module.

KIND is seqpacket, dgram, or a framing of a stream. The server sends every message back; the client sends
COUNT of random sizes, checks what comes back and prints "ok"."""

import random
import socket
import struct
import sys

MAX = 100000


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


class Packets:
    """A seqpacket connection: credentials tell an empty packet from the end."""

    def __init__(self, sock):
        self.sock = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def send(self, message):
        self.sock.send(message)

    def receive(self):
        message, ancillary, flags, _ = self.sock.recvmsg(MAX * 2, 256)
        assert not flags & socket.MSG_TRUNC
        return message if message or ancillary else None


class Datagrams:
    def __init__(self, sock):
        self.sock = sock
        self.peer = None

    def send(self, message):
        if self.peer:
            self.sock.sendto(message, self.peer)
        else:
            self.sock.send(message)

    def receive(self):
        message, self.peer = self.sock.recvfrom(MAX * 2)
        return message


class Frames:
    """One framing of a stream, written down a second time."""

    FIXED = {"u8": "B", "u16be": ">H", "u16le": "<H", "u32be": ">I", "u32le": "<I", "u64be": ">Q", "u64le": "<Q"}

    def __init__(self, sock, kind):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.kind = kind

    def send(self, message):
        self.sock.sendall(self.wrap(message))

    def wrap(self, message):
        if self.kind in self.FIXED:
            return struct.pack(self.FIXED[self.kind], len(message)) + message
        return {"line": lambda: message + b"\n",
                "nul": lambda: message + b"\0",
                "varint": lambda: varint(len(message)) + message,
                "netstring": lambda: b"%d:%s," % (len(message), message),
                "content-length": lambda: b"Content-Length: %d\r\n\r\n%s" % (len(message), message)}[self.kind]()

    def until(self, mark):
        """What stands before the mark, or None at the end."""
        out = bytearray()
        while not out.endswith(mark):
            piece = self.file.peek()
            end = piece.find(mark[-1:]) + 1 or len(piece)
            if not piece:
                assert not out, "cut"
                return None
            out += self.file.read(end)
        return bytes(out[:-len(mark)])

    def length(self):
        if self.kind in self.FIXED:
            size = struct.calcsize(self.FIXED[self.kind])
            head = self.file.read(size)
            return struct.unpack(self.FIXED[self.kind], head)[0] if head else None
        if self.kind == "varint":
            number, shift = 0, 0
            while True:
                byte = self.file.read(1)
                if not byte:
                    return None
                number |= (byte[0] & 0x7F) << shift
                if byte[0] < 0x80:
                    return number
                shift += 7
        if self.kind == "netstring":
            digits = self.until(b":")
            return None if digits is None else int(digits)
        head = self.until(b"\r\n\r\n")
        return None if head is None else int(head.split(b":")[1])

    def receive(self):
        if self.kind in ("line", "nul"):
            return self.until(b"\n" if self.kind == "line" else b"\0")
        size = self.length()
        if size is None:
            return None
        message = self.file.read(size)
        assert len(message) == size, "cut"
        if self.kind == "netstring":
            assert self.file.read(1) == b","
        return message


def over(sock, kind):
    return Packets(sock) if kind == "seqpacket" else Datagrams(sock) if kind == "dgram" else Frames(sock, kind)


def serve(kind, path):
    kinds = {"seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
    sock = socket.socket(socket.AF_UNIX, kinds.get(kind, socket.SOCK_STREAM))
    sock.bind(path)
    if kind != "dgram":
        sock.listen()
        sock = sock.accept()[0]
    peer = over(sock, kind)
    while (message := peer.receive()) is not None:
        peer.send(message)


def run(kind, path, count):
    kinds = {"seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
    sock = socket.socket(socket.AF_UNIX, kinds.get(kind, socket.SOCK_STREAM))
    if kind == "dgram":
        sock.bind(path + ".client")
    sock.connect(path)
    peer = over(sock, kind)
    largest = 255 if kind == "u8" else 60000 if kind.startswith("u16") else MAX
    numbers = random.Random(3)
    for i in range(0, count, 8):
        sizes = [numbers.randrange(min(numbers.choice([1, 20, 300, 2000, largest]), largest) + 1)
                 for _ in range(min(8, count - i))]
        messages = [bytes(numbers.randrange(33, 123) for _ in range(min(size, 50))) * (size // 50 + 1) for size in sizes]
        messages = [message[:size] for message, size in zip(messages, sizes)]
        if kind == "dgram":
            peer.peer = None
        for message in messages:
            peer.send(message)
        for message in messages:
            assert peer.receive() == message, (i, len(message))
    print("ok", count)


if sys.argv[1] == "server":
    serve(sys.argv[2], sys.argv[3])
else:
    run(sys.argv[2], sys.argv[3], int(sys.argv[4]))
