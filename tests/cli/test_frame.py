# SPDX-License-Identifier: MIT
"""The frame of the command: verbs, help, complaints, exit statuses, output that cannot be written."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *
import re

VERBS = ["ls", "doctor", "serve", "http", "listen", "connect", "help"]


class Frame(TestCase):
    def usage_error(self, *arguments):
        done = self.run_any(SUNPATH, *arguments)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_version(self):
        text = self.run_ok(SUNPATH, "--version")
        self.assertRegex(text, r"^sunpath \d+\.\d+\.\d+\n")
        self.assertRegex(text, r"(?m)^optional parts: .*\bjansson\b.*\bzlib\b")

    def test_overview_names_every_verb(self):
        for option in ["help", "--help", "-h"]:
            text = self.run_ok(SUNPATH, option)
            for verb in VERBS:
                self.assertRegex(text, rf"(?m)^  {verb} ")

    def test_every_verb_has_a_page(self):
        for verb in VERBS:
            page = self.run_ok(SUNPATH, "help", verb)
            self.assertTrue(page.startswith("NAME\n"), page)
            self.assertIn(f"sunpath-{verb} - ", page)
            self.assertIn("SYNOPSIS", page)
            self.assertEqual(page, self.run_ok(SUNPATH, verb, "--help"))
            self.assertNotRegex(page, r"\\f|\\-|\\\(")
            self.assertNotRegex(page, r"[\x00-\x09\x0b-\x1f]")
        self.assertIn("EXIT STATUS", self.run_ok(SUNPATH, "help", "sunpath"))

    def test_pages_describe_every_option(self):
        """An option the command knows and its manual does not is a lie by omission."""
        for verb in VERBS:
            with open(os.path.join(SOURCE, "cli", f"cmd-{verb}.c")) as file:
                source = file.read()
            page = self.run_ok(SUNPATH, "help", verb)
            for option in re.findall(r'\{"([a-z][a-z0-9-]*)",\s*(?:no|required|optional)_argument', source):
                self.assertRegex(page, rf"--{option}\b", f"{verb}: {option}")
            if "CLI_LISTEN_LONG_OPTIONS" in source:
                for option in ["mode", "owner", "group", "backlog", "allow", "deny"]:
                    self.assertRegex(page, rf"--{option}\b", f"{verb}: {option}")
            if "CLI_MESSAGE_LONG_OPTIONS" in source:
                for option in ["lines", "whole", "frame", "hex", "count", "fd-in", "fd-out"]:
                    self.assertRegex(page, rf"--{option}\b", f"{verb}: {option}")

    def test_help_shows_what_man_shows(self):
        if not shutil.which("groff"):
            self.fail("groff is missing: apt-get install groff-base")
        words = lambda text: re.sub(r"[^a-zA-Z]", "", re.sub(r"\x1b\[[0-9;]*m", "", text))
        for verb in VERBS:
            source = os.path.join(SOURCE, "docs", "man", f"sunpath-{verb}.1")
            formatted = self.run_any("groff", "-man", "-Tascii", "-ww", "-P-c", "-rHY=0", source)
            self.assertEqual(formatted.stderr, "")
            text = re.sub(r".\x08", "", formatted.stdout)
            text = text[text.index("NAME"):]
            text = "\n".join(line for line in text.splitlines()
                             if not re.match(r"^(SUNPATH-|Sunpath|sunpath \d)", line))
            self.assertEqual(words(text), words(self.run_ok(SUNPATH, "help", verb)))

    def test_pages_keep_to_the_macros_help_knows(self):
        known = {"TH", "SH", "PP", "TP", "EX", "EE", "nf", "fi", "br", "B", "I", "BR", "RB", "IR", "RI", "BI", "IB"}
        for name in os.listdir(os.path.join(SOURCE, "docs", "man")):
            with open(os.path.join(SOURCE, "docs", "man", name)) as page:
                text = page.read()
            self.assertEqual(set(re.findall(r"(?m)^\.([A-Za-z]+)", text)) - known, set(), name)
            self.assertEqual(set(re.findall(r"\\(\((?:..)|.)", text)) - set("fe-\"&") - {"(aq"}, set(), name)
        self.assertIn("\n        sunpath serve /tmp/a.sock &\n", self.run_ok(SUNPATH, "help", "serve"))

    def test_unknown_verb(self):
        self.assertIn("did you mean 'listen'", self.usage_error("lisen"))
        self.assertIn("did you mean 'ls'", self.usage_error("lst"))
        self.assertNotIn("did you mean", self.usage_error("frobnicate"))
        self.assertIn("did you mean 'doctor'", self.usage_error("help", "docter"))
        self.assertIn("'\\x1b[31m'", self.usage_error("\x1b[31m"))
        self.assertIn("'' is not", self.usage_error(""))
        self.assertIn("not a verb", self.usage_error("x" * 5000))

    def test_complaints_name_the_verb_and_the_option(self):
        text = self.usage_error("listen", "--bogus")
        self.assertIn("sunpath listen: unknown option '--bogus'", text)
        self.assertIn("sunpath help listen", text)
        self.assertIn("unknown option '-Q'", self.usage_error("connect", "-Q"))
        self.assertIn("no value goes with an option like '--gzip=9'", self.usage_error("serve", "--gzip=9"))
        self.assertIn("missing after '--mode'", self.usage_error("listen", "--mode"))
        self.assertIn("missing after '--header'", self.usage_error("http", "--header"))
        self.assertIn("missing after '-H'", self.usage_error("http", "-vH"))
        self.assertIn("ADDRESS is missing", self.usage_error("listen"))
        self.assertIn("ADDRESS is missing", self.usage_error("connect"))
        self.assertIn("one ADDRESS", self.usage_error("connect", "./a", "./b"))

    def test_values_are_read_strictly(self):
        for option, values in {
            "--mode": ["8", "u+w", "01777", "", "-1", "0x1ff"],
            "--type": ["tcp", ""],
            "--backlog": ["-1", "x", "1x", "99999999999999", ""],
            "--timeout": ["0", "-1", "1x", "inf", "nan", "1e3", "1..5", "", "9999999h", "."],
            "--allow": ["root", "uid=", "user=nobody-of-this-name", "uid=-1"],
            "--fd": ["-1", "x", ""],
            "--send-buffer": ["0", "1Q", "9T", "-5"],
        }.items():
            for value in values:
                done = self.run_any(SUNPATH, "listen", f"{option}={value}", self.path("x.sock"))
                self.assertEqual(done.returncode, 2, (option, value, done))
                self.assertFalse(os.path.exists(self.path("x.sock")))

    def test_bad_addresses(self):
        for address in ["x", "", "nonsense:x", "unix:"]:
            done = self.run_any(SUNPATH, "connect", address)
            self.assertEqual(done.returncode, 2, (address, done))
            self.assertRegex(done.stderr, "^sunpath: ")

    def test_exit_statuses(self):
        self.assertEqual(self.run_any(SUNPATH, "connect", self.path("none")).returncode, 4)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(self.path("stale"))
        done = self.run_any(SUNPATH, "connect", self.path("stale"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("stale", done.stderr)
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(self.path("live"))
            live.listen(1)
            self.assertEqual(self.run_any(SUNPATH, "listen", self.path("live")).returncode, 5)
            os.chmod(self.path("live"), 0o600)
            os.chmod(self.dir, 0o755)
            denied = self.run_any("runuser", "-u", "nobody", "--", SUNPATH, "connect", self.path("live"))
            self.assertEqual(denied.returncode, 3, denied)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([SUNPATH, "help", "listen"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)
        closed = self.run_any("sh", "-c", f"{SUNPATH} --version >&-")
        self.assertEqual(closed.returncode, 1, closed)

    def test_a_closed_pipe_is_no_reason_for_a_message(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([SUNPATH, "help", "listen"], stdout=write_end, stderr=subprocess.PIPE)
        os.close(write_end)
        self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_descriptors_that_are_closed_do_not_become_sockets(self):
        path = self.path("x.sock")
        server = self.start("sh", "-c", f"exec {SUNPATH} listen -k --echo {path} <&- >&- 2>&-")
        server.wait_for_socket(path)
        fds = {fd: os.readlink(f"/proc/{server.pid}/fd/{fd}") for fd in ["0", "1", "2"]}
        self.assertEqual(set(fds.values()), {"/dev/null"}, fds)

    def test_colour_only_on_a_terminal(self):
        import pty
        def on_terminal(**environment):
            pid, master = pty.fork()
            if pid == 0:
                os.execve(SUNPATH, ["sunpath", "help"], {**os.environ, "TERM": "xterm", **environment})
            output = b""
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # EIO: the terminal is gone
                    break
                if not piece:
                    break
                output += piece
            os.close(master)
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
            return output
        self.assertIn(b"\x1b[1m", on_terminal(NO_COLOR=""))
        self.assertNotIn(b"\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", on_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", self.run_ok(SUNPATH, "help"))


if __name__ == "__main__":
    main()
