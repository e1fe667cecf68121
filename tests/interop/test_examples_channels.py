# SPDX-License-Identifier: MIT
"""The examples about messages, each with a peer in Python: files passed, datagrams logged, ABCI's frames, pictures and
a message of 1 GiB."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import mmap
import re
import struct


def example(name):
    return os.path.join(BIN, "example-" + name)


def connected(path, kind):
    client = socket.socket(socket.AF_UNIX, kind)
    client.settimeout(DEADLINE)
    client.connect(path)
    return client


class PassFile(TestCase):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("files/sub"))
        with open(self.path("files/note"), "w") as note:
            note.write("what is in it")
        with open(self.path("secret"), "w") as secret:
            secret.write("not to be read")
        os.symlink(self.path("secret"), self.path("files/link"))
        self.server = self.start(example("pass-file"), f"seqpacket:{self.path('s')}", self.path("files"))
        self.server.wait_for_socket(self.path("s"), socket.SOCK_SEQPACKET)

    def ask(self, client, name):
        client.send(name)
        answer, fds, flags, _ = socket.recv_fds(client, 100, 4)
        self.assertEqual(flags & socket.MSG_CTRUNC, 0)
        return answer, fds

    def test_files_of_the_directory_and_no_others(self):
        with connected(self.path("s"), socket.SOCK_SEQPACKET) as client:
            self.assertEqual(self.ask(client, b"none"), (b"refused", []))
            before = len(os.listdir(f"/proc/{self.server.pid}/fd"))
            for _ in range(100):
                answer, fds = self.ask(client, b"note")
                self.assertEqual((answer, len(fds)), (b"ok", 1))
                with open(fds[0]) as note:
                    self.assertEqual(note.read(), "what is in it")
            for name in [b"", b".", b"..", b"sub", b"../secret", b"/etc/passwd", b"link", b"none", b"note\0", b"x" * 300]:
                answer, fds = self.ask(client, name)
                self.assertEqual((name, answer, fds), (name, b"refused", []))
            self.assertEqual(len(os.listdir(f"/proc/{self.server.pid}/fd")), before)


class DatagramLog(TestCase):
    def test_everybody_logs_and_is_named(self):
        path = self.path("log")
        log = self.start(example("datagram-log"), f"dgram:{path}")
        until(lambda: published(path), "the log")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o622)
        senders = [subprocess.Popen([sys.executable, "-c", f"""
import socket
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for i in range(100):
    sock.sendto(b"sender {n} line %d\\n" % i, {path!r})
