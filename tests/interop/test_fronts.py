# SPDX-License-Identifier: MIT
"""nginx, Caddy and haproxy in front of `sunpath serve`."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json

NGINX = """
{user}
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 512; }}
http {{
    access_log off; client_max_body_size 64m;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    upstream back {{ server unix:{back}; keepalive 4; }}
    server {{
        listen unix:{front};
        location / {{
            proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
"""

CADDY = """
{{
    admin off
    auto_https off
}}
http:// {{
    bind unix/{front}
    reverse_proxy unix/{back}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 10s
frontend front
    bind unix@{front} mode 666
    default_backend back
backend back
    http-reuse always
    server back unix@{back}
"""


class Fronts(TestCase):
    def setUp(self):
        super().setUp()
        self.front, self.back = self.path("front.sock"), self.path("back.sock")
        self.server = self.serve(self.back, "--max-body", "64M")

    def configure(self, name, text):
        file = self.path(name)
        with open(file, "w") as out:
            out.write(text.format(dir=self.dir, front=self.front, back=self.back,
                                  user="user root;" if os.geteuid() == 0 else ""))
        return file

    def front_of(self, program, argv, **options):
        if not shutil.which(program):
            self.skipTest(f"{program} is not here")
        self.proxy = self.start(program, *argv, **options)
        self.proxy.wait_for_socket(self.front)

    def curl(self, *arguments, **options):
        return self.run_ok("curl", "-sf", "--unix-socket", self.front, *arguments, **options)

    def drive(self, n_sized=300000):
        """Everything a front does with what is behind it; `n_sized`: bytes of a body with a Content-Length."""
        self.assertEqual(json.loads(self.curl("http://x/"))["pid"], self.server.pid)
        # Behind a proxy the peer is the proxy, by its pid as everybody else.
        self.assertEqual(json.loads(self.curl("http://x/whoami"))["pid"], self.proxy.pid)
        self.assertIn("200", self.curl("-I", "http://x/").split("\n")[0])
        body = os.urandom(300000)
        file = self.path("body")
        with open(file, "wb") as out:
            out.write(body)
        sized = body[:n_sized]
        self.assertEqual(self.curl("--data-binary", "@-", "http://x/echo", text=False, input=sized), sized)
        self.assertEqual(self.curl("-T", file, "-H", "Transfer-Encoding: chunked", "http://x/echo", text=False), body)
        self.assertEqual(self.curl("-d", "", "http://x/echo"), "")
        codes = self.curl("http://x/?[1-200]", "-o", "/dev/null", "-w", "%{http_code}\n")
        self.assertEqual(codes.split(), ["200"] * 200)
        codes = self.curl("-Z", "--parallel-max", "16", "http://x/?[1-200]", "-o", "/dev/null", "-w", "%{http_code}\n")
        self.assertEqual(codes.split(), ["200"] * 200)
        # A successor behind the front, without a failed request.
        successor = self.start(SUNPATH, "serve", "--take-over", self.back)
        self.assertEqual(self.server.wait(DEADLINE), 0)
        successor.wait_for_output("stop with")
        self.assertEqual(json.loads(self.curl("http://x/"))["pid"], successor.pid)
        self.assertEqual(successor.stop(), 0)

    def test_nginx(self):
        self.front_of("nginx", ["-p", self.dir, "-e", self.path("nginx.err"), "-c", self.configure("nginx.conf", NGINX)])
        self.drive()

    def test_caddy(self):
        environment = dict(os.environ, HOME=self.dir, XDG_CONFIG_HOME=self.dir, XDG_DATA_HOME=self.dir)
        self.front_of("caddy", ["run", "--adapter", "caddyfile", "--config", self.configure("Caddyfile", CADDY)],
                      env=environment)
        # Caddy 2.6 cuts an answer off that begins before it has seen the end of a body of known size, which it looks for
        # behind the last byte: one in thirty, whatever is behind it (nginx, Node and Go as well). Small ones are read at once.
        self.drive(n_sized=1000)

    def test_haproxy(self):
        self.front_of("haproxy", ["-db", "-q", "-f", self.configure("haproxy.cfg", HAPROXY)])
        self.drive()


if __name__ == "__main__":
    main()
