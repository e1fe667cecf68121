# SPDX-License-Identifier: MIT
"""listen and connect that run commands, and who may connect."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
from socket_test import *


class Commands(Copying):
    def test_connect_exec(self):
        listener = self.listening(self.path("e.sock"))
        client = self.start(SUNPATH, "connect", "--exec",
                            "echo $SUNPATH_PEER_PID $SUNPATH_PEER_UID $SUNPATH_PEER_GID; cat >&2; exit 7",
                            self.path("e.sock"))
        peer, _ = self.accept(listener)
        self.assertEqual(peer.makefile().readline(), f"{os.getpid()} {os.getuid()} {os.getgid()}\n")
        peer.sendall(b"to the command")
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 7)
        self.assertEqual(client.output(), "to the command")

    def test_listen_exec_once(self):
        path = self.path("e.sock")
        server = self.start(SUNPATH, "listen", "--exec", "cat; exit 3", path)
        peer = self.connected(path)
        peer.sendall(b"hello")
        self.assertEqual(peer.recv(100), b"hello")
        self.assertFalse(os.path.exists(path))
        peer.close()
        self.assertEqual(server.wait(DEADLINE), 3)

    def test_listen_exec_serves_many_at_once(self):
        path = self.path("e.sock")
        server = self.start(SUNPATH, "listen", "-k", "--exec", "echo $SUNPATH_PEER_PID; cat", path)
        peers = [self.connected(path) for _ in range(20)]
        for i, peer in enumerate(peers):
            peer.sendall(b"%d" % i)
            peer.shutdown(socket.SHUT_WR)
        for i, peer in enumerate(peers):
            self.assertEqual(self.read_all(peer), b"%d\n%d" % (os.getpid(), i))
        children = f"/proc/{server.pid}/task/{server.pid}/children"
        until(lambda: read_file(children) == "", "the children to be reaped")
        self.assertEqual(server.stop(), -signal.SIGTERM)
        self.assertFalse(os.path.exists(path))

    def test_commands_get_no_other_descriptors(self):
        path = self.path("e.sock")
        server = self.start(SUNPATH, "listen", "-k", "--exec", "ls /proc/self/fd", path)
        peer = self.connected(path)
        # 3 is the directory ls itself reads
        self.assertEqual(self.read_all(peer).split(), [b"0", b"1", b"2", b"3"])
        server.stop()

    def test_commands_get_default_signals(self):
        path = self.path("e.sock")
        self.start(SUNPATH, "listen", "-k", "--exec", "grep -E '^Sig(Blk|Ign)' /proc/self/status", path)
        lines = self.read_all(self.connected(path)).decode().split()
        blocked, ignored = int(lines[1], 16), int(lines[3], 16)
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD]:
            self.assertEqual((blocked | ignored) >> (number - 1) & 1, 0, number)

    def test_seqpacket_exec_keeps_messages(self):
        path = self.path("e.sock")
        self.start(SUNPATH, "listen", "-k", "--exec", "cat", "seqpacket:" + path)
        peer = self.connected(path, "seqpacket")
        for message in [b"one", b"two" * 1000]:
            peer.send(message)
            self.assertEqual(peer.recv(10000), message)

    def test_echo_every_type(self):
        sizes = [1, 2, 1000, 60000]
        for kind in ["stream", "seqpacket", "dgram"]:
            path = self.path(f"echo-{kind}")
            server = self.start(SUNPATH, "listen", "-k", "--echo", "--type", kind, path)
            until(lambda: published(path), "the file")
            if kind == "dgram":
                peer = self.listening(self.path("echo-peer"), kind)
                peer.connect(path)
            else:
                peer = self.connected(path, kind)
            for size in sizes if kind == "stream" else [0, *sizes, 200000]:
                peer.send(b"e" * size)
                got = b"" if size > 0 else peer.recv(1)
                while len(got) < size:
                    got += peer.recv(size if kind == "stream" else 1 << 20)
                self.assertEqual(got, b"e" * size, kind)
            server.stop()
            self.assertFalse(os.path.exists(path))

    def test_echo_holds_back_who_does_not_read(self):
        path = self.path("q.sock")
        server = self.start(SUNPATH, "listen", "--echo", "seqpacket:" + path)
        peer = self.connected(path, "seqpacket")
        peer.setblocking(False)
        n = 0
        while select.select([], [peer], [], 1)[1]:  # until it stops reading
            peer.send(f"{n}".encode().ljust(1000))
            n += 1
            self.assertLess(n, 20000)
        peer.settimeout(DEADLINE)
        self.assertEqual([int(peer.recv(2000)) for _ in range(n)], list(range(n)))
        peer.close()
        self.assertEqual(server.wait(DEADLINE), 0)

    def test_echo_children_do_not_hold_the_listener(self):
        path = self.path("h.sock")
        server = self.start(SUNPATH, "listen", "-k", "--echo", path)
        peer = self.connected(path)
        peer.sendall(b"x")
        self.assertEqual(peer.recv(1), b"x")
        server.kill()
        server.wait(DEADLINE)
        peer.sendall(b"y")
        self.assertEqual(peer.recv(1), b"y")  # its child still serves it
        second = self.start(SUNPATH, "listen", "-k", "--echo", path)
        second.wait_for_socket(path)
        peer.close()

    def test_datagram_exec_answers_each(self):
        path = self.path("pong.sock")
        self.start(SUNPATH, "listen", "--exec", "tr a-z A-Z", "dgram:" + path)
        until(lambda: published(path), "the file")
        peer = self.listening(self.path("p.sock"), "dgram")
        for text in [b"ping", b"x" * 100000, b"again"]:
            peer.sendto(text, path)
            self.assertEqual(peer.recv(1 << 20), text.upper())
        anonymous = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(anonymous.close)
        anonymous.sendto(b"nobody to answer", path)
        peer.sendto(b"still there", path)
        self.assertEqual(peer.recv(100), b"STILL THERE")


class Identity(Copying):
    def test_expect_user(self):
        listener = self.listening(self.path("o.sock"))
        self.assertEqual(self.run_any(SUNPATH, "connect", "-N", "--idle", "1ms", "--expect-user", os.getuid(),
                                      self.path("o.sock")).returncode, 0)
        self.accept(listener)
        refused = self.run_any(SUNPATH, "connect", "-N", "--expect-user", "nobody", self.path("o.sock"), input="secret")
        self.assertEqual(refused.returncode, 3, refused)
        self.assertEqual(refused.stdout, "")
        peer, _ = self.accept(listener)
        self.assertEqual(peer.recv(100), b"")  # not a byte

    def test_verbose_names_both_ends(self):
        path = self.path("v.sock")
        server = self.start(SUNPATH, "listen", "-v", path)
        server.wait_for_output("listening on " + path)
        client = self.pipes(SUNPATH, "connect", "-v", "-N", path)
        server.wait_for_output(f"connection from pid {client.pid} (root:root) {os.path.realpath(SUNPATH)}")
        client.wait_for_output(f"connected to pid {server.pid} (root:root)")
        server.stop()
        client.wait(DEADLINE)
        client.stdin.close()
        client.stdout.close()

    def test_allow_and_deny(self):
        path = self.path("a.sock")
        os.chmod(self.dir, 0o755)
        self.start(SUNPATH, "listen", "-k", "--echo", "--mode", "0666", "--allow", "user=root", path)
        peer = self.connected(path)
        peer.sendall(b"x")
        self.assertEqual(peer.recv(1), b"x")
        refused = self.run_any("runuser", "-u", "nobody", "--", "python3", "-c",
                               f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); print(s.recv(1))")
        self.assertTrue(refused.stdout == "b''\n" or "ConnectionReset" in refused.stderr, refused)

    def test_mode_owner_group(self):
        path = self.path("m.sock")
        self.start(SUNPATH, "listen", "--mode", "0640", "--owner", "nobody", "--group", "nogroup", path)
        until(lambda: published(path), "the file")
        import grp, pwd
        status = os.stat(path)
        self.assertEqual((status.st_mode & 0o7777, status.st_uid, status.st_gid),
                         (0o640, pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid))

    def test_backlog(self):
        path = self.path("b.sock")
        self.start(SUNPATH, "listen", "-k", "--echo", "--backlog", "7", path)
        until(lambda: published(path), "the file")
        lines = [line.split() for line in self.run_ok("ss", "-xlH").splitlines() if self.dir in line]
        self.assertEqual(lines[0][3], "7", lines)


if __name__ == "__main__":
    main()
