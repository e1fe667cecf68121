# SPDX-License-Identifier: MIT
"""The router beside Express 5 on the same table of routes, and under curl."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json
import random
import re
import urllib.parse

TABLE = """\
GET /
GET /users
POST /users
GET /users/me
GET /users/:id
DELETE /users/:id
GET /users/:id/posts{/:post}
GET /pages/:from-:to
GET /pages/:name.json
GET /releases/v:major.:minor{-:tag}
GET /shop/:category
GET /shop/offers
GET /files/*path
GET /repos/*name/tags/:tag
GET /opt{/a}{/b}/end
GET /Case/Sensitive
GET /dir/
GET /c\\+\\+/:x
MOUNT /api/:version
GET /
GET /items/:id
PUT /items/:id
MOUNT /deep
GET /:version/x
GET /*rest
END
END
MOUNT /api/v2
GET /special
END
""".replace("\\\\", "\\")
ROUTES = TABLE.splitlines()
SEGMENTS = ["users", "me", "posts", "pages", "releases", "shop", "offers", "files", "repos", "tags", "opt", "a", "b",
            "end", "case", "Case", "Sensitive", "sensitive", "dir", "c++", "api", "v1", "v2", "items", "deep", "x",
            "special", "12", "1-2", "1-2-3", "a.json", "a-b.json", "v1.2", "v1.2-rc1", "v1.2-rc-1", "v1", "x.y.json",
            "", "..", "a%2Fb", "a%20b", "caf%C3%A9", "%25", "%zz", "%", "%00", "%75sers", "fil%65s", "USERS", "~", "a;b=c",
            "a,b", "a:b", "a@b", "-", "--", "a--b", ".json", "v.", "$&'()*!"]


def full_patterns():
    """The table's patterns with the prefixes of their mounts before them."""
    prefixes, patterns = [""], []
    for line in ROUTES:
        word, _, path = line.partition(" ")
        if word == "MOUNT":
            prefixes.append(prefixes[-1] + path)
        elif word == "END":
            prefixes.pop()
        else:
            patterns.append(prefixes[-1] + path)
    return patterns


def generate(count):
    """Paths that often are as a route has them, so that many lead somewhere and many nearly do."""
    choose = random.Random(20)
    requests, patterns = [], full_patterns()
    while len(requests) < count:
        words = []
        for word in re.sub(r"[{}\\\\]", "", choose.choice(patterns)).strip("/").split("/"):
            if choose.random() < 0.05:
                continue
            word = re.sub(r"[:*]\w+", lambda _: choose.choice(SEGMENTS), word)
            words.append(word if choose.random() < 0.93 else choose.choice(SEGMENTS))
        words += [choose.choice(SEGMENTS) for _ in range(choose.choice([0, 0, 0, 0, 0, 1, 2]))]
        path = "/" + "/".join(words) + choose.choice(["", "", "", "", "/", "?q=1"])
        method = choose.choice(["GET"] * 10 + ["POST", "PUT", "DELETE", "OPTIONS"])
        if (method, path) not in requests:
            requests.append((method, path))
    return requests


class Answer:
    def __init__(self, head, body):
        self.status = int(head.split(" ")[1])
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        self.allow = {word.strip() for word in fields.get("Allow", "").split(",")} - {"", "OPTIONS"}
        self.found = json.loads(body) if self.status == 200 and body.startswith("{") else None

    def __repr__(self):
        return f"{self.status} {self.found or ''}{self.allow or ''}"


def ask(path_of_socket, method, target):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(path_of_socket)
        client.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        heard = b""
        while piece := client.recv(65536):
            heard += piece
    return Answer(*heard.decode().split("\r\n\r\n", 1))


def path_of(target):
    return target.split("?")[0]


def is_malformed(path):
    """An escape that is none, that stands for NUL, or whose bytes are no UTF-8 (those we let pass)."""
    rest = path.replace("%00", "%zz")
    while "%" in rest:
        rest = rest[rest.index("%") + 1:]
        if len(rest) < 2 or any(c not in "0123456789abcdefABCDEF" for c in rest[:2]):
            return True
    return False


def plainly_written(path):
    """The same path with no more escapes than a client needs."""
    return "/".join(urllib.parse.quote(urllib.parse.unquote(word), safe="!$&'()*+,;=:@~") for word in path.split("/"))


class BesideExpress(TestCase):
    maxDiff = None

    def serve_both(self, is_sensitive, is_strict):
        table = self.path("table")
        with open(table, "w") as file:
            file.write(TABLE)
        self.ours, self.theirs = self.path("ours"), self.path("theirs")
        arguments = (table, "01"[is_sensitive], "01"[is_strict])
        self.server = self.start(os.path.join(BIN, "test-program-router-table"), self.ours, *arguments)
        self.server.wait_for_socket(self.ours)
        self.start_node("express-table.js", self.theirs, *arguments).wait_for_socket(self.theirs)

    def is_same(self, method, ours, theirs):
        if method == "OPTIONS" and theirs.status == 200:
            return ours.status == 204 and ours.allow == theirs.allow
        return (ours.status, ours.found) == (theirs.status, theirs.found)

    def explain(self, method, target, ours, theirs):
        """Which of the differences that are meant this is; None: of none."""
        path = path_of(target)
        if is_malformed(path):
            # We refuse the path; Express looks at parameters alone, and passes %00 on.
            return "malformed escape" if ours.status == 400 else None
        if ours.status == 405 and theirs.status == 404:
            # Express has no 405; what we say in Allow it serves.
            served = [m for m in ours.allow - {"HEAD"} if ask(self.theirs, m, path).status == 200]
            if set(served) == ours.allow - {"HEAD"}:
                return "405"
        if ours.found and theirs.found and (ROUTES[theirs.found["index"]], ROUTES[ours.found["index"]]) in (
                ("GET /shop/:category", "GET /shop/offers"), ("GET /pages/:from-:to", "GET /pages/:name.json")):
            # Express goes by the order of the table, we by what says more.
            return "order"
        if path.endswith("//") and ours.status == 404:
            # In Express the slash that may follow a path may follow the "/" of a router, too.
            return "two slashes" if self.is_same(method, ask(self.ours, method, path[:-1]), theirs) else None
        plain = plainly_written(path)
        if plain != path:
            # Express compares text before it decodes: "/%75sers" is not its "/users".
            again = ask(self.theirs, method, plain)
            mended = ask(self.ours, method, plain)
            if (ours.status, ours.found and ours.found["params"]) != (mended.status,
                                                                     mended.found and mended.found["params"]):
                return None
            if self.is_same(method, mended, again) or self.explain(method, plain, mended, again):
                return "escaped text"
        return None

    def compare(self, is_sensitive, is_strict, at_least):
        """The differences there are, among 500 requests of which Express finds `at_least` so many routes."""
        self.serve_both(is_sensitive, is_strict)
        seen, failures, n_found = set(), [], 0
        for method, target in generate(500):
            ours, theirs = ask(self.ours, method, target), ask(self.theirs, method, target)
            n_found += theirs.status == 200
            if self.is_same(method, ours, theirs):
                continue
            why = self.explain(method, target, ours, theirs)
            if why:
                seen.add(why)
            else:
                failures.append(f"{method} {target}: {ours} but Express: {theirs}")
        self.assertEqual(failures, [])
        self.assertGreater(n_found, at_least)
        self.assertEqual(self.server.stop(), 0, self.server.output())
        return seen

    def test_as_express_is_by_default(self):
        self.assertEqual(self.compare(False, False, 170),
                         {"malformed escape", "405", "order", "two slashes", "escaped text"})

    def test_sensitive(self):
        self.compare(True, False, 170)

    def test_sensitive_and_strict(self):
        self.compare(True, True, 150)


class Methods(TestCase):
    """What curl sees."""

    def setUp(self):
        super().setUp()
        self.socket = self.path("a.sock")
        with open(self.path("table"), "w") as table:
            table.write("GET /a\nPOST /a\nPUT /b\n/any\nGET /any/below\nHEAD /own\nOPTIONS /own\nGET /own\n")
        self.server = self.start(os.path.join(BIN, "test-program-router-table"), self.socket, self.path("table"), "1", "0")
        self.server.wait_for_socket(self.socket)

    def curl(self, *arguments):
        return self.run_ok("curl", "-sS", "--unix-socket", self.socket, *arguments)

    def status(self, method, path, *arguments):
        how = ("-I",) if method == "HEAD" else ("-X", method)
        return int(self.curl(*how, "-o", "/dev/null", "-w", "%{http_code}", *arguments, f"http://x{path}"))

    def test_matrix(self):
        methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]
        expected = {
            "/a": [200, 200, 200, 405, 405, 405, 204, 405],
            "/a/": [200, 200, 200, 405, 405, 405, 204, 405],
            "/b": [405, 405, 405, 200, 405, 405, 204, 405],
            "/any": [200, 200, 200, 200, 200, 200, 200, 200],
            "/any/below": [200, 200, 405, 405, 405, 405, 204, 405],
            "/own": [200, 200, 405, 405, 405, 405, 200, 405],
            "/none": [404, 404, 404, 404, 404, 404, 404, 404],
            "/a/%zz": [400, 400, 400, 400, 400, 400, 400, 400],
        }
        for path, statuses in expected.items():
            self.assertEqual([self.status(method, path) for method in methods], statuses, path)

    def test_allow(self):
        def allow(*arguments):
            lines = self.curl("-i", *arguments).splitlines()
            return [line for line in lines if line.startswith("Allow:")]
        self.assertEqual(allow("-X", "DELETE", "http://x/a"), ["Allow: GET, HEAD, POST, OPTIONS"])
        self.assertEqual(allow("-X", "OPTIONS", "http://x/b"), ["Allow: PUT, OPTIONS"])
        self.assertEqual(allow("-X", "OPTIONS", "--request-target", "*", "http://x/"),
                         ["Allow: GET, HEAD, POST, PUT, OPTIONS"])
        self.assertEqual(allow("http://x/none"), [])

    def test_head_says_what_get_would(self):
        def fields(*arguments):
            text = self.curl(*arguments, "-o", "/dev/null", "-D", "-", "http://x/a")
            return [line for line in text.splitlines() if not line.startswith("Date:")]
        self.assertEqual(fields("-I"), fields())

    def test_a_large_body_to_nowhere_is_not_read(self):
        with open(self.path("large"), "wb") as file:
            file.truncate(1 << 30)
        self.assertEqual(self.status("POST", "/none", "-H", "Expect: 100-continue", "-T", self.path("large")), 404)

    def test_errors_by_accept(self):
        self.assertEqual(self.curl("http://x/none"), "Not Found\n")
        self.assertEqual(json.loads(self.curl("-H", "Accept: application/json", "http://x/none")),
                         {"status": 404, "error": "Not Found"})
        self.assertEqual(self.curl("-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "http://x/none"),
                         "Not Found\n")


class Mistakes(TestCase):
    def test_a_mistake_in_a_table_is_told_with_its_place(self):
        with open(self.path("table"), "w") as table:
            table.write("GET /good\nMOUNT /api\nGET /users/:id/:\nEND\n")
        done = self.run_any(os.path.join(BIN, "test-program-router-table"), self.path("a.sock"), self.path("table"),
                            "1", "0")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "route 'GET /users/:id/:', at 'GET /users/:id/:': a name is missing: letters, "
                                      "digits and _\n")


if __name__ == "__main__":
    main()
