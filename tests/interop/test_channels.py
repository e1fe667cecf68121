# SPDX-License-Identifier: MIT
"""Message channels against Python, Go, node-unix-socket, vscode-jsonrpc, socat and ncat, over every type of
socket, as server and as client: what arrives is what was sent, message for message."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import array
import socket
import struct

ECHO = os.path.join(BIN, "example-message-echo")
RUN = os.path.join(BIN, "test-program-channel-run")
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_PEER = [sys.executable, os.path.join(HERE, "channel-peer.py")]
FRAMINGS = ["line", "nul", "u8", "u16be", "u16le", "u32be", "u32le", "u64be", "u64le", "varint", "netstring",
            "content-length"]
KINDS = {"seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-protobuf is for


class Channels(TestCase):
    def echo(self, kind, name="echo.sock"):
        """Starts our echo server for a type of socket or a framing; returns its path."""
        path = self.path(name)
        typed = kind in KINDS
        server = self.start(ECHO, f"{kind}:{path}" if typed else path, *([] if typed else [kind]))
        until(lambda: self.is_up(server, path), f"{server.argv} to listen")
        return path

    def is_up(self, process, path):
        self.assertIsNone(process.poll(), process.output())
        return published(path)

    def run_against(self, kind, path, count, smallest=0, largest=100000, in_flight=50):
        """Our client against an echo server; waits for it to be there."""
        typed = kind in KINDS
        largest = min(largest, {"u8": 255}.get(kind, 60000 if kind.startswith("u16") else largest))
        bind = [f"dgram:{path}.ours"] if kind == "dgram" else []
        out = self.run_ok(RUN, f"{kind}:{path}" if typed else path, "u32be" if typed else kind, count, smallest,
                          largest, in_flight, *bind, timeout=2 * DEADLINE)
        self.assertIn(f"ok {count} messages", out)


class Ours(Channels):
    def test_ten_thousand_messages_through_every_channel(self):
        for kind in [*KINDS, *FRAMINGS]:
            with self.subTest(kind):
                self.run_against(kind, self.echo(kind, kind), 10000)


class Python(Channels):
    def test_as_client(self):
        for kind in [*KINDS, *FRAMINGS]:
            with self.subTest(kind):
                path = self.echo(kind, kind)
                self.assertEqual(self.run_ok(*PYTHON_PEER, "client", kind, path, 1000), "ok 1000\n")

    def test_as_server(self):
        for kind in [*KINDS, *FRAMINGS]:
            with self.subTest(kind):
                self.start(*PYTHON_PEER, "server", kind, self.path(kind))
                self.run_against(kind, self.path(kind), 10000 if kind in [*KINDS, "u32be"] else 1000)

    def test_an_old_client_sees_no_offer_and_no_change(self):
        """Empty messages, the end, and descriptors, with plain sockets."""
        path = self.echo("seqpacket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(path)
            for message in [b"", b"x", b"", b"y"]:
                client.send(message)
            self.assertEqual([client.recv(10) for _ in range(4)], [b"", b"x", b"", b"y"])
            read_end, write_end = os.pipe()
            socket.send_fds(client, [b"a pipe"], [write_end])
            message, fds, _, _ = socket.recv_fds(client, 100, 4)
            self.assertEqual((message, len(fds)), (b"a pipe", 1))
            os.write(fds[0], b"through")
            self.assertEqual(os.read(read_end, 100), b"through")
            for fd in [read_end, write_end, *fds]:
                os.close(fd)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(10), b"")

    def test_descriptors_on_a_stream_come_with_their_frame(self):
        path = self.echo("u32be")
        with socket.socket(socket.AF_UNIX) as client, open("/dev/null") as null:
            client.connect(path)
            for i in range(20):
                frame = struct.pack(">I", i) + b"m" * i
                client.sendall(frame) if i % 3 else socket.send_fds(client, [frame], [null.fileno()])
            for i in range(20):
                message, fds, _, _ = socket.recv_fds(client, 4, 4)
                self.assertEqual((message, len(fds)), (struct.pack(">I", i), int(i % 3 == 0)))
                for fd in fds:
                    self.assertTrue(os.path.sameopenfile(fd, null.fileno()))
                    os.close(fd)
                self.assertEqual(client.recv(i) if i else b"", b"m" * i)

    def test_a_flood_of_descriptors_leaves_nothing(self):
        """253 at once, to a receiver of 16, and other clients do not notice."""
        path = self.echo("seqpacket")
        server = self.processes[-1]
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client, open("/dev/null") as null, \
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            client.connect(path)
            other.connect(path)
            client.send(b"first")
            other.send(b"first")
            client.recv(10), other.recv(10)
            before = len(os.listdir(f"/proc/{server.pid}/fd"))
            for _ in range(20):
                client.sendmsg([b"flood"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                             array.array("i", [null.fileno()] * 253))])
            client.send(b"after")
            self.assertEqual(client.recv(10), b"after")
            other.send(b"still")
            self.assertEqual(other.recv(10), b"still")
            self.assertEqual(len(os.listdir(f"/proc/{server.pid}/fd")), before)
        server.wait_for_output("message 21: it brought more descriptors than the limit of 16")


class Go(Channels):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("go"):
            raise unittest.SkipTest("needs go")
        cls.folder = tempfile.mkdtemp(prefix="sunpath-test-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.program = os.path.join(cls.folder, "peer")
        subprocess.run(["go", "build", "-o", cls.program, os.path.join(HERE, "channel-peer.go")], check=True,
                       timeout=300, cwd=cls.folder, env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "",
                                                         "GOCACHE": os.path.join(cls.folder, "cache")})

    def test_as_client(self):
        for kind in ["seqpacket", "dgram", "u32be", "varint"]:
            with self.subTest(kind):
                path = self.echo(kind, kind)
                self.assertEqual(self.run_ok(self.program, "client", kind, path, 2000), "ok 2000\n")

    def test_as_server(self):
        for kind in ["seqpacket", "dgram", "u32be", "varint"]:
            with self.subTest(kind):
                self.start(self.program, "server", kind, self.path(kind))
                # of packets Go takes an empty one for the end
                self.run_against(kind, self.path(kind), 10000, smallest=int(kind == "seqpacket"))


class Node(Channels):
    def test_node_unix_socket_as_client(self):
        for kind in KINDS:
            with self.subTest(kind):
                path = self.echo(kind, kind)
                self.assertEqual(self.run_node("unix-socket-peer.js", "client", kind, path, "1000"), "ok 1000\n")

    def test_node_unix_socket_as_server(self):
        """It ends at an empty packet, cuts datagrams at 65,535 bytes and goes deaf when a queue is full."""
        for kind in KINDS:
            with self.subTest(kind):
                self.start_node("unix-socket-peer.js", "server", kind, self.path(kind)).wait_for_output("listening")
                self.run_against(kind, self.path(kind), 10000, smallest=1, largest=60000, in_flight=5)

    def test_language_servers_frames(self):
        path = self.echo("content-length")
        self.assertEqual(self.run_node("jsonrpc-client.js", path, "300"), "ok 300\n")


class Tools(Channels):
    def test_socat_between_seqpackets(self):
        inner = self.echo("seqpacket", "inner")
        outer = self.path("outer")
        self.start("socat", "-b", "300000", f"UNIX-LISTEN:{outer},type=5", f"UNIX-CONNECT:{inner},type=5")
        self.run_against("seqpacket", outer, 10000, smallest=1)

    def test_socat_between_streams(self):
        inner = self.echo("varint", "inner")
        outer = self.path("outer")
        self.start("socat", f"UNIX-LISTEN:{outer}", f"UNIX-CONNECT:{inner}")
        self.run_against("varint", outer, 10000)

    def test_socat_as_seqpacket_client(self):
        path = self.echo("seqpacket")
        self.assertEqual(self.run_ok("socat", "-t5", "-", f"UNIX-CONNECT:{path},type=5", input="hi"), "hi")

    def test_socat_with_datagrams(self):
        path = self.echo("dgram")
        asked = self.start("socat", "-t60", "-", f"UNIX-SENDTO:{path},bind={self.path('asks')}", stdin=subprocess.PIPE)
        asked.stdin.write(b"hello")
        asked.stdin.flush()
        asked.wait_for_output("hello")
        asked.stdin.close()
        asked.stop()
        server = self.path("answers")
        self.start("socat", "-b", "300000", f"UNIX-RECVFROM:{server},fork", "PIPE")
        self.run_against("dgram", server, 100, smallest=1, largest=4000, in_flight=1)

    def test_ncat_with_streams(self):
        path = self.echo("line")
        self.assertEqual(self.run_ok("ncat", "-U", path, input="one\n\nlast\n"), "one\n\nlast\n")
        server = self.path("server")
        self.start("ncat", "-l", "-U", server, "--exec", "/bin/cat")
        self.run_against("netstring", server, 10000, largest=2000)

    def test_ncat_with_datagrams(self):
        log = self.start(os.path.join(BIN, "example-datagram-log"), f"dgram:{self.path('log')}")
        until(lambda: published(self.path("log")), "the log")
        self.run_any("ncat", "-U", "--udp", self.path("log"), input="from ncat\n")
        log.wait_for_output("from ncat")
        # it answers the first sender, who needs a name for that
        receiver = self.start("ncat", "-l", "-U", "--udp", self.path("server"))
        sender = self.start(SUNPATH, "connect", "--wait", "--bind", self.path("ours"),
                            f"dgram:{self.path('server')}", stdin=subprocess.PIPE)
        sender.stdin.write(b"to ncat\n")
        sender.stdin.close()
        receiver.wait_for_output("to ncat")


class Protobuf(Channels):
    def test_its_varints_are_ours(self):
        """python3-protobuf writes the lengths, and reads them."""
        if not os.path.exists("/usr/lib/python3/dist-packages/google/protobuf/internal/encoder.py"):
            self.skipTest("needs python3-protobuf")
        path = self.echo("varint")
        program = """
