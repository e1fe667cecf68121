# SPDX-License-Identifier: MIT
"""What docs/guide says is so: programs and configurations are quotations from examples/, or all of a page's C is
one program; terminal sessions are typed and print what is shown; names and options exist, links lead somewhere."""

import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

GUIDE = os.path.join(SOURCE, "docs/guide")
PAGES = sorted(name for name in os.listdir(GUIDE) if name.endswith(".md"))
BLOCK = re.compile(r"(?:^<!-- (?P<file>examples/[\w.-]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
CONFIGURATION = {"nginx", "caddy", "haproxy"}
KINDS = {"": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
PATIENCE = 20  # seconds for output that is expected to come


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def blocks(page):
    return BLOCK.finditer(read(GUIDE, page))


def without_blocks(page):
    return BLOCK.sub("", read(GUIDE, page))


def program_of(page):
    """Its C that names no example."""
    return "\n".join(block["text"] for block in blocks(page) if block["kind"] == "c" and not block["file"])


def commands(text):
    """What is typed ("$ ", continued by "> ") and what is shown then, in pairs."""
    pairs = []
    for line in text.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], []))
        elif line.startswith("> ") and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0] + "\n" + line[2:], [])
        else:
            pairs[-1][1].append(line)
    return [(typed, "\n".join(shown)) for typed, shown in pairs]


def is_shown(output, shown):
    """Is it what the page shows? "..." there stands for anything."""
    pattern = re.escape(shown.strip("\n")).replace(re.escape("..."), ".*?")
    return re.fullmatch(pattern, output.replace("\r\n", "\n").strip("\n"), re.S) is not None


class Terminal:
    """A shell in the test's directory. What it and its background jobs print comes together, as on a screen."""

    def __init__(self, test):
        self.test = test
        self.done, done = os.pipe()
        for name in os.listdir(BIN):
            if name.startswith("example-"):
                os.symlink(os.path.join(BIN, name), test.path(name.removeprefix("example-")))
        with open(test.path(".curlrc"), "w", encoding="utf-8") as settings:
            settings.write("no-progress-meter\n")  # as on a terminal
        environment = {**os.environ, "PATH": os.path.dirname(SUNPATH) + ":" + os.environ["PATH"], "CURL_HOME": test.dir}
        self.shell = test.start("bash", "--norc", "-s", stdin=subprocess.PIPE, pass_fds=[done], cwd=test.dir,
                                env=environment)
        os.close(done)
        self.n_done = done  # the shell's number for it
        self.n_read = 0

    def private(self, text):
        text = text.replace("%2Ftmp%2F", urllib.parse.quote(self.test.dir, "") + "%2F")
        return re.sub(r"/(tmp|run)/(?!sunpath-test-)", self.test.dir + "/", text)

    def type(self, typed):
        """Types it and returns its exit status."""
        self.shell.stdin.write(f"{{ {typed}\n}} </dev/null {self.n_done}>&-\necho $? >&{self.n_done}\n".encode())
        self.shell.stdin.flush()
        ready, _, _ = select.select([self.done], [], [], DEADLINE)
        self.test.assertTrue(ready, f"this does not end: {typed}\n{self.shell.output()}")
        return int(os.read(self.done, 100))

    def new_output(self):
        return self.shell.output()[self.n_read:]

    def run(self, typed, shown):
        typed, shown = self.private(typed), self.private(shown)
        status = self.type(typed)
        if typed.endswith("&"):
            self.test.assertNotIn("&&", typed, "a subshell: ending it does not end what it runs")
            for kind, path in re.findall(r"(?:(seqpacket|dgram):)?([\w./-]+\.sock)", typed)[:1]:
                until(lambda: accepts(path, KINDS[kind]), f"{typed} to accept", PATIENCE)
        try:
            until(lambda: is_shown(self.new_output(), shown), "what is shown", PATIENCE if shown else 0)
        except AssertionError:
            self.test.assertEqual(self.new_output(), shown, typed)
        self.n_read = len(self.shell.output())
        if not shown:
            self.test.assertEqual(status, 0, typed)

    def close(self):
        """Ends the jobs; the sanitizers must have nothing to say."""
        self.type("kill $(jobs -p) 2>/dev/null; wait")
        self.shell.stdin.close()
        self.shell.wait(DEADLINE)
        os.close(self.done)
        self.test.assertNotRegex(self.shell.output(), "Sanitizer|runtime error")