"""]) for n in range(4)]
        for sender in senders:
            self.assertEqual(sender.wait(DEADLINE), 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"\x1b[2J\n", path)
            sock.sendto(b"", path)
            sock.sendto(b"x" * 9000, path)
            sock.sendto(b"the end", path)
        log.wait_for_output("the end")
        lines = log.output().splitlines()
        for n, sender in enumerate(senders):
            own = [line for line in lines if f": sender {n} " in line]
            self.assertEqual(own, [f"pid {sender.pid} uid {os.getuid()}: sender {n} line {i}" for i in range(100)])
        self.assertIn(f"pid {os.getpid()} uid {os.getuid()}: \\x1b[2J", lines)
        self.assertIn(f"pid {os.getpid()} uid {os.getuid()}: ", lines)
        self.assertIn("9000 bytes are over the limit of 8192", log.output())
        self.assertEqual(log.stop(), 0)
        self.assertFalse(os.path.exists(path))


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    return bytes([number << 3 | 2]) + varint(len(content)) + content


class Abci(TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.start(example("abci-server"), self.path("s"))
        self.server.wait_for_socket(self.path("s"))
        self.client = connected(self.path("s"), socket.SOCK_STREAM)
        self.addCleanup(self.client.close)

    def frame(self, message):
        return varint(len(message)) + message

    def receive(self, size):
        data = b""
        while len(data) < size:
            piece = self.client.recv(size - len(data))
            self.assertTrue(piece)
            data += piece
        return data

    def test_requests_are_answered_in_order(self):
        requests = expected = b""
        for i in range(200):
            text = b"hello " * i
            requests += self.frame(field(1, field(1, text))) + self.frame(field(2, b""))
            expected += self.frame(field(2, field(1, text))) + self.frame(field(3, b""))
        for at in range(0, len(requests), 997):
            self.client.sendall(requests[at:at + 997])
        self.assertEqual(self.receive(len(expected)), expected)
        self.client.sendall(self.frame(field(4, b"")))
        self.assertIn(b"only echo and flush", self.receive(38))

    def test_what_is_no_varint_ends_the_connection(self):
        self.client.sendall(b"\x82\x00ab")
        self.assertEqual(self.client.recv(10), b"")
        self.server.wait_for_output("message 1: a varint that is longer than its number needs")


class LargeMessage(TestCase):
    SIZE = 1 << 30

    def peak_kb(self, process):
        """Memory of its own: the message is shared memory, and nobody's."""
        with open(f"/proc/{process.pid}/status") as status:
            return sum(int(line.split()[1]) for line in status if line.startswith(("RssAnon", "RssShmem")))

    def test_a_gibibyte_in_constant_memory(self):
        path = self.path("s")
        receiver = self.start(example("large-message"), "receive", f"seqpacket:{path}")
        receiver.wait_for_socket(path, socket.SOCK_SEQPACKET)
        before = self.peak_kb(receiver)
        sender = self.start(example("large-message"), "send", f"seqpacket:{path}", self.SIZE)
        peaks = []
        def ended():
            if receiver.poll() is None:
                try:
                    peaks.append(self.peak_kb(receiver) - before)
                    peaks.append(self.peak_kb(sender) - before)
                except (FileNotFoundError, ProcessLookupError):
                    pass
            return receiver.poll() is not None
        until(ended, "the message to arrive", 300)
        self.assertEqual(sender.wait(DEADLINE), 0, sender.output())
        self.assertEqual(receiver.wait(DEADLINE), 0, receiver.output())
        self.assertRegex(sender.output(), f"^{self.SIZE} bytes, sum [0-9a-f]{{16}}\n$")
        self.assertEqual(sender.output(), receiver.output())
        self.assertLess(max(peaks, default=0), 32 << 10, peaks)

    def test_python_receives_it(self):
        """The memory comes as a descriptor, sealed, behind 32 bytes that say how much it is."""
        size = 64 << 20
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.path("s"))
            listener.listen()
            listener.settimeout(DEADLINE)
            sender = self.start(example("large-message"), "send", f"seqpacket:{self.path('s')}", size)
            client, _ = listener.accept()
            with client:
                note, fds, _, _ = socket.recv_fds(client, 100, 4)
            self.assertEqual((len(note), len(fds), struct.unpack("Q", note[24:])[0]), (32, 1, size))
            with mmap.mmap(fds[0], size, prot=mmap.PROT_READ) as memory:
                for at in range(0, size, 1 << 20):
                    self.assertEqual(struct.unpack("Q", memory[at:at + 8])[0],
                                     at // 8 * 0x9e3779b97f4a7c15 & (1 << 64) - 1)
            self.assertRaises(PermissionError, os.ftruncate, fds[0], 10)
            self.assertRaises(PermissionError, os.write, fds[0], b"x")
            os.close(fds[0])
            self.assertEqual(sender.wait(DEADLINE), 0)


class Pictures(TestCase):
    """Drawn in memory that both programs have, or copied for who has none."""

    def setUp(self):
        super().setUp()
        self.socket = self.path("s")
        self.server = self.start(example("pictures"), "draw", self.socket)
        self.server.wait_for_socket(self.socket)

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0, self.server.output())
        super().tearDown()

    def test_nearly_all_of_them_in_place(self):
        for _ in range(3):
            said = self.run_ok(example("pictures"), "watch", self.socket, 200)
            self.assertGreater(int(re.fullmatch(r"200 pictures, (\d+) drawn in place\n", said)[1]), 150)

    def test_python_gets_the_same_ones_through_the_socket(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(self.socket)
            client.sendall(6 * (struct.pack(">I", 4) + b"next"))  # faster than it takes them
            with client.makefile("rb") as stream:
                for number in range(1, 7):
                    size, = struct.unpack(">I", stream.read(4))
                    picture = stream.read(size)
                    self.assertEqual(size, 8 << 20)
                    self.assertEqual(struct.unpack("=QQ", picture[:16]), (number, 0))
                    self.assertEqual(picture.count(number, 16), size - 16)


if __name__ == "__main__":
    main()
