# SPDX-License-Identifier: MIT
"""sunpath http against the servers people run: Node.js, nginx, Go's net/http, gunicorn, and bad ones."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import hashlib
import threading

NODE = """
const http = require('http'), crypto = require('crypto');
http.createServer((request, response) => {
    if (request.url === '/trailers') {
        response.writeHead(200, { Trailer: 'X-End' });
        response.write('a'); response.write('b');
        response.addTrailers({ 'X-End': 'yes' });
        return response.end('c');
    }
    if (request.url === '/early') {
        return response.writeHead(413, { Connection: 'close' }).end('too much');
    }
    if (request.url === '/hints') { response.writeEarlyHints({ link: '</a>; rel=preload' }); }
    const hash = crypto.createHash('sha256');
    request.on('data', data => hash.update(data));
    request.on('end', () => response.end(request.method + ' ' + hash.digest('hex')));
}).listen(process.argv[1]);
"""

GO = """
package main

import ("crypto/sha256"; "fmt"; "io"; "net"; "net/http"; "os")

func main() {
    listener, err := net.Listen("unix", os.Args[1])
    if err != nil { panic(err) }
    http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
        if r.URL.Path == "/flush" {
            for i := 0; i < 3; i++ { fmt.Fprintf(w, "part%d", i); w.(http.Flusher).Flush() }
            return
        }
        hash := sha256.New()
        io.Copy(hash, r.Body)
        fmt.Fprintf(w, "%s %x", r.Method, hash.Sum(nil))
    }))
}
"""

WSGI = """
import hashlib
def app(environ, start):
    data = environ['wsgi.input'].read()
    start('200 OK', [('Content-Type', 'text/plain')])
    return [environ['REQUEST_METHOD'].encode(), b' ', hashlib.sha256(data).hexdigest().encode()]
