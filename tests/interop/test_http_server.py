# SPDX-License-Identifier: MIT
"""Our HTTP server against real clients and against sockets that misbehave."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import errno
import http.client
import re

ECHO = os.path.join(BIN, "test-program-http-echo")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def n_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class ServerTest(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("a.sock")
        self.server = self.start(ECHO, self.socket)
        self.server.wait_for_socket(self.socket)

    def tearDown(self):
        try:
            # Whatever a test did: the server lives, serves and ends clean (the sanitizers look for leaks).
            self.assertEqual(self.exchange(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                           b"Content-Length: 5\r\n\r\nalive")[-5:], b"alive")
            self.assertEqual(self.server.stop(), 0, self.server.output())
        finally:
            super().tearDown()

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(DEADLINE)
        client.connect(self.socket)
        self.addCleanup(client.close)
        return client

    def read_all(self, client):
        heard = b""
        while True:
            try:
                piece = client.recv(1 << 16)
            except ConnectionResetError:
                self.fail(f"reset after {heard[:200]!r}")
            if not piece:
                return heard
            heard += piece

    def exchange(self, data):
        """Sends, half-closes and returns all that comes back."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return self.read_all(client)


class Clients(ServerTest):
    def curl(self, *arguments, **options):
        return self.run_any("curl", "-s", "--unix-socket", self.socket, *arguments, **options)

    def test_curl(self):
        body = os.urandom(300000)
        file = self.path("body")
        with open(file, "wb") as out:
            out.write(body)
        for arguments in (["--data-binary", f"@{file}"], ["-0", "--data-binary", f"@{file}"],
                          ["-H", "Expect: 100-continue", "--data-binary", f"@{file}"],
                          ["-T", file], ["-H", "Transfer-Encoding: chunked", "-T", file]):
            done = self.curl("-f", *arguments, "http://x/", text=False)
            self.assertEqual((done.returncode, done.stdout), (0, body), arguments)
        done = self.curl("-I", "http://x/", "http://x/a")
        self.assertEqual(done.stdout.count("HTTP/1.1 200 OK"), 2)
        done = self.curl("-v", "http://x/", "http://x/a")
        self.assertIn("Re-using existing connection", done.stderr)

    def test_python(self):
        connection = http.client.HTTPConnection("x", timeout=DEADLINE)
        connection.sock = self.connect()
        sock = connection.sock
        for body in b"", b"small", os.urandom(300000):
            connection.request("POST", "/", body)
            self.assertEqual(connection.getresponse().read(), body)
        pieces = [os.urandom(997) for _ in range(100)]
        connection.request("PUT", "/", iter(pieces), headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
        self.assertEqual(connection.getresponse().read(), b"".join(pieces))
        self.assertIs(connection.sock, sock)

    def test_undici_and_node(self):
        self.assertEqual(self.run_node("undici-client.js", self.socket), "ok\n")

    def test_signed_cookies(self):
        self.assertEqual(self.run_node("cookie-client.js", self.socket), "ok\n")

    def test_aiohttp(self):
        client = os.path.join(SOURCE, "tests/interop/aiohttp-client.py")
        self.assertEqual(self.run_ok(DEBIAN_PYTHON, client, self.socket), "ok\n")

    def test_h2load(self):
        output = self.run_ok("h2load", "--h1", "-n", "20000", "-c", "16", f"--base-uri=unix:{self.socket}",
                             "http://localhost/")
        self.assertIn("20000 succeeded, 0 failed, 0 errored", output)
        with open(self.path("uris"), "w") as uris:
            uris.write("http://localhost/\n")
        output = self.run_ok("h2load", "--h1", "-n", "2000", "-c", "8", "-d", self.path("uris"),
                             f"--base-uri=unix:{self.socket}", "http://localhost/")
        self.assertIn("2000 succeeded, 0 failed, 0 errored", output)

    def test_hello(self):
        path = self.path("hello.sock")
        self.start(os.path.join(BIN, "example-http-hello"), path).wait_for_socket(path)
        self.assertEqual(self.run_ok("curl", "-s", "--unix-socket", path, "http://x/"), "hello, world\n")


class Misbehaviour(ServerTest):
    def test_a_byte_at_a_time(self):
        with self.connect() as client:
            for byte in b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
                client.sendall(bytes([byte]))
            client.shutdown(socket.SHUT_WR)
            self.assertTrue(self.read_all(client).endswith(b"\r\n\r\nabc"))

    def test_a_half_closed_client_gets_all_its_answers(self):
        heard = self.exchange(b"".join(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d" % i
                                       for i in range(500)))
        self.assertEqual(re.findall(rb"\r\n\r\n(\d{3})", heard), [b"%03d" % i for i in range(500)])

    def test_3000_headers(self):
        heard = self.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(3000)) + b"\r\n")
        self.assertTrue(heard.startswith(b"HTTP/1.1 431 "), heard[:100])

    def test_an_endless_header_line_costs_nothing(self):
        piece = b"a" * (1 << 20)
        n_sent = 0
        before = memory_kib(self.server.pid)
        with self.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            try:
                while n_sent < 1 << 30:
                    n_sent += client.send(piece)
            except OSError as error:
                self.assertIn(error.errno, (errno.EPIPE, errno.ECONNRESET))
        self.assertLess(n_sent, 1 << 30)
        self.assertLess(memory_kib(self.server.pid) - before, 8 << 10)

    def test_the_answer_to_an_endless_header_line_can_be_read(self):
        with self.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1000000)
            self.assertTrue(self.read_all(client).startswith(b"HTTP/1.1 431 "))

    def test_half_requests_and_silence(self):
        before = n_fds(self.server.pid)
        whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
        for i in range(len(whole)):
            heard = self.exchange(whole[:i])
            self.assertFalse(heard.startswith(b"HTTP/1.1 2"), whole[:i])
            with self.connect() as client:
                client.sendall(whole[:i])
        until(lambda: n_fds(self.server.pid) <= before, "the connections to be closed")

    def test_leaving_mid_reply(self):
        before = n_fds(self.server.pid)
        body = os.urandom(4 << 20)
        for n_read in 0, 1, 100000:
            with self.connect() as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                while n_read > 0:
                    n_read -= len(client.recv(min(n_read, 65536)))
        until(lambda: n_fds(self.server.pid) <= before, "the connections to be closed")

    def test_many_idle_connections(self):
        clients = [self.connect() for _ in range(500)]
        for client in clients:
            client.sendall(GET)
        for client in clients:
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))
        for client in clients:
            client.close()


class Strictness(ServerTest):
    """The vectors of well-known request smuggling, each with the status it must give."""

    def check(self, request, *statuses):
        heard = self.exchange(request)
        self.assertIn(int(heard.split(b" ")[1]), statuses, (request, heard))

    def test_vectors(self):
        head = b"POST / HTTP/1.1\r\nHost: x\r\n"
        self.check(b"GET / HTTP/1.1\r\n\r\n", 400)
        self.check(head + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
        self.check(head + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400)
        self.check(head + b"Content-Length: +3\r\n\r\nabc", 400)
        self.check(b"GET / HTTP/1.1\nHost: x\n\n", 400)
        self.check(b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400)
        self.check(b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400)
        self.check(b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400)
        self.check(head + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, 501)
        self.check(head + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", 200)
        self.check(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400)
        self.check(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", 400)
        self.check(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 17000 + b"\r\n\r\n", 431)
        self.check(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505)
        self.check(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)
        self.check(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)

    def test_nothing_behind_a_refused_request_is_served(self):
        heard = self.exchange(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"0\r\n\r\n" + GET)
        self.assertEqual(heard.count(b"HTTP/1.1 "), 1)


if __name__ == "__main__":
    main()
