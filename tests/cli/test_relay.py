# SPDX-License-Identifier: MIT
"""The relay verb: packets and bytes arrive as they were sent, ends and errors are carried over."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import hashlib
import random
import select
import threading
from socket_test import *

N_PACKETS = 10000


def echo_hashes(peer, digest):
    """Receives packets until the end, sends each back, and ends."""
    sizes = []
    while len(sizes) < N_PACKETS:
        packet = peer.recv(1 << 20)
        sizes.append(len(packet))
        digest.update(packet)
        peer.send(packet)
    peer.shutdown(socket.SHUT_WR)
    return sizes


class Relay(Copying):
    def relay(self, *arguments, kind="stream", **options):
        """A relay from a.sock to b.sock, and the test's own listener there."""
        target = self.listening(self.path("b.sock"), kind, backlog=300)
        process = self.start(SUNPATH, "relay", "-v", *arguments, "--type", kind, self.path("a.sock"), self.path("b.sock"), **options)
        process.wait_for_output("listening on")
        return process, target

    def joined(self, *arguments, kind="stream", **options):
        process, target = self.relay(*arguments, kind=kind, **options)
        client = self.connected(self.path("a.sock"), kind)
        return process, client, self.accept(target)[0]

    def test_packets_keep_sizes_and_contents_both_ways(self):
        _, client, target = self.joined(kind="seqpacket")
        chance = random.Random(7)
        there, back, seen = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        sizes, echoed, answers = [], [], []
        echo = threading.Thread(target=lambda: echoed.extend(echo_hashes(target, seen)))

        def receive():
            while len(answers) < N_PACKETS:
                packet = client.recv(1 << 20)
                answers.append(len(packet))
                back.update(packet)

        receiver = threading.Thread(target=receive)
        echo.start()
        receiver.start()
        for i in range(N_PACKETS):
            packet = chance.randbytes(chance.choice([0, 1, chance.randrange(200), chance.randrange(60000)]))
            sizes.append(len(packet))
            there.update(packet)
            client.send(packet)
        client.shutdown(socket.SHUT_WR)
        echo.join(DEADLINE)
        receiver.join(DEADLINE)
        self.assertIn(0, sizes)
        self.assertEqual(echoed, sizes)
        self.assertEqual(answers, sizes)
        self.assertEqual(seen.hexdigest(), there.hexdigest())
        self.assertEqual(back.hexdigest(), there.hexdigest())
        self.assertEqual(target.recv(10), b"")
        self.assertEqual(client.recv(10), b"")

    def test_the_end_is_carried_over_and_the_answer_comes_after_it(self):
        for kind in ["stream", "seqpacket"]:
            process, client, target = self.joined("--once", kind=kind)
            client.send(b"question")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual([target.recv(100), target.recv(100)], [b"question", b""])
            target.send(b"answer")
            target.close()
            self.assertEqual([client.recv(100), client.recv(100)], [b"answer", b""])
            self.assertEqual(process.wait(DEADLINE), 0, process.output())
            count = "1 message, " if kind == "seqpacket" else ""
            self.assertIn(f"connection 1 ended: {count}8 bytes there; {count}6 bytes back", process.output())
            os.unlink(self.path("b.sock"))

    def test_descriptors_pass(self):
        for kind in ["stream", "seqpacket"]:
            process, client, target = self.joined(kind=kind)
            with open(self.path("file"), "w+") as file:
                socket.send_fds(client, [b"here"], [file.fileno()])
                data, fds, _, _ = socket.recv_fds(target, 100, 4)
                self.assertEqual((data, len(fds)), (b"here", 1))
                os.write(fds[0], b"through it")
                os.close(fds[0])
                self.assertEqual(os.pread(file.fileno(), 100, 0), b"through it")
            client.close()
            process.wait_for_output("4 bytes, 1 descriptor there; ")
            self.assertNotIn(self.path("file"), [os.readlink(entry.path) for entry in os.scandir(f"/proc/{process.pid}/fd")])
            process.stop()
            os.unlink(self.path("b.sock"))

    def test_descriptors_can_be_kept_out(self):
        process, client, target = self.joined("--no-fds")
        socket.send_fds(client, [b"here"], [0])
        self.assertEqual(target.recv(10), b"")
        process.wait_for_output("the client sent descriptors, which are not let through")

    def test_a_reader_that_stops_holds_the_sender_back(self):
        # what is freed is not kept to find its late use: it would count as held
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
        process, client, target = self.joined(env={**os.environ, "ASAN_OPTIONS": options})
        rss = lambda: int(read_file(f"/proc/{process.pid}/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        before, block, n_sent, n_got = rss(), bytes(1 << 20), 0, 0
        client.setblocking(False)
        while select.select([], [client], [], 0.05)[1]:
            n_sent += client.send(block)
        self.assertLess(n_sent, 4 << 20)
        client.setblocking(True)
        writer = threading.Thread(target=lambda: (client.sendall(block * 200), client.shutdown(socket.SHUT_WR)))
        writer.start()
        while piece := target.recv(1 if n_got % 7 == 0 else 100000):
            n_got += len(piece)
        writer.join(DEADLINE)
        self.assertEqual(n_got, n_sent + (200 << 20))
        self.assertLess(rss() - before, 2 << 20)

    def test_a_target_that_is_not_there_is_said_and_the_client_closed(self):
        process = self.start(SUNPATH, "relay", self.path("a.sock"), self.path("none.sock"))
        process.wait_for_socket(self.path("a.sock"))
        client = self.connected(self.path("a.sock"))
        self.assertEqual(client.recv(10), b"")
        process.wait_for_output("not there: there is no such file")
        self.listening(self.path("none.sock"))
        client = self.connected(self.path("a.sock"))  # it goes on
        client.settimeout(0.01)
        self.assertRaises(TimeoutError, client.recv, 10)

    def test_it_waits_for_a_target(self):
        process = self.start(SUNPATH, "relay", "-v", "--wait=30", self.path("a.sock"), self.path("b.sock"))
        process.wait_for_output("listening on")
        client = self.connected(self.path("a.sock"))
        client.send(b"early")
        process.wait_for_output("connection 1 from")
        peer, _ = self.accept(self.listening(self.path("b.sock")))
        self.assertEqual(peer.recv(10), b"early")

    def test_once_has_the_status_of_its_connection(self):
        process = self.start(SUNPATH, "relay", "--once", self.path("a.sock"), self.path("none.sock"))
        until(lambda: published(self.path("a.sock")), "the relay's socket")
        self.connected(self.path("a.sock"))
        self.assertEqual(process.wait(DEADLINE), 4)
        self.assertFalse(os.path.exists(self.path("a.sock")))

    def test_a_signal_ends_it_and_the_file_is_removed(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            process, client, target = self.joined()
            self.assertEqual(process.stop(number), -number)
            self.assertFalse(os.path.exists(self.path("a.sock")))
            self.assertEqual([client.recv(10), target.recv(10)], [b"", b""])
            os.unlink(self.path("b.sock"))

    def test_many_clients_at_once(self):
        process, target = self.relay()
        clients = [self.connected(self.path("a.sock")) for _ in range(200)]
        peers = [self.accept(target)[0] for _ in clients]
        for i, client in enumerate(clients):
            client.sendall(b"%d" % i)
        for peer in peers:
            peer.sendall(b"you are " + peer.recv(10))
        for i, client in enumerate(clients):
            self.assertEqual(client.recv(100), b"you are %d" % i)
            client.close()
        process.wait_for_output("connection 200 ended")
        until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) < 12, "its descriptors to be closed")

    def test_it_comes_through_a_lack_of_descriptors(self):
        process, target = self.relay()
        self.run_ok("prlimit", "--pid", str(process.pid), "--nofile=12")
        clients = [self.connected(self.path("a.sock")) for _ in range(12)]
        for i, client in enumerate(clients):
            client.sendall(b"%d" % i)
        for _ in clients:
            peer = self.accept(target)[0]
            peer.sendall(peer.recv(10))
            peer.close()
        for i, client in enumerate(clients):
            self.assertEqual(client.recv(10), b"%d" % i)

    def test_datagrams_of_everybody_go_on(self):
        process, target = self.relay(kind="dgram")
        for i in range(3):
            sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(sender.close)
            sender.sendto(b"x" * i, self.path("a.sock"))
            self.assertEqual(target.recv(10), b"x" * i)
        target.close()
        sender.sendto(b"nobody gets it", self.path("a.sock"))
        self.assertEqual(process.wait(DEADLINE), 4)
        self.assertIn("the target: Connection refused", process.output())

    def test_mode_and_rules_are_those_of_listen(self):
        process, target = self.relay("--mode", "0640", "--deny", f"uid={os.getuid()}")
        self.assertEqual(os.stat(self.path("a.sock")).st_mode & 0o777, 0o640)
        self.assertEqual(self.connected(self.path("a.sock")).recv(10), b"")
        target.setblocking(False)
        self.assertRaises(BlockingIOError, target.accept)

    def test_from_tcp_and_to_tcp(self):
        target = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(target.close)
        port = target.getsockname()[1]
        first = self.start(SUNPATH, "relay", self.path("a.sock"), f"tcp:127.0.0.1:{port}")
        first.wait_for_socket(self.path("a.sock"))
        self.accept(target)  # of wait_for_socket()
        second = self.start(SUNPATH, "relay", "-v", "tcp:127.0.0.1:0", self.path("a.sock"))
        second.wait_for_output("listening on tcp:127.0.0.1:")
        port = int(second.output().split("listening on tcp:127.0.0.1:")[1].split()[0])
        client = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(client.close)
        client.sendall(b"over both")
        peer, _ = self.accept(target)
        self.assertEqual(peer.recv(100), b"over both")
        peer.close()
        self.assertEqual(client.recv(10), b"")

    def test_memory_for_a_large_message_passes_untouched(self):
        program, path = os.path.join(BIN, "example-large-message"), "seqpacket:" + self.path("b.sock")
        receiver = self.start(program, "receive", path)
        until(lambda: published(self.path("b.sock")), "the receiver's socket")
        process = self.start(SUNPATH, "relay", "-v", "--once", "seqpacket:" + self.path("a.sock"), self.path("b.sock"))
        process.wait_for_output("listening on")
        sent = self.run_ok(program, "send", "seqpacket:" + self.path("a.sock"), "50000000")
        self.assertEqual(receiver.wait(DEADLINE), 0)
        self.assertEqual(receiver.output(), sent)
        self.assertEqual(process.wait(DEADLINE), 0)
        self.assertIn("1 message, 32 bytes, 1 descriptor there", process.output())

    def test_idle_connections_end(self):
        process, client, target = self.joined("--idle", "50ms", "--once")
        self.assertEqual([client.recv(10), target.recv(10)], [b"", b""])
        self.assertEqual(process.wait(DEADLINE), 1)
        self.assertIn("nothing came or went for 50 ms", process.output())

    def test_curl_through_a_relay(self):
        self.serve(self.path("b.sock"))
        process = self.start(SUNPATH, "relay", self.path("a.sock"), self.path("b.sock"))
        process.wait_for_socket(self.path("a.sock"))
        answer = self.run_ok("curl", "-sS", "--unix-socket", self.path("a.sock"), "http://localhost/whoami")
        self.assertIn(f'"pid":{process.pid}', answer)  # who asks is the relay

    def test_what_makes_no_sense(self):
        for arguments in [["./a"], ["./a", "./b", "./c"], ["seqpacket:./a", "stream:./b"], ["seqpacket:./a", "tcp:localhost:1"],
                          ["--wait=x", "./a", "./b"], ["--type", "x", "./a", "./b"]]:
            done = self.run_any(SUNPATH, "relay", *arguments, cwd=self.dir)
            self.assertEqual(done.returncode, 2, arguments)
        self.assertFalse(os.path.exists(self.path("a")))


if __name__ == "__main__":
    main()
