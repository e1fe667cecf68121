# SPDX-License-Identifier: MIT
"""sunpath serve: identity, rights, rules, taking over, ending, inherited sockets, files."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import email
import email.utils
import http.client
import json
import re
import resource
import stat
import threading

NEEDS_ROOT = unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self.path)


def get(path, target, method="GET", headers=None):
    """One request on a connection of its own: the response, with its body in .body."""
    connection = Connection(path)
    try:
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        response.body = response.read()
        return response
    finally:
        connection.close()


class ServeTest(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.socket = self.path("a.sock")

    def curl(self, *arguments):
        return self.run_any("curl", "-s", "--unix-socket", self.socket, *arguments)


class Service(ServeTest):
    def test_it_says_hello_and_where_it_is(self):
        server = self.serve(self.socket)
        self.assertEqual(json.loads(self.curl("http://x/").stdout)["hello"], "world")
        self.assertEqual(json.loads(self.curl("http://x/?query").stdout)["pid"], server.pid)
        server.wait_for_output("stop with ^C\n")
        self.assertEqual(server.output(), f"serving {self.socket} (mode 0600)  stop with ^C\n")

    def test_quiet_is_quiet(self):
        server = self.serve(self.socket, "--quiet")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.output(), "")

    def test_whoami_is_who_curl_is(self):
        self.serve(self.socket, "--mode", "0666")
        me = subprocess.Popen(["curl", "-s", "--unix-socket", self.socket, "http://x/whoami"],
                              stdout=subprocess.PIPE, text=True)
        answer = json.loads(me.communicate(timeout=DEADLINE)[0])
        self.assertEqual((answer["pid"], answer["uid"], answer["gid"]), (me.pid, os.geteuid(), os.getegid()))
        self.assertEqual(os.path.basename(answer["executable"]), "curl")
        self.assertEqual(sorted(answer["groups"]), sorted(os.getgroups()))

    @NEEDS_ROOT
    def test_whoami_of_nobody(self):
        self.serve(self.socket, "--mode", "0666")
        done = self.run_ok("runuser", "-u", "nobody", "--", "sh", "-c",
                           f"echo $$; exec curl -s --unix-socket {self.socket} http://x/whoami")
        pid, answer = done.split("\n", 1)
        answer = json.loads(answer)
        self.assertEqual((answer["pid"], answer["user"]), (int(pid), "nobody"))
        self.assertEqual(answer["uid"], int(self.run_ok("id", "-u", "nobody")))

    def test_echo_takes_any_method(self):
        self.serve(self.socket)
        for method in "POST", "PUT", "PATCH", "PROPFIND":
            self.assertEqual(self.curl("-X", method, "-d", "body", "http://x/echo").stdout, "body")
        answer = get(self.socket, "/nothing")
        self.assertEqual((answer.status, answer.body), (404, b"nothing here: try /, /whoami or /echo\n"))
        answer = get(self.socket, "/", "DELETE")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_limits(self):
        self.serve(self.socket, "--max-body", "1K", "--max-conns", "2", "--backlog", "7")
        line, = (line for line in self.run_ok("ss", "-xlH").splitlines() if self.dir in line)
        self.assertEqual(line.split()[3], "7")  # Send-Q of a listener is its backlog
        large = self.path("large")
        with open(large, "wb") as file:
            file.truncate(200 << 20)
        status = self.curl("--data-binary", f"@{large}", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}",
                           "-H", "Expect:", "http://x/echo").stdout.split()
        self.assertEqual(status[0], "413")
        self.assertLess(int(status[1]), 200 << 20)

    def test_tcp_too(self):
        self.serve(self.socket, "--tcp-too", "127.0.0.1:0")
        output = self.processes[0].output
        until(lambda: "stop with" in output(), "the ready line")
        port = re.search(r"tcp:127\.0\.0\.1:(\d+)", output()).group(1)
        answer = json.loads(self.run_ok("curl", "-s", f"http://127.0.0.1:{port}/whoami"))
        self.assertEqual(answer, {"identified": False})

    def test_a_signal_as_soon_as_it_accepts_ends_it_well(self):
        for _ in range(20):
            self.assertEqual(self.serve(self.socket, "--quiet").stop(), 0)
            self.assertFalse(os.path.exists(self.socket))


class Rights(ServeTest):
    def test_the_mode_is_exact(self):
        for mode in "0660", "777", "0600":
            server = self.serve(self.socket, "--mode", mode, preexec_fn=lambda: os.umask(0o077))
            self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), int(mode, 8))
            self.assertEqual(server.stop(), 0)

    @NEEDS_ROOT
    def test_owner_and_group(self):
        self.serve(self.socket, "--owner", "nobody", "--group", "daemon")
        self.assertEqual(self.run_ok("stat", "-c", "%U:%G", self.socket), "nobody:daemon\n")

    @NEEDS_ROOT
    def test_allow_and_deny(self):
        self.serve(self.socket, "--mode", "0666", "--allow", "user=nobody", "--allow", "uid=0", "--deny", "exe=/bin/false")
        self.assertEqual(self.curl("http://x/").returncode, 0)
        self.assertEqual(self.run_any("runuser", "-u", "nobody", "--", "curl", "-s", "--unix-socket", self.socket,
                                      "http://x/").returncode, 0)
        self.assertNotEqual(self.run_any("runuser", "-u", "daemon", "--", "curl", "-s", "--unix-socket", self.socket,
                                         "http://x/").returncode, 0)

    def test_bad_command_lines_are_usage_errors(self):
        for arguments in (["serve"], ["serve", "--mode", "9", self.socket], ["serve", "--nonsense", self.socket],
                          ["serve", self.socket, self.dir, "more"], ["serve", "--max-conns", "0", self.socket],
                          ["serve", "--type", "dgram", self.socket], ["serve", "--allow", "nonsense", self.socket],
                          ["serve", "--fd", "3", "--systemd"],
                          ["serve", "--take-over", "--fd", "3"], ["serve", "--take-over", "--systemd"], ["serve", "not-an-address"]):
            done = self.run_any(SUNPATH, *arguments)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
            self.assertTrue(done.stderr)

    def refused(self, status, text, *arguments):
        done = self.run_any(SUNPATH, "serve", *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_only_streams_are_served(self):
        for kind in "dgram", "seqpacket":
            self.refused(2, "HTTP needs a stream socket", f"{kind}:{self.socket}")
        self.assertFalse(os.path.exists(self.socket))

    def test_an_inherited_socket_of_another_type_is_refused(self):
        for kind in socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
            with socket.socket(socket.AF_UNIX, kind) as inherited:
                inherited.bind(self.path(f"{kind}"))
                if kind == socket.SOCK_SEQPACKET:
                    inherited.listen(1)
                done = self.run_any(SUNPATH, "serve", "--fd", str(inherited.fileno()), pass_fds=(inherited.fileno(),))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("HTTP needs a stream socket", done.stderr)

    def test_no_part_of_an_address_is_dropped(self):
        self.refused(2, "leave out the part for HTTP", f"unix:{self.socket}:/foo")
        self.refused(2, "leave out the part for HTTP", self.socket, "--tcp-too", "127.0.0.1:0/foo")
        self.assertFalse(os.path.exists(self.socket))

    def test_a_mode_of_nothing_is_refused(self):
        for mode in "0", "0000":
            self.refused(2, f"--mode {mode}: nobody could connect", "--mode", mode, self.socket)
        self.assertFalse(os.path.exists(self.socket))

    def test_the_address_comes_first(self):
        for arguments in [[self.dir], [self.dir, self.path("a.sock")], ["."]]:
            self.refused(2, f"'{arguments[0]}' is a directory: the address comes first", *arguments)

    def test_a_file_is_no_directory(self):
        self.refused(2, "'/etc/passwd' is no directory", self.socket, "/etc/passwd")

    @NEEDS_ROOT
    def test_no_permission_is_3_and_no_directory_4(self):
        os.mkdir(self.path("closed"), 0o700)
        done = self.run_any("runuser", "-u", "nobody", "--", SUNPATH, "serve", self.path("closed/a.sock"))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.run_any(SUNPATH, "serve", self.path("none/a.sock")).returncode, 4)
        self.assertEqual(self.run_any(SUNPATH, "serve", self.socket, self.path("none")).returncode, 4)


class Life(ServeTest):
    def test_a_second_start_is_refused_and_names_the_owner(self):
        first = self.serve(self.socket)
        done = self.run_any(SUNPATH, "serve", self.socket)
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"[{first.pid}]", done.stderr)
        self.assertEqual(get(self.socket, "/").status, 200)

    def test_a_killed_server_leaves_no_obstacle(self):
        self.assertEqual(self.serve(self.socket).stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertTrue(os.path.exists(self.socket))
        self.serve(self.socket)
        self.assertEqual(get(self.socket, "/").status, 200)

    def test_signals_remove_the_file(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            server = self.serve(self.socket)
            self.assertEqual(server.stop(number), 0)
            self.assertFalse(os.path.exists(self.socket))

    def test_nohup_means_it(self):
        server = self.serve(self.socket, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        server.send_signal(signal.SIGHUP)
        for _ in range(3):  # it has read its signals before it answers the second at the latest
            self.assertEqual(get(self.socket, "/").status, 200)
        self.assertEqual(server.stop(), 0)

    def test_a_request_under_way_is_finished(self):
        server = self.serve(self.socket, "--drain-timeout", "60s")
        client = socket.socket(socket.AF_UNIX)
        with client:
            client.connect(self.socket)
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
            self.assertEqual(get(self.socket, "/").status, 200)  # so the first one has been read
            server.send_signal(signal.SIGTERM)
            until(lambda: not os.path.exists(self.socket), "the socket file to go")
            client.sendall(b"cd")
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        self.assertIn(b"Connection: close\r\n", answer)
        self.assertTrue(answer.endswith(b"abcd"))
        self.assertEqual(server.wait(DEADLINE), 0)

    def test_the_deadline_and_the_second_signal_end_it(self):
        for arguments, number in (["--drain-timeout", "50ms"], None), (["--drain-timeout", "1h"], signal.SIGTERM):
            server = self.serve(self.socket, *arguments)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.socket)
                client.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
                self.assertEqual(get(self.socket, "/").status, 200)
                server.send_signal(signal.SIGTERM)
                until(lambda: not os.path.exists(self.socket), "the socket file to go")
                if number:
                    server.send_signal(number)
                self.assertEqual(server.wait(DEADLINE), 0)

    def test_few_descriptors_and_many_clients(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        server = self.serve(self.socket, preexec_fn=few)
        clients = []
        for _ in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(DEADLINE)
            client.connect(self.socket)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            clients.append(client)
        for client in clients:
            answer = b""
            while piece := client.recv(4096):
                answer += piece
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            client.close()
        self.assertEqual(server.stop(), 0)


class Inherited(ServeTest):
    def test_a_descriptor_of_the_parent(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.socket)
            listener.listen()
            server = self.start(SUNPATH, "serve", "--fd", listener.fileno(), pass_fds=[listener.fileno()])
            self.assertEqual(get(self.socket, "/").status, 200)
            self.assertEqual(server.stop(), 0)
            self.assertTrue(os.path.exists(self.socket))

    def test_socket_activation(self):
        if not shutil.which("systemd-socket-activate"):
            self.skipTest("systemd-socket-activate is not here")
        server = self.start("systemd-socket-activate", "-l", self.socket, "--fdname=web", SUNPATH, "serve",
                            "--systemd=web")
        until(lambda: os.path.exists(self.socket) and accepts(self.socket), "the activator to listen")
        self.assertEqual(get(self.socket, "/").status, 200)
        self.assertEqual(server.stop(), 0)


class TakeOver(ServeTest):
    def test_nothing_to_take_over_is_a_plain_start(self):
        self.serve(self.socket, "--take-over")
        self.assertEqual(get(self.socket, "/").status, 200)

    def test_a_second_listener_goes_over_too(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = self.serve(self.socket, "--tcp-too", f"127.0.0.1:{port}")
        for _ in range(20):
            successor = self.start(SUNPATH, "serve", "--take-over", "--tcp-too", f"127.0.0.1:{port}", self.socket)
            successor.wait_for_output(f"tcp:127.0.0.1:{port}")
            self.assertEqual(server.wait(DEADLINE), 0, server.output())
            server = successor
        self.assertEqual(json.loads(self.run_ok("curl", "-s", f"http://127.0.0.1:{port}/"))["pid"], server.pid)

    def test_other_programs_are_no_sunpath_serve(self):
        for answer, says in ((b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n", "it answered 501"),
                             (b"220 mail.example ESMTP\r\n", "it does not speak HTTP")):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(self.socket)
                listener.listen(1)
                successor = self.start(SUNPATH, "serve", "--take-over", self.socket)
                peer, _ = listener.accept()
                with peer:
                    self.assertTrue(peer.recv(1000))
                    peer.sendall(answer)
                    self.assertEqual(successor.wait(DEADLINE), 1, successor.output())
            os.unlink(self.socket)
            self.assertIn(f"take over '{self.socket}': ", successor.output())
            self.assertIn("is no `sunpath serve`", successor.output())
            self.assertIn(says, successor.output())

    def test_bytes_alone_take_nothing_over(self):
        """A proxy that runs as the same user passes upgrades on, and bytes of anybody, but no descriptors."""
        server = self.serve(self.socket)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(self.socket)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: sunpath-handover\r\n\r\n")
            self.assertIn(b" 101 ", client.recv(1000))
            self.assertEqual(get(self.socket, "/").status, 200)  # nobody waits for it
            client.sendall(b"rr")
            try:
                self.assertEqual(client.recv(1000), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(get(self.socket, "/").status, 200)
        self.start(SUNPATH, "serve", "--take-over", self.socket)
        self.assertEqual(server.wait(DEADLINE), 0, server.output())

    @NEEDS_ROOT
    def test_others_may_not(self):
        server = self.serve(self.socket, "--mode", "0666")
        done = self.run_any("runuser", "-u", "nobody", "--", SUNPATH, "serve", "--take-over", self.socket)
        self.assertEqual(done.returncode, 3)
        self.assertIn("403", done.stderr)
        self.assertIn("only the user its server runs as, or root, may take over", done.stderr)
        self.assertIsNone(server.poll())
        self.assertEqual(get(self.socket, "/").status, 200)

    def test_no_request_fails_under_load(self):
        servers = [self.serve(self.socket)]
        inode = os.stat(self.socket).st_ino
        failures, counts, pids, is_over = [], [0, 0], set(), threading.Event()

        def load(keeps):
            connection = Connection(self.socket)
            while not is_over.is_set():
                try:
                    connection.request("GET", "/")
                    response = connection.getresponse()
                    pids.add(json.loads(response.read())["pid"])
                    counts[keeps] += 1
                    if not keeps or response.will_close:
                        connection.close()
                except (OSError, http.client.HTTPException, ValueError) as error:
                    failures.append(repr(error))
                    connection.close()
            connection.close()

        threads = [threading.Thread(target=load, args=[i % 2]) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                before = sum(counts)
                until(lambda: sum(counts) >= before + 50, "some requests")
                servers.append(self.start(SUNPATH, "serve", "--take-over", self.socket))
                self.assertEqual(servers[-2].wait(DEADLINE), 0, servers[-2].output())
            until(lambda: servers[-1].pid in pids, "the last server to answer")
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertLessEqual({server.pid for server in servers}, pids)
        self.assertEqual(os.stat(self.socket).st_ino, inode)
        self.assertEqual(servers[-1].stop(), 0)
        self.assertFalse(os.path.exists(self.socket))


class Files(ServeTest):
    def setUp(self):
        super().setUp()
        self.root = self.path("www")
        os.makedirs(os.path.join(self.root, "sub/deep"))
        self.write("index.html", b"<p>index")
        self.write("sub/file name.txt", b"0123456789")
        self.write(".hidden", b"secret")
        self.write("sub/page.js", b"1")
        self.write("../secret.txt", b"secret")
        os.symlink("../secret.txt", os.path.join(self.root, "out"))
        os.symlink("/etc/passwd", os.path.join(self.root, "absolute"))
        os.symlink("..", os.path.join(self.root, "up"))
        os.symlink("sub/page.js", os.path.join(self.root, "inside.js"))
        os.mkfifo(os.path.join(self.root, "fifo"))
        self.serve(self.socket, self.root)

    def write(self, name, data):
        with open(os.path.join(self.root, name), "wb") as file:
            file.write(data)

    def test_files_have_types_and_dates(self):
        answer = get(self.socket, "/")
        self.assertEqual((answer.status, answer.body), (200, b"<p>index"))
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        answer = get(self.socket, "/sub/file%20name.txt?query")
        self.assertEqual((answer.status, answer.body), (200, b"0123456789"))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        modified = os.stat(os.path.join(self.root, "sub/file name.txt")).st_mtime
        self.assertEqual(email.utils.parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp(), int(modified))
        self.assertEqual(get(self.socket, "/inside.js").body, b"1")
        answer = get(self.socket, "/sub/page.js", "HEAD")
        self.assertEqual((answer.status, answer.body, answer.headers["Content-Length"]), (200, b"", "1"))

    def test_nothing_outside_is_served(self):
        for target in ("/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                       "/%2e%2e%2fsecret.txt", "/sub/%2E./%2e%2E/secret.txt", "/out", "/absolute", "/up/secret.txt",
                       "/.hidden", "/%2ehidden", "/./.hidden", "//etc/passwd", "/sub//page.js", "/index.html%00.txt",
                       "/fifo", "/%zz", "/%2", "/index.html/", "/none", "/sub/", "/" + "a/" * 3000,
                       "http://x/../secret.txt"):
            answer = get(self.socket, target)
            self.assertIn(answer.status, (400, 403, 404, 414), target)
            self.assertNotIn(b"secret", answer.body)
            self.assertNotIn(b"root:", answer.body)

    def test_directories_redirect_to_their_slash(self):
        answer = get(self.socket, "/sub?a=b")
        self.assertEqual((answer.status, answer.headers["Location"]), (301, "/sub/?a=b"))

    def test_a_directory_without_an_index_says_so(self):
        os.mkdir(os.path.join(self.root, "a b"))
        for target in "/sub/", "/a%20b/":
            answer = get(self.socket, target)
            self.assertEqual((answer.status, answer.body), (404, b"this directory has no index\n"))
        for target in "/none/", "/none", "/up/", "/out/":
            self.assertNotIn(b"index", get(self.socket, target).body)
        os.unlink(os.path.join(self.root, "index.html"))
        self.assertEqual(get(self.socket, "/").body, b"this directory has no index\n")

    def test_only_get_and_head(self):
        for method, status in ("POST", 405), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 204):
            answer = get(self.socket, "/index.html", method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (status, "GET, HEAD, OPTIONS"))

    def test_conditions(self):
        date = get(self.socket, "/").headers["Last-Modified"]
        answer = get(self.socket, "/", headers={"If-Modified-Since": date})
        self.assertEqual((answer.status, answer.body), (304, b""))
        answer = get(self.socket, "/", headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(get(self.socket, "/", headers={"If-Modified-Since": "nonsense"}).status, 200)
        answer = get(self.socket, "/", headers={"If-Modified-Since": date, "If-None-Match": '"a"'})
        self.assertEqual((answer.status, answer.body), (200, b"<p>index"))

    def test_a_host_alone_is_its_root(self):
        self.assertEqual(get(self.socket, "http://x").body, b"<p>index")
        self.assertEqual(get(self.socket, "http://x?query").body, b"<p>index")

    @unittest.skipUnless(os.path.isdir("/dev/shm"), "needs a file system that keeps any date")
    def test_a_date_beyond_http_is_not_told(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as root:
            name, path = os.path.join(root, "a.txt"), self.path("shm.sock")
            with open(name, "wb") as file:
                file.write(b"text")
            self.serve(path, root)
            for seconds in -2 ** 40, 2 ** 40, 2 ** 62:
                os.utime(name, (0, seconds))
                answer = get(path, "/a.txt")
                self.assertEqual((answer.status, answer.body), (200, b"text"))
                modified = answer.headers["Last-Modified"]
                if seconds < 0:
                    self.assertIsNone(modified)
                else:  # not later than now (RFC 9110 8.8.2.1)
                    self.assertLessEqual(email.utils.parsedate_to_datetime(modified).timestamp(), time.time())

    def test_ranges(self):
        target = "/sub/file%20name.txt"
        for text, status, body, shown in (("bytes=2-4", 206, b"234", "bytes 2-4/10"),
                                          ("bytes=7-", 206, b"789", "bytes 7-9/10"),
                                          ("bytes=-2", 206, b"89", "bytes 8-9/10"),
                                          ("bytes=-20", 206, b"0123456789", "bytes 0-9/10"),
                                          ("bytes=5-99999999999999999999", 206, b"56789", "bytes 5-9/10"),
                                          ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
                                          ("bytes=4-2", 200, b"0123456789", None),
                                          ("lines=1-2", 200, b"0123456789", None)):
            answer = get(self.socket, target, headers={"Range": text})
            self.assertEqual((answer.status, answer.body, answer.headers["Content-Range"]), (status, body, shown), text)
        for text in "bytes=10-", "bytes=-0", "bytes=99999999999999999999-":
            answer = get(self.socket, target, headers={"Range": text})
            self.assertEqual((answer.status, answer.headers["Content-Range"]), (416, "bytes */10"), text)

    def test_large_files_arrive_whole(self):
        data = os.urandom(1 << 20) * 20
        self.write("large.bin", data)
        self.assertEqual(get(self.socket, "/large.bin").body, data)
        self.write("empty", b"")
        self.assertEqual(get(self.socket, "/empty").body, b"")

    def options(self, *options):
        """Another server of the same files, with these options."""
        path = self.path(f"b{len(self.processes)}.sock")
        self.serve(path, *options, self.root)
        return path

    def test_several_ranges(self):
        answer = get(self.socket, "/sub/file%20name.txt", headers={"Range": "bytes=0-1,3-4"})
        message = email.message_from_bytes(
            b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.body)
        self.assertEqual([(part["Content-Range"], part.get_payload(decode=True)) for part in message.get_payload()],
                         [("bytes 0-1/10", b"01"), ("bytes 3-4/10", b"34")])

    def test_indexes_and_extensions(self):
        path = self.options("--index", "none.html", "--index", "page.js", "--extension", "js")
        self.assertEqual(get(path, "/sub/").body, b"1")
        self.assertEqual(get(path, "/sub/page").body, b"1")
        self.assertEqual(get(path, "/").status, 404)

    def test_single_page_programs(self):
        path = self.options("--spa")
        answer = get(path, "/users/7")
        self.assertEqual((answer.status, answer.body, answer.headers["Cache-Control"]), (200, b"<p>index", "no-cache"))
        self.assertEqual(get(path, "/none.js").status, 404)
        self.assertEqual(get(self.options("--spa=sub/page.js"), "/users/7").body, b"1")

    def test_lists(self):
        path = self.options("--list")
        self.assertIn(b'<a href="page.js">', get(path, "/sub/").body)
        listed = json.loads(get(path, "/sub/", headers={"Accept": "application/json"}).body)
        self.assertEqual([entry["name"] for entry in listed], ["deep", "file name.txt", "page.js"])

    def test_dotfiles(self):
        self.assertEqual(get(self.options("--dotfiles", "ignore"), "/.hidden").status, 404)
        self.assertEqual(get(self.options("--dotfiles", "deny"), "/.hidden").status, 403)
        self.assertEqual(get(self.options("--dotfiles", "allow"), "/.hidden").body, b"secret")

    def test_caching(self):
        for text, shown in (("600", "max-age=600"), ("1h", "max-age=3600"), ("0", "no-cache"),
                            ("1y", "max-age=31536000")):
            self.assertEqual(get(self.options("--max-age", text), "/").headers["Cache-Control"], shown)
        path = self.options("--max-age=30d", "--immutable")
        self.assertEqual(get(path, "/").headers["Cache-Control"], "max-age=2592000, immutable")

    def test_precompressed(self):
        self.write("sub/page.js.br", b"brotli")
        path = self.options("--precompressed")
        answer = get(path, "/sub/page.js", headers={"Accept-Encoding": "gzip, br"})
        self.assertEqual((answer.body, answer.headers["Content-Encoding"]), (b"brotli", "br"))
        self.assertEqual(get(path, "/sub/page.js").body, b"1")

    def test_options_that_make_no_sense(self):
        for options in (["--dotfiles", "maybe"], ["--max-age", "soon"], ["--max-age", "-1"], ["--immutable"],
                        ["--index", "a/b"], ["--index", ""], ["--extension", ".."], ["--spa=../secret.txt"],
                        ["--max-age", "9999999999"]):
            done = self.run_any(SUNPATH, "serve", *options, self.path("c.sock"), self.root)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn(options[0].split("=")[0], done.stderr)
        done = self.run_any(SUNPATH, "serve", "--list", self.path("c.sock"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("--list is about files", done.stderr)


if __name__ == "__main__":
    main()
