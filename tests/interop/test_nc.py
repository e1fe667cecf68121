# SPDX-License-Identifier: MIT
"""listen and connect against what people use today: socat, nc, ncat, python3 and Node.js, as server
and as client, in every socket type they know."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
from socket_test import *

PYTHON = """
import socket, sys, threading
role, path = sys.argv[1:]
sock = socket.socket(socket.AF_UNIX)
if role == "server":
    sock.bind(path)
    sock.listen()
    sock = sock.accept()[0]
else:
    sock.connect(path)
def receive():
    while data := sock.recv(65536):
        sys.stdout.buffer.write(data)
receiver = threading.Thread(target=receive)
receiver.start()
sock.sendall(sys.stdin.buffer.read())
sock.shutdown(socket.SHUT_WR)
receiver.join()
"""

NODE = """
const net = require('net');
const [role, path] = process.argv.slice(1);
const copy = socket => { process.stdin.pipe(socket); socket.pipe(process.stdout); };
if (role === 'server') {
  const server = net.createServer({allowHalfOpen: true}, socket => { server.close(); copy(socket); }).listen(path);
} else {
  const socket = net.connect({path, allowHalfOpen: true}, () => copy(socket));
}
"""

# All of them copy standard input and output and half-close when their input ends.
STREAM_CLIENTS = {
    "socat": ["socat", "-t60", "-", "UNIX-CONNECT:{}"],
    "nc": ["nc", "-N", "-U", "{}"],
    "ncat": ["ncat", "-U", "{}"],
    "python3": [sys.executable, "-c", PYTHON, "client", "{}"],
    "node": ["node", "-e", NODE, "client", "{}"],
    "sunpath": [SUNPATH, "connect", "-N", "{}"],
}
STREAM_SERVERS = {
    "socat": ["socat", "-t60", "UNIX-LISTEN:{}", "-"],
    "nc": ["nc", "-N", "-l", "-U", "{}"],
    "ncat": ["ncat", "-l", "-U", "{}"],
    "python3": [sys.executable, "-c", PYTHON, "server", "{}"],
    "node": ["node", "-e", NODE, "server", "{}"],
    "sunpath": [SUNPATH, "listen", "-N", "{}"],
}

# As servers these drop what they still have to send once the client half-closes, whoever the client
# is. They get one that stays open until they have ended.
HASTY_SERVERS = ["nc", "ncat"]


class Interop(Copying):
    def data_file(self, name, size):
        with open(self.path(name), "wb") as file:
            file.write((f"{name} ".encode() * size)[:size])
        return self.path(name)

    def start_copying(self, template, path, name, input_file):
        argv = [part.replace("{}", path) if part == "{}" or ":{}" in part else part for part in template]
        with open(input_file, "rb") as stdin, open(name, "wb") as stdout:
            return self.start(*argv, stdin=stdin, stdout=stdout)

    def is_listening(self, path):
        """Asked without connecting: these servers take one client only."""
        inode = os.stat(path).st_ino if os.path.exists(path) else None
        return inode is not None and any(
            f"ino:{inode} " in line for line in self.run_ok("ss", "-xleH").splitlines())

    def check_pair(self, server, client, sizes):
        self.n_pairs = getattr(self, "n_pairs", 0) + 1
        path, received, answered = (self.path(f"{self.n_pairs}-{name}") for name in ["sock", "received", "answered"])
        question, answer = self.data_file("question", sizes[0]), self.data_file("answer", sizes[1])
        a = self.start_copying(server, path, received, answer)
        until(lambda: self.is_listening(path), f"{server} to listen")
        b = self.start_copying(client, path, answered, question)
        self.assertEqual(b.wait(DEADLINE), 0, b.output())
        self.assertEqual(a.wait(DEADLINE), 0, a.output())
        for sent, got in [(question, received), (answer, answered)]:
            with open(sent, "rb") as one, open(got, "rb") as other:
                self.assertTrue(one.read() == other.read(), f"{got} differs, by {server[0]} / {client[0]}")

    def test_every_stream_client_against_listen(self):
        for name, client in STREAM_CLIENTS.items():
            for sizes in [(5, 7), (300000, 700000), (0, 1000), (1000, 0)]:
                with self.subTest(client=name, sizes=sizes):
                    self.check_pair(STREAM_SERVERS["sunpath"], client, sizes)

    def test_connect_against_every_stream_server(self):
        for name, server in STREAM_SERVERS.items():
            client = [SUNPATH, "connect", "{}"] if name in HASTY_SERVERS else STREAM_CLIENTS["sunpath"]
            for sizes in [(5, 7), (300000, 700000), (0, 1000), (1000, 0)]:
                with self.subTest(server=name, sizes=sizes):
                    self.check_pair(server, client, sizes)


class Messages(Copying):
    def listen(self, kind, *arguments):
        path = self.path(f"{kind}.sock")
        server = self.start(SUNPATH, "listen", *arguments, "--type", kind, path, stdout=subprocess.PIPE)
        self.addCleanup(server.stdout.close)
        until(lambda: published(path), "the file")
        return server, path

    def test_socat_seqpacket_client(self):
        _, path = self.listen("seqpacket", "-k", "--echo")
        self.assertEqual(self.run_ok("socat", "-t60", "-", f"UNIX-CONNECT:{path},type=5", input="a record"), "a record")

    def test_socat_seqpacket_server(self):
        path = self.path("s.sock")
        self.start("socat", f"UNIX-LISTEN:{path},type=5,fork", "PIPE")
        until(lambda: os.path.exists(path), "socat")
        done = lambda: self.run_any(SUNPATH, "connect", "-N", "--lines", "seqpacket:" + path, input="one\n")
        self.assertEqual(until(lambda: done().stdout, "socat to listen"), "one\n")

    def test_python_seqpacket_client(self):
        _, path = self.listen("seqpacket", "-k", "--echo")
        peer = self.connected(path, "seqpacket")
        messages = [b"x", b"yy" * 500, b"z" * 60000]
        for message in messages:
            peer.send(message)
        self.assertEqual([peer.recv(1 << 20) for _ in messages], messages)

    def test_socat_sends_datagrams(self):
        server, path = self.listen("dgram", "--lines")
        self.run_ok("socat", "-u", "-", f"UNIX-SENDTO:{path}", input="by socat")
        self.assertEqual(server.stdout.readline(), b"by socat\n")

    def test_socat_gets_datagram_answers(self):
        _, path = self.listen("dgram", "--exec", "echo PONG")
        self.assertEqual(self.run_ok("socat", "-t0.5", "-", f"UNIX-SENDTO:{path},bind={self.path('c.sock')}",
                                     input="PING"), "PONG\n")

    def test_socat_receives_datagrams(self):
        path = self.path("r.sock")
        socat = self.start("socat", "-u", f"UNIX-RECV:{path}", "-")
        until(lambda: os.path.exists(path), "socat")
        self.run_ok(SUNPATH, "connect", "dgram:" + path, input="to socat")
        socat.wait_for_output("to socat")

    def test_socat_answers_datagrams(self):
        path = self.path("r.sock")
        self.start("socat", f"UNIX-RECVFROM:{path},fork", "EXEC:cat")
        until(lambda: os.path.exists(path), "socat")
        client = self.start(SUNPATH, "connect", "--lines", "--bind", self.path("me.sock"), "dgram:" + path,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        client.stdin.write(b"ping\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), b"ping\n")
        client.stop()
        client.stdin.close()
        client.stdout.close()

    def send_with_a_name(self, path, message):
        """nc and ncat connect to the first sender: it needs a name, and must still be there then."""
        client = self.start(SUNPATH, "connect", "--lines", "--bind", self.path("me"), "dgram:" + path,
                            stdin=subprocess.PIPE)
        client.stdin.write(message)
        client.stdin.close()

    def test_nc_datagrams(self):
        server, path = self.listen("dgram", "--lines")
        client = self.start("nc", "-u", "-U", path, stdin=subprocess.PIPE)
        client.stdin.write(b"by nc\n")
        client.stdin.flush()
        self.assertEqual(server.stdout.readline(), b"by nc\n")
        client.kill()
        client.stdin.close()

        receiving = self.path("nc.sock")
        receiver = self.start("nc", "-u", "-l", "-U", receiving)
        until(lambda: os.path.exists(receiving), "nc")
        self.send_with_a_name(receiving, b"to nc\n")
        receiver.wait_for_output("to nc")

    def test_ncat_datagrams(self):
        server, path = self.listen("dgram", "--lines")
        self.run_ok("ncat", "-U", "--udp", "--send-only", path, input="by ncat\n")
        self.assertEqual(server.stdout.readline(), b"by ncat\n")

        receiving = self.path("ncat.sock")
        receiver = self.start("ncat", "-l", "-U", "--udp", receiving)
        until(lambda: os.path.exists(receiving), "ncat")
        self.send_with_a_name(receiving, b"to ncat\n")
        receiver.wait_for_output("to ncat")

    def test_logger_and_systemd_notify(self):
        server, path = self.listen("dgram", "--lines")
        self.run_ok("logger", "-u", path, "-d", "hello syslog")
        self.assertRegex(server.stdout.readline(), rb"^<13>.*hello syslog\n$")
        self.run_ok("systemd-notify", "--ready", "--no-block", env={**os.environ, "NOTIFY_SOCKET": path})
        self.assertIn(b"READY=1", server.stdout.readline())


if __name__ == "__main__":
    main()
