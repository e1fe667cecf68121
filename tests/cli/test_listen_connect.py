# SPDX-License-Identifier: MIT
"""listen and connect against plain stream sockets: both roles, ends, waiting, slow readers."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import hashlib
import threading
from socket_test import *


class Streams(Copying):
    def test_connect_copies_both_ways(self):
        client, peer = self.connect_started()
        client.stdin.write(b"to the server")
        client.stdin.flush()
        self.assertEqual(peer.recv(100), b"to the server")
        peer.sendall(b"to the client")
        self.assertEqual(os.read(client.stdout.fileno(), 100), b"to the client")
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 0)
        self.end(client)

    def test_listen_copies_both_ways_and_removes_its_file(self):
        path = self.path("l.sock")
        server = self.pipes(SUNPATH, "listen", path)
        peer = self.connected(path)
        peer.sendall(b"hello")
        self.assertEqual(os.read(server.stdout.fileno(), 100), b"hello")
        server.stdin.write(b"answer")
        server.stdin.flush()
        self.assertEqual(peer.recv(100), b"answer")
        until(lambda: not os.path.exists(path), "the file to go: one client only")
        peer.close()
        self.assertEqual(server.wait(DEADLINE), 0)
        self.end(server)

    def test_without_N_the_end_of_input_is_not_passed_on(self):
        client, peer = self.connect_started()
        client.stdin.write(b"question")
        client.stdin.close()
        self.assertEqual(peer.recv(100), b"question")
        peer.setblocking(False)
        # our end of input has been read when the process waits in poll with nothing on descriptor 0
        peer.setblocking(True)
        peer.settimeout(DEADLINE)
        peer.sendall(b"answer")
        self.assertEqual(os.read(client.stdout.fileno(), 100), b"answer")
        self.assertEqual(select.select([peer], [], [], 0)[0], [])
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 0)
        client.stdout.close()

    def test_half_close_and_an_answer_after_it(self):
        client, peer = self.connect_started("-N")
        client.stdin.write(b"question")
        client.stdin.close()
        self.assertEqual(self.read_all(peer), b"question")
        peer.sendall(b"answer after the end")
        peer.close()
        self.assertEqual(client.stdout.read(), b"answer after the end")
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def test_the_peer_half_closes_and_still_gets_everything(self):
        client, peer = self.connect_started("-N")
        peer.sendall(b"short")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(client.stdout.read(), b"short")  # ends: standard output was closed
        writer = threading.Thread(target=lambda: (client.stdin.write(b"x" * 1000000), client.stdin.close()))
        writer.start()
        self.assertEqual(len(self.read_all(peer)), 1000000)
        writer.join()
        peer.close()
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def test_listen_and_connect_together(self):
        path = self.path("both.sock")
        data = os.urandom(3 << 20)
        server = self.start(SUNPATH, "listen", "-N", path, stdout=subprocess.PIPE)
        got = []
        reader = threading.Thread(target=lambda: got.append(server.stdout.read()))
        reader.start()
        until(lambda: published(path), "the file")
        done = subprocess.run([SUNPATH, "connect", "-N", path], input=data, capture_output=True, timeout=DEADLINE)
        reader.join()
        server.stdout.close()
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, b"", b""))
        self.assertEqual(got[0], data)
        self.assertEqual(server.wait(DEADLINE), 0)

    def test_a_peer_that_leaves_data_unread_is_a_failure(self):
        client, peer = self.connect_started("-N")
        client.stdin.write(b"x" * 100000)
        client.stdin.flush()
        self.assertEqual(len(peer.recv(1)), 1)
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 1)
        self.assertIn("before it had read everything", client.output())
        try:
            client.stdin.close()
        except BrokenPipeError:
            pass
        client.stdout.close()

    def test_a_peer_that_leaves_while_input_idles_is_a_good_end(self):
        client, peer = self.connect_started()
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 0)
        self.end(client)

    def test_what_the_peer_said_before_it_left_is_printed(self):
        client, peer = self.connect_started("-N")
        peer.sendall(b"last words")
        client.stdin.write(b"never read")
        client.stdin.flush()
        until(lambda: select.select([peer], [], [], 0)[0], "the bytes to arrive")
        peer.close()
        self.assertEqual(client.stdout.read(), b"last words")
        self.assertEqual(client.wait(DEADLINE), 1)
        client.stdin.close()
        client.stdout.close()

    def test_closed_output_ends_it(self):
        client, peer = self.connect_started()
        client.stdout.close()
        peer.sendall(b"nobody reads this")
        self.assertEqual(client.wait(DEADLINE), 1)
        self.assertEqual(client.output(), "")
        client.stdin.close()

    def test_full_disk_ends_it(self):
        listener = self.listening(self.path("f.sock"))
        with open("/dev/full", "wb") as full:
            client = self.start(SUNPATH, "connect", self.path("f.sock"), stdin=subprocess.PIPE, stdout=full)
        peer, _ = self.accept(listener)
        peer.sendall(b"x")
        self.assertEqual(client.wait(DEADLINE), 1)
        self.assertIn("No space left", client.output())
        client.stdin.close()

    def test_keep_serves_one_after_the_other(self):
        path = self.path("k.sock")
        server = self.pipes(SUNPATH, "listen", "-k", path)
        for text in [b"first", b"second", b"third"]:
            peer = self.connected(path)
            peer.sendall(text)
            self.assertEqual(os.read(server.stdout.fileno(), 100), text)
            peer.close()
        server.terminate()
        self.assertEqual(server.wait(DEADLINE), -signal.SIGTERM)
        self.assertFalse(os.path.exists(path))
        server.stdin.close()
        server.stdout.close()

    def test_signals_remove_the_file(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            path = self.path(f"s{number}.sock")
            server = self.start(SUNPATH, "listen", path)
            until(lambda: published(path), "the file")
            self.assertEqual(server.stop(number), -number)
            self.assertFalse(os.path.exists(path))

    def test_abstract_exact_and_padded(self):
        name = f"sunpath-test-{os.getpid()}"
        listener = self.listening("@" + name)
        self.run_ok(SUNPATH, "connect", "--idle", "1ms", "-N", "@" + name)
        padded = self.listening("@" + name + "\0" * (107 - len(name)))
        client = self.pipes(SUNPATH, "connect", "--padded", "@" + name)
        peer, _ = self.accept(padded)
        peer.sendall(b"padded")
        self.assertEqual(os.read(client.stdout.fileno(), 100), b"padded")
        peer.close()
        self.end(client)
        self.assertEqual(self.run_any(SUNPATH, "connect", "--padded", self.path("x")).returncode, 2)
        listener.close()

    def test_listen_auto_says_the_name(self):
        listener = self.start(SUNPATH, "listen", "--auto", "--echo")
        listener.wait_for_output("listening on @")
        name = listener.output().split("listening on ")[1].split()[0]
        self.assertIn(name + " ", self.run_ok("ss", "-xl"))
        self.assertEqual(self.run_ok(SUNPATH, "connect", "-N", name, input="hello"), "hello")

    def test_a_datagram_client_with_a_name_of_the_kernels(self):
        server = self.start(SUNPATH, "listen", "--echo", "dgram:" + self.path("d.sock"))
        server.wait_for_socket(self.path("d.sock"), socket.SOCK_DGRAM)
        client = self.start(SUNPATH, "connect", "--bind", "autobind:", "dgram:" + self.path("d.sock"),
                            stdin=subprocess.PIPE)
        client.stdin.write(b"ping")
        client.stdin.close()
        client.wait_for_output("ping")

    def test_listen_padded(self):
        name = f"sunpath-listen-{os.getpid()}"
        server = self.pipes(SUNPATH, "listen", "--padded", "@" + name)
        peer = self.connected("@" + name + "\0" * (107 - len(name)))
        peer.sendall(b"x")
        self.assertEqual(os.read(server.stdout.fileno(), 10), b"x")
        peer.close()
        self.end(server)


class Slow(Copying):
    def rss(self, pid):
        return int(read_file(f"/proc/{pid}/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_200_MB_through_a_slow_reader_arrive_whole_and_use_no_memory(self):
        """The reader takes one byte in front of each large piece, so both buffers fill all the time."""
        block, n_blocks = os.urandom(1 << 20), 200
        path = self.path("slow.sock")
        listener = self.listening(path)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client = self.start(SUNPATH, "connect", "-N", path, stdin=subprocess.PIPE)
        peer, _ = self.accept(listener)
        written = [0]

        def write():
            for _ in range(n_blocks):
                client.stdin.write(block)
                written[0] += len(block)
            client.stdin.close()

        writer = threading.Thread(target=write)
        writer.start()
        # nothing is read yet: the sender must come to rest with almost everything still to come
        ticks = lambda: (stat_of(client)[0], *stat_of(client)[11:13], written[0])
        def is_at_rest():
            before = ticks()
            select.select([], [], [], 0.02)
            return before[0] == "S" and before == ticks()
        until(is_at_rest, "the sender to come to rest")
        self.assertLess(written[0], 4 << 20)
        rss = [self.rss(client.pid)]
        digest, n = hashlib.sha256(), 0
        while True:
            piece = peer.recv(1 if n % 7 == 0 else 65536)
            if not piece:
                break
            digest.update(piece)
            if n % 500 == 0 and client.poll() is None:
                try:
                    rss.append(self.rss(client.pid))
                except (FileNotFoundError, IndexError):
                    pass
            n += 1
        writer.join()
        expected = hashlib.sha256()
        for _ in range(n_blocks):
            expected.update(block)
        self.assertEqual(digest.hexdigest(), expected.hexdigest())
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 0, client.output())
        self.assertGreater(len(rss), 3)
        self.assertLess(max(rss) - rss[0], 2 << 20)

    def test_a_slow_standard_output_stops_the_peer(self):
        client, peer = self.connect_started()
        peer.setblocking(False)
        sent = 0
        def is_full():
            nonlocal sent
            try:
                sent += peer.send(b"y" * 65536)
            except BlockingIOError:
                return not select.select([], [peer], [], 0.05)[1]
            return False
        until(is_full, "back-pressure to reach the peer")
        self.assertLess(sent, 4 << 20)
        # meanwhile the other direction still works
        client.stdin.write(b"still alive")
        client.stdin.flush()
        until(lambda: select.select([peer], [], [], 0)[0], "the other direction")
        self.assertEqual(peer.recv(100), b"still alive")
        peer.close()
        client.stdin.close()
        self.assertEqual(len(client.stdout.read()), sent)
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def test_a_peer_that_left_does_not_make_it_spin(self):
        """Output blocked and input idle while the hang-up is pending: it must sleep, not poll."""
        client, peer = self.connect_started()
        peer.setblocking(False)
        def is_full():
            try:
                peer.send(b"y" * 65536)
            except BlockingIOError:
                return not select.select([], [peer], [], 0.05)[1]
            return False
        until(is_full, "back-pressure")
        peer.close()
        ticks = lambda: stat_of(client)[11:13]
        switches = lambda: read_file(f"/proc/{client.pid}/status").split("voluntary_ctxt_switches:")[1].split()[0]
        def rests():
            before = (ticks(), switches())
            select.select([], [], [], 0.1)
            return before == (ticks(), switches())
        until(rests, "it to rest")
        self.assertGreater(len(client.stdout.read()), 0)
        client.stdout.close()
        client.stdin.close()
        self.assertEqual(client.wait(DEADLINE), 0)


class Inherited(Copying):
    def test_connect_fd(self):
        for kind in TYPES:
            mine, theirs = socket.socketpair(socket.AF_UNIX, TYPES[kind])
            mine.settimeout(DEADLINE)
            client = self.start(SUNPATH, "connect", "--lines", "--fd", theirs.fileno(), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, pass_fds=[theirs.fileno()])
            theirs.close()
            client.stdin.write(b"hello\n")
            client.stdin.flush()
            self.assertEqual(mine.recv(100).strip(), b"hello")
            mine.send(b"back\n")
            self.assertEqual(client.stdout.readline(), b"back\n")
            mine.close()
            if kind == "dgram":
                client.terminate()
            client.stdin.close()
            self.assertIn(client.wait(DEADLINE), [0, -signal.SIGTERM])
            client.stdout.close()

    def test_listen_fd_leaves_the_file(self):
        listener = self.listening(self.path("i.sock"))
        server = self.start(SUNPATH, "listen", "--fd", listener.fileno(), stdout=subprocess.PIPE,
                            pass_fds=[listener.fileno()])
        peer = self.connected(self.path("i.sock"))
        peer.sendall(b"inherited")
        peer.close()
        self.assertEqual(server.stdout.read(), b"inherited")
        server.stdout.close()
        self.assertEqual(server.wait(DEADLINE), 0)
        self.assertTrue(os.path.exists(self.path("i.sock")))

    def test_bad_descriptors(self):
        for fd in [99, 0]:
            self.assertNotEqual(self.run_any(SUNPATH, "listen", "--fd", fd).returncode, 0)
            self.assertNotEqual(self.run_any(SUNPATH, "connect", "--fd", fd).returncode, 0)

    def test_systemd(self):
        listener = self.listening(self.path("sd.sock"))
        server = self.start("sh", "-c", f"exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 "
                            f"LISTEN_FDNAMES=web exec {SUNPATH} listen --systemd=web", stdout=subprocess.PIPE,
                            pass_fds=[listener.fileno()])
        peer = self.connected(self.path("sd.sock"))
        peer.sendall(b"activated")
        peer.close()
        self.assertEqual(server.stdout.read(), b"activated")
        server.stdout.close()
        self.assertEqual(server.wait(DEADLINE), 0, server.output())
        self.assertNotEqual(self.run_any(SUNPATH, "listen", "--systemd").returncode, 0)


class Waiting(Copying):
    def test_wait_for_a_server_that_is_not_there_yet(self):
        path = self.path("late.sock")
        for wait in ["--wait=50s"], ["--wait", "50s"], ["--wait"]:
            client = self.pipes(SUNPATH, "connect", *wait, path)
            until(lambda: stat_of(client)[0] == "S", "it to wait")
            self.assertIsNone(client.poll())
            listener = self.listening(path)
            peer, _ = self.accept(listener)
            peer.sendall(b"at last")
            peer.close()
            self.assertEqual(self.end(client), b"at last")
            listener.close()
            os.unlink(path)

    def test_waiting_ends(self):
        done = self.run_any(SUNPATH, "connect", "--wait=50ms", self.path("never.sock"))
        self.assertEqual(done.returncode, 4, done)
        self.assertRegex(done.stderr, "^sunpath: ")
        done = self.run_any(SUNPATH, "connect", "--wait", "--timeout", "50ms", self.path("never.sock"))
        self.assertEqual(done.returncode, 4, done)

    def test_a_signal_ends_waiting(self):
        client = self.start(SUNPATH, "connect", "--wait=50s", self.path("never.sock"))
        until(lambda: "signalfd" in " ".join(
            os.readlink(entry.path) for entry in os.scandir(f"/proc/{client.pid}/fd")), "it to wait")
        self.assertEqual(client.stop(), -signal.SIGTERM)

    def test_a_full_backlog_is_waited_out_and_a_deadline_ends_that(self):
        path = self.path("full.sock")
        listener = self.listening(path, backlog=0)
        filler = self.connected(path)
        late = self.run_any(SUNPATH, "connect", "--timeout", "50ms", path)
        self.assertIn(late.returncode, [1, 5], late)
        self.assertRegex(late.stderr, "full|accept")
        client = self.pipes(SUNPATH, "connect", "--timeout", "50s", path)
        self.accept(listener)
        peer, _ = self.accept(listener)
        peer.close()
        self.end(client)
        filler.close()

    def test_nobody_connects(self):
        done = self.run_any(SUNPATH, "listen", "--timeout", "20ms", self.path("n.sock"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody connected", done.stderr)
        self.assertFalse(os.path.exists(self.path("n.sock")))

    def test_idle_connections_end(self):
        path = self.path("idle.sock")
        server = self.pipes(SUNPATH, "listen", "--idle", "20ms", path)
        peer = self.connected(path)
        self.assertEqual(peer.recv(1), b"")
        self.assertEqual(server.wait(DEADLINE), 1)
        self.assertIn("nothing was sent or received", server.output())
        server.stdin.close()
        server.stdout.close()


if __name__ == "__main__":
    main()
