# SPDX-License-Identifier: MIT
"""sunpath serve in operation: log, metrics, health, CORS, who may ask, limits, draining, workers."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import json

NEEDS_ROOT = unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
DEBIANS_PYTHON = "/usr/bin/python3"  # the one that has Debian's packages
PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
samples = [[s.name, s.labels, s.value] for f in text_string_to_metric_families(sys.stdin.read()) for s in f.samples]
json.dump(samples, sys.stdout)
"""


class OpsTest(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.socket = self.path("a.sock")

    def curl(self, *arguments, **options):
        return self.run_any("curl", "-s", "--unix-socket", self.socket, *arguments, **options)

    def status(self, *arguments):
        return int(self.curl("-o", "/dev/null", "-w", "%{http_code}", *arguments).stdout)

    def as_nobody(self, *arguments):
        return self.run_any("runuser", "-u", "nobody", "--", "curl", "-s", "--unix-socket", self.socket, *arguments)

    def connect(self, data=b""):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(DEADLINE)
        client.connect(self.socket)
        client.sendall(data)
        return client

    def receive(self, client):
        heard = b""
        while True:
            piece = client.recv(65536)
            if not piece:
                return heard
            heard += piece

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def metrics(self, *arguments):
        """Every sample, as a real parser of the format reads it: (name, labels): value."""
        text = self.curl("-f", *arguments, "http://x/metrics").stdout
        parsed = self.run_any(DEBIANS_PYTHON, "-c", PARSE, input=text)
        if "No module named 'prometheus_client'" in parsed.stderr:
            self.skipTest("without python3-prometheus-client")
        self.assertEqual(parsed.returncode, 0, parsed.stderr + text)
        return {(name, tuple(sorted(labels.items()))): value for name, labels, value in json.loads(parsed.stdout)}


class AccessLog(OpsTest):
    def entries(self, n, name="log"):
        """The first n lines, when they are there."""
        def read():
            with open(self.path(name)) as file:
                lines = file.read().splitlines()
            return lines if len(lines) >= n else None
        return until(read, f"{n} lines in the log")

    def test_json_names_the_peer(self):
        self.serve(self.socket, "--access-log", self.path("log"), "--log-format", "json")
        curl = subprocess.Popen(["curl", "-s", "--unix-socket", self.socket, "-A", 'a"\t\\xff', "http://x/whoami?q"],
                                stdout=subprocess.PIPE)
        body = curl.communicate(timeout=DEADLINE)[0]
        entry = json.loads(self.entries(1)[0])
        self.assertEqual((entry["pid"], entry["uid"], entry["gid"]), (curl.pid, os.geteuid(), os.getegid()))
        self.assertEqual(os.path.basename(entry["executable"]), "curl")
        self.assertEqual((entry["method"], entry["target"], entry["status"]), ("GET", "/whoami?q", 200))
        self.assertEqual(entry["sent"], len(body))
        self.assertGreater(entry["duration_ms"], 0)
        self.assertEqual(entry["user_agent"], 'a"\\t\\\\xff')  # escaped as sunpath_escape() does

    def test_the_common_format_is_what_log_analysers_read(self):
        self.serve(self.socket, "--access-log", self.path("log"))
        self.assertEqual(self.status("http://x/nothing"), 404)
        line, = self.entries(1)
        self.assertRegex(line, r'^unix:\d+ \S+ - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
                               r'"GET /nothing HTTP/1\.1" 404 \d+$')

    def test_what_is_malformed_is_logged_with_its_reason(self):
        self.serve(self.socket, "--access-log", self.path("log"), "--log-format", "json")
        self.receive(self.connect(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"))
        entry = json.loads(self.entries(1)[0])
        self.assertEqual((entry["status"], entry["method"]), (400, None))
        self.assertTrue(entry["why"])

    def test_hangup_opens_it_anew(self):
        server = self.serve(self.socket, "--access-log", self.path("log"))
        self.status("http://x/1")
        self.entries(1)
        os.rename(self.path("log"), self.path("log.1"))
        server.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(self.path("log")), "a new log")
        self.status("http://x/2")
        self.assertIn("GET /2 ", self.entries(1)[0])
        self.assertEqual(server.stop(), 0)

    def test_a_reader_that_does_not_read_stops_nobody(self):
        server = self.start(SUNPATH, "serve", "--quiet", self.socket, "--access-log", "-", stdout=subprocess.PIPE)
        server.wait_for_socket(self.socket)
        self.addCleanup(server.stdout.close)
        codes = self.curl("http://x/" + "a" * 4000 + "?[1-600]", "-o", "/dev/null", "-w", "%{http_code}\n").stdout
        self.assertEqual(codes.split(), ["404"] * 600)
        self.assertEqual(server.stop(), 0)

    def test_a_log_that_cannot_be_opened_is_told(self):
        done = self.run_any(SUNPATH, "serve", self.socket, "--access-log", self.path("missing/log"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("missing/log': No such file or directory", done.stderr)
        self.assertFalse(os.path.exists(self.socket))


class Metrics(OpsTest):
    def test_a_real_parser_reads_them(self):
        server = self.serve(self.socket, "--metrics", "--health")
        for _ in range(3):
            self.status("http://x/")
        self.status("-X", "POST", "http://x/")
        samples = self.metrics()
        self.assertEqual(samples["sunpath_http_requests_total", (("code", "200"), ("method", "GET"), ("route", "/"))], 3)
        self.assertEqual(samples["sunpath_http_requests_total", (("code", "405"), ("method", "POST"), ("route", ""))], 1)
        self.assertEqual(samples["sunpath_http_request_duration_seconds_count", (("route", "/"),)], 3)
        self.assertEqual(samples["sunpath_http_requests_in_flight", ()], 1)
        # What asked had a connection, which may be gone by now.
        self.assertIn(samples["process_open_fds", ()] - len(os.listdir(f"/proc/{server.pid}/fd")), (0, 1))
        self.assertEqual(self.status("-X", "POST", "http://x/metrics"), 405)

    def test_files_are_one_route(self):
        with open(os.path.join(self.dir, "a.txt"), "w") as file:
            file.write("a")
        self.serve(self.socket, "--metrics", self.dir)
        for path in "a.txt", "none":
            self.status(f"http://x/{path}")
        samples = self.metrics()
        for code in "200", "404":
            self.assertEqual(samples["sunpath_http_requests_total",
                                     (("code", code), ("method", "GET"), ("route", "/{*path}"))], 1)

    def test_a_path_that_is_taken(self):
        done = self.run_any(SUNPATH, "serve", "--metrics=/whoami", self.socket)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("'GET /whoami' takes them all", done.stderr)
        self.assertFalse(os.path.exists(self.socket))

    def test_another_path(self):
        self.serve(self.socket, "--metrics=/internal/numbers")
        self.assertEqual(self.status("http://x/metrics"), 404)
        self.assertIn("# TYPE sunpath_http_connections gauge", self.curl("http://x/internal/numbers").stdout)

    def test_health(self):
        self.serve(self.socket, "--health", "--auth", "bearer:" + self.write("tokens", "ci:abc\n"))
        for path in "healthz", "readyz":
            answer = self.curl("-i", f"http://x/{path}").stdout
            self.assertIn("200 OK", answer)
            self.assertEqual(json.loads(answer.split("\n\n" if "\n\n" in answer else "\r\n\r\n")[1]), {"status": "ok"})
        self.assertEqual(self.status("http://x/"), 401)


class Who(OpsTest):
    @unittest.skipUnless(shutil.which("htpasswd"), "without htpasswd")
    def test_passwords(self):
        self.run_ok("htpasswd", "-cbB", "-C", "4", self.path("users"), "alice", "pass:wörd")
        self.serve(self.socket, "--auth", "basic:" + self.path("users"))
        self.assertEqual(self.status("http://x/"), 401)
        self.assertEqual(self.status("-u", "alice:wrong", "http://x/"), 401)
        self.assertEqual(self.status("-u", "bob:pass:wörd", "http://x/"), 401)
        for _ in range(2):
            self.assertEqual(self.status("-u", "alice:pass:wörd", "http://x/"), 200)
        self.assertEqual(self.status("--anyauth", "-u", "alice:pass:wörd", "http://x/"), 200)  # asks, then answers
        self.assertIn('WWW-Authenticate: Basic realm="sunpath"', self.curl("-i", "http://x/").stdout)

    def test_tokens(self):
        self.serve(self.socket, "--auth", "bearer:" + self.write("tokens", "# who\nci:abc.def\n"))
        self.assertEqual(self.status("--oauth2-bearer", "abc.def", "http://x/"), 200)
        self.assertEqual(self.status("--oauth2-bearer", "abc", "http://x/"), 401)
        self.assertIn('error="invalid_token"', self.curl("-i", "--oauth2-bearer", "abc", "http://x/").stdout)
        # A body that is refused is not read.
        large = self.path("large")
        with open(large, "wb") as file:
            file.truncate(100 << 20)
        sent = self.curl("-T", large, "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "http://x/echo").stdout
        self.assertEqual(sent, "401 0")

    @NEEDS_ROOT
    def test_a_peer_that_is_trusted_is_not_asked(self):
        self.serve(self.socket, "--mode", "0666", "--auth", "bearer:" + self.write("tokens", "ci:abc\n"),
                   "--auth-trust", "user=root")
        self.assertEqual(self.status("http://x/"), 200)
        self.assertEqual(self.as_nobody("-o", "/dev/null", "-w", "%{http_code}", "http://x/").stdout, "401")

    def test_what_makes_no_sense_is_refused(self):
        for arguments in (["--auth", "digest:x"], ["--auth-trust", "uid=0"], ["--proxy-headers", "forwarded"],
                          ["--proxy", "uid=0", "--proxy-headers", "all"], ["--log-format", "json"], ["--cors", "nonsense"],
                          ["--metrics=x"], ["--metrics=/:x"], ["--metrics=/" + 300 * "x"],
                          ["--workers", "0"], ["--log-format", "xml", "--access-log", "-"],
                          ["--max-rate-per-uid", "0"], ["--auth", "basic:" + self.write("empty", "")]):
            done = self.run_any(SUNPATH, "serve", self.socket, *arguments)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
        for arguments, says in ((["--cors", "nonsense", "--cors", "https://a.example"], "--cors nonsense: not an origin"),
                                (["--workers", "257"], "--workers 257: not a number from 1 to 256"),
                                (["--tcp-too", "[::1]:0", "--tcp-too", "[::1]:1"], "--tcp-too may be given once")):
            self.assertIn(says, self.run_any(SUNPATH, "serve", self.socket, *arguments).stderr)
        done = self.run_any(SUNPATH, "serve", self.socket, "--auth", "basic:" + self.write("plain", "a:b\n"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("plain' line 1: not USER:HASH", done.stderr)

    def test_cors(self):
        self.serve(self.socket, "--cors", "https://a.example", "--cors", "https://*.b.example",
                   "--auth", "bearer:" + self.write("tokens", "ci:abc\n"))
        ask = ("-i", "-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT")
        for origin in "https://a.example", "https://x.b.example":
            answer = self.curl(*ask, "-H", f"Origin: {origin}", "http://x/").stdout  # browsers send no password here
            self.assertIn("204 No Content", answer)
            self.assertIn(f"Access-Control-Allow-Origin: {origin}\n", answer)
        self.assertNotIn("Allow-Origin", self.curl(*ask, "-H", "Origin: https://evil.example", "http://x/").stdout)
        self.assertIn("Allow-Origin: https://a.example",
                      self.curl("-i", "-H", "Origin: https://a.example", "http://x/").stdout)

    def test_gzip(self):
        self.serve(self.socket, "--gzip", "--metrics")
        answer = self.curl("-i", "-H", "Accept-Encoding: gzip", "http://x/metrics", text=False).stdout
        if b"Content-Encoding" not in answer and "zlib" not in self.run_ok(SUNPATH, "--version"):
            self.skipTest("built without zlib")
        self.assertIn(b"Content-Encoding: gzip", answer)
        self.assertIn("# TYPE", self.curl("--compressed", "http://x/metrics").stdout)


class Limits(OpsTest):
    def test_the_third_connection_is_closed_at_once_and_counted(self):
        self.serve(self.socket, "--max-conns", "2", "--drop-excess", "--metrics")
        # The probe of serve() may not be gone yet.
        until(lambda: b"hello" in self.exchange_one(), "the server to be idle")
        first, second = self.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), None
        self.assertIn(b"hello", first.recv(65536))
        second = self.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"hello", second.recv(65536))
        third = self.run_any("nc", "-U", self.socket, timeout=DEADLINE)
        self.assertTrue(third.stdout == "" or "503" in third.stdout, third.stdout)
        second.close()
        samples = until(lambda: self.try_metrics(), "room for one more")
        self.assertGreaterEqual(samples["sunpath_http_dropped_connections_total", ()], 1)
        self.assertGreaterEqual(samples["sunpath_http_refused_by_uid_total", (("uid", str(os.geteuid())),)], 1)

    def exchange_one(self):
        client = self.connect(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return self.receive(client)

    def try_metrics(self):
        return self.metrics() if self.status("http://x/metrics") == 200 else None

    @NEEDS_ROOT
    def test_limits_are_for_each_user(self):
        self.serve(self.socket, "--mode", "0666", "--max-rate-per-uid", "5")
        codes = self.as_nobody("-o", "/dev/null", "-w", "%{http_code}\n", "http://x/?[1-30]").stdout.split()
        self.assertIn("429", codes)
        self.assertEqual(codes[0], "200")
        self.assertEqual(self.status("http://x/"), 200)


class Drain(OpsTest):
    ASK = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst"

    def is_gone(self):
        try:
            self.connect().close()
        except OSError:
            return True
        return False

    def check_slow_request(self, *arguments):
        server = self.serve(self.socket, *arguments)
        slow = self.connect(self.ASK)
        until(lambda: json.loads(self.curl("http://x/").stdout)["hello"], "the others to be served meanwhile")
        server.send_signal(signal.SIGTERM)
        until(self.is_gone, "new connections to be refused")
        self.assertIsNone(server.poll())
        slow.sendall(b"later")
        answer = self.receive(slow)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"firstlater"), answer)
        if not arguments:  # a worker may not have heard yet; it closes the connection when it has
            self.assertIn(b"Connection: close", answer)
        self.assertEqual(server.wait(DEADLINE), 0)
        self.assertFalse(os.path.exists(self.socket))

    def check_deadline(self, *arguments):
        server = self.serve(self.socket, "--drain-timeout", "200ms", *arguments)
        slow = self.connect(self.ASK)
        until(lambda: self.status("http://x/") == 200, "the others to be served meanwhile")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(DEADLINE), 0)
        try:
            self.assertEqual(slow.recv(1), b"")
        except ConnectionResetError:
            pass  # the first half of its body was not read

    def test_a_slow_request_is_completed(self):
        self.check_slow_request()

    def test_workers_complete_theirs(self):
        self.check_slow_request("--workers", "2")

    def test_it_ends_by_the_deadline(self):
        self.check_deadline()

    def test_workers_end_by_the_deadline(self):
        self.check_deadline("--workers", "2")


class Workers(OpsTest):
    def pids(self, n):
        """The workers that answer, when there are so many."""
        seen = set()

        def ask():
            # Several at once, so that one alone does not get them all.
            clients = [self.connect(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(16)]
            for client in clients:
                seen.add(json.loads(self.receive(client).split(b"\r\n\r\n", 1)[1])["pid"])
                client.close()
            return len(seen) >= n
        until(ask, f"{n} workers to answer")
        return seen

    def children(self, server):
        return {int(pid) for pid in self.run_any("pgrep", "-P", server.pid).stdout.split()}

    def test_they_share_the_socket_and_are_replaced(self):
        server = self.serve(self.socket, "--workers", "3")
        before = self.pids(3)
        self.assertEqual(before, self.children(server))
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(self.children(server) - {victim}) == 3, "a new worker")
        server.wait_for_output("was killed: Killed")
        self.assertEqual(self.status("http://x/"), 200)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.socket))
        self.assertEqual(self.children(server), set())

    def test_their_metrics_are_shown_together(self):
        self.serve(self.socket, "--workers", "2", "--metrics")
        self.pids(2)
        samples = until(self.have_all_counted, "both to have told")
        self.assertEqual({dict(labels)["worker"] for name, labels in samples if labels}, {"0", "1"})
        # These come behind a metric that has no series yet.
        for name in "sunpath_http_handler_faults_total", "sunpath_http_request_duration_seconds_count":
            self.assertEqual({dict(labels)["worker"] for each, labels in samples if each == name}, {"0", "1"}, name)

    def have_all_counted(self):
        samples = self.metrics()
        each = [samples.get(("sunpath_http_requests_total",
                             (("code", "200"), ("method", "GET"), ("route", "/"), ("worker", number))), 0)
                for number in "01"]
        return samples if min(each) > 0 else None

    def test_what_cannot_begin_is_told_once_and_ends(self):
        done = self.run_any(SUNPATH, "serve", self.socket, "--workers", "4", "--access-log", self.path("missing/log"))
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(os.path.exists(self.socket))

    def test_a_parent_that_is_killed_takes_them_along(self):
        server = self.serve(self.socket, "--workers", "2")
        workers = self.pids(2)
        server.kill()
        server.wait()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "the workers to end")
        self.assertFalse(os.path.exists(self.socket))

    def test_lines_of_all_in_one_pipe_stay_whole(self):
        server = self.start(SUNPATH, "serve", "--quiet", "--workers", "3", "--access-log", "-", "--log-format", "json",
                            self.socket, stdout=subprocess.PIPE)
        server.wait_for_socket(self.socket)
        reader = self.start("cat", stdin=server.stdout)
        server.stdout.close()
        self.run_ok("curl", "-sZ", "--parallel-max", "16", "--unix-socket", self.socket, "-o", "/dev/null",
                    "http://x/" + "a" * 1500 + "?[1-400]")
        until(lambda: reader.output().count("\n") >= 400, "400 lines")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(reader.wait(DEADLINE), 0)
        self.assertEqual(len([json.loads(line)["target"] for line in reader.output().splitlines()]), 400)

    def test_they_are_not_taken_over(self):
        self.serve(self.socket, "--workers", "2")
        done = self.run_any(SUNPATH, "serve", "--take-over", self.socket)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("it has workers", done.stderr)
        self.assertEqual(self.status("http://x/"), 200)

    def test_they_take_over(self):
        old = self.serve(self.socket)
        new = self.start(SUNPATH, "serve", "--take-over", "--workers", "2", self.socket)
        self.assertEqual(old.wait(DEADLINE), 0)
        new.wait_for_output("stop with")
        self.assertEqual(self.pids(2), self.children(new))
        self.assertEqual(new.stop(), 0)
        self.assertFalse(os.path.exists(self.socket))

    def test_the_log_of_all_is_opened_anew(self):
        log = self.path("log")
        server = self.serve(self.socket, "--workers", "2", "--access-log", log)
        self.pids(2)
        os.rename(log, log + ".1")
        server.send_signal(signal.SIGHUP)

        def is_new_for_all():
            return all(any(os.path.realpath(f"/proc/{pid}/fd/{fd}") == log for fd in os.listdir(f"/proc/{pid}/fd"))
                       for pid in self.children(server))
        until(is_new_for_all, "both to have the new log")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    main()
