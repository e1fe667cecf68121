# SPDX-License-Identifier: MIT
"""Each verb's manual has all of its options, and no other."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from sunpath_test import *

import glob
import re

OPTION = re.compile(r'\{"([\w-]+)", (?:no|required|optional)_argument')


def options_of(pattern):
    """The long options that the sources have a table row for."""
    found = set()
    for name in glob.glob(os.path.join(SOURCE, "cli", pattern)):
        with open(name, encoding="utf-8") as source:
            found |= set(OPTION.findall(source.read()))
    return found


class Pages(TestCase):
    def setUp(self):
        super().setUp()
        listing = self.run_ok(SUNPATH, "help")
        self.verbs = re.findall(r"^  ([a-z]+) ", listing, re.M)
        self.assertGreater(len(self.verbs), 7)

    def tagged(self, verb):
        """The options that are explained there: what its tags say."""
        tags = [line for line in self.run_ok(SUNPATH, verb, "--help").splitlines() if line.startswith("    -")]
        return set(re.findall(r"(?<!\S)--([a-z][\w-]*)", " ".join(tags)))

    def test_options_are_explained(self):
        for verb in self.verbs:
            with self.subTest(verb):
                own = options_of(f"cmd-{verb}.c") | options_of(f"{verb}-*.[ch]")
                self.assertEqual(sorted(own - self.tagged(verb) - {"help"}), [])

    def test_what_is_explained_is_taken(self):
        for verb in self.verbs:
            for option in sorted(self.tagged(verb)):
                with self.subTest(verb, option=option):
                    # The first of the two behind it may be its value, so nothing is ever done.
                    done = self.run_any(SUNPATH, verb, f"--{option}", "--no-such", "--no-such")
                    self.assertNotEqual(done.returncode, 0)
                    self.assertNotIn(f"unknown option '--{option}'", done.stderr)

    def test_every_verb_is_on_the_first_page(self):
        with open(os.path.join(SOURCE, "docs/man/sunpath.1"), encoding="utf-8") as page:
            text = page.read()
        for verb in self.verbs:
            self.assertIn(f"\n.B {verb}\n", text)


if __name__ == "__main__":
    main()