"""

NGINX = """
daemon off; master_process off; pid %(dir)s/nginx.pid; error_log %(dir)s/error.log;
events {}
http {
    access_log off; client_max_body_size 1m; client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/proxy;
    fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
    server {
        listen unix:%(socket)s;
        location = /hello { return 200 "hello from nginx"; }
        location = /close { keepalive_timeout 0; return 200 "bye"; }
        location / { root %(dir)s/files; }
    }
}
"""


class Interop(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("s.sock")
        self.data = os.urandom(3_000_000)
        with open(self.path("data"), "wb") as out:
            out.write(self.data)
        self.digest = hashlib.sha256(self.data).hexdigest()

    def http(self, *arguments, **options):
        return self.run_any(SUNPATH, "http", *arguments, **options)

    def ok(self, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, "" if options.get("text", True) else b""))
        return done.stdout

    def check_bodies(self):
        """What every server has to understand: no body, a plain one, a chunked one."""
        nothing = hashlib.sha256().hexdigest()
        self.assertEqual(self.ok(self.socket, "/x"), f"GET {nothing}")
        self.assertEqual(self.ok("POST", self.socket, "/x"), f"POST {nothing}")
        self.assertEqual(self.ok(self.socket, "/x", "-T", self.path("data")), f"PUT {self.digest}")
        with open(self.path("data"), "rb") as data:
            piped = subprocess.Popen(["cat"], stdin=data, stdout=subprocess.PIPE)
        with piped:
            self.assertEqual(self.ok(self.socket, "/x", "-T", "-", stdin=piped.stdout), f"PUT {self.digest}")
        self.assertEqual(self.ok(self.socket, "/x", "-d", "@" + self.path("data"), "-H", "Expect: 100-continue"),
                         f"POST {self.digest}")

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node(self):
        self.start("node", "-e", NODE, self.socket).wait_for_socket(self.socket)
        self.check_bodies()
        self.assertEqual(self.ok(self.socket, "/trailers"), "abc")
        self.assertIn("103 Early Hints", self.http("-v", self.socket, "/hints").stderr)
        done = self.http(self.socket, "/early", "-T", self.path("data"))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "too much", ""))

    @unittest.skipUnless(shutil.which("go"), "needs go")
    def test_go(self):
        with open(self.path("main.go"), "w") as out:
            out.write(GO)
        self.run_ok("go", "build", "-o", self.path("server"), self.path("main.go"), cwd=self.dir, timeout=300,
                    env={**os.environ, "GO111MODULE": "off", "GOCACHE": self.path("cache"), "GOFLAGS": "",
                         "GOPROXY": "off", "CGO_ENABLED": "0"})
        self.start(self.path("server"), self.socket).wait_for_socket(self.socket)
        self.check_bodies()
        self.assertEqual(self.ok(self.socket, "/flush"), "part0part1part2")

    @unittest.skipUnless(shutil.which("gunicorn"), "needs gunicorn")
    def test_gunicorn(self):
        with open(self.path("web.py"), "w") as out:
            out.write(WSGI)
        self.start("gunicorn", "-b", f"unix:{self.socket}", "web:app", cwd=self.dir).wait_for_socket(self.socket)
        self.check_bodies()

    @unittest.skipUnless(shutil.which("nginx"), "needs nginx")
    def test_nginx(self):
        os.mkdir(self.path("files"))
        os.rename(self.path("data"), self.path("files/data"))
        os.chmod(self.dir, 0o755)
        with open(self.path("nginx.conf"), "w") as out:
            out.write(("user root;" if os.geteuid() == 0 else "") + NGINX % {"dir": self.dir, "socket": self.socket})
        self.start("nginx", "-c", self.path("nginx.conf"), "-p", self.dir).wait_for_socket(self.socket)
        self.assertEqual(self.ok(self.socket, "/hello"), "hello from nginx")
        self.assertEqual(self.ok(self.socket, "/close"), "bye")
        self.assertEqual(self.ok(self.socket, "/data", text=False), self.data)
        self.assertEqual(self.ok(self.socket, "/data", "-H", "Range: bytes=10-19", text=False), self.data[10:20])
        self.assertIn("Content-Length: 3000000", self.ok("-I", self.socket, "/data"))
        done = self.http(self.socket, "/hello", "-T", self.path("files/data"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("413", done.stdout)

    def peer(self, play):
        """A server of one connection that reads the head and then does what `play` says."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.socket)
        listener.listen(1)

        def run():
            connection = listener.accept()[0]
            os.unlink(self.socket)
            with listener, connection:
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += connection.recv(1)
                play(connection)
                try:
                    while connection.recv(65536):  # until the client leaves
                        pass
                except ConnectionError:
                    pass
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)

    def check_stall(self, answer, text, *arguments):
        with self.subTest(answer=answer):
            self.peer(lambda connection: connection.sendall(answer))
            done = self.http(self.socket, "-m", "0.2", *arguments)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("timed out after 200 ms", done.stderr)
            self.assertIn(text, done.stderr)
            self.doCleanups()

    def test_servers_that_stall(self):
        self.check_stall(b"", "before the first byte of the answer")
        self.check_stall(b"HTTP/1.1 200 O", "in the answer's head, after 14 bytes")
        self.check_stall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "after 3 of 9 bytes")
        self.check_stall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "after 3 bytes")
        self.check_stall(b"HTTP/1.1 200 OK\r\n\r\nabc", "after 3 bytes")

    def test_a_server_that_does_not_read(self):
        stuck = threading.Event()
        self.addCleanup(stuck.set)
        self.peer(lambda _: stuck.wait(DEADLINE))
        done = self.http(self.socket, "-m", "0.2", "-T", self.path("data"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("while the request was being sent", done.stderr)
        stuck.set()

    def test_a_body_of_many_pieces_is_written_as_it_comes(self):
        reader_saw = threading.Event()

        def play(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            reader_saw.wait(DEADLINE)
            connection.sendall(b"4\r\nlast\r\n0\r\n\r\n")
        self.peer(play)
        with subprocess.Popen([SUNPATH, "http", self.socket], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            self.assertEqual(os.read(process.stdout.fileno(), 100), b"first")
            reader_saw.set()
            self.assertEqual(process.stdout.read(), b"last")
            self.assertEqual(process.wait(DEADLINE), 0)


if __name__ == "__main__":
    main()
