# SPDX-License-Identifier: MIT
"""sunpath http: options, exit statuses, files, spellings of addresses."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json
import pty
import socketserver
import threading
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Tells as JSON what it was asked; /status/N answers N, /binary with a NUL, /big with 8 MiB."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self):
        body = self.body()
        status, data = 200, None
        if self.path.startswith("/status/"):
            status = int(self.path.split("/")[2])
        if self.path == "/binary":
            data = b"\0\1binary"
        if self.path == "/big":
            data = b"x" * (8 << 20)
        if data is None:
            data = json.dumps({"method": self.command, "path": self.path, "size": len(body),
                               "body": body[:1000].decode(errors="replace"),
                               "headers": {k.lower(): " AND ".join(self.headers.get_all(k))
                                           for k in self.headers}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Test", "yes")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = do_BREW = answer


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients that leave are part of the tests


class HttpTest(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("s.sock")
        self.server = Server(self.socket, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        super().tearDown()

    def http(self, *arguments, **options):
        return self.run_any(SUNPATH, "http", *arguments, **options)

    def ask(self, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def fails(self, status, text, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        return done

    # methods, targets

    def test_method_defaults(self):
        self.assertEqual(self.ask(self.socket)["method"], "GET")
        self.assertEqual(self.ask(self.socket, "-d", "a")["method"], "POST")
        self.assertEqual(self.ask(self.socket, "-T", __file__)["method"], "PUT")
        self.assertEqual(self.ask("DELETE", self.socket)["method"], "DELETE")
        self.assertEqual(self.ask("delete", self.socket, "/x")["method"], "DELETE")
        self.assertEqual(self.ask("BREW", self.socket, "/x")["method"], "BREW")
        self.assertEqual(self.ask("-X", "PATCH", self.socket)["method"], "PATCH")

    def test_spellings(self):
        encoded = self.socket.replace("/", "%2F")
        for spelling in (f"unix:{self.socket}:/x?y=1", f"http+unix://{encoded}/x?y=1",
                         f"http://unix:{self.socket}:/x?y=1"):
            self.assertEqual(self.ask(spelling)["path"], "/x?y=1", spelling)
            self.assertEqual(self.ask(spelling, "/z")["path"], "/z", spelling)
        for spelling in (self.socket, f"unix:{self.socket}", f"unix://{self.socket}", f"unix/{self.socket}"):
            self.assertEqual(self.ask(spelling)["path"], "/", spelling)
            self.assertEqual(self.ask(spelling, "/x")["path"], "/x", spelling)

    def test_abstract_and_tcp(self):
        name = f"sunpath-test-{os.getpid()}"
        with Server("\0" + name, Handler) as abstract:
            thread = threading.Thread(target=abstract.serve_forever, args=(0.01,))
            thread.start()
            self.assertEqual(self.ask(f"@{name}", "/a")["path"], "/a")
            abstract.shutdown()
            thread.join()

        class Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
            daemon_threads = True
        with Tcp(("127.0.0.1", 0), Handler) as tcp:
            port = tcp.server_address[1]
            thread = threading.Thread(target=tcp.serve_forever, args=(0.01,))
            thread.start()
            answer = self.ask(f"tcp:127.0.0.1:{port}/t")
            self.assertEqual((answer["path"], answer["headers"]["host"]), ("/t", f"127.0.0.1:{port}"))
            tcp.shutdown()
            thread.join()
        self.fails(4, "refused", f"tcp:127.0.0.1:{port}/t")

    # what is sent

    def test_headers(self):
        headers = self.ask(self.socket)["headers"]
        self.assertEqual(headers["host"], "localhost")
        self.assertEqual(headers["accept"], "*/*")
        self.assertTrue(headers["user-agent"].startswith("sunpath/"))
        headers = self.ask(self.socket, "-H", "Accept: text/plain", "-H", "User-Agent:", "-H", "X-A:  b c ")["headers"]
        self.assertEqual((headers["accept"], headers.get("user-agent"), headers["x-a"]), ("text/plain", None, "b c"))

    def test_a_header_takes_the_place_of_what_other_options_say(self):
        headers = self.ask(self.socket, "-u", "me:pw", "-A", "one", "-r", "0-4", "-b", "a=b", "-H", "authorization: Own x",
                           "-H", "User-Agent: two", "-H", "Range: bytes=9-", "-H", "Cookie: c=d")["headers"]
        self.assertEqual((headers["authorization"], headers["user-agent"], headers["range"], headers["cookie"]),
                         ("Own x", "two", "bytes=9-", "c=d"))
        headers = self.ask(self.socket, "-u", "me:pw", "-H", "Authorization:", "-A", "one", "-A", "two")["headers"]
        self.assertEqual((headers.get("authorization"), headers["user-agent"]), (None, "two"))
        headers = self.ask(self.socket, "-u", "me:pw", "--oauth2-bearer", "t", "-b", "a=b", "-b", "c=d")["headers"]
        self.assertEqual((headers["authorization"], headers["cookie"]), ("Bearer t", "a=b; c=d"))

    def test_data(self):
        answer = self.ask(self.socket, "-d", "a=1", "--data", "b=2")
        self.assertEqual(answer["body"], "a=1&b=2")
        self.assertEqual(answer["headers"]["content-type"], "application/x-www-form-urlencoded")
        answer = self.ask(self.socket, "-d", "@-", "-H", "Content-Type: text/csv", input="1\r\n2\n")
        self.assertEqual((answer["size"], answer["headers"]["content-type"]), (5, "text/csv"))
        with open(self.path("data"), "wb") as out:
            out.write(b"y" * 300000)
        self.assertEqual(self.ask(self.socket, "-d", "@" + self.path("data"))["size"], 300000)
        self.assertEqual(self.ask(self.socket, "-d", "")["headers"]["content-length"], "0")
        answer = self.ask(self.socket, "--json", '{"a":1}')
        self.assertEqual((answer["body"], answer["headers"]["content-type"]), ('{"a":1}', "application/json"))

    def test_upload(self):
        with open(self.path("data"), "wb") as out:
            out.write(b"z" * 1000000)
        answer = self.ask(self.socket, "-T", self.path("data"))
        self.assertEqual((answer["size"], answer["headers"]["content-length"]), (1000000, "1000000"))
        with subprocess.Popen(["cat", self.path("data")], stdout=subprocess.PIPE) as cat:
            answer = self.ask(self.socket, "-T", "-", stdin=cat.stdout)
        self.assertEqual((answer["size"], answer["headers"]["transfer-encoding"]), (1000000, "chunked"))
        open(self.path("empty"), "w").close()
        self.assertEqual(self.ask(self.socket, "-T", self.path("empty"))["headers"]["content-length"], "0")

    def test_upload_from_a_pipe_that_never_ends_gets_its_answer(self):
        reader, writer = os.pipe()
        try:
            done = self.http(self.socket, "-T", "-", "-m", "0.1", stdin=reader)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("while the request was being sent", done.stderr)
        finally:
            os.close(reader)
            os.close(writer)

    # what is shown

    def test_include_head_verbose(self):
        done = self.http("-i", self.socket)
        self.assertTrue(done.stdout.startswith("HTTP/1.1 200 OK\n"), done.stdout)
        self.assertIn("\nX-Test: yes\n", done.stdout)
        done = self.http("-I", self.socket)
        self.assertTrue(done.stdout.startswith("HTTP/1.1 200 OK\n") and done.stdout.endswith("\n\n"), done.stdout)
        done = self.http("-v", self.socket, "/x")
        self.assertIn(f"served by pid {os.getpid()}, user ", done.stderr)
        self.assertIn("> GET /x HTTP/1.1\n> Host: localhost\n", done.stderr)
        self.assertIn("< HTTP/1.1 200 OK\n", done.stderr)
        self.assertEqual(json.loads(done.stdout)["path"], "/x")

    def test_binary_is_unmodified_in_a_pipe_and_held_back_on_a_terminal(self):
        done = self.http(self.socket, "/binary", text=False)
        self.assertEqual(done.stdout, b"\0\1binary")
        for arguments, status, shown in (([], 1, b""), (["-o", "-"], 0, b"\0\1binary")):
            leader, terminal = pty.openpty()
            done = subprocess.run([SUNPATH, "http", self.socket, "/binary", *arguments], stdin=subprocess.DEVNULL,
                                  stdout=terminal, stderr=subprocess.PIPE, timeout=DEADLINE)
            os.close(terminal)
            try:
                output = os.read(leader, 1000)
            except OSError:
                output = b""
            os.close(leader)
            self.assertEqual((done.returncode, output), (status, shown), done.stderr)
            self.assertEqual(b"binary data" in done.stderr, status == 1)

    def test_output_file(self):
        out = self.path("out")
        done = self.http(self.socket, "/big", "-o", out)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(os.path.getsize(out), 8 << 20)
        self.http(self.socket, "/x", "-o", out)
        self.assertLess(os.path.getsize(out), 1000)

    def test_output_file_is_made_only_for_an_answer(self):
        out = self.path("out")
        self.fails(4, "not there", self.path("none"), "-o", out)
        self.fails(1, "404", self.socket, "/status/404", "-f", "-o", out)
        self.assertFalse(os.path.exists(out))
        self.fails(1, "No such file", self.socket, "-o", self.path("no/dir"))

    def test_full_disk(self):
        self.fails(1, "No space left", self.socket, "/big", "-o", "/dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([SUNPATH, "http", self.socket, "/x"], stdout=full, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, timeout=DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)

    def test_broken_pipe_ends_quietly(self):
        with subprocess.Popen([SUNPATH, "http", self.socket, "/big"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL) as process:
            self.assertEqual(process.stdout.read(10), b"x" * 10)
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(DEADLINE), 1)

    def test_progress_is_for_terminals_alone(self):
        self.assertEqual(self.http(self.socket, "/big", "-o", "/dev/null").stderr, "")

    # exit statuses

    def test_fail(self):
        self.assertEqual(self.ask(self.socket, "/status/404")["path"], "/status/404")
        done = self.fails(1, "the server answered 404 Not Found", "-f", self.socket, "/status/404")
        self.assertEqual(done.stdout, "")
        self.ask("-f", self.socket, "/status/302")
        done = self.http("-fs", self.socket, "/status/500")
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_show_error(self):
        self.fails(4, "not there", "-fsS", self.path("none"))
        self.fails(1, "404 Not Found", "-fsS", self.socket, "/status/404")
        self.ask("-S", self.socket)

    def test_a_target_behind_a_path_is_explained(self):
        self.fails(4, f"did you mean 'unix:{self.socket}:/x'?", f"{self.socket}:/x")
        self.assertEqual(self.ask(f"unix:{self.socket}:/x")["path"], "/x")
        self.assertNotIn("did you mean 'unix", self.fails(4, "", self.path("none")).stderr)

    def test_usage(self):
        self.fails(2, "TARGET is missing")
        self.fails(2, "TARGET is missing", "-d", "x")
        self.fails(2, "one word too many", self.socket, "/a", "/b")
        self.fails(2, "--nonsense", "--nonsense", self.socket)
        self.fails(2, "missing after", self.socket, "-d")
        self.fails(2, "the socket is the target", "--unix-socket", self.socket, "http://localhost/")
        self.fails(2, "leave it out", "-N", self.socket)
        self.fails(2, "not a duration", self.socket, "-m", "soon")
        self.fails(2, "NAME: VALUE", self.socket, "-H", "nonsense")
        self.fails(2, "only one body", self.socket, "-d", "a", "-T", "b")
        self.fails(2, "only one body", self.socket, "-d", "a", "--json", "1")
        self.fails(2, "begin with '/'", self.socket, "x")
        self.fails(2, "percent-encoded", self.socket, "/a b")
        self.fails(2, "line end", self.socket, "-H", "X: a\r\nY: b")
        self.fails(2, "", "nonsense")
        self.fails(2, "stream socket", "seqpacket:/x")

    def test_absent_and_stale(self):
        self.fails(4, "not there", self.path("none"))
        stale = self.path("stale")
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(stale)
        self.fails(4, "stale", stale)
        self.fails(1, "No such file", self.socket, "-d", "@" + self.path("none"))
        self.fails(1, "No such file", self.socket, "-T", self.path("none"))

    @unittest.skipIf(os.geteuid() != 0, "needs another user")
    def test_permission(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.socket, 0o600)
        done = self.run_any("runuser", "-u", "nobody", "--", SUNPATH, "http", self.socket)
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_silent_is_silent_of_files_too(self):
        for option in ["-T", "none"], ["-o", "none/x"]:
            done = self.http("-s", self.socket, *option, cwd=self.dir)
            self.assertEqual((done.returncode, done.stderr), (1, ""))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
    def test_files_without_permission(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.socket, 0o666)
        with open(self.path("closed"), "w"):
            os.chmod(self.path("closed"), 0)
        for option in ["-T", "closed"], ["-d", "@closed"], ["-o", "closed"]:
            http = ["runuser", "-u", "nobody", "--", SUNPATH, "http", self.socket, *option]
            done = self.run_any(*http, cwd=self.dir)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(self.run_any(*http, "-s", cwd=self.dir).returncode, 3)
            self.assertIn("Permission denied", done.stderr)

    def test_expect_user(self):
        self.ask(self.socket, "--expect-user", str(os.geteuid()))
        self.fails(3, "", self.socket, "--expect-user", str(os.geteuid() + 1))

    def test_deadline(self):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(self.path("silent"))
            silent.listen(1)
            self.fails(5, "timed out after 100 ms, before the first byte", self.path("silent"), "-m", "0.1")

    def test_backlog_full(self):
        with socket.socket(socket.AF_UNIX) as full:
            full.bind(self.path("full"))
            full.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(self.path("full"))
                self.fails(5, "timed out after 100 ms", self.path("full"), "-m", "100ms")
                self.fails(5, f"[{os.getpid()}] does not accept fast enough", self.path("full"), "-m", ".1")

    def test_wait(self):
        later = self.path("later.sock")
        process = self.start(SUNPATH, "http", "--wait", later, "/x")
        with Server(self.path("hidden"), Handler) as server:
            os.rename(self.path("hidden"), later)
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            self.assertEqual(process.wait(DEADLINE), 0, process.output())
            server.shutdown()
            thread.join()
        self.assertIn('"/x"', process.output())
        self.fails(4, "timed out after 100 ms: connect", "--wait=100ms", self.path("never"))


if __name__ == "__main__":
    main()
