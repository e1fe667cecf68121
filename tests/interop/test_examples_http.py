# SPDX-License-Identifier: MIT
"""The HTTP examples: what each of them shows, and that all of them survive a load generator."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import gzip
import itertools
import json
import pwd


def example(name):
    return for_everyone(os.path.join(BIN, "example-" + name))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ExampleTest(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.socket = self.path("a.sock")

    def serve_example(self, name, *arguments):
        self.server = self.start(example(name), self.socket, *arguments)
        self.server.wait_for_socket(self.socket)

    def curl(self, *arguments, **options):
        return self.run_ok("curl", "-sS", "--unix-socket", self.socket, *arguments, **options)


class Docker(ExampleTest):
    """Debian's and Docker's own command line on our server."""

    def setUp(self):
        super().setUp()
        if not shutil.which("docker"):
            self.skipTest("docker is not here")
        self.serve_example("docker-api")
        self.docker = ["docker", "-H", f"unix://{self.socket}"]

    def test_version_and_ps(self):
        self.assertIn("1.41", self.run_ok(*self.docker, "version"))
        self.assertIn("sunny", self.run_ok(*self.docker, "ps"))
        failed = self.run_any(*self.docker, "images")
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("Not Found", failed.stderr)

    def test_events(self):
        self.assertIn("container start", self.run_ok(*self.docker, "events", "--until", "1s"))
        endless = self.start(*self.docker, "events")
        endless.wait_for_output("container start")
        self.assertIsNone(endless.poll())
        endless.stop(signal.SIGINT)

    def test_attach(self):
        said = b"hello\n" + os.urandom(50000).hex().encode() + b"\nbye\n"
        self.assertEqual(self.run_ok(*self.docker, "attach", "sunny", input=said, text=False), said)

    def test_it_ends_clean(self):
        self.run_ok(*self.docker, "ps")
        self.assertEqual(self.server.stop(), 0, self.server.output())


class KeyValue(ExampleTest):
    """A program in C++."""

    def status(self, *arguments):
        return self.curl("-o", "/dev/null", "-w", "%{http_code}", *arguments)

    def test_values_come_back(self):
        self.serve_example("key-value")
        self.assertEqual(self.status("-X", "PUT", "-d", "a star", "http://x/keys/sun"), "201")
        self.assertEqual(self.status("-X", "PUT", "-d", "our star", "http://x/keys/sun"), "204")
        self.assertEqual(self.curl("http://x/keys/sun"), "our star")
        self.assertEqual(self.status("-X", "PUT", "-d", "1", "http://x/keys/a%2Fb"), "201")
        self.assertEqual(self.curl("http://x/keys"), "a/b\nsun\n")
        self.assertEqual(self.status("-X", "DELETE", "http://x/keys/sun"), "204")
        self.assertEqual(self.curl("http://x/keys/sun"), "no such key\n")
        self.assertEqual(self.status("-X", "POST", "http://x/keys"), "405")
        self.assertEqual(self.server.stop(), 0, self.server.output())


class JsonApi(ExampleTest):
    """Routes, middleware, an error stage, and a part that is for one peer alone."""

    def setUp(self):
        super().setUp()
        self.serve_example("json-api")

    def ask(self, method, path, body=None, status=200):
        body = () if body is None else ("-H", "Content-Type: application/json", "-d", body)
        text = self.curl("-X", method, "-w", "\n%{http_code}", *body, f"http://x{path}")
        text, _, answered = text.rpartition("\n")
        self.assertEqual(int(answered), status, text)
        return json.loads(text) if text else None

    def test_tasks(self):
        self.assertEqual(self.ask("GET", "/tasks"), [])
        first = self.ask("POST", "/tasks", '{"title":"write"}', 201)
        self.assertEqual(first, {"id": 1, "title": "write", "done": False})
        self.ask("POST", "/tasks", '{"title":"read","done":true}', 201)
        self.assertEqual(self.ask("PUT", "/tasks/1", '{"title":"write","done":true}')["done"], True)
        self.assertEqual([task["id"] for task in self.ask("GET", "/tasks/")], [1, 2])
        self.ask("DELETE", "/tasks/1", status=204)
        self.assertEqual(self.ask("GET", "/tasks/1", status=404),
                         {"error": {"status": 404, "message": "there is no such task"}})
        head = self.curl("-I", "http://x/tasks/2").replace("\r\n", "\n")
        self.assertIn("Cache-Control: no-store\n", head)
        self.assertEqual(self.server.stop(), 0, self.server.output())

    def test_compressed_bodies_are_taken(self):
        def send(data):
            with open(self.path("gz"), "wb") as file:
                file.write(gzip.compress(data))
            return self.curl("-H", "Content-Type: application/json", "-H", "Content-Encoding: gzip", "-o", "/dev/null",
                             "-w", "%{http_code}", "--data-binary", f"@{self.path('gz')}", "http://x/tasks")
        self.assertEqual(send(b'{"title":"write"}'), "201")
        self.assertEqual(send(bytes(100 << 20)), "413")
        self.assertEqual(send(b'{"title":'), "400")

    def test_errors_are_json(self):
        def error(*arguments):
            return self.ask(*arguments)["error"]["message"]
        self.assertEqual(error("GET", "/tasks/x", None, 404), "Not Found")
        self.assertEqual(error("PATCH", "/tasks", None, 405), "Method Not Allowed")
        self.assertIn("line 1", error("POST", "/tasks", '{"title":', 400))
        self.assertEqual(error("POST", "/tasks", '{"name":1}', 422), "a task has a title, and may be done")
        with open(self.path("large"), "w") as file:
            file.write('"' + "x" * (1 << 21) + '"')
        self.assertEqual(error("POST", "/tasks", f"@{self.path('large')}", 413), "the body is too large")
        self.assertIn("malformed escape", error("GET", "/%zz", None, 400))

    def test_the_administrator_is_known_by_the_kernel(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be another user")
        self.ask("POST", "/tasks", '{"title":"write"}', 201)
        refused = self.run_ok("runuser", "-u", "nobody", "--", "curl", "-sS", "--unix-socket", self.socket,
                              "-X", "DELETE", "http://x/admin/tasks")
        self.assertEqual(json.loads(refused), {"error": {"status": 403, "message": "Forbidden"}})
        seen = self.run_ok("runuser", "-u", "nobody", "--", "curl", "-sS", "--unix-socket", self.socket, "http://x/tasks")
        self.assertEqual(len(json.loads(seen)), 1)
        self.ask("DELETE", "/admin/tasks", status=204)
        self.assertEqual(self.ask("GET", "/tasks"), [])


class BehindProxy(ExampleTest):
    """nginx, Caddy and haproxy on TCP in front of our socket, with the configurations in examples/."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can start nginx as another user")
        self.port = free_port()

    def configure(self, name):
        with open(os.path.join(SOURCE, "examples", name)) as config:
            text = config.read()
        text = text.replace("8080", str(self.port)).replace("/run/site", self.dir + "/site")
        text = text.replace(self.dir + "/site.sock", self.socket)
        with open(self.path(name), "w") as config:
            config.write(text)
        return self.path(name)

    def wait_for_port(self, process):
        def accepts_tcp():
            self.assertIsNone(process.poll(), process.output())
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until(accepts_tcp, f"{process.argv} to accept on {self.port}")

    def drive(self):
        through = self.run_ok("curl", "-sS", "-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Proto: https",
                              f"http://127.0.0.1:{self.port}/client")
        self.assertEqual(through, f"address 127.0.0.1\nscheme http\nhost 127.0.0.1:{self.port}\nforwarded yes\n")
        # Who is not the proxy may say what he likes.
        direct = self.curl("-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Host: evil", "http://x/client")
        self.assertEqual(direct, "address unknown\nscheme http\nhost x\nforwarded no\n")
        nobody = self.run_ok("runuser", "-u", "nobody", "--", "curl", "-sS", "--unix-socket", self.socket,
                             "-H", "X-Forwarded-For: 203.0.113.9", "http://x/client")
        self.assertIn("forwarded no", nobody)
        self.server.wait_for_output(f'"uid":{pwd.getpwnam("nobody").pw_uid}')
        lines = [json.loads(line) for line in self.server.output().splitlines()]
        self.assertEqual(lines[0]["client"], "127.0.0.1")
        self.assertEqual(lines[0]["route"], "/client")
        self.assertIsNone(lines[1]["client"])
        self.assertIn("curl", lines[1]["executable"])
        self.assertEqual(self.server.stop(), 0, self.server.output())

    def test_nginx(self):
        self.serve_example("behind-proxy", "www-data")
        proxy = self.start("nginx", "-p", self.dir, "-e", self.path("nginx.err"), "-c",
                           self.configure("behind-nginx.conf"))
        self.wait_for_port(proxy)
        self.drive()

    def test_caddy(self):
        self.serve_example("behind-proxy", "www-data")
        home = self.path("home")
        os.mkdir(home)
        os.chown(home, pwd.getpwnam("www-data").pw_uid, -1)
        proxy = self.start("runuser", "-u", "www-data", "--", "env", f"HOME={home}", "caddy", "run", "--adapter",
                           "caddyfile", "--config", self.configure("behind-caddy.Caddyfile"))
        self.wait_for_port(proxy)
        self.drive()

    def test_haproxy(self):
        self.serve_example("behind-proxy", "www-data")
        self.wait_for_port(self.start("haproxy", "-db", "-f", self.configure("behind-haproxy.cfg")))
        self.drive()