import socket, sys
from google.protobuf.internal.decoder import _DecodeVarint
from google.protobuf.internal.encoder import _VarintBytes
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
sizes = [0, 1, 127, 128, 129, 300, 16383, 16384, 16385, 200000]
for size in sizes:
    sock.sendall(_VarintBytes(size) + b"p" * size)
sock.shutdown(socket.SHUT_WR)
data = b""
while piece := sock.recv(1 << 16):
    data += piece
at = 0
for size in sizes:
    length, at = _DecodeVarint(data, at)
    assert length == size and data[at:at + size] == b"p" * size, (size, length)
    at += size
assert at == len(data)
print("ok")
"""
        self.assertEqual(self.run_ok(DEBIAN_PYTHON, "-c", program, path), "ok\n")


class Hostile(Channels):
    def test_a_length_that_nobody_has_memory_for(self):
        path = self.echo("u32be")
        server = self.processes[-1]
        def resident():
            with open(f"/proc/{server.pid}/status") as status:
                return int([line for line in status if line.startswith("VmRSS")][0].split()[1])
        with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as other:
            client.connect(path)
            other.connect(path)
            client.sendall(b"\0\0\0\1x")
            self.assertEqual(client.recv(10), b"\0\0\0\1x")
            before = resident()
            client.sendall(b"\xff\xff\xff\xff")
            self.assertEqual(client.recv(10), b"")
            other.sendall(b"\0\0\0\1y")
            self.assertEqual(other.recv(10), b"\0\0\0\1y")
            self.assertLess(resident() - before, 1024)
        server.wait_for_output("message 2: its length of 4294967295 bytes is over the limit of 1048576")

    def test_a_client_that_never_reads(self):
        """Its answers are held back, and so is what it sends: the server's memory stays small."""
        path = self.echo("u32be")
        with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as other:
            client.connect(path)
            client.setblocking(False)
            frame = struct.pack(">I", 60000) + b"z" * 60000
            sent = 0
            try:
                while sent < 1 << 30:
                    sent += client.send(frame[sent % len(frame):])
            except BlockingIOError:
                pass
            self.assertLess(sent, 16 << 20)
            other.settimeout(DEADLINE)
            other.connect(path)
            other.sendall(b"\0\0\0\1y")
            self.assertEqual(other.recv(10), b"\0\0\0\1y")


if __name__ == "__main__":
    main()
