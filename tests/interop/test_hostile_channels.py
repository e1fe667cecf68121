# SPDX-License-Identifier: MIT
"""Peers of a message channel that do what none should, thousands of times in a random order: others are served all
the while, and when they have gone nothing of them is left."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import array
import errno
import fcntl
import random
import struct

VICTIM = os.path.join(BIN, "test-program-channel-victim")
TYPES = {"seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
MAGIC = b"\x93sunpath\xd5\x1f\xe2\x07\xb8\x6c\x4a\x91"  # channel-large.c
MEMORY, OFFER, ANSWER, POOL, RELEASE, DROP = range(1, 7)
HAS_MEMORY = 1 << 31
SEAL, SHRINK, GROW, WRITE = 1, 2, 4, 8
F_ADD_SEALS = 1033
N_ACTS = 4000


def note(kind, detail=0, size=0):
    return MAGIC + struct.pack("<IIQ", kind, detail, size)


def varint(n):
    return bytes([n & 0x7f | 0x80]) + varint(n >> 7) if n > 0x7f else bytes([n])


FRAMES = {"u32be": lambda data: struct.pack(">I", len(data)) + data,
          "u64le": lambda data: struct.pack("<Q", len(data)) + data,
          "varint": lambda data: varint(len(data)) + data,
          "netstring": lambda data: b"%d:%s," % (len(data), data),
          "content-length": lambda data: b"Content-Length: %d\r\n\r\n%s" % (len(data), data),
          "line": lambda data: data.replace(b"\n", b"?") + b"\n",
          "nul": lambda data: data.replace(b"\0", b"?") + b"\0"}


class Horde:
    """Hostile peers, at most eight connections at a time."""

    def __init__(self, test, path, kind):
        self.test, self.path, self.kind = test, path, kind
        self.type = TYPES.get(kind, socket.SOCK_STREAM)
        self.frame = FRAMES.get(kind, lambda data: data)
        self.random = random.Random(kind)
        self.peers, self.sides = [], []
        self.null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)

    def connect(self, named=False):
        peer = socket.socket(socket.AF_UNIX, self.type)
        if named and self.type == socket.SOCK_DGRAM:
            peer.bind("")
        peer.settimeout(DEADLINE)
        peer.connect(self.path)
        return peer

    def memory(self, size, seals):
        fd = os.memfd_create("hostile", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
        return fd

    def offer(self, text):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        ours.send(text)
        self.sides.append(ours)
        return theirs.detach()

    def any_fd(self):
        pick = self.random.choice
        return pick([lambda: os.dup(self.null),
                     lambda: os.open("/tmp", os.O_RDONLY | os.O_CLOEXEC),
                     lambda: self.offer(pick([note(OFFER), note(OFFER, 1), note(DROP, 1), b"?"])),
                     lambda: self.memory(pick([0, 1, 4096, 1 << 20, (1 << 20) + 1]),
                                         pick([0, 15, 15, SEAL | SHRINK | GROW, SHRINK, SHRINK | WRITE]))])()

    def send(self, peer, data, fds=()):
        """False when the peer is of no use any more."""
        try:
            if fds:
                peer.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
            else:
                peer.send(data)
            return True
        except OSError as error:
            return error.errno in (errno.EMSGSIZE, errno.EINVAL)
        finally:
            for fd in fds:
                os.close(fd)

    def answer(self, fd):
        """The server asks, too, whether memory is welcome: lies to it, and goes on in the_side_socket()."""
        try:
            side = socket.socket(fileno=fd)
        except OSError:
            os.close(fd)
            return
        side.setblocking(False)
        try:
            side.send(note(ANSWER, self.random.choice([0, 1, 1]), self.random.choice([0, 100, 1 << 20, (1 << 64) - 1])))
        except OSError:
            pass
        self.sides.append(side)

    def read(self, peer):
        """What there is, now and then; False at the end."""
        while self.random.random() < 0.9 and select.select([peer], [], [], 0)[0]:
            try:
                data, parts, _, _ = peer.recvmsg(1 << 17, 4096)
            except OSError:
                return False
            for _, _, content in parts:
                fds = array.array("i")
                fds.frombytes(content[:len(content) // 4 * 4])
                for fd in fds:
                    self.answer(fd)
            if not data:
                return False
        return True

    # ---- what they do: each returns False when the peer is to go

    def bytes_of_any_size(self, peer):
        size = self.random.choice([0, 1, 31, 32, 33, 500, 5000, 65536, 65537])
        return self.send(peer, self.frame(b"h" + self.random.randbytes(size)))

    def descriptors(self, peer):
        n = self.random.choice([1, 1, 4, 5, 6, 253])
        return self.send(peer, self.frame(b"with some"), [self.any_fd() for _ in range(n)])

    def notes(self, peer):
        pick = self.random.choice
        text = note(pick([0, 1, 1, 2, 3, 4, 4, 5, 6, 99]), pick([0, 1, 15, 16, HAS_MEMORY, HAS_MEMORY | 15]),
                    pick([0, 1, 4096, 1 << 20, (1 << 20) + 1, (1 << 64) - 1]))
        return self.send(peer, self.frame(text), [self.any_fd() for _ in range(pick([0, 1, 1, 2, 5]))])

    def memory_in_order(self, peer):
        size = self.random.choice([0, 10, 4096, 1 << 20])
        return self.send(peer, self.frame(note(MEMORY, 0, size)), [self.memory(size, 15)])

    def an_offer(self, peer):
        return self.send(peer, self.frame(b"offer"), [self.offer(note(OFFER, 1))])

    def a_slot(self, peer):
        size = self.random.choice([1, 4096, 1 << 19])
        said = max(size + self.random.choice([-1, 0, 0, 1]), 0)
        return self.send(peer, self.frame(note(POOL, HAS_MEMORY | self.random.randrange(18), said)),
                         [self.memory(size, SEAL | SHRINK | GROW)])

    def the_side_socket(self, peer):
        for side in self.random.sample(self.sides, min(len(self.sides), 3)):
            try:
                for _ in range(self.random.choice([1, 200])):
                    side.send(self.random.choice([note(DROP, self.random.randrange(20)), note(ANSWER, 1, 1 << 40),
                                                  note(RELEASE, self.random.randrange(20)), note(OFFER, 1), b"?"]))
            except OSError:
                pass
        return True

    def a_cut(self, peer):
        frame = self.frame(b"h" * 500)
        self.send(peer, frame[:self.random.randrange(1, len(frame))])
        return False

    def junk(self, peer):
        return self.send(peer, self.random.choice([b"\xff" * 20, b"\x80" * 11, b"99999999999999999999:", b"\r\n\r\n"]))

    def half_an_end(self, peer):
        if self.type != socket.SOCK_DGRAM:
            peer.shutdown(self.random.choice([socket.SHUT_WR, socket.SHUT_RD]))
        return True

    def leave(self, peer):
        return False

    def act(self):
        if len(self.peers) < 8:
            self.peers.append(self.connect(self.random.random() < 0.5))
            self.peers[-1].settimeout(0.1)  # who keeps all slots of the pool is not read from any more: it gives up
        peer = self.random.choice(self.peers)
        deeds = [self.bytes_of_any_size, self.descriptors, self.notes, self.notes, self.memory_in_order, self.an_offer,
                 self.a_slot, self.a_slot, self.the_side_socket, self.a_cut, self.junk, self.half_an_end, self.leave]
        if not self.random.choice(deeds)(peer) or not self.read(peer):
            self.peers.remove(peer)
            peer.close()
        while len(self.sides) > 30:
            self.sides.pop(0).close()

    def close(self):
        for one in self.peers + self.sides:
            one.close()
        os.close(self.null)


class Hostile(TestCase):
    def is_served(self, horde):
        with horde.connect(named=True) as peer:
            peer.send(horde.frame(b"ab"))
            self.assertEqual(peer.recv(100), horde.frame(b"2 bytes, 0 fds, 03"))

    def held(self, server):
        with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
            return len(os.listdir(f"/proc/{server.pid}/fd")), maps.read().count("memfd:")

    def n_sockets(self, server):
        folder = f"/proc/{server.pid}/fd"
        try:
            return sum("socket:" in os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder))
        except FileNotFoundError:  # closed meanwhile
            return -1

    def attack(self, kind):
        path = self.path(f"{kind}.sock")
        server = self.start(VICTIM, f"{kind}:{path}" if kind in TYPES else path, "line" if kind in TYPES else kind)
        horde = Horde(self, path, kind)
        until(lambda: accepts(path, horde.type), f"{server.argv} to listen")
        self.is_served(horde)
        until(lambda: self.n_sockets(server) == 1, "its client to be gone")
        before = self.held(server)
        for i in range(N_ACTS):
            horde.act()
            if i % 200 == 0:
                self.is_served(horde)
        horde.close()
        until(lambda: self.held(server) <= before, "what they held to be gone")
        self.assertEqual(server.stop(), 0, server.output())

    def test_every_type_and_framing(self):
        for kind in [*TYPES, *FRAMES]:
            with self.subTest(kind):
                self.attack(kind)


if __name__ == "__main__":
    main()
