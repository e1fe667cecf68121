# SPDX-License-Identifier: MIT
"""Server-sent events: curl, an EventSource, and those who come back."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json
import re


NGINX = """
{user}
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 64; }}
http {{
    access_log off; gzip on; gzip_types *;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{ listen unix:{front}; location / {{ proxy_pass http://unix:{back}; }} }}
}}
"""


class Events(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("events.sock")
        self.serve_events()

    def serve_events(self):
        self.server = self.start(os.path.join(BIN, "example-events"), self.socket)
        self.server.wait_for_socket(self.socket)

    def publish(self, text, n_expected, name=None):
        """Publishes to exactly so many subscribers."""
        answer = self.run_ok("curl", "-sf", "--unix-socket", self.socket, "--data-binary", text,
                             f"http://x/events{'?name=' + name if name else ''}")
        self.assertEqual(answer, f"sent to {n_expected}\n")

    def subscribe(self, *arguments):
        reader = self.start("curl", "-sN", "--unix-socket", self.socket, *arguments, "http://x/events")
        reader.wait_for_output("retry: 100\n\n")
        return reader

    def last_id(self, reader):
        return re.findall(r"^id: (.*)$", reader.output(), re.M)[-1]

    def test_curl_reads_and_resumes(self):
        first, second = self.subscribe(), self.subscribe()
        self.publish("one\ntwo", 2, "tick")
        for reader in first, second:
            reader.wait_for_output("event: tick\ndata: one\ndata: two\n\n")
        seen = self.last_id(first)
        first.stop(signal.SIGKILL)
        until(lambda: "sent to 1\n" == self.run_ok(
            "curl", "-s", "--unix-socket", self.socket, "-d", "missed", "http://x/events"), "it to be noticed")
        again = self.subscribe("-H", f"Last-Event-ID: {seen}")
        again.wait_for_output("data: missed\n\n")
        self.assertNotIn("data: one", again.output())
        self.assertNotIn("gap", again.output())
        self.publish("next", 2)
        again.wait_for_output("data: next\n\n")

    def test_who_comes_from_another_server_is_told(self):
        reader = self.subscribe()
        self.publish("old", 1)
        reader.wait_for_output("data: old\n\n")
        self.assertEqual(self.server.stop(), 0)
        self.assertNotEqual(reader.wait(DEADLINE), None)
        self.serve_events()
        self.publish("new", 0)
        again = self.subscribe("-H", f"Last-Event-ID: {self.last_id(reader)}")
        again.wait_for_output("event: gap\n")
        self.assertIn("data: new\n", again.output())

    def test_http_1_0_and_head(self):
        reader = self.subscribe("-0")
        self.publish("x", 1)
        reader.wait_for_output("data: x\n\n")
        head = self.run_ok("curl", "-sI", "--unix-socket", self.socket, "http://x/events")
        self.assertIn("Content-Type: text/event-stream", head)

    @unittest.skipUnless(shutil.which("nginx"), "without nginx")
    def test_nginx_does_not_hold_events_back(self):
        front, file = self.path("front.sock"), self.path("nginx.conf")
        with open(file, "w") as out:
            out.write(NGINX.format(dir=self.dir, front=front, back=self.socket,
                                   user="user root;" if os.geteuid() == 0 else ""))
        self.start("nginx", "-p", self.dir, "-e", self.path("nginx.err"), "-c", file).wait_for_socket(front)
        reader = self.start("curl", "-sN", "--unix-socket", front, "http://x/events")
        reader.wait_for_output("retry: 100\n\n")
        for text in "one", "two":
            self.publish(text, 1)
            reader.wait_for_output(f"data: {text}\n\n")

    @unittest.skipUnless(os.path.isdir(os.path.join(NODE_MODULES, "eventsource")), "without npm's eventsource")
    def test_an_event_source(self):
        source = self.start_node("eventsource-client.js", self.socket)
        source.wait_for_output('"open"\n')
        self.publish("one\r\ntwo\n", 1, "tick")
        source.wait_for_output("two")
        self.server.kill()  # it comes back by itself
        source.wait_for_output('"lost"\n')
        self.server.wait()
        self.serve_events()
        source.wait_for_output('"gap"')
        self.publish("bye", 1, "end")
        self.assertEqual(source.wait(DEADLINE), 0, source.output())
        events = [json.loads(line) for line in source.output().splitlines() if line.startswith("{")]
        self.assertEqual([(event["type"], event["data"]) for event in events],
                         [("tick", "one\ntwo\n"), ("gap", ""), ("end", "bye")])
        self.assertTrue(events[0]["id"].endswith("-1"))


if __name__ == "__main__":
    main()
