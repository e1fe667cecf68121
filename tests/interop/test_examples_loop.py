# SPDX-License-Identifier: MIT
"""The echo examples, each on its own kind of loop, against socat, nc and Python."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *
import threading

LARGE = bytes(range(256)) * 16384  # 4 MiB: more than any buffer between the two


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(DEADLINE)
    client.connect(path)
    return client


def receive(client, size):
    parts = []
    while size > 0:
        part = client.recv(min(size, 1 << 16))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Echo:
    """What every example must do; the subclasses say which."""

    def setUp(self):
        super().setUp()
        self.socket = self.path("e.sock")
        self.server = self.start(os.path.join(BIN, "example-" + self.example), self.socket)
        self.server.wait_for_socket(self.socket)

    def test_socat(self):
        done = self.run_any("socat", "-t", DEADLINE, "-", f"UNIX-CONNECT:{self.socket}", input=LARGE, text=False)
        self.assertEqual((done.returncode, done.stdout == LARGE), (0, True), done.stderr)

    def test_nc(self):
        done = self.run_any("nc", "-U", "-N", self.socket, input=LARGE, text=False)
        self.assertEqual((done.returncode, done.stdout == LARGE), (0, True), done.stderr)

    def test_many_at_once(self):
        clients = [connect(self.socket) for _ in range(200)]
        for turn in range(3):
            for number, client in enumerate(clients):
                client.sendall(b"%d in turn %d" % (number, turn))
            for number, client in enumerate(clients):
                expected = b"%d in turn %d" % (number, turn)
                self.assertEqual(receive(client, len(expected)), expected)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
            client.close()

    def test_half_close(self):
        with connect(self.socket) as client:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(receive(client, 100), b"question")

    def test_a_client_that_does_not_read_for_a_while(self):
        with connect(self.socket) as client:
            sender = threading.Thread(target=client.sendall, args=(LARGE,))
            sender.start()
            with connect(self.socket) as other:  # is served meanwhile
                other.sendall(b"x")
                self.assertEqual(other.recv(1), b"x")
            self.assertTrue(sender.is_alive(), "the server took 4 MiB for a client that does not read")
            self.assertTrue(receive(client, len(LARGE)) == LARGE)
            sender.join()

    def test_signals_end_it_and_the_socket_goes(self):
        def ask():  # its loop runs then, which is when signals are held
            with connect(self.socket) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
        ask()
        with connect(self.socket):
            self.assertEqual(self.server.stop(signal.SIGTERM), 0, self.server.output())
        self.assertFalse(os.path.lexists(self.socket))
        again = self.start(os.path.join(BIN, "example-" + self.example), self.socket)
        again.wait_for_socket(self.socket)
        ask()
        self.assertEqual(again.stop(signal.SIGINT), 0, again.output())
        self.assertFalse(os.path.lexists(self.socket))

    def tearDown(self):
        self.server.stop()
        self.assertEqual(self.server.output(), "")
        super().tearDown()


class OwnLoop(Echo, TestCase):
    example = "echo"


class Poll(Echo, TestCase):
    example = "embed-poll"


class Libuv(Echo, TestCase):
    example = "embed-libuv"


class Glib(Echo, TestCase):
    example = "embed-glib"


if __name__ == "__main__":
    main()
