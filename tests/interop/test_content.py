# SPDX-License-Identifier: MIT
"""Codings both ways, Expect, trailers and hints, with real clients."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import gzip
import json
import zlib

LARGE = (b"a line of text\n" * 13334)[:200000]


class Content(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("c.sock")
        self.plain = b"".join(b"line %d of a file\n" % i for i in range(100000))
        self.write("file", self.plain)
        self.server = self.start(os.path.join(BIN, "test-program-http-content"), self.socket, self.path("file"))
        self.server.wait_for_socket(self.socket)

    def tearDown(self):
        try:
            self.assertEqual(self.server.stop(), 0, self.server.output())
        finally:
            super().tearDown()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return "@" + self.path(name)

    def curl(self, path, *arguments):
        """Returns the headers, in lower case, and the body."""
        heard = self.run_ok("curl", "-sS", "--unix-socket", self.socket, "-D", self.path("head"), *arguments,
                            "http://localhost" + path, text=False)
        with open(self.path("head"), newline="") as head:
            return head.read().lower(), heard

    def status(self, path, *arguments):
        head, _ = self.curl(path, *arguments)
        return int(head.split("\r\n\r\n")[-2].split()[1])

    def test_what_curl_takes_is_compressed(self):
        for path, expected in [("/large", LARGE), ("/file", self.plain), ("/pieces", b"a piece of text\n" * 3)]:
            head, body = self.curl(path, "--compressed")
            self.assertIn("content-encoding: gzip\r\n", head)
            self.assertIn("vary: accept-encoding\r\n", head)
            self.assertEqual(body, expected)
            head, body = self.curl(path)
            self.assertNotIn("content-encoding", head)
            self.assertIn("vary: accept-encoding\r\n", head)
            self.assertEqual(body, expected)
            head, body = self.curl(path, "-H", "Accept-Encoding: gzip;q=0.5, deflate")
            self.assertIn("content-encoding: deflate\r\n", head)
            self.assertEqual(zlib.decompress(body), expected)
            _, body = self.curl(path, "-H", "Accept-Encoding: gzip")
            self.assertEqual(gzip.decompress(body), expected)
            if path != "/pieces":
                self.assertLess(len(body), len(expected) / 4)

    def test_head_says_what_get_does(self):
        without_date = lambda head: [line for line in head.split("\r\n") if not line.startswith("date")]
        for path in ["/large", "/file"]:
            for coding in ["gzip", "identity"]:
                get, _ = self.curl(path, "-H", "Accept-Encoding: " + coding)
                head, body = self.curl(path, "--head", "-H", "Accept-Encoding: " + coding, "-o", "/dev/null")
                self.assertEqual(without_date(get), without_date(head))
                self.assertEqual('etag: w/"large"' in head, path == "/large" and coding == "gzip")

    def test_bodies_are_decoded(self):
        for coding, data in [("gzip", gzip.compress(LARGE)), ("x-gzip", gzip.compress(LARGE)),
                             ("deflate", zlib.compress(LARGE)), ("identity", LARGE)]:
            for more in [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]]:
                _, body = self.curl("/", "--data-binary", self.write("d", data), "-H", "Content-Encoding: " + coding, *more)
                self.assertEqual(body, b"200000\n", coding)

    def test_what_cannot_be_decoded_is_refused(self):
        coded = gzip.compress(LARGE)
        send = lambda data, coding="gzip": self.status("/", "--data-binary", self.write("d", data),
                                                       "-H", "Content-Encoding: " + coding)
        bomb = zlib.compressobj(9, wbits=31)
        self.assertEqual(send(bomb.compress(bytes(1 << 26)) + bomb.flush()), 413)
        self.assertEqual(send(coded[:-9]), 400)
        self.assertEqual(send(coded + b"more"), 400)
        self.assertEqual(send(b"no gzip at all"), 400)
        self.assertEqual(send(coded, "gzip, gzip"), 415)
        head, _ = self.curl("/", "-d", "x", "-H", "Content-Encoding: br")
        self.assertIn(" 415 ", head)
        self.assertIn("accept-encoding: gzip, deflate\r\n", head)

    def test_a_refused_upload_is_not_sent(self):
        with open(self.path("50M"), "wb") as file:
            file.truncate(50 << 20)
        wait = ["-H", "Expect: 100-continue", "--expect100-timeout", "60", "-T", self.path("50M"),
                "-w", "%{http_code} %{size_upload}", "-o", "/dev/null"]
        upload = lambda path, *more: self.curl(path, *wait, *more)[1].decode()
        self.assertEqual(upload("/guarded"), "401 0")
        self.assertEqual(upload("/unexpected"), "417 0")
        self.assertEqual(upload("/small"), "413 0")
        self.assertEqual(upload("/guarded", "-u", "a:b"), "200 52428800")

    def test_hints_come_first(self):
        head, body = self.curl("/hints")
        first, second, _ = head.split("\r\n\r\n")
        self.assertTrue(first.startswith("http/1.1 103 early hints\r\n"), first)
        self.assertIn("link: </style.css>", first)
        self.assertTrue(second.startswith("http/1.1 200 ok\r\n"), second)
        self.assertNotIn("link:", second)
        self.assertEqual(body, b"after hints\n")
        _, body = self.curl("/hints", "--http1.0")  # which knows none
        self.assertEqual(body, b"after hints\n")

    def test_trailers_go_both_ways(self):
        _, body = self.curl("/pieces", "--raw")
        self.assertTrue(body.endswith(b"0\r\nX-Lines: 3\r\n\r\n"), body)
        _, body = self.curl("/pieces", "--raw", "--compressed")
        self.assertTrue(body.endswith(b"0\r\nX-Lines: 3\r\n\r\n"), body)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            client.sendall(b"POST /trailer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
            with client.makefile("rb") as heard:
                self.assertTrue(heard.read().endswith(b"\r\n\r\nX-Sum: 3\n"))

    def test_json(self):
        _, body = self.curl("/json", "--json", '{"a": [1, "\\u20ac"]}')
        self.assertEqual(json.loads(body), {"a": [1, "€"]})
        self.assertEqual(self.status("/json", "--json", "{oops}"), 400)
        self.assertEqual(self.status("/json", "-d", "{}"), 415)
        _, body = self.curl("/json", "--json", "{'a': 1}")
        self.assertEqual(body, b"json: line 1, column 2: string or '}' expected near '''\n")

    def test_node(self):
        self.assertEqual(self.run_node("content-client.js", self.socket), "ok\n")


if __name__ == "__main__":
    main()