class Guide(TestCase):
    def check(self, page):
        typed = [pair for block in blocks(page) if block["kind"] == "console" for pair in commands(block["text"])]
        program = program_of(page)
        if program:
            self.assertTrue(typed, f"{page}: nobody runs its program")
            self.compile(program, self.path(page.removesuffix(".md")))
        if typed:
            terminal = Terminal(self)
            for command, shown in typed:
                terminal.run(command, shown)
            terminal.close()

    def compile(self, text, program):
        source = self.path("program.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        library = os.path.join(BUILD, "libsunpath.so")
        # What was built with the sanitizers needs them in the program, too.
        options = ["-fsanitize=address,undefined"] if "libasan" in self.run_ok("ldd", library) else []
        self.run_ok("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", *options, "-I", os.path.join(SOURCE, "include"),
                    source, "-o", program, library, f"-Wl,-rpath,{BUILD}")

    def test_quotations_are_from_the_examples(self):
        for page in PAGES:
            for block in blocks(page):
                if block["file"]:
                    with self.subTest(page, block=block["text"][:60]):
                        example, at = read(block["file"]), 0
                        for piece in re.split(r"^ *\.\.\.\n", block["text"], flags=re.M):
                            at = example.find(piece.strip("\n"), at)
                            self.assertGreaterEqual(at, 0, f"{block['file']} does not have this:\n{piece}")
                else:
                    self.assertNotIn(block["kind"], CONFIGURATION, f"{page}: it names no example")
                    self.assertIn(block["kind"], ("c", "console", "sh"), page)

    def test_names_are_declared(self):
        headers = "".join(read("include/sunpath", name) for name in os.listdir(os.path.join(SOURCE, "include/sunpath")))
        declared = set(re.findall(r"\w+", headers))
        for page in PAGES:
            named = set(re.findall(r"\bsunpath_\w*\w|\bSUNPATH_\w+", read(GUIDE, page)))
            if page != "from-other-tools.md":  # which has the names of others
                named |= set(re.findall(r"`\.?([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\(\))?`", without_blocks(page)))
            self.assertEqual(sorted(named - declared), [], page)

    def test_options_are_known(self):
        for page in PAGES:
            for verb, rest in re.findall(r"\bsunpath (serve|http) ([^`|&\n]*)", read(GUIDE, page)):
                known = self.run_ok(SUNPATH, verb, "--help")
                for option in re.findall(r"(?<!\S)--?[a-zA-Z][\w-]*", rest):
                    self.assertRegex(known, rf"(?m)^ .*{re.escape(option)}\b", f"{page}: sunpath {verb} {rest}")

    def test_shell_text_is_shell(self):
        for page in PAGES:
            for block in blocks(page):
                if block["kind"] == "sh":
                    self.run_ok("bash", "-n", input=block["text"])

    def test_links_lead_somewhere(self):
        for page in PAGES + ["../../README.md"]:
            text = BLOCK.sub("", read(GUIDE, page))
            for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
                if not target.startswith("http"):
                    there = os.path.normpath(os.path.join(GUIDE, os.path.dirname(page), target))
                    self.assertTrue(os.path.exists(there), f"{page}: {target}")
            for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
                titles = re.findall(r"^#+ (.*)$", read(GUIDE, target or page), re.M)
                anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
                self.assertIn(anchor, anchors, f"{page}: {target}#{anchor}")

    def test_the_index_has_every_page(self):
        index = read(GUIDE, "README.md")
        for page in PAGES:
            if page != "README.md":
                self.assertIn(f"]({page})", index)


def typed_as_shown(page):
    return lambda self: self.check(page)


for name in PAGES:
    setattr(Guide, "test_" + re.sub(r"\W", "_", name.removesuffix(".md").lower()) + "_is_typed", typed_as_shown(name))


if __name__ == "__main__":
    main()
