# SPDX-License-Identifier: MIT
"""Servers that start, are killed and are replaced at the same time: one owner, nobody else gets in, nothing is lost."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import struct


def program(name):
    return os.path.join(BIN, "test-program-" + name)


class Race(TestCase):
    """Where sockets appear by rename, if this user has such a place; the tests "below" are bound in place."""

    place = place_not_cleaned() or "/tmp"

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)  # the intruder may look, not write

    def sticky(self):
        path = self.path("sticky")
        os.mkdir(path)
        os.chmod(path, 0o1777)
        return os.path.join(path, "a.sock")

    def below_sticky(self):
        path = os.path.join(os.path.dirname(self.sticky()), "app")
        os.mkdir(path, 0o755)
        return os.path.join(path, "a.sock")

    def run_race(self, name, *arguments):
        said = self.run_ok(program(name), *arguments, timeout=300)
        print(f"{name}: {said.strip()}", file=sys.stderr)
        return said

    def check_names(self, path, *expected):
        self.assertEqual(sorted(os.listdir(os.path.dirname(path))), sorted(expected))


class Starters(Race):
    def test_six_starters_one_winner(self):
        path = self.path("a.sock")
        self.assertIn("150 winners", self.run_race("starters", path, 6, 150, 0))
        self.check_names(path, "a.sock", "a.sock.lock")

    def test_six_starters_stopped_at_random_moments(self):
        path = self.path("a.sock")
        self.assertIn("150 winners", self.run_race("starters", path, 6, 150, 1))
        self.check_names(path, "a.sock", "a.sock.lock")

    def test_six_starters_in_a_sticky_directory(self):
        path = self.sticky()
        self.assertIn("150 winners", self.run_race("starters", path, 6, 150, 1))
        self.check_names(path, "a.sock", "a.sock.lock")

    def test_six_starters_below_a_sticky_directory(self):
        path = self.below_sticky()
        self.assertIn("150 winners", self.run_race("starters", path, 6, 150, 1))
        self.check_names(path, "a.sock", "a.sock.lock")

    def test_fifty_starters_after_a_kill(self):
        self.assertIn("10 winners", self.run_race("starters", self.path("a.sock"), 50, 10, 1))


class Killed(Race):
    def test_restart_works_after_sigkill_at_any_moment(self):
        self.assertIn("300 killed", self.run_race("killed", self.path("a.sock"), 300))

    def test_the_same_in_a_sticky_directory(self):
        self.assertIn("300 killed", self.run_race("killed", self.sticky(), 300))

    def test_the_same_below_one(self):
        self.assertIn("300 killed", self.run_race("killed", self.below_sticky(), 300))


@unittest.skipUnless(os.geteuid() == 0, "becomes another user")
class Intruder(Race):
    def test_there_is_no_moment_of_wider_access(self):
        self.assertIn("1000 starts", self.run_race("intruder", self.path("a.sock"), 1000))

    def test_nor_in_a_sticky_directory(self):
        self.assertIn("1000 starts", self.run_race("intruder", self.sticky(), 1000))

    def test_nor_below_one(self):
        self.assertIn("1000 starts", self.run_race("intruder", self.below_sticky(), 1000))


class Upgrade(Race):
    def test_300_replacements_lose_no_request(self):
        path = self.path("a.sock")
        self.assertIn("0 failed", self.run_race("upgrade", path, 300))
        self.check_names(path, "a.sock.lock")


class Close(Race):
    def ask(self, path):
        """The pid of the server that answers at `path`."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            return struct.unpack("i", client.recv(4, socket.MSG_WAITALL))[0]

    def start_server(self, path):
        server = self.start(program("server"), path)
        server.wait_for_output("ready")
        return server

    def test_a_server_removes_its_file(self):
        path = self.path("a.sock")
        server = self.start_server(path)
        self.assertEqual(self.ask(path), server.pid)
        self.assertEqual(server.stop(), 0, server.output())
        self.assertFalse(os.path.lexists(path))

    def test_a_successor_keeps_its_file(self):
        path = self.path("a.sock")
        old = self.start_server(path)
        os.unlink(path)
        os.unlink(path + ".lock")  # else the new one would be refused: the old one lives
        new = self.start_server(path)
        self.assertEqual(old.stop(), 0, old.output())
        self.assertEqual(self.ask(path), new.pid)
        self.assertEqual(new.stop(), 0, new.output())
        self.assertFalse(os.path.lexists(path))

    def test_a_second_start_is_refused_and_names_the_first(self):
        path = self.path("a.sock")
        first = self.start_server(path)
        second = self.run_any(program("server"), path)
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(first.pid), second.stderr)
        self.assertEqual(self.ask(path), first.pid)

    def test_a_second_start_is_refused_while_the_first_is_stopped(self):
        path = self.path("a.sock")
        first = self.start_server(path)
        first.send_signal(signal.SIGSTOP)
        self.assertEqual(self.run_any(program("server"), path).returncode, 1)
        first.send_signal(signal.SIGCONT)
        self.assertEqual(self.ask(path), first.pid)

    def test_a_killed_server_can_be_started_again(self):
        path = self.path("a.sock")
        for _ in range(5):
            self.start_server(path).stop(signal.SIGKILL)
            self.assertTrue(os.path.lexists(path))
        last = self.start_server(path)
        self.assertEqual(self.ask(path), last.pid)


if __name__ == "__main__":
    main()
