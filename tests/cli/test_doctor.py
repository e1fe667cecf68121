# SPDX-License-Identifier: MIT
"""sunpath doctor gives the right verdict for every cause, without connecting to anything."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import json

OK, FAILED, USAGE, DENIED, ABSENT, BUSY = range(6)
IS_ROOT = os.geteuid() == 0

# Listens (or only binds) as asked, says so, and lives until its standard input ends.
SERVER = """
import os, socket, sys
kind = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}[sys.argv[2]]
s = socket.socket(socket.AF_UNIX, kind)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name.startswith("@") else name)
if sys.argv[3] != "bound" and kind != socket.SOCK_DGRAM:
    s.listen(int(sys.argv[3]))
print("ready", flush=True)
sys.stdin.read()
"""


class Doctor(TestCase):
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
        s.bind(self.path(name))
        if backlog is not None and kind != socket.SOCK_DGRAM:
            s.listen(backlog)
        return s

    def stale(self, name):
        self.socket(name).close()

    def server(self, name, *prefix, kind="stream", backlog="5"):
        """A server in a process of its own, started through `prefix` (unshare ...)."""
        process = self.start(*prefix, sys.executable, "-c", SERVER, name, kind, backlog, stdin=subprocess.PIPE)
        self.addCleanup(process.stdin.close)
        process.wait_for_output("ready")
        return process

    def doctor(self, address, *options, prefix=()):
        """The JSON diagnosis and the exit status; the text for people must agree."""
        done = self.run_any(*prefix, SUNPATH, "doctor", "--json", address, *options)
        self.assertIn(done.returncode, range(6), done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 1, done.stdout + done.stderr)
        diagnosis = json.loads(lines[0])
        people = self.run_any(*prefix, SUNPATH, "doctor", address, *options)
        self.assertEqual(people.returncode, done.returncode)
        self.assertIn(diagnosis["verdict"], people.stdout)
        return diagnosis, done.returncode

    def expect(self, address, reason, errno_name, status, *options, says=(), prefix=()):
        diagnosis, got = self.doctor(address, *options, prefix=prefix)
        self.assertEqual((diagnosis["reason"], diagnosis["errno"], got), (reason, errno_name, status), diagnosis)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, diagnosis["verdict"])
        return diagnosis

    def test_healthy(self):
        server = self.server(self.path("a.sock"))
        found = self.expect(self.path("a.sock"), "ok", None, OK)["findings"]
        self.assertEqual(found[-1]["subject"], "listening")
        self.assertIn(f"[{server.pid}], backlog 0/5", found[-1]["detail"])
        self.assertEqual({f["grade"] for f in found}, {"ok"})

    def test_it_connects_to_nothing(self):
        s = self.socket("a.sock")
        self.doctor(self.path("a.sock"))
        s.setblocking(False)
        with self.assertRaises(BlockingIOError):
            s.accept()

    def test_the_keys_are_stable(self):
        diagnosis, _ = self.doctor(self.path("none"))
        self.assertEqual(list(diagnosis), ["address", "user", "reason", "errno", "verdict", "fix", "findings"])

    def test_missing(self):
        self.socket("server.sock")
        os.symlink("gone", self.path("link"))
        self.expect(self.path("zzz"), "missing", "ENOENT", ABSENT, says="no such file")
        self.expect(self.path("servr.sock"), "missing", "ENOENT", ABSENT, says="'server.sock'")
        self.expect(self.path("no/x"), "missing", "ENOENT", ABSENT, says=f"directory '{self.dir}/no'")
        self.expect(self.path("link"), "missing", "ENOENT", ABSENT, says=f"leads to '{self.dir}/gone'")
        self.expect(self.path("server.sock/x"), "missing", "ENOTDIR", ABSENT, says="is a socket, not a directory")

    def test_stale_after_kill(self):
        server = self.server(self.path("a.sock"))
        server.stop(signal.SIGKILL)
        self.expect(self.path("a.sock"), "stale", "ECONNREFUSED", ABSENT, says="its server is gone")

    def test_the_file_was_removed(self):
        server = self.server(self.path("a.sock"))
        os.unlink(self.path("a.sock"))
        self.expect(self.path("a.sock"), "missing", "ENOENT", ABSENT, says=["was removed", f"[{server.pid}]"])

    def test_not_a_socket(self):
        open(self.path("file"), "w").close()
        os.mkdir(self.path("dir"))
        os.mkfifo(self.path("fifo"))
        os.symlink("dir", self.path("link"))
        for name, says in (("file", "a regular file"), ("dir", "a directory"), ("fifo", "a fifo"),
                           ("link", f"leads to '{self.dir}/dir'")):
            self.expect(self.path(name), "not-a-socket", "ECONNREFUSED", FAILED, says=says)

    def test_bound_but_not_listening(self):
        server = self.server(self.path("a.sock"), backlog="bound")
        self.expect(self.path("a.sock"), "not-listening", "ECONNREFUSED", ABSENT, says=f"[{server.pid}]")

    def test_shut_down(self):
        self.socket("a.sock").shutdown(socket.SHUT_RD)
        self.expect(self.path("a.sock"), "shut-down", "ECONNREFUSED", ABSENT, says="shut")

    def test_wrong_type(self):
        self.socket("p", socket.SOCK_SEQPACKET)
        self.expect(self.path("p"), "ok", None, OK)
        self.expect(self.path("p"), "wrong-type", "EPROTOTYPE", FAILED, "--type", "stream", says="a seqpacket socket")
        self.expect("dgram:" + self.path("p"), "wrong-type", "EPROTOTYPE", FAILED)

    def test_backlog_full(self):
        self.socket("a.sock", backlog=1)
        for _ in range(2):
            c = socket.socket(socket.AF_UNIX)
            self.sockets.append(c)
            c.connect(self.path("a.sock"))
        self.expect(self.path("a.sock"), "backlog-full", "EAGAIN", BUSY, says=["2 of 1", f"[{os.getpid()}]"])

    def test_long_names(self):
        self.expect(self.path("x" * 300), "name-too-long", "ENAMETOOLONG", FAILED, says="300 bytes")
        self.expect("@" + "x" * 300, "name-too-long", "ENAMETOOLONG", FAILED)

    def test_names_are_escaped(self):
        name = self.path("evil\n\x1b[31m")
        self.stale("evil\n\x1b[31m")
        done = self.run_any(SUNPATH, "doctor", name)
        self.assertEqual(done.returncode, ABSENT)
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("evil\\n\\x1b[31m", done.stdout)

    def test_usage(self):
        for arguments in ((), ("a", "b"), ("--type", "x", "/a"), ("--no", "/a"), ("",)):
            self.assertEqual(self.run_any(SUNPATH, "doctor", *arguments).returncode, USAGE, arguments)

    def test_abstract(self):
        name = f"@sunpath-test-{os.getpid()}-here"
        self.expect(name, "missing", "ECONNREFUSED", ABSENT, says="no process has that abstract name")
        self.server(name)
        self.expect(name, "ok", None, OK)

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_another_user(self):
        self.socket("a.sock")
        os.chmod(self.path("a.sock"), 0o750)
        self.expect(self.path("a.sock"), "ok", None, OK)
        self.expect(self.path("a.sock"), "permission", "EACCES", DENIED, "--user", "nobody",
                    says=["user nobody may not write", "srwxr-x--- root:root"])
        os.chmod(self.path("a.sock"), 0o666)
        self.expect(self.path("a.sock"), "ok", None, OK, "--user", "nobody")
        os.chmod(self.dir, 0o700)
        self.expect(self.path("a.sock"), "permission", "EACCES", DENIED, "--user", "nobody",
                    says=f"may not pass the directory '{self.dir}'")
        self.assertEqual(self.run_any(SUNPATH, "doctor", "/x", "--user", "no-such-user").returncode, USAGE)

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_as_nobody(self):
        nobody = ("runuser", "-u", "nobody", "--")
        self.socket("a.sock")
        os.chmod(self.path("a.sock"), 0o700)
        self.expect(self.path("a.sock"), "permission", "EACCES", DENIED, prefix=nobody, says="uid 65534")
        os.chmod(self.path("a.sock"), 0o777)
        self.expect(self.path("a.sock"), "ok", None, OK, prefix=nobody)
        done = self.run_any(*nobody, SUNPATH, "doctor", self.path("a.sock"), "--user", "root")
        self.assertEqual(done.returncode, DENIED, done.stderr)

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_a_listener_in_another_network_namespace(self):
        server = self.server(self.path("a.sock"), "unshare", "-n")
        found = self.expect(self.path("a.sock"), "ok", None, OK)["findings"]
        self.assertTrue(any(f"[{server.pid}]" in f["detail"] for f in found), found)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path("a.sock"))  # the kernel agrees
        name = f"@sunpath-test-{os.getpid()}-netns"
        server = self.server(name, "unshare", "-n")
        self.expect(name, "other-netns", "ECONNREFUSED", ABSENT, says=f"[{server.pid}]")

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_what_cannot_be_seen_is_unknown_and_never_stale(self):
        self.server(self.path("a.sock"), "unshare", "-n")
        os.chmod(self.path("a.sock"), 0o777)
        self.expect(self.path("a.sock"), "unknown", None, FAILED, prefix=("runuser", "-u", "nobody", "--"),
                    says="it is stale, or served from there")

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_a_mount_namespace_of_its_own(self):
        os.mkdir(self.path("d"))
        script = f"mount -t tmpfs none {self.path('d')} && exec {sys.executable} -c '{SERVER}' {self.path('d/a.sock')} stream 5"
        server = self.start("unshare", "-m", "sh", "-c", script, stdin=subprocess.PIPE)
        self.addCleanup(server.stdin.close)
        server.wait_for_output("ready")
        self.expect(self.path("d/a.sock"), "missing", "ENOENT", ABSENT, says="in a mount namespace of its own")

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_a_bind_mount_of_a_deleted_socket(self):
        self.stale("a.sock")
        open(self.path("mounted"), "w").close()
        script = 'mount --bind "$1/a.sock" "$1/mounted" && rm "$1/a.sock" && exec "$2" doctor --json "$1/mounted"'
        done = self.run_any("unshare", "-m", "sh", "-c", script, "sh", self.dir, SUNPATH)
        diagnosis = json.loads(done.stdout)
        self.assertEqual((diagnosis["reason"], done.returncode), ("deleted-mount", ABSENT), diagnosis)
        self.assertIn("a.sock", diagnosis["verdict"])

    @unittest.skipUnless(IS_ROOT, "takes root")
    def test_the_other_side_of_an_overlay(self):
        script = f"""set -e; cd {self.dir}; mkdir t; mount -t tmpfs none t; cd t; mkdir l u w m
            mount -t overlay none -o lowerdir={self.dir}/t/l,upperdir={self.dir}/t/u,workdir={self.dir}/t/w m
            exec {sys.executable} -c '{SERVER}' {self.dir}/t/m/a.sock stream 5"""
        server = self.start("unshare", "-m", "sh", "-c", script, stdin=subprocess.PIPE)
        self.addCleanup(server.stdin.close)
        server.wait_for_output("ready")
        inside = ("nsenter", "-m", "-t", server.pid)
        self.expect(f"{self.dir}/t/m/a.sock", "ok", None, OK, prefix=inside)
        self.expect(f"{self.dir}/t/u/a.sock", "overlay-layer", "ECONNREFUSED", ABSENT, prefix=inside,
                    says=f"{self.dir}/t/m/a.sock")

    @unittest.skipUnless(IS_ROOT and shutil.which("mkfs.btrfs"), "takes root and btrfs")
    def test_a_subvolume_of_btrfs(self):
        """There stat() gives another device than sock_diag."""
        script = f"""set -e; cd {self.dir}; truncate -s 128M image; mkfs.btrfs -q image; mkdir m; mount -o loop image m
            btrfs -q subvolume create m/s; {sys.executable} -c 'import socket; socket.socket(1).bind("m/s/stale.sock")'
            exec {sys.executable} -c '{SERVER}' {self.dir}/m/s/a.sock stream 5"""
        server = self.start("unshare", "-m", "sh", "-c", script, stdin=subprocess.PIPE)
        self.addCleanup(server.stdin.close)
        until(lambda: server.poll() is not None or "ready" in server.output(), "btrfs to be mounted, or not")
        if server.poll() is not None:
            self.skipTest("btrfs cannot be mounted here: " + server.output())
        inside = ("nsenter", "-m", "-t", server.pid)
        self.expect(f"{self.dir}/m/s/a.sock", "ok", None, OK, prefix=inside)
        self.expect(f"{self.dir}/m/s/stale.sock", "stale", "ECONNREFUSED", ABSENT, prefix=inside)
        rows = self.run_ok(*inside, SUNPATH, "ls", "--json", f"{self.dir}/m/s").splitlines()
        states = {os.path.basename(r["socket"]): r["state"] for r in map(json.loads, rows)}
        self.assertEqual(states, {"a.sock": "listening", "stale.sock": "stale"})


if __name__ == "__main__":
    main()
