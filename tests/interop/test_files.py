# SPDX-License-Identifier: MIT
"""Files by real clients: curl, wget, nginx in front, Python's parser of multipart; and the same requests to
nginx and to express.static, with every difference explained."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import email
import hashlib
import json
import re

EXAMPLE = os.path.join(BIN, "example-file-server")
OLD = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

NGINX = """
{user}
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 64; }}
http {{
    access_log off; default_type application/octet-stream; sendfile on;
    types {{ text/html html; text/plain txt; text/javascript js; }}
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{
        listen unix:{socket};
        absolute_redirect off;
        location / {{ {content} }}
    }}
}}
"""


class FilesTest(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.root, self.socket = self.path("www"), self.path("a.sock")
        for name, data in (("index.html", b"<p>index"), ("a.txt", b"0123456789" * 10), ("sub/page.js", b"1"),
                           ("sub/b c.txt", b"b c"), (".hidden", b"hidden"), ("empty.txt", b""), ("../secret.txt", b"secret")):
            self.write(name, data)
        os.symlink("../secret.txt", os.path.join(self.root, "out.txt"))
        os.symlink("a.txt", os.path.join(self.root, "in.txt"))
        os.symlink("/etc", os.path.join(self.root, "etc"))

    def write(self, name, data):
        name = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(data)
        os.utime(name, (OLD, OLD))
        return name

    def curl(self, *arguments, **options):
        return self.run_any("curl", "-sS", "--path-as-is", "--unix-socket", self.socket, *arguments, **options)

    def status(self, target, *arguments):
        return self.curl("-o", self.path("body"), "-w", "%{http_code}", *arguments, f"http://x{target}").stdout

    def nginx(self, content):
        path = self.path("nginx.sock")
        with open(self.path("nginx.conf"), "w") as file:
            file.write(NGINX.format(dir=self.dir, socket=path, content=content,
                                    user="user root;" if os.geteuid() == 0 else ""))
        self.start("nginx", "-p", self.dir, "-c", self.path("nginx.conf")).wait_for_socket(path)
        return path


class Clients(FilesTest):
    def setUp(self):
        super().setUp()
        self.serve(self.socket, self.root)

    def test_no_way_leads_outside(self):
        for target in ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
                       "/sub/../../secret.txt", "/a.txt%00.html", "/%252e%252e/secret.txt", "//etc/passwd",
                       "/sub/%2e%2e/%2e%2e/secret.txt", "/..;/secret.txt", "/..\\secret.txt", "/%c0%ae%c0%ae/secret.txt"):
            self.assertRegex(self.status(target), "^4..$", target)
            with open(self.path("body"), "rb") as body:
                self.assertNotRegex(body.read(), b"root:|^secret")
        self.assertEqual(self.status("/out.txt"), "403")
        self.assertEqual(self.status("/etc/passwd"), "403")
        self.assertEqual(self.status("/in.txt"), "200")

    def test_ranges_of_curl(self):
        self.assertEqual(self.curl("-r", "3-6", "http://x/a.txt").stdout, "3456")
        self.assertEqual(self.curl("-r", "-4", "http://x/a.txt").stdout, "6789")
        self.assertEqual(self.status("/a.txt", "-r", "100-"), "416")
        answer = self.curl("-i", "-r", "0-4,10-14,-1", "http://x/a.txt", text=False).stdout
        message = email.message_from_bytes(answer.partition(b"\r\n")[2])
        self.assertTrue(answer.startswith(b"HTTP/1.1 206 "))
        self.assertEqual(message.get_content_type(), "multipart/byteranges")
        self.assertEqual([(part["Content-Range"], part.get_content_type(), part.get_payload(decode=True))
                          for part in message.get_payload()],
                         [("bytes 0-4/100", "text/plain", b"01234"), ("bytes 10-14/100", "text/plain", b"01234"),
                          ("bytes 99-99/100", "text/plain", b"9")])

    def test_conditions_of_curl(self):
        copy, tag = self.path("copy"), self.path("tag")
        self.curl("-R", "-o", copy, "http://x/a.txt")
        self.assertEqual(os.stat(copy).st_mtime, OLD)
        self.assertEqual(self.status("/a.txt", "-z", copy), "304")
        self.assertEqual(self.status("/a.txt", "-z", "1990-01-01"), "200")
        self.assertEqual(self.status("/a.txt", "-z", "-Mon, 01 Jan 1990 00:00:00 GMT"), "412")
        self.assertEqual(self.status("/a.txt", "--etag-save", tag), "200")
        self.assertEqual(self.status("/a.txt", "--etag-compare", tag), "304")

    def test_downloads_are_resumed(self):
        data = os.urandom(3_000_000)
        self.write("large.bin", data)
        half = self.path("half")
        for resume in (["-C", "-"], ["-C", "1000000"]):
            with open(half, "wb") as file:
                file.write(data[:1_000_000])
            self.assertEqual(self.curl(*resume, "-o", half, "http://x/large.bin").returncode, 0)
            with open(half, "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).digest(), hashlib.sha256(data).digest())

    def test_wget_resumes(self):
        data = os.urandom(2_000_000)
        self.write("large.bin", data)
        server = self.start(SUNPATH, "serve", "--tcp-too", "127.0.0.1:0", self.path("b.sock"), self.root)
        server.wait_for_output("stop with")
        port = re.search(r"tcp:127\.0\.0\.1:(\d+)", server.output()).group(1)
        with open(self.path("large.bin"), "wb") as file:
            file.write(data[:700_000])
        done = self.run_any("wget", "-c", "--no-proxy", f"http://127.0.0.1:{port}/large.bin", cwd=self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("206 Partial Content", done.stderr)
        with open(self.path("large.bin"), "rb") as file:
            self.assertEqual(file.read(), data)

    def test_nginx_in_front(self):
        data = os.urandom(3_000_000)
        self.write("large.bin", data)
        front = self.nginx(f"proxy_pass http://unix:{self.socket}; proxy_buffering off;")
        fetched = subprocess.run(["curl", "-sS", "--unix-socket", front, "http://x/large.bin"], capture_output=True,
                                 timeout=DEADLINE)
        self.assertEqual(fetched.stdout, data)
        part = subprocess.run(["curl", "-sS", "-r", "1000-1999999", "--unix-socket", front, "http://x/large.bin"],
                              capture_output=True, timeout=DEADLINE)
        self.assertEqual(part.stdout, data[1000:2_000_000])
        self.assertEqual(self.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "http://x/sub?q").stdout,
                         "301 http://x/sub/?q")


class Example(FilesTest):
    def test_pages_downloads_and_a_name_of_its_own(self):
        self.write("about.html", b"about")
        self.write("downloads/app-2.0.tar.gz", b"app")
        server = self.start(EXAMPLE, self.socket, self.root)
        server.wait_for_socket(self.socket)
        self.assertEqual(self.curl("http://x/").stdout, "<p>index")
        self.assertEqual(self.curl("http://x/about").stdout, "about")
        self.assertIn('href="app-2.0.tar.gz"', self.curl("http://x/downloads/").stdout)
        listed = json.loads(self.curl("-H", "Accept: application/json", "http://x/downloads/").stdout)
        self.assertEqual([entry["name"] for entry in listed], ["app-2.0.tar.gz"])
        head = self.curl("-I", "http://x/latest").stdout
        self.assertIn('Content-Disposition: attachment; filename="app.tar.gz"', head)
        self.assertIn("Content-Type: application/x-gtar", head)
        self.assertIn("Location: /downloads/", self.curl("-I", "http://x/downloads").stdout)
        self.assertEqual(self.status("/downloads/../../secret.txt"), "404")
        self.assertEqual(server.stop(), 0)


# ---- beside nginx and express.static ----------------------------------------------------------------------

def table():
    """The requests: a name, the target, and headers or a method."""
    targets = ["/", "/index.html", "/a.txt", "/a.txt?q", "/empty.txt", "/in.txt", "/sub", "/sub?q=1", "/sub/",
               "/sub/page.js", "/sub/b%20c.txt", "/sub/b+c.txt", "/none", "/none/", "/a.txt/", "/a.txt/x", "/.hidden",
               "/%2ehidden", "/out.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/sub/../a.txt", "/./a.txt", "//a.txt",
               "/sub//page.js", "/a%2etxt", "/sub%2fpage.js", "/a.txt%00", "/%zz", "/A.TXT", "http://x/a.txt"]
    for target in targets:
        yield target, {}, "GET"
    for field, value in (("Range", "bytes=0-4"), ("Range", "bytes=-4"), ("Range", "bytes=90-"), ("Range", "bytes=90-200"),
                         ("Range", "bytes=100-"), ("Range", "bytes=-0"), ("Range", "bytes=5-2"), ("Range", "lines=1-2"),
                         ("Range", "bytes=0-4,10-14"), ("Range", "bytes=0-4,2-9"), ("Range", "bytes=0-,0-"),
                         ("Range", "bytes=200-,0-4"), ("Range", "bytes=abc"), ("If-None-Match", "*"),
                         ("If-None-Match", '"x"'), ("If-Modified-Since", DATE),
                         ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"),
                         ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:38 GMT"), ("If-Modified-Since", "nonsense"),
                         ("If-Match", "*"), ("If-Match", '"x"'), ("If-Unmodified-Since", DATE),
                         ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")):
        yield "/a.txt", {field: value}, "GET"
    yield "/a.txt", {"Range": "bytes=0-4", "If-Range": DATE}, "GET"
    yield "/a.txt", {"Range": "bytes=0-4", "If-Range": '"x"'}, "GET"
    yield "/a.txt", {"Range": "bytes=0-4", "If-Range": "Sun, 06 Nov 1994 08:49:36 GMT"}, "GET"
    yield "/empty.txt", {"Range": "bytes=0-"}, "GET"
    for method in "HEAD", "POST", "DELETE", "OPTIONS":
        yield "/a.txt", {}, method
    yield "/a.txt", {"Range": "bytes=0-4"}, "HEAD"


# Where the others differ, and why we do as we do. A request that differs and is not here fails the test, and so
# does one that is here and does not differ.
OPTIONS = "OPTIONS is answered: 204, and in Allow what is possible"
ONE_SPELLING = ("a file has one name here: dots, empty components and encoded slashes are not resolved but refused, so "
                "that rules about paths, ours or a proxy's, hold for what they name")
SPELLINGS = ["GET /sub/../a.txt", "GET /./a.txt", "GET //a.txt", "GET /sub//page.js", "GET /sub%2fpage.js"]
EXPLAINED = {
    "nginx": {
        ONE_SPELLING: SPELLINGS,
        "it refuses to resolve a name that leads outside with 400; for us it is one that is not there":
            ["GET /../secret.txt", "GET /%2e%2e/secret.txt"],
        "it has no policy for dotfiles; ours hides them unless told otherwise": ["GET /.hidden", "GET /%2ehidden"],
        "it follows links to outside of its root": ["GET /out.txt"],
        "it says 403 for a directory without an index; there is nothing to be had, which is 404": ["GET /sub/"],
        "a malformed Range may be ignored or refused (RFC 9110 14.2): what is not understood does no harm ignored":
            ["GET /a.txt Range: bytes=5-2", "GET /a.txt Range: bytes=abc"],
        "it sends ranges that overlap as they are; one that covers them is shorter (RFC 9110 15.3.7.2)":
            ["GET /a.txt Range: bytes=0-4,2-9"],
        "it wants the very date of the file; RFC 9110 13.1.3 has any later one":
            ["GET /a.txt If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT"],
        OPTIONS: ["OPTIONS /a.txt"],
        "Range is for GET alone (RFC 9110 14.2)": ["HEAD /a.txt Range: bytes=0-4"],
    },
    "express": {
        ONE_SPELLING: SPELLINGS,
        "it follows links to outside of its root": ["GET /out.txt"],
        "it passes on what it does not serve, and nobody is behind it: 404 instead of 400 and 405":
            ["GET /a.txt%00", "GET /%zz", "POST /a.txt", "DELETE /a.txt"],
        OPTIONS: ["OPTIONS /a.txt"],
        "a malformed Range may be ignored or refused (RFC 9110 14.2)": ["GET /a.txt Range: bytes=5-2"],
        "it knows one range only": ["GET /a.txt Range: bytes=0-4,10-14"],
        "who asks for more than there is, in pieces, gets it as a whole with 200":
            ["GET /a.txt Range: bytes=0-,0-"],
        "it does not know that empty files have no ranges": ["GET /empty.txt Range: bytes=0-"],
        "Range is for GET alone (RFC 9110 14.2)": ["HEAD /a.txt Range: bytes=0-4"],
    },
}


def ask(path, target, headers, method):
    """The answer's status and what matters of its headers, and its body unless that is an error's."""
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close"] + [f"{k}: {v}" for k, v in headers.items()]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(path)
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        data = b""
        while chunk := client.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    message = email.message_from_bytes(head.partition(b"\r\n")[2] + b"\r\n\r\n")
    status = int(head.split()[1])
    shown = {"status": status}
    if status < 400 and status != 301:
        shown.update({name: message[name] for name in ("Content-Range", "Last-Modified")})
        shown["body"] = "parts" if message.get_content_type() == "multipart/byteranges" else body
        if status != 304:
            shown["type"] = message.get_content_type()
        if status == 200:
            shown["Accept-Ranges"] = message["Accept-Ranges"]
    if status in (301, 416):
        shown.update({name: message[name] for name in ("Location", "Content-Range")})
    return shown


class Differences(FilesTest):
    def compare(self, name, path):
        self.serve(self.socket, self.root)
        found = {}
        for target, headers, method in table():
            ours, theirs = ask(self.socket, target, headers, method), ask(path, target, headers, method)
            if ours != theirs:
                found[" ".join([method, target] + [f"{k}: {v}" for k, v in headers.items()])] = (ours, theirs)
        explained = {request for requests in EXPLAINED[name].values() for request in requests}
        self.assertEqual({request: found[request] for request in found.keys() - explained}, {}, "not explained")
        self.assertEqual(explained - found.keys(), set(), "no difference any more")

    def test_nginx(self):
        self.compare("nginx", self.nginx(f"root {self.root}; etag on;"))

    def test_express(self):
        path = self.path("express.sock")
        self.start_node("express-static.js", path, self.root).wait_for_socket(path)
        self.compare("express", path)


if __name__ == "__main__":
    main()
