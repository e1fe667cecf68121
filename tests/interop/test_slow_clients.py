# SPDX-License-Identifier: MIT
"""Hundreds of clients that send too slowly or do not read: they cost bounded memory, others are served meanwhile, and
they are cut off."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from http_test import *

import errno
import resource
import select

N_CLIENTS = 300
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
KIB = 1024


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def send_until_full(sock, data):
    """As much as the kernel and the server take at once; returns how much that was."""
    n_sent = 0
    sock.setblocking(False)
    try:
        while True:
            n_sent += sock.send(data)
    except BlockingIOError:
        return n_sent
    finally:
        sock.settimeout(DEADLINE)


def read_to_end(sock):
    heard = b""
    try:
        while piece := sock.recv(1 << 16):
            heard += piece
    except ConnectionResetError:
        pass
    return heard


def hung_up(socks):
    """Those whose connection the server has closed, whatever of it is unread."""
    poll = select.poll()
    for sock in socks:
        poll.register(sock, 0)
    return poll.poll(0)


class SlowClients(TestCase):
    def setUp(self):
        super().setUp()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.socket = self.path("a.sock")

    def tearDown(self):
        try:
            self.assertEqual(self.server.stop(), 0, self.server.output())
        finally:
            super().tearDown()

    def start_server(self, *arguments):
        # what is freed is not kept to find its late use: it would count as held
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
        self.server = self.start(MIRROR, self.socket, *arguments, env={**os.environ, "ASAN_OPTIONS": options})
        self.server.wait_for_socket(self.socket)
        self.check_served()
        self.before = memory_kib(self.server.pid)

    def check_served(self):
        self.assertEqual([response.status for response in read_responses(exchange(self.socket, [GET]))], [200])

    def clients(self):
        clients = [connect(self.socket) for _ in range(N_CLIENTS)]
        for client in clients:
            self.addCleanup(client.close)
        return clients

    def check_memory(self, kib_each):
        """The server has grown by that much for each client at most, whatever the sanitizers add."""
        self.check_served()
        self.assertLess(memory_kib(self.server.pid) - self.before, N_CLIENTS * kib_each * 2 + 4 * KIB)

    def test_heads_that_do_not_end(self):
        self.start_server("2000")
        clients = self.clients()
        for client in clients:
            client.sendall(GET[:-2] + b"X: " + b"a" * 15 * KIB)
        self.check_memory(32)
        for client in clients:
            self.assertEqual([response.status for response in read_responses(read_to_end(client))], [408])
        self.check_served()

    def test_bodies_that_do_not_end(self):
        self.start_server("2000")
        clients = self.clients()
        for client in clients[::2]:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 30 * KIB)
        for client in clients[1::2]:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n" + b"a" * 30 * KIB)
        self.check_memory(64)
        for client in clients:
            self.assertEqual([response.status for response in read_responses(read_to_end(client))], [408])

    def test_answers_that_are_not_read(self):
        self.start_server("2000")
        clients = self.clients()
        n_sent = sum(send_until_full(client, GET * 1000) for client in clients)
        self.assertGreater(n_sent, N_CLIENTS * 100 * KIB)  # the answers are ten times as long
        self.check_memory(256)
        until(lambda: len(hung_up(clients)) == N_CLIENTS, "all to be cut off")
        for client in clients:
            self.assertLess(len(read_to_end(client)), 2 * n_sent // N_CLIENTS)
        self.check_served()

    def test_requests_that_come_byte_by_byte(self):
        self.start_server()
        clients = self.clients()
        data = b"POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n" + GET
        for byte in data:
            for client in clients:
                client.sendall(bytes([byte]))
        self.check_memory(8)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            responses = read_responses(read_to_end(client))
            self.assertEqual([response.request for response in responses], ["POST /slow", "GET /"])

    def test_a_client_that_says_nothing(self):
        self.start_server("2000")
        clients = self.clients()
        self.check_memory(4)
        for client in clients:
            self.assertEqual(read_to_end(client), b"")

    def test_a_client_that_is_refused_and_goes_on(self):
        self.start_server()
        clients = self.clients()
        for client in clients:
            with self.assertRaises(OSError) as raised:
                while True:
                    client.sendall(b"no request at all" * KIB)
            self.assertIn(raised.exception.errno, (errno.EPIPE, errno.ECONNRESET))
        self.check_memory(8)


if __name__ == "__main__":
    main()
