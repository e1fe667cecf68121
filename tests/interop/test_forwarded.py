# SPDX-License-Identifier: MIT
"""nginx and Caddy on TCP in front of our Unix socket: the client they name is believed, others are not."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json

NGINX = """
{user}
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://unix:{back}; {headers} }}
    }}
}}
"""

CADDY = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    reverse_proxy unix/{back}
}}
"""

X_FORWARDED = """proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                 proxy_set_header X-Forwarded-Proto $scheme;"""
REAL_IP = "proxy_set_header X-Real-IP $remote_addr;"
RFC7239 = 'proxy_set_header Forwarded "for=$remote_addr;proto=$scheme";'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Forwarded(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.back, self.log, self.port = self.path("back.sock"), self.path("log"), free_port()

    def serve_back(self, *arguments):
        self.serve(self.back, "--mode", "0666", "--access-log", self.log, "--log-format", "json",
                   "--proxy", f"uid={os.geteuid()}", *arguments)

    def start_front(self, program, argv, **options):
        if not shutil.which(program):
            self.skipTest(f"{program} is not here")
        front = self.start(program, *argv, **options)

        def up():
            self.assertIsNone(front.poll(), front.output())
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until(up, f"{program} to accept")

    def start_nginx(self, headers):
        file = self.path("nginx.conf")
        with open(file, "w") as out:
            out.write(NGINX.format(dir=self.dir, back=self.back, port=self.port, headers=headers,
                                   user="user root;" if os.geteuid() == 0 else ""))
        self.start_front("nginx", ["-p", self.dir, "-e", self.path("nginx.err"), "-c", file])

    def through(self, *arguments):
        return json.loads(self.run_ok("curl", "-sf", *arguments, f"http://127.0.0.1:{self.port}/whoami"))

    SPOOFED = ("-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Real-IP: 6.6.6.6", "-H", "Forwarded: for=6.6.6.6",
               "-H", "X-Forwarded-Proto: evil")

    def entries(self, n):
        """The log, when it has n lines: each is written when its answer has left."""
        def read():
            with open(self.log) as log:
                lines = log.read().splitlines()
            return [lines] if len(lines) >= n else None
        return [json.loads(line) for line in until(read, f"{n} lines in the log")[0]]

    def check(self):
        """The real address, whatever the client has sent itself; in the log, too."""
        n_before = len(self.entries(0))
        for arguments in (), self.SPOOFED:
            self.assertEqual(self.through(*arguments)["client"], "127.0.0.1")
        entries = self.entries(n_before + 2)
        self.assertEqual({entry["client"] for entry in entries}, {"127.0.0.1"})
        if os.geteuid() == 0:
            done = self.run_ok("runuser", "-u", "nobody", "--", "curl", "-s", "--unix-socket", self.back,
                               *self.SPOOFED, "http://x/whoami")
            self.assertNotIn("client", json.loads(done))
            last = self.entries(len(entries) + 1)[-1]
            self.assertEqual((last["client"], last["user"]), (None, "nobody"))

    def test_nginx_x_forwarded(self):
        self.serve_back()
        self.start_nginx(X_FORWARDED)
        self.assertEqual(self.through()["scheme"], "http")
        self.check()

    def test_nginx_real_ip(self):
        self.serve_back("--proxy-headers", "x-real-ip")
        self.start_nginx(REAL_IP)
        self.check()

    def test_nginx_forwarded(self):
        self.serve_back("--proxy-headers", "forwarded")
        self.start_nginx(RFC7239)
        self.check()

    def test_caddy(self):
        self.serve_back()
        file = self.path("Caddyfile")
        with open(file, "w") as out:
            out.write(CADDY.format(port=self.port, back=self.back))
        self.start_front("caddy", ["run", "--adapter", "caddyfile", "--config", file],
                         env=dict(os.environ, HOME=self.dir, XDG_CONFIG_HOME=self.dir, XDG_DATA_HOME=self.dir))
        self.check()

    def test_a_proxy_of_another_user_is_not_believed(self):
        self.serve(self.back, "--proxy", "uid=12345")
        self.start_nginx(X_FORWARDED)
        self.assertNotIn("client", self.through())

    def test_what_makes_no_sense_is_refused(self):
        self.serve_back()
        status = self.run_ok("curl", "-s", "--unix-socket", self.back, "-H", "X-Forwarded-For: <b>", "-o", "/dev/null",
                             "-w", "%{http_code}", "http://x/")
        self.assertEqual(status, "400")


if __name__ == "__main__":
    main()
