# SPDX-License-Identifier: MIT
"""What our client does with the servers of others: Express and multer, aiohttp, gunicorn, and our own."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import hashlib
import json
import re
import threading

AIOHTTP = """
import asyncio, sys
from aiohttp import web

async def upload(request):
    seen = []
    async for part in await request.multipart():
        seen.append([part.name, part.filename, len(await part.read(decode=True))])
    return web.json_response(seen)

async def login(request):
    response = web.HTTPSeeOther('/home')
    response.set_cookie('id', '7', httponly=True)
    return response

async def home(request):
    return web.Response(text='id=' + request.cookies.get('id', ''))

async def compressed(request):
    response = web.Response(text='hello compression ' * 10000)
    response.enable_compression()
    return response

async def upgrade(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    return socket

app = web.Application()
app.add_routes([web.post('/upload', upload), web.post('/login', login), web.get('/home', home),
                web.get('/compressed', compressed), web.get('/ws', upgrade), web.static('/files', sys.argv[2])])
web.run_app(app, path=sys.argv[1], print=None)
"""

WSGI = """
import time
def app(environ, start):
    start('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '2')])
    return [b'ok']
"""


def node_has(package):
    return shutil.which("node") and os.path.isdir(os.path.join(NODE_MODULES, package))


class Peer(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("s.sock")
        os.mkdir(self.path("files"))
        self.data = os.urandom(3_000_000)
        self.file = self.path("files/data.bin")
        with open(self.file, "wb") as out:
            out.write(self.data)
        os.utime(self.file, (1_600_000_000, 1_600_000_000))
        self.digest = hashlib.sha256(self.data).hexdigest()

    def http(self, *arguments, **options):
        return self.run_any(SUNPATH, "http", self.socket, *arguments, **options)

    def ok(self, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, "" if options.get("text", True) else b""))
        return done.stdout

    def read(self, name):
        with open(self.path(name), "rb") as data:
            return data.read()


@unittest.skipUnless(node_has("express") and node_has("multer"), "needs express and multer")
class Express(Peer):
    def setUp(self):
        super().setUp()
        self.start_server()

    def start_server(self):
        self.server = self.start_node("express-app.js", self.socket, self.file)
        self.server.wait_for_socket(self.socket)

    def test_uploads(self):
        name = "ü \"x\".bin"
        os.symlink(self.file, self.path(name))
        seen = json.loads(self.ok("/upload", "-F", "a=1", "-F", "b=two words", "-F", f"f=@{self.path(name)};type=image/png",
                                  "-F", f"g=@{self.file}"))
        self.assertEqual(seen["fields"], {"a": "1", "b": "two words"})
        self.assertIsNotNone(seen["length"])
        self.assertEqual([f[0] for f in seen["files"]], ["f", "g"])
        self.assertEqual(seen["files"][0][1].encode("latin1").decode(), "ü %22x%22.bin")  # as from a browser
        self.assertEqual(seen["files"][0][2:], ["image/png", len(self.data), self.digest])
        with open(self.file, "rb") as piped:
            seen = json.loads(self.ok("/upload", "-F", "p=@-;filename=p", stdin=piped))
        self.assertIsNone(seen["length"])
        self.assertEqual(seen["files"], [["p", "p", "application/octet-stream", len(self.data), self.digest]])

    def test_redirects_and_cookies(self):
        jar = self.path("jar")
        self.assertEqual(self.ok("-L", "-c", jar, "/login", "-d", "user=me"), "hello session=me")
        self.assertEqual(self.ok("-b", jar, "/home"), "hello session=me")
        self.assertEqual(self.ok("/home"), "hello stranger")
        self.assertEqual(self.ok("-L", "/moved", "-T", self.file), self.digest)
        done = self.http("-L", "/away")
        self.assertIn("it leads to another scheme", done.stderr)

    def test_codings(self):
        for coding in ("gzip", "deflate"):
            self.assertEqual(self.ok("--compressed", f"/compressed/{coding}"), "hello compression " * 10000)
        done = self.http("--compressed", "/compressed/br")
        self.assertEqual(done.returncode, 1)
        self.assertIn("in the coding 'br', which cannot be decoded here", done.stderr)

    def test_a_connection_that_breaks_at_half(self):
        done = self.http("/half", "-o", self.path("half"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("the server closed the connection in the answer's body", done.stderr)
        self.ok("-C", "-", "/file", "-o", self.path("half"))
        self.assertEqual(hashlib.sha256(self.read("half")).hexdigest(), self.digest)
        self.ok("--resume", "/half", "-o", self.path("all"))
        self.assertEqual(hashlib.sha256(self.read("all")).hexdigest(), self.digest)

    def test_events_go_on_with_the_next_server(self):
        example = self.start(os.path.join(BIN, "example-event-source"), f"unix:{self.socket}:/events")
        self.assertEqual(example.wait(DEADLINE), 0)
        self.assertEqual(re.findall(r"message (\d): \{\"n\":(\d)\}", example.output()),
                         [(str(n), str(n)) for n in range(1, 7)])
        self.assertIn("the server has no more events (204)", example.output())
        follower = self.start(SUNPATH, "http", "--sse", "--wait", self.socket, "/events")
        self.server.stop(signal.SIGKILL)
        os.unlink(self.socket)
        self.start_server()
        self.assertEqual(follower.wait(DEADLINE), 0, follower.output())
        self.assertEqual(re.findall(r'\{"n":(\d)\}', follower.output()), list("123456"))

    def connections(self):
        """Our end of each is one line that names no path, the server's one that does."""
        shown = self.run_ok("ss", "-xn", "state", "established")
        return sum(self.socket in line for line in shown.splitlines())

    @unittest.skipUnless(shutil.which("ss"), "needs ss")
    def test_a_thousand_requests_on_four_connections(self):
        pool = self.start(os.path.join(BIN, "example-http-client-pool"), f"unix:{self.socket}:/home", "1000")
        most = 0
        while pool.poll() is None:
            most = max(most, self.connections())
        self.assertEqual(pool.wait(DEADLINE), 0, pool.output())
        self.assertIn("1000 answered, 0 failed, on 4 connections", pool.output())
        self.assertTrue(0 < most <= 4, most)


class Aiohttp(Peer):
    def setUp(self):
        super().setUp()
        if subprocess.run([DEBIAN_PYTHON, "-c", "import aiohttp"], capture_output=True).returncode:
            self.skipTest("needs python3-aiohttp")
        with open(self.path("app.py"), "w") as out:
            out.write(AIOHTTP)
        self.start(DEBIAN_PYTHON, self.path("app.py"), self.socket, self.path("files")).wait_for_socket(self.socket)

    def test_all_of_it(self):
        self.assertEqual(json.loads(self.ok("/upload", "-F", "a=1", "-F", f"f=@{self.file}")),
                         [["a", None, 1], ["f", "data.bin", len(self.data)]])
        self.assertEqual(self.ok("-L", "/login", "-d", ""), "id=7")
        self.assertEqual(self.ok("--compressed", "/compressed"), "hello compression " * 10000)
        out = self.path("out")
        with open(out, "wb") as begin:
            begin.write(self.data[:1_000_000])
        self.ok("-C", "-", "-o", out, "/files/data.bin")
        self.assertEqual(self.read("out"), self.data)


@unittest.skipUnless(shutil.which("gunicorn"), "needs gunicorn")
class Gunicorn(Peer):
    def test_a_pool_on_workers_that_close(self):
        """Its sync workers close after every answer."""
        with open(self.path("web.py"), "w") as out:
            out.write(WSGI)
        self.start("gunicorn", "-w", "2", "-b", f"unix:{self.socket}", "web:app", cwd=self.dir).wait_for_socket(self.socket)
        done = self.run_any(os.path.join(BIN, "example-http-client-pool"), self.socket, "200")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("200 answered, 0 failed", done.stdout)


class Own(Peer):
    """Our own server: what one of us writes the other must read."""

    def test_files_in_parts_and_compressed(self):
        with open(self.path("files/text.txt"), "w") as out:
            out.write("hello compression " * 10000)
        self.serve(self.socket, self.path("files"), "--gzip")
        self.assertEqual(self.ok("--compressed", "/text.txt"), "hello compression " * 10000)
        self.assertIn("Content-Encoding: gzip", self.ok("-I", "--compressed", "/text.txt"))
        out = self.path("out")
        with open(out, "wb") as begin:
            begin.write(self.data[:1_000_000])
        self.ok("-C", "-", "-o", out, "/data.bin")
        self.assertEqual(self.read("out"), self.data)

    def test_events(self):
        example = self.start(for_everyone(os.path.join(BIN, "example-events")), self.socket)
        example.wait_for_socket(self.socket)
        follower = self.start(SUNPATH, "http", "--sse", "-i", self.socket, "/events")

        def post_and_look():
            self.ok("/events", "-d", "two\nlines")
            return "data: two\ndata: lines\n\n" in follower.output()
        until(post_and_look, "an event that was posted")
        self.assertEqual(follower.stop(signal.SIGINT), 0)


class Stale(Peer):
    """A kept connection that is closed in the very moment the next request is sent on it."""

    def serve_and_close(self, n_expected, answer_second):
        """Reads two requests on the first connection and answers one; what comes on others is answered."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.socket)
        listener.listen(8)
        self.addCleanup(listener.close)
        seen = []

        def head(connection):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(4096)
                if not piece:
                    return None
                data += piece
            return data.split(b" ", 2)[0].decode()

        def run():
            first = listener.accept()[0]
            for number in range(2):
                seen.append(head(first))
                if number == 0:
                    first.sendall(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
                                  if answer_second is None else answer_second)
            first.close()
            while len(seen) < n_expected:
                with listener.accept()[0] as connection:
                    seen.append(head(connection))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.thread = threading.Thread(target=run)
        self.thread.start()
        return seen

    def test_get_is_asked_again(self):
        seen = self.serve_and_close(3, None)
        self.assertEqual(self.ok("-L", "/x"), "ok")
        self.thread.join()
        self.assertEqual(seen, ["GET", "GET", "GET"])

    def test_post_is_not(self):
        again = b"HTTP/1.1 307 x\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
        seen = self.serve_and_close(2, again)
        done = self.http("-L", "/x", "-d", "body")
        self.thread.join()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("POST '/next'", done.stderr)
        self.assertIn("the server closed the connection before the first byte of the answer", done.stderr)
        self.assertEqual(seen, ["POST", "POST"])


if __name__ == "__main__":
    main()
