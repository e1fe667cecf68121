# SPDX-License-Identifier: MIT
"""Notifications: ours to a receiver in Python, systemd-notify to ours, and a service that uses them."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import array
import struct

READY_SERVICE = os.path.join(BIN, "example-ready-service")


class Manager:
    """What a service manager has: a datagram socket that is told who sends."""

    def __init__(self, test, name):
        self.path = name if name.startswith("@") else test.path(name)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self.sock.close)
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sock.bind("\0" + self.path[1:] if name.startswith("@") else self.path)
        self.env = {**os.environ, "NOTIFY_SOCKET": self.path}

    def receive(self):
        """The lines, the sender's (pid, uid, gid), and the descriptors."""
        fds, sender = array.array("i"), None
        data, parts, flags, _ = self.sock.recvmsg(8192, socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4 * 16))
        assert not flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC)
        for _, kind, content in parts:
            if kind == socket.SCM_CREDENTIALS:
                sender = struct.unpack("3i", content)
            elif kind == socket.SCM_RIGHTS:
                fds.frombytes(content)
        return data.decode().split("\n"), sender, list(fds)


class Telling(TestCase):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self, "notify.sock")

    def notify(self, *arguments, manager=None, **options):
        return self.run_any(SUNPATH, "notify", *arguments, env=(manager or self.manager).env, **options)

    def check_fails(self, status, says, *arguments, **options):
        done = self.notify(*arguments, **options)
        self.assertEqual(done.returncode, status, done)
        self.assertIn(says, done.stderr)

    def test_everything_in_one_message(self):
        done = self.notify("--ready", "--status", "grüß dich = x", f"--pid={os.getpid()}", "X_ANY=thing", "ERRNO=2")
        self.assertEqual(done.returncode, 0, done)
        lines, sender, fds = self.manager.receive()
        self.assertEqual(sorted(lines), sorted(["READY=1", "STATUS=grüß dich = x", f"MAINPID={os.getpid()}",
                                                "X_ANY=thing", "ERRNO=2"]))
        self.assertEqual(sender[1:], (os.getuid(), os.getgid()))
        self.assertEqual(fds, [])

    def test_root_speaks_for_its_caller(self):
        self.notify("--stopping", "--pid")
        lines, sender, _ = self.manager.receive()
        self.assertEqual(lines, ["STOPPING=1", f"MAINPID={os.getpid()}"])
        self.assertEqual(sender[0], os.getpid())

    def test_others_speak_for_themselves(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.manager.path, 0o666)
        process = self.start("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", SUNPATH, "notify",
                             "--ready", env=self.manager.env)
        lines, sender, _ = self.manager.receive()
        self.assertEqual((lines, sender), (["READY=1"], (process.pid, 65534, 65534)))
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_abstract_names(self):
        manager = Manager(self, f"@sunpath-test-{os.getpid()}")
        self.assertEqual(self.notify("--ready", manager=manager).returncode, 0)
        self.assertEqual(manager.receive()[0], ["READY=1"])
        self.assertEqual(self.notify("--socket", manager.path, "--stopping").returncode, 0)
        self.assertEqual(manager.receive()[0], ["STOPPING=1"])

    def test_reloading_says_when(self):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.notify("--reloading")
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        lines = self.manager.receive()[0]
        self.assertEqual(lines[0], "RELOADING=1")
        name, value = lines[1].split("=")
        self.assertEqual(name, "MONOTONIC_USEC")
        self.assertTrue(before <= int(value) <= after)

    def test_descriptors_are_stored_by_name(self):
        with open(self.path("state"), "w") as file, open(self.path("other"), "w") as other:
            done = self.notify("--ready", "--fd", f"web={file.fileno()}", "--fd", f"a=b={other.fileno()}",
                               pass_fds=[file.fileno(), other.fileno()])
            self.assertEqual(done.returncode, 0, done)
            for name, sent in [("web", file), ("a=b", other)]:
                lines, _, fds = self.manager.receive()
                self.assertEqual(lines, ["FDSTORE=1", f"FDNAME={name}"])
                self.assertEqual(len(fds), 1)
                self.assertTrue(os.path.sameopenfile(fds[0], sent.fileno()))
                os.close(fds[0])
        self.assertEqual(self.manager.receive()[0], ["READY=1"])
        self.check_fails(2, "not NAME=NUMBER", "--fd", "web")
        self.check_fails(2, "is not open", "--fd", "web=99")
        self.check_fails(2, "no ':'", "--fd", "a:b=1")

    def test_a_barrier_waits(self):
        process = self.start(SUNPATH, "notify", "--ready", "--barrier", "--timeout", f"{DEADLINE}s", env=self.manager.env)
        self.assertEqual(self.manager.receive()[0], ["READY=1"])
        lines, _, fds = self.manager.receive()
        self.assertEqual((lines, len(fds)), (["BARRIER=1"], 1))
        self.assertIsNone(process.poll())
        os.close(fds[0])
        self.assertEqual(process.wait(DEADLINE), 0, process.output())
        self.check_fails(5, "did not read", "--barrier", "--timeout", "5ms")

    def test_a_manager_that_does_not_read(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            filler.connect(self.manager.path)
            with self.assertRaises(BlockingIOError):
                while True:
                    filler.send(b"X=1")
        self.check_fails(5, "did not read", "--ready", "--timeout", "5ms")

    def test_nobody_listens(self):
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        done = self.run_any(SUNPATH, "notify", "--ready", env=environment)
        self.assertEqual(done.returncode, 4)
        self.assertIn("NOTIFY_SOCKET is not set", done.stderr)
        done = self.run_any(SUNPATH, "notify", "--ready", env={**environment, "NOTIFY_SOCKET": ""})
        self.assertEqual(done.returncode, 4)
        self.assertIn("NOTIFY_SOCKET is empty", done.stderr)
        self.manager.env["NOTIFY_SOCKET"] = self.path("missing")
        self.check_fails(4, "missing", "--ready")
        self.manager.env["NOTIFY_SOCKET"] = "vsock:2:9999"
        self.check_fails(1, "vsock, which is not supported", "--ready")

    def test_what_nobody_can_say(self):
        self.check_fails(2, "what is to be said?")
        self.check_fails(2, "newline", "A=1\nMAINPID=1")
        self.check_fails(2, "newline", "--status", "x\nMAINPID=1")
        self.check_fails(2, "not KEY=VALUE", "ready")
        self.check_fails(2, "twice", "--ready", "READY=1")
        self.check_fails(2, "not a process", "--pid=me")
        self.check_fails(2, "4096", "X=" + "x" * 4096)
        self.check_fails(2, "--listen says nothing", "--listen", "@x", "--ready")
        self.manager.sock.setblocking(False)
        self.assertRaises(BlockingIOError, self.manager.sock.recv, 1)


class Listening(TestCase):
    def listen(self, *arguments):
        path = self.path("n.sock")
        process = self.start(SUNPATH, "notify", "--listen", path, *arguments, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        until(lambda: published(path), "the socket")
        return process, path, {**os.environ, "NOTIFY_SOCKET": path}

    def test_systemd_notify(self):
        process, path, environment = self.listen()
        # it waits at a barrier of its own before it ends
        self.run_ok("systemd-notify", "--ready", "--status=it works", f"--pid={os.getpid()}", env=environment)
        me = f"pid {os.getpid()} (root:root): "
        lines = [process.stdout.readline() for _ in range(5)]
        self.assertEqual(lines[:3], [me + "READY=1\n", me + "STATUS=it works\n", me + f"MAINPID={os.getpid()}\n"])
        self.assertRegex(lines[3], r"^pid \d+ \(root:root\): BARRIER=1\n$")
        self.assertRegex(lines[4], r"^pid \d+ \(root:root\): descriptor pipe:\[\d+\]\n$")
        self.assertEqual(process.stop(), -signal.SIGTERM)
        self.assertFalse(os.path.exists(path))

    def test_both_ends_are_ours(self):
        process, _, environment = self.listen("--count", "3")
        with open(self.path("state"), "w") as file:
            self.run_ok(SUNPATH, "notify", "--fd", f"web={file.fileno()}", "--ready", "--barrier", env=environment,
                        pass_fds=[file.fileno()])
        self.assertEqual(process.wait(DEADLINE), 0)
        shown = [line.split(": ", 1)[1] for line in process.stdout.read().splitlines()]
        self.assertEqual(shown[:5], ["FDSTORE=1", "FDNAME=web", "descriptor " + self.path("state"), "READY=1", "BARRIER=1"])

    def test_what_comes_is_escaped_and_descriptors_do_not_stay(self):
        process, path, _ = self.listen()
        fds = lambda: len(os.listdir(f"/proc/{process.pid}/fd"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(path)
            me = f"pid {os.getpid()} (root:root): "
            sender.send(b"STATUS=\x1b[31mred \\ \xff\0\n\nno equals sign")
            self.assertEqual(process.stdout.readline(), me + "STATUS=\\x1b[31mred \\ \\xff\\x00\n")
            self.assertEqual(process.stdout.readline(), me + "no equals sign\n")
            before = fds()
            socket.send_fds(sender, [b"A=1"], [0] * 253)
            sender.send(b"X" * 5000)
            sender.send(b"A=2")
            shown = [process.stdout.readline() for _ in range(255)]
            self.assertEqual(shown[0], me + "A=1\n")
            self.assertTrue(all("descriptor /dev/null" in line for line in shown[1:254]))
            self.assertEqual(shown[254], me + "A=2\n")
            self.assertEqual(fds(), before)
        process.wait_for_output("a message of 5000 bytes was dropped")

    def test_who_is_there_and_who_may(self):
        process, path, _ = self.listen("--mode", "0666", "--group", "nogroup")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o666)
        again = self.run_any(SUNPATH, "notify", "--listen", path)
        self.assertEqual(again.returncode, 5, again)
        self.assertEqual(self.run_any(SUNPATH, "notify", "--listen", "stream:" + self.path("x")).returncode, 2)
        self.assertEqual(self.run_any(SUNPATH, "notify", "--listen", path, "--count", "0").returncode, 2)
        process.stop()


class Service(TestCase):
    def test_ready_alive_stopping(self):
        manager = Manager(self, "notify.sock")
        path = self.path("service.sock")
        manager.env["WATCHDOG_USEC"] = "20000"
        service = self.start(READY_SERVICE, path, env=manager.env)
        manager.env.pop("WATCHDOG_USEC")
        lines, sender, _ = manager.receive()
        self.assertEqual((lines, sender[0]), (["READY=1", f"STATUS={path}"], service.pid))
        self.assertEqual(self.run_ok("curl", "-sS", "--unix-socket", path, "http://localhost/"), "ready\n")
        for _ in range(3):
            self.assertEqual(manager.receive()[0], ["WATCHDOG=1"])
        service.send_signal(signal.SIGTERM)
        lines = ["WATCHDOG=1"]
        while lines == ["WATCHDOG=1"]:
            lines = manager.receive()[0]
        self.assertEqual(lines, ["STOPPING=1"])
        self.assertEqual(service.wait(DEADLINE), 0, service.output())
        self.assertFalse(os.path.exists(path))

    def test_it_runs_without_a_manager(self):
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        service = self.start(READY_SERVICE, self.path("service.sock"), env=environment)
        service.wait_for_socket(self.path("service.sock"))
        self.assertEqual(service.stop(), 0)
        self.assertEqual(service.output(), "")


if __name__ == "__main__":
    main()
