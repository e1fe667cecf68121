# SPDX-License-Identifier: MIT
"""Log messages: ours to Python and to rsyslog, those of logger and Python to ours."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import logging.handlers
import re

TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"


def receiver(test, path, kind=socket.SOCK_DGRAM):
    sock = socket.socket(socket.AF_UNIX, kind)
    test.addCleanup(sock.close)
    sock.settimeout(DEADLINE)
    sock.bind(path)
    if kind == socket.SOCK_STREAM:
        sock.listen(8)
    return sock


class Sending(TestCase):
    def setUp(self):
        super().setUp()
        self.path_of_log = self.path("log")

    def log(self, *arguments, **options):
        return self.run_any(SUNPATH, "log", "--socket", self.path_of_log, *arguments, **options)

    def test_words_and_lines(self):
        sock = receiver(self, self.path_of_log)
        self.assertEqual(self.log("hello", "log", "-").returncode, 0)
        self.assertRegex(sock.recv(9000).decode(), rf"^<13>{TIME} root: hello log -$")
        done = self.log("-t", "app", "-p", "daemon.err", input="one\n\ntab\there\\\nforged\r<0>x\nlast")
        self.assertEqual(done.returncode, 0, done)
        for text in ["one", "", r"tab\\there\\", r"forged\\r<0>x", "last"]:
            self.assertRegex(sock.recv(9000).decode(), rf"^<27>{TIME} app: {text}$")
        self.assertEqual(self.log(input="").returncode, 0)
        sock.setblocking(False)
        self.assertRaises(BlockingIOError, sock.recv, 1)

    def test_the_same_as_logger(self):
        sock = receiver(self, self.path_of_log)
        for arguments in [["-p", "local3.warning", "-t", "app", "a b"], ["-p", "user.0", "-t", "x/y", "é \\ %s"],
                          ["-p", "cron.debug", "-t", "app", "x:y"], ["-p", "error", "-t", "a", "--", "--x"]]:
            self.run_ok("logger", "-u", self.path_of_log, *arguments)
            theirs = sock.recv(9000).decode()
            self.run_ok(SUNPATH, "log", "--socket", self.path_of_log, *arguments)
            self.assertEqual(re.sub(TIME, "TIME", sock.recv(9000).decode()), re.sub(TIME, "TIME", theirs))

    def test_with_the_pid(self):
        sock = receiver(self, self.path_of_log)
        process = self.start(SUNPATH, "log", "--socket", self.path_of_log, "-i", "-t", "app", "x")
        self.assertRegex(sock.recv(9000).decode(), rf"^<13>{TIME} app\[{process.pid}\]: x$")
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_the_newer_format(self):
        sock = receiver(self, self.path_of_log)
        self.log("--rfc5424", "-t", "a:b", "x  y")
        self.assertRegex(sock.recv(9000).decode(), r"^<13>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d "
                         + re.escape(socket.gethostname()) + r" a:b - - - x  y$")

    def test_a_stream(self):
        listener = receiver(self, self.path_of_log, socket.SOCK_STREAM)
        self.assertEqual(self.log("-t", "app", input="one\ntwo\n").returncode, 0)
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as stream:
            self.assertRegex(stream.read(), rf"^<13>{TIME} app: one\0<13>{TIME} app: two\0$".encode())

    def test_nothing_is_cut(self):
        sock = receiver(self, self.path_of_log)
        done = self.log("-t", "app", input="short\n" + "x" * 9000 + "\n" + "y" * 100000 + "\nend\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("9000 bytes is too long", done.stderr)
        self.assertIn("100000 bytes is too long", done.stderr)
        self.assertTrue(sock.recv(9000).endswith(b" app: short"))
        self.assertTrue(sock.recv(9000).endswith(b" app: end"))
        self.assertEqual(self.log("x" * 9000).returncode, 1)
        self.assertEqual(self.log("-t", "app", "--size", "16K", "x" * 9000).returncode, 0)
        self.assertTrue(sock.recv(99999).endswith(b" app: " + b"x" * 9000))

    def test_or_it_is_split(self):
        sock = receiver(self, self.path_of_log)
        text = "€uro" * 30000 + "x"  # across the command's own buffer, too
        process = self.start(SUNPATH, "log", "--socket", self.path_of_log, "-t", "app", "--split",
                             stdin=subprocess.PIPE, stderr=subprocess.STDOUT)
        process.stdin.write(text.encode() + b"\nnext\n")
        process.stdin.close()
        joined, piece = "", ""
        while piece != "next":
            joined += piece
            piece = re.fullmatch(rf"<13>{TIME} app: (.*)", sock.recv(9000).decode()).group(1)
        self.assertEqual(joined, text)
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_a_daemon_that_does_not_read(self):
        sock = receiver(self, self.path_of_log)
        done = self.log("--timeout", "5ms", input="line\n" * 1000)
        self.assertEqual(done.returncode, 5, done)
        self.assertIn("nobody reads it", done.stderr)
        self.assertTrue(sock.recv(9000).endswith(b": line"))

    def test_what_does_not_work_is_said(self):
        for status, says, arguments in [(4, "there is no such file", ["x"]), (2, "not FACILITY.LEVEL", ["-p", "x.err", "x"]),
                                        (2, "not FACILITY.LEVEL", ["-p", "user.8", "x"]),
                                        (2, "48 printable", ["-t", "a b", "x"]), (2, "480", ["--size", "100", "x"]),
                                        (2, "takes no message", ["--listen", "@x", "x"])]:
            done = self.log(*arguments)
            self.assertEqual(done.returncode, status, done)
            self.assertIn(says, done.stderr)


class Listening(TestCase):
    def listen(self, *arguments):
        path = self.path("l.sock")
        process = self.start(SUNPATH, "log", "--listen", path, *arguments, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        until(lambda: published(path), "the socket")
        return process, path

    def test_logger(self):
        process, path = self.listen()
        self.run_ok("logger", "-u", path, "-i", "-t", "app", "-p", "daemon.warn", "hello there")
        shown = re.fullmatch(r"pid (\d+) \(root:root\) daemon\.warning: app\[(\d+)\]: hello there\n",
                             process.stdout.readline())
        self.assertEqual(shown.group(1), shown.group(2))
        self.run_ok("logger", "-u", path, "--rfc3164", "-t", "app", "with a host")
        self.assertRegex(process.stdout.readline(), r"^pid \d+ \(root:root\) user\.notice: app: with a host\n$")
        self.run_ok("logger", "-u", path, "--rfc5424=notq", "--sd-id", "x@1", "--sd-param", r'a="b\]"', "-t", "app", "new")
        self.assertRegex(process.stdout.readline(),
                         r'^pid \d+ \(root:root\) user\.notice \[x@1 a="b\\\]"\]: app: new\n$')
        self.run_ok("logger", "-u", path, "--rfc5424=notq", "-t", "app", '[x@1 a="b"] said')
        self.assertRegex(process.stdout.readline(), r'^pid \d+ \(root:root\) user\.notice: app: \[x@1 a="b"\] said\n$')
        self.assertEqual(process.stop(), -signal.SIGTERM)
        self.assertFalse(os.path.exists(path))

    def test_python(self):
        process, path = self.listen("--count", "3")
        handler = logging.handlers.SysLogHandler(path, facility="local5")
        self.addCleanup(handler.close)
        me = f"pid {os.getpid()} (root:root) local5."
        for level, text, shown in [("ERROR", "plain text", "err: plain text"),
                                   ("INFO", "app: two\nlines \x1b[31m", "info: app: two\\nlines \\x1b[31m"),
                                   ("CRITICAL", "ünïcode " * 200, "crit: " + "ünïcode " * 200)]:
            handler.emit(logging.makeLogRecord({"levelname": level, "msg": text}))
            self.assertEqual(process.stdout.readline(), me + shown + "\n")
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_ours(self):
        process, path = self.listen()
        self.run_ok(SUNPATH, "log", "--socket", path, "-t", "app", "a\\tb\tc")
        self.assertRegex(process.stdout.readline(), r"^pid \d+ \(root:root\) user\.notice: app: a\\tb\\tc\n$")


class Rsyslog(TestCase):
    def setUp(self):
        super().setUp()
        with open(self.path("conf"), "w") as conf:
            conf.write(f'''module(load="imuxsock" SysSock.Use="off")
template(name="plain" type="string" string="%syslogfacility-text%.%syslogseverity-text%|%hostname%|%programname%|%procid%|%msg%\\n")
input(type="imuxsock" Socket="{self.path("old")}" RateLimit.Interval="0")
input(type="imuxsock" Socket="{self.path("new")}" UseSpecialParser="off" ParseHostname="on")
*.* action(type="omfile" file="{self.path("out")}" template="plain")
''')
        self.daemon = self.start("rsyslogd", "-n", "-f", self.path("conf"), "-i", self.path("pid"))
        for name in ["old", "new"]:
            self.daemon.wait_for_socket(self.path(name), socket.SOCK_DGRAM)

    def written(self, n_lines):
        def lines():
            if not os.path.exists(self.path("out")):
                return None
            with open(self.path("out"), encoding="utf-8") as out:
                found = out.read().splitlines()
            return found if len(found) >= n_lines else None
        return [line.split("|", 4) for line in until(lines, f"{n_lines} lines from rsyslogd")]

    def test_both_formats(self):
        text = "grüß \\ %s | x"
        for socket_name, arguments in [("old", []), ("new", ["--rfc5424"])]:
            process = self.start(SUNPATH, "log", "--socket", self.path(socket_name), "-i", "-t", "app", "-p", "local2.info",
                                 *arguments, text)
            self.assertEqual(process.wait(DEADLINE), 0, process.output())
            line = self.written(1 if socket_name == "old" else 2)[-1]
            self.assertEqual(line[0], "local2.info")
            self.assertEqual(line[2:4], ["app", str(process.pid)])
            self.assertEqual(line[4].lstrip(" "), text)
        self.assertEqual(line[1], socket.gethostname())

    def test_the_longest_message_and_split_ones(self):
        whole = "w" * (8096 - len("<13>Nov 25 12:00:00 app: "))
        log = [SUNPATH, "log", "--socket", self.path("old"), "-t", "app"]
        self.run_ok(*log, whole)
        self.assertEqual(self.run_any(*log, whole + "w").returncode, 1)
        text = "".join(f"{i};" for i in range(5000))
        self.run_ok(*log, "--split", text)
        lines = self.written(1 + -(-len(text) // len(whole)))
        self.assertEqual(lines[0][4], " " + whole)
        self.assertEqual("".join(line[4][1:] for line in lines[1:]), text)


if __name__ == "__main__":
    main()
