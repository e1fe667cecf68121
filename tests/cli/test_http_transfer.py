# SPDX-License-Identifier: MIT
"""sunpath http: forms, redirects, cookies, codings, parts, events, and which patience ends."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import email
import email.policy
import gzip
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

WHOLE = bytes(range(256)) * 2000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def tell(self, body):
        self.answer(200, json.dumps({
            "method": self.command, "path": self.path, "body": body.decode(errors="replace"),
            "headers": {k.lower(): v for k, v in self.headers.items()}}).encode())

    def parts(self, body):
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        self.answer(200, json.dumps([
            [part.get_param("name", header="Content-Disposition"), part.get_filename(),
             part.get("Content-Type"), part.get_payload(decode=True).decode()]
            for part in form.iter_parts()]).encode())

    def whole(self):
        begin = self.headers.get("Range", "bytes=0-")[6:].split("-")[0]
        begin = int(begin)
        if begin >= len(WHOLE):
            self.answer(416, b"no more", Content_Range=f"bytes */{len(WHOLE)}")
        elif begin > 0 and self.path != "/no-parts":
            self.answer(206, WHOLE[begin:], Content_Range=f"bytes {begin}-{len(WHOLE) - 1}/{len(WHOLE)}",
                        Last_Modified="Sat, 01 Jan 2000 12:00:00 GMT")
        else:
            self.answer(200, WHOLE)

    def coded(self, text=b"hello " * 1000):
        """Parts of what it is with the coding that is asked for, as servers of compressed files do."""
        coding = {}
        if self.path == "/always-coded" or "gzip" in self.headers.get("Accept-Encoding", ""):
            text, coding = gzip.compress(text + os.urandom(6000)), {"Content_Encoding": "gzip"}
        if "Range" not in self.headers:
            return self.answer(200, text, **coding)
        begin = int(self.headers["Range"][6:].split("-")[0])
        self.answer(206, text[begin:], Content_Range=f"bytes {begin}-{len(text) - 1}/{len(text)}", **coding)

    def broken(self):
        """Half of what is asked for, then the connection is gone."""
        begin, end = 0, len(WHOLE)
        if "Range" in self.headers:
            assert self.headers["If-Range"] == '"1"'
            begin = int(self.headers["Range"][6:].split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{end}")
        else:
            self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        half = begin + (end - begin) // 2 if end - begin > 1000 else end
        self.wfile.write(WHOLE[begin:half])
        self.close_connection = True

    def events(self):
        last = self.headers.get("Last-Event-ID")
        if last == "4":
            return self.answer(204)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        begin = int(last or 0) + 1
        self.wfile.write(b"retry: 20\n\n")
        for number in (begin, begin + 1):
            self.wfile.write(f"id: {number}\nevent: tick\ndata: line {number}\ndata: more\n\n".encode())
        self.close_connection = True

    def do_GET(self):
        body = self.body()
        path = self.path.split("?")[0]
        if path == "/form":
            self.parts(body)
        elif path == "/gzip":
            self.answer(200, gzip.compress(b"hello " * 1000), Content_Encoding="gzip")
        elif path in ("/whole", "/no-parts"):
            self.whole()
        elif path in ("/coded", "/always-coded"):
            self.coded()
        elif path == "/broken":
            self.broken()
        elif path == "/nul" and "Last-Event-ID" in self.headers:
            self.answer(204)
        elif path == "/nul":
            self.answer(200, b"id: 1\nevent: message\nretry: 0\ndata: a\0b\ndata: c\0\n\n", Content_Type="text/event-stream")
        elif path == "/events":
            self.events()
        elif path == "/login":
            self.answer(302, b"go on", Location="/home", Set_Cookie="id=7; Path=/; HttpOnly; Max-Age=1000")
        elif path == "/tab":
            self.answer(200, b"", Set_Cookie="id=7\tx\ty", X="1")
        elif path == "/elsewhere":
            self.answer(302, b"go away", Location="https://example.org/")
        elif path == "/circle":
            self.answer(307, Location="/circle")
        elif path == "/stall":
            self.server.stalled.wait(DEADLINE)
            self.close_connection = True
        elif path == "/missing":
            self.answer(404, b"nothing here")
        else:
            self.tell(body)

    do_POST = do_PUT = do_HEAD = do_GET


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class HttpTransferTest(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("s.sock")
        self.server = Server(self.socket, Handler)
        self.server.stalled = threading.Event()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def tearDown(self):
        self.server.stalled.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        super().tearDown()

    def http(self, *arguments, **options):
        return self.run_any(SUNPATH, "http", self.socket, *arguments, **options)

    def ok(self, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, "" if options.get("text", True) else b""))
        return done.stdout

    def ask(self, *arguments, **options):
        return json.loads(self.ok(*arguments, **options))

    def fails(self, status, text, *arguments, **options):
        done = self.http(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        return done

    def write(self, name, data):
        with open(self.path(name), "w") as out:
            out.write(data)
        return self.path(name)

    def read(self, name, mode="rb"):
        with open(self.path(name), mode) as data:
            return data.read()

    # bodies

    def test_form(self):
        file = self.write("a b.txt", "in the file")
        self.assertEqual(
            self.ask("/form", "-F", "a=1", "-F", f"f=@{file}", "-F", f"g=@{file};type=text/plain;filename=\"x;y.txt\"",
                     "-F", f"h=<{file}", "-F", "i=x;type=text/html;charset=utf-8", "-F", "j=a;b", "--form-string", "k=@x;type=y"),
            [["a", None, None, "1"], ["f", "a b.txt", "application/octet-stream", "in the file"],
             ["g", "x;y.txt", "text/plain", "in the file"], ["h", None, None, "in the file"],
             ["i", None, 'text/html; charset="utf-8"', "x"], ["j", None, None, "a;b"], ["k", None, None, "@x;type=y"]])
        self.assertEqual(self.ask("/form", "-F", "in=@-;filename=x", input="from a pipe"),
                         [["in", "x", "application/octet-stream", "from a pipe"]])
        self.fails(2, "NAME=VALUE", "/form", "-F", "nothing")
        self.fails(1, "No such file", "/form", "-F", "a=@/nothing/there")
        self.fails(2, "there is only one body", "/form", "-F", "a=1", "-d", "b=2")

    def test_form_quotes(self):
        odd = self.write("x;type=y.txt", "in it")
        self.assertEqual(
            self.ask("/form", "-F", 'a="b;type=c"', "-F", 'd="e\\"f\\g"; type=text/x-g', "-F", f'h=@"{odd}"; filename=i',
                     "-F", 'j="k', "-F", 'l="m" n', "-F", 'o={"p":"q"}'),
            [["a", None, None, "b;type=c"], ["d", None, "text/x-g", 'e"f\\g'], ["h", "i", "application/octet-stream", "in it"],
             ["j", None, None, '"k'], ["l", None, None, '"m" n'], ["o", None, None, '{"p":"q"}']])

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_form_is_what_curl_sends(self):
        file = self.write("file.bin", "x" * 100000)
        form = ["-F", "a=1", "-F", "b=é\"q", "-F", 'c="d; \\"e\\" \\f"; type=text/x-g', "-F", f"f=@{file};type=a/b;filename=n.bin"]
        curl = self.run_ok("curl", "-s", "--unix-socket", self.socket, "http://localhost/form", *form)
        self.assertEqual(self.ok("/form", *form), curl)

    def test_data(self):
        self.assertEqual(self.ask("/x", "--data-raw", "@a", "-d", "b")["body"], "@a&b")
        self.assertEqual(self.ask("/x", "--data-urlencode", "a=b c&é", "--data-urlencode", "=d&", "--data-urlencode", "e f")["body"],
                         "a=b%20c%26%C3%A9&d%26&e%20f")
        file = self.write("data", "a&b\n")
        self.assertEqual(self.ask("/x", "--data-urlencode", f"n@{file}")["body"], "n=a%26b%0A")
        seen = self.ask("-G", "-d", "a=1", "-d", "b=2", "/x?y=0")
        self.assertEqual((seen["method"], seen["path"], seen["body"]), ("GET", "/x?y=0&a=1&b=2", ""))
        self.assertEqual(json.loads(self.run_ok(SUNPATH, "http", f"unix:{self.socket}:/z", "-G", "-d", "a=1"))["path"], "/z?a=1")

        nul = self.write("nul", "a\0b")
        self.fails(2, "NUL byte", "-G", "-d", f"@{nul}", "/x")
        self.assertEqual(self.ask("-G", "--data-urlencode", f"@{nul}", "/x")["path"], "/x?a%00b")

    def test_fragments(self):
        self.assertEqual(self.ask("/x#?y")["path"], "/x")
        self.assertEqual(self.ask("-G", "-d", "a=1", "/x#?y")["path"], "/x?a=1")
        self.assertEqual(json.loads(self.run_ok(SUNPATH, "http", f"unix:{self.socket}:/x?y=0#z", "-G", "-d", "a=1"))["path"], "/x?y=0&a=1")
        os.link(self.socket, self.path("a#b"))
        self.assertEqual(json.loads(self.run_ok(SUNPATH, "http", self.path("a#b")))["path"], "/")

    def test_headers(self):
        headers = self.ask("/x", "-u", "Aladdin:open sesame", "-A", "me/1", "-r", "0-9", "-b", "a=1", "-b", "b=2")["headers"]
        self.assertEqual(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        self.assertEqual((headers["user-agent"], headers["range"], headers["cookie"]), ("me/1", "bytes=0-9", "a=1; b=2"))
        self.assertEqual(self.ask("/x", "-u", "a:")["headers"]["authorization"], "Basic YTo=")
        self.assertEqual(self.ask("/x", "--oauth2-bearer", "t0")["headers"]["authorization"], "Bearer t0")
        self.fails(2, "USER:PASSWORD", "/x", "-u", "a")

    # redirects and cookies

    def test_location(self):
        self.assertEqual(self.ok("/login"), "go on")
        seen = self.ask("-L", "/login", "-d", "user=a", "-H", "X-Kept: yes")
        self.assertEqual((seen["method"], seen["path"], seen["body"]), ("GET", "/home", ""))
        self.assertEqual((seen["headers"]["cookie"], seen["headers"]["x-kept"]), ("id=7", "yes"))
        self.assertEqual(self.ok("-L", "-i", "/login").count("HTTP/1.1 "), 2)
        done = self.http("-L", "/elsewhere")
        self.assertEqual((done.returncode, done.stdout), (0, "go away"))
        self.assertIn("the redirect was not followed: it leads to another scheme", done.stderr)
        self.fails(1, "redirected 50 times, and once more to '/circle'", "-L", "/circle")
        self.fails(1, "redirected 3 times", "-L", "--max-redirs", "3", "/circle")

    def test_cookie_file(self):
        jar = self.path("jar")
        self.ok("-c", jar, "/login")
        self.assertEqual(os.stat(jar).st_mode & 0o777, 0o600)
        self.assertRegex(self.read("jar", "r"), r"(?m)^#HttpOnly_localhost\tFALSE\t/\tFALSE\t\d+\tid\t7$")
        self.assertEqual(self.ask("-b", jar, "/x")["headers"]["cookie"], "id=7")
        self.assertNotIn("cookie", self.ask("-b", jar, "-H", "Host: other", "/x")["headers"])
        self.assertNotIn("cookie", self.ask("-b", self.path("none"), "/x")["headers"])
        self.assertIn("\tid\t7\n", self.ok("-b", jar, "-c", "-", "/missing"))
        self.assertNotIn("\tid", self.ok("-c", "-", "/tab"))

    def test_cookie_file_is_replaced_as_a_whole(self):
        jar, link = self.path("jar"), self.path("link")
        with open(jar, "w") as file:
            file.write("old")
        os.chmod(jar, 0o640)
        os.symlink("jar", link)
        with open(jar) as reader:
            self.ok("-c", link, "/login")
            self.assertEqual(reader.read(), "old")  # whoever reads it meanwhile
        self.assertIn("\tid\t7\n", self.read("jar", "r"))
        self.assertEqual(os.stat(jar).st_mode & 0o777, 0o640)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(sorted(name for name in os.listdir(self.dir) if name.startswith(("jar", "link"))),
                         ["jar", "link"])

    def test_cookie_file_that_is_none(self):
        self.assertIn("\tid\t7\n", self.ok("-c", "/dev/stdout", "/login"))
        os.symlink("later", self.path("link"))
        self.ok("-c", self.path("link"), "/login")
        self.assertIn("\tid\t7\n", self.read("later", "r"))
        self.fails(1, "--cookie-jar /dev/full: No space left", "-c", "/dev/full", "/login")
        self.fails(1, "--cookie-jar", "-c", self.path("none/jar"), "/login")

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_cookie_file_is_curls(self):
        jar, curl = self.path("jar"), ["curl", "-s", "--unix-socket", self.socket]
        self.ok("-c", jar, "/login")
        self.assertEqual(json.loads(self.run_ok(*curl, "-b", jar, "http://localhost/x"))["headers"]["cookie"], "id=7")
        os.unlink(jar)
        self.run_ok(*curl, "-c", jar, "http://localhost/login")
        self.assertEqual(self.ask("-b", jar, "/x")["headers"]["cookie"], "id=7")

    # what arrives

    def test_compressed(self):
        self.assertEqual(self.ok("--compressed", "/gzip"), "hello " * 1000)
        self.assertEqual(gzip.decompress(self.ok("/gzip", text=False)), b"hello " * 1000)
        self.assertEqual(self.ask("--compressed", "/x")["headers"]["accept-encoding"], "gzip, deflate")

    def test_continue(self):
        out = self.path("out")
        with open(out, "wb") as begin:
            begin.write(WHOLE[:1000])
        self.ok("-C", "-", "-o", out, "/whole")
        self.assertEqual(self.read("out"), WHOLE)
        self.ok("-C", "-", "-o", out, "/whole")  # there is nothing behind it
        self.assertEqual(self.read("out"), WHOLE)
        self.assertEqual(self.ok("-C", "511000", "/whole", text=False), WHOLE[511000:])
        os.truncate(out, 1000)
        os.utime(out, (946_728_000, 946_728_000))  # in the second when it was made there
        self.ok("-C", "-", "-o", out, "/whole")
        self.assertEqual(self.read("out"), WHOLE)
        for option in (["-C", "-"], ["--resume"]):
            os.truncate(out, 1000)
            os.utime(out, (946_727_999, 946_727_999))
            self.fails(1, f"the server has changed it since '{out}' was written: nothing was added", *option, "-o", out, "/whole")
            self.assertEqual(self.read("out"), WHOLE[:1000])
        self.fails(1, "answered 200 instead of what follows byte 1000", "-C", "-", "-o", out, "/no-parts")
        self.fails(1, "answered 404 instead of what follows byte 1000", "-C", "-", "-o", out, "/missing")
        self.assertEqual(self.read("out"), WHOLE[:1000])
        os.unlink(out)
        self.ok("-C", "-", "-o", out, "/whole")
        self.assertEqual(self.read("out"), WHOLE)
        self.fails(2, "an offset in bytes", "-C", "x", "/whole")
        self.fails(2, "there is only one part", "-C", "5", "-r", "0-9", "/whole")

    def test_continue_compressed(self):
        out = self.write("out", "hello " * 10)
        self.ok("--compressed", "-C", "-", "-o", out, "/coded")
        self.assertEqual(self.read("out"), b"hello " * 1000)
        os.truncate(out, 60)
        for option in (["-C", "-"], ["--resume"]):
            self.fails(1, "sent what follows byte 60 encoded: nothing was written", "--compressed", *option, "-o", out, "/always-coded")
        self.assertEqual(self.read("out"), b"hello " * 10)
        self.ok("--compressed", "--resume", "-o", self.path("new"), "/coded")
        self.assertTrue(self.read("new").startswith(b"hello " * 1000))

    def test_resume(self):
        self.fails(1, "the server closed the connection in the answer's body, after 256000 of 512000 bytes", "/broken",
                   "-o", self.path("half"))
        self.ok("--resume", "-o", self.path("all"), "/broken")
        self.assertEqual(self.read("all"), WHOLE)

    def test_fail_with_body(self):
        done = self.fails(1, "the server answered 404 Not Found", "--fail-with-body", "/missing")
        self.assertEqual(done.stdout, "nothing here")
        self.assertEqual(self.fails(1, "404", "-f", "/missing").stdout, "")

    # events

    def test_events(self):
        done = self.http("--sse", "/events")
        self.assertEqual((done.returncode, done.stdout), (0, "".join(f"line {n}\nmore\n" for n in (1, 2, 3, 4))))
        self.assertIn("the server ended the stream; asking again in 0.0 s", done.stderr)
        done = self.http("--sse", "-i", "-s", "/events")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("event: tick\nid: 1\ndata: line 1\ndata: more\n\n"), done.stdout)
        self.assertEqual(self.http("--sse", "-i", "-s", "/nul", text=False).stdout, b"id: 1\ndata: a\0b\ndata: c\0\n\n")
        self.fails(1, "the answer is not a text/event-stream", "--sse", "/x")
        self.fails(1, "the server answered 404", "--sse", "/missing")
        self.fails(5, "timed out after 100 ms", "--sse", "-m", "0.1", "/stall")
        self.fails(2, "--sse", "--sse", "/events", "-d", "x")
        done = self.run_any(SUNPATH, "http", "--sse", self.path("none.sock"))
        self.assertEqual(done.returncode, 4, done.stderr)

    # patience

    def test_timeouts(self):
        self.fails(5, "no byte of an answer 100 ms after the request was sent", "--first-byte-timeout", "0.1", "/stall")
        self.fails(2, "not a duration", "--idle-timeout", "x", "/stall")


if __name__ == "__main__":
    main()
