# SPDX-License-Identifier: MIT
"""A file of rules and a table of requests by curl: redirects, rewrites and headers, and who tries to get out of them."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

RULES = r"""
# what moved
redirect 301 /gone https://example.org/
redirect 302 /img/*rest https://example.org:8443/pictures/*rest
redirect 303 /users/:id[0-9]/:tab /people?id=:id&tab=:tab#top
redirect 307 /old /new            # and a comment
redirect 308 /old/*rest /new/*rest
redirect 308 /root/*rest /*rest
redirect 308 "/a b/:x" /a%20b/:x
redirect 308 /opt{/:page} /o/:page/end
redirect 302 /esc/:x /\:x/:x
redirect 302 /first /one
redirect 302 /first /two

rewrite /app/*rest /index.html
rewrite /v1/*rest /files/*rest
rewrite /who /whoami?by=rule
rewrite /q/:x /page?x=:x

header /*all +X-Served-By sunpath
header /files/*rest Cache-Control "public, max-age=86400"
header /files/*rest X-Quote "say \"so\""
header /files/*rest -Accept-Ranges
header /files/plain.txt Content-Type text/x-plain
header /old/*rest X-Moved yes
"""

# what is asked for, the status, the Location
REDIRECTS = [
    ("/gone", 301, "https://example.org/"),
    ("/gone?a=1&b=%20", 301, "https://example.org/?a=1&b=%20"),
    ("/gone/", 404, None),
    ("/img/a/b%20c.png", 302, "https://example.org:8443/pictures/a/b%20c.png"),
    ("/img/", 404, None),
    ("/img//evil.example", 302, "https://example.org:8443/pictures//evil.example"),
    ("/users/7/home", 303, "/people?id=7&tab=home#top"),
    ("/users/7/a&id=8?x=1", 303, "/people?id=7&tab=a%26id%3D8#top"),
    ("/users/x/home", 404, None),
    ("/users/7/a%23b%3Fc", 303, "/people?id=7&tab=a%23b%3Fc#top"),
    ("/old", 307, "/new"),
    ("/old?", 307, "/new?"),
    ("/old/a/b/", 308, "/new/a/b/"),
    ("/old/a%2Fb/c?x=/y", 308, "/new/a%2Fb/c?x=/y"),
    ("/old/%0d%0aSet-Cookie:%20a=b", 308, "/new/%0D%0ASet-Cookie:%20a=b"),
    ("/old/%0a%0d%09%7f%ff", 308, "/new/%0A%0D%09%7F%FF"),
    ("/old/100%25/%C3%A4", 308, "/new/100%25/%C3%A4"),
    ("/old/%00", 400, None),
    ("/old/%zz", 400, None),
    ("/old/%2e%2e/secret", 404, None),
    ("/old/a/../b", 404, None),
    ("/root//evil.example/x", 308, "/evil.example/x"),
    ("/root/%2Fevil.example", 308, "/%2Fevil.example"),
    ("/root/%5Cevil.example", 308, "/%5Cevil.example"),
    ("/root/https:%2F%2Fevil.example", 308, "/https:%2F%2Fevil.example"),
    ("/a%20b/c", 308, "/a%20b/c"),
    ("/%61%20b/c+d", 308, "/a%20b/c+d"),
    ("/opt", 308, "/o//end"),
    ("/opt/5", 308, "/o/5/end"),
    ("/esc/1", 302, "/:x/1"),
    ("/first", 302, "/one"),
]


class Rules(TestCase):
    def setUp(self):
        super().setUp()
        self.socket, self.www, self.log = self.path("a.sock"), self.path("www"), self.path("log")
        os.makedirs(os.path.join(self.www, "files"))
        self.write("www/index.html", "the app")
        self.write("www/page", "a page")
        self.write("www/files/plain.txt", "plain")

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start_server(self, *arguments):
        self.serve(self.socket, "--rules", self.write("rules", RULES), "--access-log", self.log, *arguments)

    def ask(self, target, *arguments):
        """(status, {name: [value, ...]}, body)"""
        done = self.run_ok("curl", "-s", "-i", "--path-as-is", "--unix-socket", self.socket, *arguments,
                           "http://x" + target)
        head, _, body = done.replace("\r\n", "\n").partition("\n\n")
        lines, headers = head.split("\n"), {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return int(lines[0].split()[1]), headers, body

    def test_redirects(self):
        self.start_server(self.www)
        for target, status, location in REDIRECTS:
            with self.subTest(target=target):
                got, headers, _ = self.ask(target)
                self.assertEqual((got, headers.get("location")), (status, location and [location]))
                self.assertNotIn("set-cookie", headers)
        self.assertEqual(self.ask("/old/x", "-X", "POST", "-d", "body")[0], 308)

    def test_files_see_what_is_rewritten(self):
        self.start_server(self.www)
        for target, body in [("/app/a/b?x", "the app"), ("/v1/plain.txt", "plain"), ("/v1/%70lain.txt", "plain"),
                             ("/q/1", "a page"), ("/files/plain.txt", "plain")]:
            self.assertEqual((target, self.ask(target)[0], self.ask(target)[2]), (target, 200, body))
        self.assertEqual(self.ask("/v1/%2e%2e/index.html")[0], 404)
        self.assertEqual(self.ask("/v1/..%2findex.html")[0], 404)
        with open(self.log) as log:
            self.assertIn('"GET /app/a/b?x HTTP/1.1" 200', log.read())  # what was sent

    def test_headers(self):
        self.start_server(self.www, "--max-age", "60")
        _, headers, _ = self.ask("/files/plain.txt")
        self.assertEqual(headers["cache-control"], ["public, max-age=86400"])
        self.assertEqual(headers["content-type"], ["text/x-plain"])
        self.assertEqual(headers["x-quote"], ['say "so"'])
        self.assertEqual(headers["x-served-by"], ["sunpath"])
        self.assertNotIn("accept-ranges", headers)
        _, headers, _ = self.ask("/v1/plain.txt")  # headers go by what was sent
        self.assertEqual(headers["cache-control"], ["max-age=60"])
        self.assertIn("accept-ranges", headers)
        status, headers, _ = self.ask("/nothing")
        self.assertEqual((status, headers["x-served-by"]), (404, ["sunpath"]))
        self.assertEqual(self.ask("/old/x")[1]["x-moved"], ["yes"])

    def test_the_built_in_service_sees_it(self):
        self.start_server()
        self.assertIn('"uid"', self.ask("/who")[2])

    def test_no_rule_leads_around_the_password(self):
        rules = self.write("rules", "rewrite /healthz /page\nrewrite /x /healthz\nredirect 302 /r /page\n")
        self.serve(self.socket, self.www, "--rules", rules, "--health", "--auth",
                   "bearer:" + self.write("tokens", "me:secret\n"))
        secret = "-H", "Authorization: Bearer secret"
        self.assertEqual(self.ask("/healthz")[0], 401)
        self.assertEqual(self.ask("/healthz", *secret)[2], "a page")
        self.assertEqual(self.ask("/x")[0], 200)
        self.assertEqual(self.ask("/r")[0], 302)
        self.assertEqual(self.ask("/page")[0], 401)

    def test_a_successor_takes_over_all_the_same(self):
        rules = self.write("rules", "redirect 302 / /a\nredirect 302 /*all /b\n")
        first = self.serve(self.socket, self.www, "--rules", rules)
        self.start(SUNPATH, "serve", self.socket, self.www, "--take-over")
        self.assertEqual(first.wait(), 0)
        self.assertEqual(self.ask("/page")[2], "a page")

    def test_hangup_reads_them_anew(self):
        for workers in [], ["--workers", "2"]:
            with self.subTest(workers=workers):
                rules = self.write("rules", "redirect 302 /x /old\n")
                server = self.serve(self.socket, "--rules", rules, *workers)
                self.assertEqual(self.ask("/x")[1]["location"], ["/old"])
                self.write("rules", "redirect 302 /x /new\n")
                server.send_signal(signal.SIGHUP)
                until(lambda: [self.ask("/x")[1]["location"] for _ in range(20)] == [["/new"]] * 20, "the new rules")
                self.write("rules", "redirect 302 /x\n")
                server.send_signal(signal.SIGHUP)
                until(lambda: "the rules stay as they were" in server.output(), "a complaint")
                self.assertIn("line 1: ", server.output())
                self.assertEqual(self.ask("/x")[1]["location"], ["/new"])
                self.assertEqual(server.stop(), 0)
                self.assertEqual(server.output().count("the rules stay as they were"), 1)

    def test_mistakes_are_named(self):
        for text, why in [("\nredirect 300 /a /b", "line 2: a redirect's status"), ("rewrite /a", "not 'rewrite"),
                          ("jump /a /b", "begins with redirect"), ("rewrite /:a /:b", "parameter that the pattern"),
                          ("rewrite /a https://x/", "not a path"), ("redirect 302 /a //evil.example/", "neither a path"),
                          ("header /a Content-Length 1", "no header's name"), ("header /a X", "value is missing"),
                          ('header /a X "b', "quotes"), ("rewrite /*a/*b /", "line 1: ")]:
            with self.subTest(text=text):
                done = self.run_any(SUNPATH, "serve", self.socket, "--rules", self.write("rules", text))
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(why, done.stderr)
                self.assertIn(self.path("rules"), done.stderr)
        done = self.run_any(SUNPATH, "serve", self.socket, "--rules", self.path("none"))
        self.assertIn("No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
