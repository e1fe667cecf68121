# SPDX-License-Identifier: MIT
"""Forms and files from real clients, to the upload example."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import hashlib
import re

HERE = os.path.dirname(__file__)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read()).hexdigest()


class Upload(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("u.sock")
        self.files = self.path("files")
        os.mkdir(self.files)
        self.server = self.start(os.path.join(BIN, "example-upload"), self.socket, self.files)
        self.server.wait_for_socket(self.socket)
        self.curl()  # who answers has begun to wait for signals, too

    def tearDown(self):
        try:
            with open(f"/proc/{self.server.pid}/task/{self.server.pid}/children") as children:
                for child in children.read().split():  # strace keeps signals from itself
                    os.kill(int(child), signal.SIGTERM)
            self.assertEqual(self.server.stop(), 0, self.server.output())
        finally:
            super().tearDown()

    def curl(self, *arguments, **options):
        return self.run_ok("curl", "-sS", "--unix-socket", self.socket, *arguments, "http://localhost/", **options)

    def random_file(self, name, size):
        with open(self.path(name), "wb") as file:
            for _ in range(size // 65536):
                file.write(os.urandom(65536))
        return self.path(name)

    def saved(self, name):
        return os.path.join(self.files, name)

    def peak_kib(self):
        with open(f"/proc/{self.server.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))

    def test_a_large_file_in_little_memory(self):
        large = self.random_file("large", 128 << 20)
        self.curl("-F", "f=@" + self.random_file("small", 65536))
        before = self.peak_kib()
        self.assertEqual(self.curl("-F", "f=@" + large, "-F", "note=done"),
                         f"saved large: {128 << 20} bytes\nnote: 4 bytes\n")
        self.assertLess(self.peak_kib() - before, 16 * 1024)
        self.assertEqual(digest(self.saved("large")), digest(large))

    def test_what_curl_can_send(self):
        small = self.random_file("small", 65536)
        text = self.curl("-F", "a=1", "-F", f"f=@{small};filename=../x\"y\".bin;type=a/b", "-F", "b=<" + small)
        self.assertEqual(text, 'a: 1 bytes\nsaved x"y".bin: 65536 bytes\nb: 65536 bytes\n')
        self.assertEqual(digest(self.saved('x"y".bin')), digest(small))
        self.assertEqual(self.curl("-F", f"f=@{small}", "-F", f"f=@{small}"),
                         "saved small: 65536 bytes\nsaved small-1: 65536 bytes\n")
        self.assertEqual(self.curl("--data-urlencode", "a=ä &=+", "-d", "b=2"), "a: 6 bytes\nb: 1 bytes\n")
        self.assertEqual(self.curl("-F", f"f=@{small};filename=chunked", "-H", "Transfer-Encoding: chunked"),
                         "saved chunked: 65536 bytes\n")

    def test_what_is_refused(self):
        code = ["-o", self.path("answer"), "-w", "%{http_code}"]
        self.assertEqual(self.curl("-H", "Content-Type: text/plain", "-d", "x", *code), "415")
        self.assertEqual(self.curl("-H", "Content-Type: multipart/form-data", "-d", "x", *code), "400")
        self.assertEqual(self.curl("-H", "Content-Type: multipart/form-data; boundary=b", "-d", "--b", *code), "400")
        fields = self.path("fields")
        with open(fields, "wb") as file:
            file.write(b"y" * (2 << 20))
        self.assertEqual(self.curl("-F", "f=<" + fields, *code), "413")
        self.assertEqual(self.curl("-d", "@" + fields, *code), "413")
        self.assertEqual(os.listdir(self.files), [])

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.socket)
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                       b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                       b"Content-Disposition: form-data; name=f; filename=x\r\n\r\n" + b"y" * 50000)
        files = lambda: [os.readlink(f"/proc/{self.server.pid}/fd/{fd}") for fd in
                         os.listdir(f"/proc/{self.server.pid}/fd")]
        until(lambda: any(name.startswith(self.files + "/") for name in files()), "the file to be open")
        client.close()
        until(lambda: not any(name.startswith(self.files + "/") for name in files()), "the file to be closed")
        self.assertEqual(os.listdir(self.files), [])

    def test_where_every_file_needs_a_name(self):
        """The second openat() there, which asks for a file without a name, is told that there are none."""
        self.assertEqual(self.server.stop(), 0)
        self.server = self.start("strace", "-f", "-o", self.path("trace"), "-e", "trace=openat",
                                 "-e", "inject=openat:error=EOPNOTSUPP:when=2", "-P", self.files,
                                 os.path.join(BIN, "example-upload"), self.socket, self.files,
                                 env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # ptrace is strace's
        self.server.wait_for_socket(self.socket)
        small = self.random_file("small", 65536)
        self.assertEqual(self.curl("-F", "f=@" + small), "saved small: 65536 bytes\n")
        with open(self.path("trace")) as trace:
            self.assertRegex(trace.read(), r"O_TMPFILE.*INJECTED")
        self.assertEqual(os.listdir(self.files), ["small"])
        self.assertEqual(digest(self.saved("small")), digest(small))

    def test_undici(self):
        lines = self.run_node("form-client.js", self.socket).splitlines()
        self.assertEqual(lines, ["200 note: 36 bytes", "saved ä \"quoted\"%0A.bin: 300000 bytes",
                                 'strange "name": 1 bytes', "empty: 0 bytes",
                                 "200 a: 10 bytes", "b: 0 bytes", "200 "])
        with open(self.saved('ä "quoted"%0A.bin'), "rb") as file:
            self.assertEqual(file.read(), b"\r\n--" * 75000)

    def test_aiohttp(self):
        small = self.random_file("small", 65536)
        text = self.run_ok(DEBIAN_PYTHON, os.path.join(HERE, "aiohttp-form.py"), self.socket, small)
        self.assertEqual(digest(self.saved(os.listdir(self.files)[0])), digest(small))
        self.assertEqual(text, "200 note: 12 bytes\nsaved gr%C3%B6%C3%9Fe.bin: 65536 bytes\n"  # as it was sent
                               "200 a: 10 bytes\nb: 0 bytes\n")


if __name__ == "__main__":
    main()
