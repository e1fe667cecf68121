# SPDX-License-Identifier: MIT
"""sunpath ls shows every named socket as it is: compared with ss, and with what the test made itself."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import json

ABSENT, USAGE = 4, 2
IS_ROOT = os.geteuid() == 0
KEYS = ["socket", "state", "type", "mode", "uid", "gid", "owners", "connections", "waiting", "backlog", "shut",
        "deleted", "bound_name", "inode", "netns", "other_netns"]
SERVER = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(5)
print("ready", flush=True)
sys.stdin.read()
"""


class List(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.sockets = []

    def tearDown(self):
        for s in self.sockets:
            s.close()
        super().tearDown()

    def socket(self, name, kind=socket.SOCK_STREAM, backlog=5):
        s = socket.socket(socket.AF_UNIX, kind)
        self.sockets.append(s)
        s.bind(name if name.startswith("\0") else self.path(name))
        if kind != socket.SOCK_DGRAM:
            s.listen(backlog)
        return s

    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        self.sockets.append(s)
        s.connect(self.path(name))
        return s

    def server(self, name, *prefix):
        process = self.start(*prefix, sys.executable, "-c", SERVER, self.path(name), stdin=subprocess.PIPE)
        self.addCleanup(process.stdin.close)
        process.wait_for_output("ready")
        return process

    def ls(self, *arguments, prefix=()):
        """The rows as dictionaries, by socket."""
        out = self.run_ok(*prefix, SUNPATH, "ls", "--json", *arguments)
        rows = [json.loads(line) for line in out.splitlines()]
        for row in rows:
            self.assertEqual(list(row), KEYS)
        self.assertEqual(len({(row["socket"], row["inode"]) for row in rows}), len(rows), "a socket is listed twice")
        return {row["socket"]: row for row in rows}

    def test_a_row_is_right(self):
        listener = self.socket("a.sock")
        os.chmod(self.path("a.sock"), 0o660)
        for _ in range(3):
            self.connect("a.sock")
        self.sockets.append(listener.accept()[0])
        row = self.ls(self.dir)[self.path("a.sock")]
        self.assertEqual({k: row[k] for k in ("state", "type", "mode", "uid", "connections", "waiting", "backlog",
                                              "deleted", "bound_name", "other_netns", "inode")},
                         {"state": "listening", "type": "stream", "mode": "0660", "uid": os.geteuid(),
                          "connections": 1, "waiting": 2, "backlog": 5, "deleted": False, "bound_name": None,
                          "other_netns": False, "inode": os.fstat(listener.fileno()).st_ino})
        self.assertEqual([(o["pid"], o["fd"], o["uid"]) for o in row["owners"]],
                         [(os.getpid(), listener.fileno(), os.geteuid())])

    def test_ss_sees_the_same_listeners(self):
        for i in range(20):
            self.socket(f"s{i}")
        self.socket("packets", socket.SOCK_SEQPACKET)

        def ours_of_ss():
            """inode -> (pending, limit, pid) of the listeners below our directory"""
            found = {}
            for line in self.run_ok("ss", "-xlpH").splitlines():
                field = line.split()
                if field[4].startswith(self.dir + "/") and field[1] == "LISTEN":
                    pid = int(line.split("pid=")[1].split(",")[0])
                    found[int(field[5])] = (int(field[2]), int(field[3]), pid)
            return found

        rows = self.ls(self.dir).values()
        self.assertEqual({r["inode"]: (r["waiting"], r["backlog"], r["owners"][0]["pid"]) for r in rows}, ours_of_ss())
        self.assertEqual(len(rows), 21)

    def test_everything_is_listed_without_a_target(self):
        self.socket("a.sock")
        self.socket("\0sunpath-ls-%d" % os.getpid())
        rows = self.ls()
        self.assertIn(self.path("a.sock"), rows)
        self.assertIn("@sunpath-ls-%d" % os.getpid(), rows)
        self.assertIn(self.path("a.sock"), self.run_ok(SUNPATH))  # the command alone is ls

    def test_stale_after_kill(self):
        server = self.server("a.sock")
        self.assertEqual(self.ls(self.dir)[self.path("a.sock")]["state"], "listening")
        self.assertEqual(self.ls("--stale", self.dir), {})
        server.stop(signal.SIGKILL)
        row = self.ls("--stale", self.path("a.sock"))[self.path("a.sock")]
        self.assertEqual((row["state"], row["owners"], row["inode"], row["type"]), ("stale", [], 0, None))
        self.assertIn("stale", self.run_ok(SUNPATH, "ls", self.dir))

    def test_renamed_relative_and_removed(self):
        self.socket(".a.sock.new")
        os.rename(self.path(".a.sock.new"), self.path("a.sock"))
        self.socket("gone.sock")
        os.unlink(self.path("gone.sock"))
        relative = self.start(sys.executable, "-c", SERVER, "rel.sock", stdin=subprocess.PIPE, cwd=self.dir)
        self.addCleanup(relative.stdin.close)
        relative.wait_for_output("ready")
        rows = self.ls(self.dir)
        self.assertEqual(set(rows), {self.path(n) for n in ("a.sock", "gone.sock", "rel.sock")})
        self.assertEqual(rows[self.path("a.sock")]["bound_name"], self.path(".a.sock.new"))
        self.assertEqual(rows[self.path("rel.sock")]["bound_name"], "rel.sock")
        text = self.run_ok(SUNPATH, "ls", self.dir)  # the private name of one that is put in place at once is no news
        self.assertNotIn("bound as " + self.path(""), text)
        self.assertIn("bound as rel.sock", text)
        server = self.start(SUNPATH, "listen", "-k", "--echo", "./own.sock", cwd=self.dir)
        server.wait_for_socket(self.path("own.sock"))
        self.assertNotIn("bound as", self.run_ok(SUNPATH, "ls", self.path("own.sock")))
        self.socket("elsewhere.sock")
        os.rename(self.path("elsewhere.sock"), self.path("named.sock"))
        self.assertIn("bound as " + self.path("elsewhere.sock"), self.run_ok(SUNPATH, "ls", self.path("named.sock")))
        self.assertTrue(rows[self.path("gone.sock")]["deleted"])
        self.assertIn("file removed", self.run_ok(SUNPATH, "ls", self.path("gone.sock")))

    def test_no_name_breaks_a_row(self):
        evil = "x\nfake stream 0777\r\t\x1b[2J\\\x7f"
        self.socket(evil)
        self.socket("b\udcff\udc9b")
        out = self.run_ok(SUNPATH, "ls", self.dir)
        self.assertEqual(len(out.splitlines()), 3, out)  # heading and two rows
        self.assertFalse(set(out) & set("\r\t\x1b\x7f"))
        self.assertIn("x\\nfake stream 0777\\r\\t\\x1b[2J\\\\\\x7f", out)
        lines = self.run_ok(SUNPATH, "ls", "--json", self.dir).splitlines()
        names = [json.loads(line)["socket"] for line in lines]
        self.assertIn(self.path(evil), names)
        self.assertEqual(len(names), 2)

    def test_a_full_backlog_is_marked(self):
        self.socket("a.sock", backlog=1)
        self.connect("a.sock")
        self.assertNotIn("FULL", self.run_ok(SUNPATH, "ls", self.dir))
        self.connect("a.sock")
        self.assertIn("FULL", self.run_ok(SUNPATH, "ls", self.dir))

    def test_a_listener_that_was_shut_down_is_marked(self):
        listener = self.socket("a.sock")
        self.assertFalse(self.ls(self.dir)[self.path("a.sock")]["shut"])
        self.assertNotIn("shut down", self.run_ok(SUNPATH, "ls", self.dir))
        listener.shutdown(socket.SHUT_RD)
        row = self.ls(self.dir)[self.path("a.sock")]
        self.assertEqual((row["state"], row["shut"]), ("listening", True))
        self.assertIn("shut down", self.run_ok(SUNPATH, "ls", self.dir))

    def test_several_owners(self):
        listener = self.socket("a.sock")
        child = self.start(sys.executable, "-c", "import sys; print('ready', flush=True); sys.stdin.read()",
                           stdin=subprocess.PIPE, pass_fds=(listener.fileno(),))
        self.addCleanup(child.stdin.close)
        child.wait_for_output("ready")
        owners = self.ls(self.dir)[self.path("a.sock")]["owners"]
        self.assertEqual({o["pid"] for o in owners}, {os.getpid(), child.pid})
        self.assertIn("] +1", self.run_ok(SUNPATH, "ls", self.dir))

    def test_targets(self):
        self.socket("a.sock")
        self.socket("b.sock")
        self.assertEqual(set(self.ls(self.path("a.sock"))), {self.path("a.sock")})
        self.assertEqual(set(self.ls(os.path.basename(self.dir))), {self.path("a.sock"), self.path("b.sock")})
        done = self.run_any(SUNPATH, "ls", self.path("none"))
        self.assertEqual(done.returncode, ABSENT)
        self.assertIn("no socket", done.stderr)
        os.mkdir(self.path("empty"))
        self.assertEqual(self.ls(self.path("empty")), {})
        self.assertEqual(self.run_any(SUNPATH, "ls", "--no-such-option").returncode, USAGE)

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_other_network_namespaces(self):
        server = self.server("a.sock", "unshare", "-n")
        row = self.ls(self.dir)[self.path("a.sock")]
        self.assertTrue(row["other_netns"])
        self.assertEqual(row["netns"], os.stat(f"/proc/{server.pid}/ns/net").st_ino)
        self.assertIn("other netns", self.run_ok(SUNPATH, "ls", self.dir))

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_it_says_what_it_cannot_see(self):
        self.server("a.sock", "unshare", "-n")
        self.server("seen.sock")  # by a process of root's
        done = self.run_any("runuser", "-u", "nobody", "--", SUNPATH, "ls", "--json", self.dir)
        self.assertEqual(done.returncode, 0)
        self.assertIn("may not be entered", done.stderr)
        self.assertIn("may not be looked into", done.stderr)
        states = {row["socket"]: row["state"] for row in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(states[self.path("a.sock")], "unknown")  # and not "stale"


if __name__ == "__main__":
    main()