class Load(ExampleTest):
    """Each example under h2load, with the sanitizers on: every request answered, and a clean end."""

    # example, its arguments, the target, and what h2load is to do
    EXAMPLES = [
        ("http-hello", [], "/"),
        ("http-later", [], "/?ms=1"),
        ("http-visits", [], "/"),
        ("http-stream", [], "/", "-d", "{dir}/body"),
        ("http-form", [], "/", "-d", "{dir}/form", "-H", "content-type: application/x-www-form-urlencoded"),
        ("docker-api", [], "/v1.41/containers/json"),
        ("key-value", [], "/keys"),
        ("json-api", [], "/tasks"),
        ("behind-proxy", ["root"], "/client"),
        ("workers", ["2"], "/"),
        ("file-server", ["{dir}/site"], "/page"),
        ("upload", ["{dir}/up"], "/", "-d", "{dir}/parts", "-H", "content-type: multipart/form-data; boundary=b"),
        ("events", [], "/events", "-d", "{dir}/form"),
        ("service", ["{dir}/access.log", "user=root"], "/healthz", "-n", "900"),  # it lets 1,000 a second through
    ]

    def make_files(self):
        os.makedirs(self.path("site/downloads"))
        os.mkdir(self.path("up"))
        part = 'Content-Disposition: form-data; name="file"; filename="a.txt"'
        for name, text in [("site/page", "x" * 100000), ("body", "y" * 20000), ("form", "name=ada&mail=a%40b"),
                           ("parts", f"--b\r\n{part}\r\n\r\nhello\r\n--b--\r\n")]:
            with open(self.path(name), "w", newline="") as file:
                file.write(text)

    def test_h2load(self):
        self.make_files()
        for (name, arguments, target, *how), depth in itertools.product(self.EXAMPLES, [1, 8]):
            with self.subTest(name, depth=depth):
                self.serve_example(name, *(argument.format(dir=self.dir) for argument in arguments))
                output = self.run_ok("h2load", "--h1", "-n", "2000", "-c", "16", "-m", depth,
                                     *(word.format(dir=self.dir) for word in how),
                                     f"--base-uri=unix:{self.socket}", f"http://localhost{target}")
                n = "900" if name == "service" else "2000"
                self.assertIn(f"{n} succeeded, 0 failed, 0 errored", output)
                self.assertIn(f"{n} 2xx", output)
                self.assertEqual(self.server.stop(), 0, self.server.output()[-2000:])


if __name__ == "__main__":
    main()
