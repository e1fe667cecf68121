# SPDX-License-Identifier: MIT
"""Every program in README.md is an example that the tests compile and run, to the letter."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

BLOCK = re.compile(r"<!-- (examples/[\w.-]+) -->\n```c\n(.*?)```", re.S)


class Readme(TestCase):
    def test_programs_are_the_examples(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as readme:
            text = readme.read()
        blocks = BLOCK.findall(text)
        self.assertEqual(len(blocks), text.count("```c\n"), "a program in README.md names no example")
        self.assertGreaterEqual(len(blocks), 3)
        for name, program in blocks:
            with open(os.path.join(SOURCE, name), encoding="utf-8") as example:
                body = example.read()
            self.assertEqual(program, body[body.index("#include"):], name)


if __name__ == "__main__":
    main()
