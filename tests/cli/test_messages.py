# SPDX-License-Identifier: MIT
"""listen and connect on seqpacket and datagram sockets."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import threading
from socket_test import *


class Messages(Copying):
    def test_seqpacket_lines(self):
        client, peer = self.connect_started("--lines", kind="seqpacket")
        client.stdin.write(b"one\ntwo\n\nthree")
        client.stdin.close()
        self.assertEqual([peer.recv(100) for _ in range(4)], [b"one", b"two", b"", b"three"])
        for message in [b"a", b"with newline\n", b"c"]:
            peer.send(message)
        peer.close()
        self.assertEqual(client.stdout.read(), b"a\nwith newline\nc\n")
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def test_seqpacket_empty_message_is_not_the_end(self):
        client, peer = self.connect_started("--lines", kind="seqpacket")
        client.stdin.write(b"hello\n")  # once it arrived, the client listens for credentials
        client.stdin.flush()
        self.assertEqual(peer.recv(10), b"hello")
        peer.send(b"")
        peer.send(b"after")
        peer.close()
        self.assertEqual(client.stdout.read(), b"\nafter\n")
        self.assertEqual(client.wait(DEADLINE), 0)
        client.stdin.close()
        client.stdout.close()

    def test_all_of_input_is_one_message(self):
        client, peer = self.connect_started("-N", kind="seqpacket")
        client.stdin.write(b"one\ntwo\n")
        client.stdin.flush()
        client.stdin.write(b"z" * 100000)
        client.stdin.close()
        self.assertEqual(peer.recv(1 << 20), b"one\ntwo\n" + b"z" * 100000)
        self.assertEqual(peer.recv(10), b"")
        peer.close()
        self.assertEqual(client.wait(DEADLINE), 0)
        client.stdout.close()

    def test_a_message_too_large_is_said_and_a_larger_buffer_lets_it_through(self):
        data = b"m" * 300000
        listener = self.listening(self.path("big.sock"), "seqpacket")
        argv = [SUNPATH, "connect", "-N", "seqpacket:" + self.path("big.sock")]
        failed = subprocess.run(argv, input=data, capture_output=True, timeout=DEADLINE)
        self.assertEqual(failed.returncode, 1)
        self.assertIn(b"300000 bytes", failed.stderr)
        if int(read_file("/proc/sys/net/core/wmem_max")) < 150000:  # the kernel doubles it: socket(7)
            return  # a limit that an ordinary user cannot lift
        self.accept(listener)
        client = self.pipes(*argv[:2], "--send-buffer", "1M", *argv[2:])
        peer, _ = self.accept(listener)
        client.stdin.write(data)
        client.stdin.close()
        self.assertEqual(peer.recv(1 << 20), data)
        peer.close()
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def test_listen_seqpacket(self):
        path = self.path("q.sock")
        server = self.pipes(SUNPATH, "listen", "--type", "seqpacket", "--lines", path)
        peer = self.connected(path, "seqpacket")
        peer.send(b"first")
        peer.send(b"second")
        server.stdin.write(b"x\nyy\n")
        server.stdin.flush()
        self.assertEqual([peer.recv(10), peer.recv(10)], [b"x", b"yy"])
        peer.close()
        self.assertEqual(self.end(server), b"first\nsecond\n")

    def test_datagrams_are_sent_and_it_ends(self):
        receiver = self.listening(self.path("d.sock"), "dgram")
        self.run_ok(SUNPATH, "connect", "dgram:" + self.path("d.sock"), input="one\ndatagram\n")
        self.assertEqual(receiver.recv(100), b"one\ndatagram\n")
        self.run_ok(SUNPATH, "connect", "--lines", "dgram:" + self.path("d.sock"), input="a\nb\n")
        self.assertEqual([receiver.recv(10), receiver.recv(10)], [b"a", b"b"])
        self.run_ok(SUNPATH, "connect", "dgram:" + self.path("d.sock"), input="")
        receiver.setblocking(False)
        self.assertRaises(BlockingIOError, receiver.recv, 1)

    def test_datagrams_wait_for_room(self):
        receiver = self.listening(self.path("d.sock"), "dgram")
        text = "".join(f"{i}\n" for i in range(2000))
        sender = self.start(SUNPATH, "connect", "--lines", "dgram:" + self.path("d.sock"), stdin=subprocess.PIPE)
        writer = threading.Thread(target=lambda: (sender.stdin.write(text.encode()), sender.stdin.close()))
        writer.start()
        got = [receiver.recv(100) for _ in range(2000)]
        writer.join()
        self.assertEqual(got, [str(i).encode() for i in range(2000)])
        self.assertEqual(sender.wait(DEADLINE), 0)

    def test_nobody_receives_datagrams(self):
        path = self.path("d.sock")
        self.assertEqual(self.run_any(SUNPATH, "connect", "dgram:" + path, input="x").returncode, 4)
        self.listening(path, "dgram").close()
        self.assertEqual(self.run_any(SUNPATH, "connect", "dgram:" + path, input="x").returncode, 4)

    def test_the_receiver_of_datagrams_leaves(self):
        receiver = self.listening(self.path("d.sock"), "dgram")
        sender = self.pipes(SUNPATH, "connect", "--lines", "dgram:" + self.path("d.sock"))
        sender.stdin.write(b"first\n")
        sender.stdin.flush()
        self.assertEqual(receiver.recv(10), b"first")
        receiver.close()
        sender.stdin.write(b"second\n")
        sender.stdin.close()
        self.assertEqual(sender.wait(DEADLINE), 4, sender.output())
        sender.stdout.close()

    def test_bind_gets_answers_and_its_file_is_removed(self):
        receiver = self.listening(self.path("d.sock"), "dgram")
        mine = self.path("mine.sock")
        client = self.pipes(SUNPATH, "connect", "--bind", mine, "--lines", "dgram:" + self.path("d.sock"))
        client.stdin.write(b"ping\n")
        client.stdin.close()
        data, sender = receiver.recvfrom(100)
        self.assertEqual((data, sender), (b"ping", mine))
        receiver.sendto(b"pong", mine)
        self.assertEqual(client.stdout.readline(), b"pong\n")
        client.terminate()
        self.assertEqual(client.wait(DEADLINE), -signal.SIGTERM)
        self.assertFalse(os.path.exists(mine))
        client.stdout.close()

    def test_bind_names_a_stream_client(self):
        listener = self.listening(self.path("s.sock"))
        mine = self.path("mine.sock")
        client = self.pipes(SUNPATH, "connect", "--bind", mine, self.path("s.sock"))
        peer, address = self.accept(listener)
        self.assertEqual(address, mine)
        peer.close()
        self.end(client)
        self.assertFalse(os.path.exists(mine))

    def test_bind_leaves_a_successors_file(self):
        listener = self.listening(self.path("s.sock"))
        mine = self.path("mine.sock")
        client = self.pipes(SUNPATH, "connect", "--bind", mine, self.path("s.sock"))
        peer, _ = self.accept(listener)
        peer.sendall(b"x")
        self.assertEqual(os.read(client.stdout.fileno(), 1), b"x")
        os.unlink(mine)
        self.listening(mine)
        peer.close()
        self.end(client)
        self.assertTrue(os.path.exists(mine))

    def test_bind_replaces_a_stale_file_and_nothing_else(self):
        receiver = self.listening(self.path("d.sock"), "dgram")
        mine = self.path("mine.sock")
        killed = self.pipes(SUNPATH, "connect", "--bind", mine, "dgram:" + self.path("d.sock"))
        until(lambda: published(mine), "the file")
        argv = [SUNPATH, "connect", "-N", "--bind", mine, "dgram:" + self.path("d.sock")]
        refused = self.run_any(*argv, input="x")
        self.assertEqual(refused.returncode, 5, refused)
        killed.kill()
        killed.wait(DEADLINE)
        killed.stdin.close()
        killed.stdout.close()
        self.assertTrue(os.path.exists(mine))
        self.run_ok(*argv, input="second")
        self.assertEqual(receiver.recv(10), b"second")
        with open(mine, "w"):
            pass
        self.assertEqual(self.run_any(*argv, input="x").returncode, 5)
        self.assertTrue(os.path.exists(mine))

    def test_idle_ends_waiting_for_datagram_answers(self):
        self.listening(self.path("d.sock"), "dgram")
        client = self.run_any(SUNPATH, "connect", "--bind", self.path("m.sock"), "--idle", "20ms",
                              "dgram:" + self.path("d.sock"), input="x")
        self.assertEqual(client.returncode, 0, client)
        self.assertFalse(os.path.exists(self.path("m.sock")))

    def test_listen_prints_datagrams_and_answers_the_last_sender(self):
        path = self.path("r.sock")
        server = self.pipes(SUNPATH, "listen", "--lines", "dgram:" + path)
        until(lambda: published(path), "the file")
        server.stdin.write(b"early answer\n")
        server.stdin.flush()
        peers = [self.listening(self.path(f"p{i}"), "dgram") for i in range(2)]
        peers[0].sendto(b"from 0", path)
        self.assertEqual(server.stdout.readline(), b"from 0\n")
        self.assertEqual(peers[0].recv(100), b"early answer")
        peers[1].sendto(b"from 1\n", path)
        self.assertEqual(server.stdout.readline(), b"from 1\n")
        server.stdin.write(b"hello 1\n")
        server.stdin.flush()
        self.assertEqual(peers[1].recv(100), b"hello 1")
        anonymous = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(anonymous.close)
        anonymous.sendto(b"", path)
        self.assertEqual(server.stdout.readline(), b"\n")
        server.terminate()
        self.assertEqual(server.wait(DEADLINE), -signal.SIGTERM)
        self.assertFalse(os.path.exists(path))
        server.stdin.close()
        server.stdout.close()

    def test_answers_carry_the_name_that_was_asked(self):
        """A stale file is there first: replacing it must not change where answers come from."""
        path = self.path("name.sock")
        self.listening(path, "dgram").close()
        server = self.start(SUNPATH, "listen", "--exec", "cat", "dgram:" + path)
        peer = self.listening(self.path("p.sock"), "dgram")
        def is_up():
            try:
                return peer.sendto(b"ping", path) == 4
            except OSError:
                return False
        until(is_up, "the server")
        self.assertEqual(peer.recvfrom(10), (b"ping", path))
        server.stop()
        self.assertFalse(os.path.exists(path))

    def test_descriptors_are_closed_and_the_message_is_printed(self):
        path = self.path("fds.sock")
        server = self.pipes(SUNPATH, "listen", "--lines", "dgram:" + path)
        until(lambda: published(path), "the file")
        fds = lambda: len(os.listdir(f"/proc/{server.pid}/fd"))
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        sender.connect(path)
        sender.send(b"none")
        self.assertEqual(server.stdout.readline(), b"none\n")
        before = fds()
        socket.send_fds(sender, [b"with"], [0, 1, 2, 0, 1])
        self.assertEqual(server.stdout.readline(), b"with\n")
        self.assertEqual(fds(), before)
        server.terminate()
        server.wait(DEADLINE)
        server.stdin.close()
        server.stdout.close()


if __name__ == "__main__":
    main()
