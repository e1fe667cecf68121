# SPDX-License-Identifier: MIT
"""listen and connect with messages on streams, dumps, counts and descriptors."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import struct
from socket_test import *


def varint(number):
    digits = b""
    while number >= 0x80:
        digits += bytes([number & 0x7F | 0x80])
        number >>= 7
    return digits + bytes([number])


def lengths(form):
    return lambda data: struct.pack(form, len(data)) + data


FRAMINGS = {
    "line": lambda data: data + b"\n",
    "nul": lambda data: data + b"\0",
    "u8": lengths("B"),
    "u16be": lengths(">H"),
    "u16le": lengths("<H"),
    "u32be": lengths(">I"),
    "u32le": lengths("<I"),
    "u64be": lengths(">Q"),
    "u64le": lengths("<Q"),
    "varint": lambda data: varint(len(data)) + data,
    "netstring": lambda data: b"%d:%s," % (len(data), data),
    "content-length": lambda data: b"Content-Length: %d\r\n\r\n%s" % (len(data), data),
}


def n_fds(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Talking(Copying):
    def finish(self, process, status=0):
        """What it printed and what it complained about, after it has ended by itself."""
        output = process.stdout.read()
        process.stdout.close()
        if not process.stdin.closed:
            process.stdin.close()
        self.assertEqual(process.wait(DEADLINE), status, process.output())
        return output, process.output()

    def listen_to(self, *arguments, data, status=0):
        """`sunpath listen` gets these bytes from a peer that then leaves."""
        path = self.path(f"s{len(self.processes)}")
        server = self.pipes(SUNPATH, "listen", *arguments, path)
        with self.connected(path) as peer:
            peer.sendall(data)
        return self.finish(server, status)


class Framed(Talking):
    def test_every_framing_both_ways(self):
        messages = [b"hello", b"", b"x" * 200, b"last"]
        for framing, encode in FRAMINGS.items():
            wire = b"".join(encode(message) for message in messages)
            client, peer = self.connect_started("-N", "--frame", framing, name=self.path(framing))
            client.stdin.write(b"\n".join(messages))
            client.stdin.close()
            self.assertEqual(self.read_all(peer), wire, framing)
            peer.sendall(wire)
            peer.close()
            self.assertEqual(self.finish(client)[0], b"\n".join(messages) + b"\n", framing)

    def test_varints_of_protobuf(self):
        made = subprocess.run([DEBIAN_PYTHON, "-c", (
            "import sys; from google.protobuf.internal.encoder import _VarintBytes\n"
            "for n in [0, 1, 127, 128, 300, 16383, 16384, 70000]:\n"
            "    sys.stdout.buffer.write(_VarintBytes(n) + b'v' * n)")], capture_output=True, check=True).stdout
        lines = b"".join(b"v" * n + b"\n" for n in [0, 1, 127, 128, 300, 16383, 16384, 70000])
        self.assertEqual(self.listen_to("--frame", "varint", data=made)[0], lines)
        client, peer = self.connect_started("-N", "--frame", "varint")
        client.stdin.write(lines)
        client.stdin.close()
        self.assertEqual(self.read_all(peer), made)
        peer.close()
        self.finish(client)

    def test_whole_input_is_one_message_and_bytes_stay_as_they_are(self):
        data = os.urandom(100000) + b"\n\0\n"
        client, peer = self.connect_started("-N", "--frame", "u32be", "--whole")
        client.stdin.write(data)
        client.stdin.close()
        self.assertEqual(self.read_all(peer), FRAMINGS["u32be"](data))
        peer.sendall(FRAMINGS["u32be"](data) * 2)
        peer.close()
        self.assertEqual(self.finish(client)[0], data * 2)

    def test_hex_shows_where_messages_begin_and_end(self):
        output, _ = self.listen_to("--frame", "netstring", "--hex", data=b"18:0123456789\0\xff\n |~AB,0:,1:x,")
        self.assertEqual(output.decode(), (
            "message 1: 18 bytes\n"
            "00000000  30 31 32 33 34 35 36 37  38 39 00 ff 0a 20 7c 7e  |0123456789... |~|\n"
            "00000010  41 42                                             |AB|\n"
            "message 2: 0 bytes\n"
            "message 3: 1 byte\n"
            "00000000  78                                                |x|\n"))

    def test_count_ends_it_and_fewer_are_a_failure(self):
        client, peer = self.connect_started("--frame", "line", "--count", "2")
        peer.sendall(b"one\ntwo\nthree\n")
        self.assertEqual(self.finish(client), (b"one\ntwo\n", ""))
        output, said = self.listen_to("--frame", "line", "--count", "3", data=b"one\ntwo", status=1)
        self.assertEqual(output, b"one\ntwo\n")
        self.assertIn("the peer closed the connection after 2 of 3 messages", said)

    def test_a_peer_that_refuses_a_message_is_named_as_the_one_who_ended_it(self):
        client, peer = self.connect_started("--frame", "line", "--count", "1")
        client.stdin.write(b"no such verb\n")
        client.stdin.flush()
        self.assertEqual(peer.recv(100), b"no such verb\n")
        peer.close()
        self.assertEqual(self.finish(client, 1), (
            b"", "sunpath: the peer closed the connection after 0 of 1 messages: it may have refused what was sent\n"))

    def test_a_peer_that_leaves_without_a_word_is_named_too(self):
        client, peer = self.connect_started("--frame", "line", "--count", "1")
        peer.close()
        self.assertEqual(self.finish(client, 1)[1], "sunpath: the peer closed the connection after 0 of 1 messages\n")

    def test_count_on_other_types_and_over_several_clients(self):
        path = self.path("q.sock")
        server = self.pipes(SUNPATH, "listen", "-k", "--lines", "--count", "3", "seqpacket:" + path)
        for message in [b"a", b"b"]:
            with self.connected(path, "seqpacket") as peer:
                peer.send(message)
            self.assertEqual(server.stdout.readline(), message + b"\n")
        with self.connected(path, "seqpacket") as peer:
            peer.send(b"c")
            self.assertEqual(self.finish(server)[0], b"c\n")

        path = self.path("d.sock")
        server = self.pipes(SUNPATH, "listen", "--lines", "--count", "2", "dgram:" + path)
        until(lambda: published(path), "the file")
        server.stdin.write(b"answer\n")
        server.stdin.flush()
        peer = self.listening(self.path("p.sock"), "dgram")
        peer.sendto(b"1", path)
        self.assertEqual(peer.recv(100), b"answer")
        peer.sendto(b"2", path)
        self.assertEqual(self.finish(server)[0], b"1\n2\n")

    def test_count_does_not_wait_for_somebody_to_answer(self):
        server = self.pipes(SUNPATH, "listen", "--lines", "--count", "1", "dgram:" + self.path("d.sock"))
        until(lambda: published(self.path("d.sock")), "the file")
        server.stdin.write(b"an answer\n")
        server.stdin.close()
        self.run_ok(SUNPATH, "connect", "dgram:" + self.path("d.sock"), input="no name")
        self.assertEqual(self.finish(server)[0], b"no name\n")

    def test_bad_frames_are_said_with_their_number(self):
        for framing, data, says in [
            ("u32be", b"\0\0\0\1x\0\0\0\5ab", "message 2: cut by the end of the stream after 6 of 9 bytes"),
            ("u32be", b"\xff\xff\xff\xff", "message 1: its length of 4294967295 bytes is over the limit of 4194304"),
            ("varint", b"\1x\x80\0", "message 2"),
            ("netstring", b"1:x;", "message 1"),
            ("content-length", b"Host: x\r\n\r\n", "message 1"),
            ("nul", b"x\0yz", "message 2: cut"),
        ]:
            _, said = self.listen_to("--frame", framing, data=data, status=1)
            self.assertIn(says, said)

    def test_messages_that_a_framing_cannot_carry(self):
        for framing, data, says in [("u8", b"x" * 256, "a message of 256 bytes is over the limit of 255: --frame u8"),
                                    ("nul", b"a\0b", "a message holds what ends one: --frame nul")]:
            client, peer = self.connect_started("--frame", framing, name=self.path(framing))
            client.stdin.write(data)
            client.stdin.close()
            self.assertIn(says, self.finish(client, 1)[1])
            self.assertEqual(self.read_all(peer), b"")

    def test_the_peer_leaves(self):
        """While standard input is silent that is the end; with something left to say it is a failure."""
        client, peer = self.connect_started("--frame", "u16le")
        peer.sendall(FRAMINGS["u16le"](b"bye"))
        peer.close()
        self.assertEqual(self.finish(client)[0], b"bye\n")
        client, peer = self.connect_started("--frame", "u16le", name=self.path("2"))
        client.stdin.write(b"never read\n")
        client.stdin.flush()
        until(lambda: select.select([peer], [], [], 0)[0], "the message")
        peer.close()
        self.assertIn("left before it had read everything", self.finish(client, 1)[1])

    def test_a_slow_standard_output_stops_the_peer(self):
        client, peer = self.connect_started("--frame", "u32be")
        message = FRAMINGS["u32be"](b"m" * 9999)
        peer.setblocking(False)
        sent, rest = 0, message
        def is_full():
            nonlocal sent, rest
            try:
                n = peer.send(rest)
            except BlockingIOError:
                return not select.select([], [peer], [], 0.05)[1]
            sent += n == len(rest)
            rest = rest[n:] or message
            return False
        until(is_full, "back-pressure to reach the peer")
        self.assertLess(sent * len(message), 4 << 20)
        expected = (b"m" * 9999 + b"\n") * (sent + (rest != message))
        got = os.read(client.stdout.fileno(), 1 << 20)
        while rest != message or len(got) < len(expected):
            if rest != message and select.select([], [peer], [], 0)[1]:
                rest = rest[peer.send(rest):] or message
            if len(got) < len(expected) and select.select([client.stdout], [], [], 0)[0]:
                got += os.read(client.stdout.fileno(), 1 << 20)
        self.assertEqual(got, expected)
        peer.close()
        client.stdin.close()
        client.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 0, client.output())

    def test_many_messages_both_ways_through_socat(self):
        inner, outer = self.path("inner"), self.path("outer")
        server = self.pipes(SUNPATH, "listen", "--frame", "varint", "--exec", "cat", inner)
        until(lambda: published(inner), "the file")
        self.start("socat", f"UNIX-LISTEN:{outer}", f"UNIX-CONNECT:{inner}")
        lines = "".join(f"{'x' * (i % 300)}{i}\n" for i in range(200))
        echoed = self.run_ok(SUNPATH, "connect", "--wait", "--frame", "varint", "--count", "200", outer, input=lines)
        self.assertEqual(echoed, lines)
        server.stdin.close()
        server.stdout.close()

    def test_verbose_says_who_sent_what(self):
        server = self.pipes(SUNPATH, "listen", "-v", "--lines", "--count", "2", "dgram:" + self.path("v.sock"))
        until(lambda: published(self.path("v.sock")), "the file")
        named = self.listening(self.path("me.sock"), "dgram")
        named.sendto(b"12345", self.path("v.sock"))
        self.run_ok(SUNPATH, "connect", "dgram:" + self.path("v.sock"), input="x")
        output, said = self.finish(server)
        self.assertEqual(output, b"12345\nx\n")
        self.assertRegex(said, rf"message 1: 5 bytes from pid {os.getpid()} \(\S+:\S+\) at dgram:{named.getsockname()}\n")
        self.assertRegex(said, r"message 2: 1 byte from pid \d+ \(\S+:\S+\)\n")

    def test_verbose_knows_the_sender_of_the_first_message_too(self):
        listener = self.listening(self.path("v.sock"), "seqpacket")
        client = self.pipes(SUNPATH, "connect", "-v", "--lines", "seqpacket:" + self.path("v.sock"))
        peer, _ = self.accept(listener)
        peer.send(b"at once")
        peer.close()
        output, said = self.finish(client)
        self.assertEqual(output, b"at once\n")
        self.assertRegex(said, rf"message 1: 7 bytes from pid {os.getpid()} ")

    def test_command_lines_without_sense(self):
        for arguments, says in [
            (["--frame", "json"], "content-length"),
            (["--count", "0"], "not a number of messages"),
            (["--hex"], "--frame says where they end"),
            (["--count", "1"], "--frame says where they end"),
            (["--fd-in"], "--frame says where they end"),
            (["--frame", "line", "--type", "seqpacket"], "is for streams"),
            (["--frame", "line", "--lines", "--whole"], "exclude each other"),
            (["--frame", "line", "--echo"], "--echo"),
            (["--frame", "line", "--exec", "cat", "--hex"], "--hex"),
            (["--frame", "line", "--exec", "cat", "--count", "1", "-k"], "--count"),
        ]:
            done = self.run_any(SUNPATH, "listen", *arguments, self.path("u.sock"))
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(says, done.stderr)
            self.assertFalse(os.path.exists(self.path("u.sock")))
        self.listening(self.path("c.sock"), "seqpacket")
        done = self.run_any(SUNPATH, "connect", "--frame", "nul", "seqpacket:" + self.path("c.sock"))
        self.assertEqual(done.returncode, 2, done)
        done = self.run_any(SUNPATH, "connect", "--fd-out", self.path("none"), "seqpacket:" + self.path("c.sock"))
        self.assertEqual((done.returncode, done.stdout), (4, ""), done)
        self.assertIn("No such file", done.stderr)


class Descriptors(Talking):
    def setUp(self):
        super().setUp()
        with open(self.path("file"), "w") as file:
            file.write("what is in it")

    def receive(self, peer):
        """A message with its descriptors as files."""
        data, fds, _, _ = socket.recv_fds(peer, 1000, 253)
        files = [os.fdopen(fd, "rb") for fd in fds]
        for file in files:
            self.addCleanup(file.close)
        return data, files

    def test_descriptors_go_with_the_first_message(self):
        for kind in TYPES:
            frame = ["--frame", "line"] if kind == "stream" else ["--lines"]
            read_end, write_end = os.pipe()
            path = self.path(kind)
            receiver = self.listening(path, kind)
            client = self.start(SUNPATH, "connect", "--type", kind, *frame, "--fd-out", self.path("file"), "--fd-out",
                                write_end, path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[write_end])
            os.close(write_end)
            peer = receiver if kind == "dgram" else self.accept(receiver)[0]
            client.stdin.write(b"first\n")
            client.stdin.flush()
            data, files = self.receive(peer)
            self.assertEqual(data.strip(), b"first")
            self.assertEqual(files[0].read(), b"what is in it")
            self.assertEqual(os.write(files[1].fileno(), b"through the pipe"), 16)
            self.assertEqual(os.read(read_end, 100), b"through the pipe")
            client.stdin.write(b"second\n")
            client.stdin.flush()
            data, files = self.receive(peer)
            self.assertEqual((data.strip(), files), (b"second", []))
            os.close(read_end)
            client.stdin.close()
            peer.close()
            self.assertEqual(client.wait(DEADLINE), 0, client.output())

    def test_an_empty_message_carries_them_when_there_is_no_other(self):
        client, peer = self.connect_started("-N", "--frame", "u32be", "--fd-out", self.path("file"))
        client.stdin.close()
        data, files = self.receive(peer)
        self.assertEqual((data, files[0].read()), (b"\0\0\0\0", b"what is in it"))
        self.assertEqual(peer.recv(10), b"")
        peer.close()
        self.finish(client)

    def test_each_client_gets_them(self):
        path = self.path("k.sock")
        server = self.start(SUNPATH, "listen", "-k", "--frame", "nul", "--fd-out", self.path("file"), path)
        server.wait_for_socket(path)
        for _ in range(3):
            with self.connected(path) as peer:
                data, files = self.receive(peer)
            self.assertEqual((data, [os.readlink(f"/proc/self/fd/{file.fileno()}") for file in files]),
                             (b"\0", [self.path("file")]))
        self.assertEqual(server.stop(), -signal.SIGTERM)

    def test_what_descriptors_are(self):
        client, peer = self.connect_started("--fd-in", "--lines", kind="seqpacket")
        peer.send(b"none")
        self.assertEqual(client.stdout.readline(), b"none\n")
        before = n_fds(client)
        read_end, write_end = os.pipe()
        memory = os.memfd_create("in-memory")
        folder = os.open(self.dir, os.O_RDONLY)
        event = os.eventfd(0)
        with open(self.path("file"), "r+") as file, open("/dev/null") as device:
            socket.send_fds(peer, [b"all"], [file.fileno(), folder, write_end, peer.fileno(), memory, event,
                                             device.fileno()])
        for fd in [read_end, write_end, memory, folder, event]:
            os.close(fd)
        self.assertEqual(client.stdout.readline(), b"all\n")
        self.assertEqual(n_fds(client), before)
        peer.close()
        _, said = self.finish(client)
        for i, text in enumerate([rf"file {self.path('file')} \(read and write, 13 bytes\)",
                                  rf"directory {self.dir} \(read only\)", r"pipe:\[\d+\] \(write only\)",
                                  r"socket:\[\d+\] \(read and write\)", r"memory /memfd:in-memory \(deleted\) \(read and",
                                  r"descriptor anon_inode:\[eventfd\]", r"device /dev/null \(read only\)"]):
            self.assertRegex(said, rf"message 2, descriptor {i + 1}: {text}")

    def test_with_hex_they_are_part_of_the_dump(self):
        client, peer = self.connect_started("--fd-in", "--frame", "line", "--hex")
        with open(self.path("file")) as file:
            socket.send_fds(peer, [b"x\n"], [file.fileno()])
        peer.close()
        output, said = self.finish(client)
        self.assertEqual(said, "")
        self.assertEqual(output.decode().splitlines()[:2], [
            "message 1: 1 byte", f"message 1, descriptor 1: file {self.path('file')} (read only, 13 bytes)"])

    def test_without_fd_in_they_are_closed_and_the_message_counts(self):
        client, peer = self.connect_started("--lines", kind="seqpacket")
        socket.send_fds(peer, [b"with"], [0, 1])
        peer.close()
        output, said = self.finish(client)
        self.assertEqual(output, b"with\n")
        self.assertIn("message 1: 2 descriptors that came with it were closed: see --fd-in", said)

    def test_without_fd_in_neither_echo_nor_a_command_gets_them(self):
        for answer, *how in [(b"with", "--echo"), (b"0: with\n", "--count", "1", "--exec", "echo $SUNPATH_FDS: $(cat)")]:
            path = self.path(f"s{len(self.processes)}")
            server = self.start(SUNPATH, "listen", *how, "seqpacket:" + path)
            until(lambda: published(path), "the file")
            with self.connected(path, "seqpacket") as peer:
                socket.send_fds(peer, [b"with"], [0, 1])
                self.assertEqual(peer.recv(100), answer)
            self.assertEqual(server.wait(DEADLINE), 0, server.output())
            self.assertIn("message 1: 2 descriptors that came with it were closed: see --fd-in", server.output())

    def test_a_command_for_each_message_gets_them(self):
        command = 'echo "$SUNPATH_FDS descriptors, pid $SUNPATH_PEER_PID: $(cat)"; cat <&3'
        for kind in TYPES:
            path = self.path(kind)
            frame = ["--frame", "u32le"] if kind == "stream" else []
            encode = FRAMINGS["u32le"] if kind == "stream" else bytes
            server = self.start(SUNPATH, "listen", "-k", "--fd-in", "--exec", command, "--type", kind, *frame, path)
            until(lambda: published(path), "the file")
            peer = self.listening(path + "-peer", "dgram") if kind == "dgram" else None
            if peer:
                peer.connect(path)
            else:
                peer = self.connected(path, kind)
            for i in range(2):
                with open(self.path("file")) as file:
                    socket.send_fds(peer, [encode(b"question %d" % i)], [file.fileno()] * (i + 1))
                expected = encode(b"%d descriptors, pid %d: question %d\nwhat is in it" % (i + 1, os.getpid(), i))
                got = b""
                while len(got) < len(expected):
                    got += peer.recv(1000)
                self.assertEqual(got, expected)
            self.assertEqual(server.stop(), -signal.SIGTERM)

    def test_connect_gives_a_command_the_connection_or_each_message(self):
        for kind in ["seqpacket", "dgram"]:
            theirs, ours = socket.socketpair(socket.AF_UNIX, TYPES[kind])
            theirs.settimeout(DEADLINE)
            argv = [SUNPATH, "connect", "--fd", ours.fileno(), "--exec"]
            client = self.start(*argv, "echo got $(dd bs=100 count=1 2>/dev/null)", pass_fds=[ours.fileno()])
            theirs.send(b"a\n")
            self.assertEqual(theirs.recv(100), b"got a\n")
            self.assertEqual(client.wait(DEADLINE), 0)
            client = self.start(*argv, "echo $SUNPATH_FDS: $(cat)", "--count", "2", pass_fds=[ours.fileno()])
            for message in [b"one", b"two"]:
                theirs.send(message)
                self.assertEqual(theirs.recv(100), b"0: %s\n" % message)
            self.assertEqual(client.wait(DEADLINE), 0, client.output())
            theirs.close()
            ours.close()

    def test_no_more_than_the_kernel_passes(self):
        many = [word for _ in range(254) for word in ("--fd-out", self.path("file"))]
        done = self.run_any(SUNPATH, "connect", *many, "seqpacket:" + self.path("x"))
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("253", done.stderr)
        client, peer = self.connect_started(*many[2:], kind="seqpacket")
        client.stdin.write(b"x")
        client.stdin.close()
        self.assertEqual(len(self.receive(peer)[1]), 253)
        peer.close()
        self.finish(client)


if __name__ == "__main__":
    main()
