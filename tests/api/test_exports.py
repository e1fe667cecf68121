# SPDX-License-Identifier: MIT
"""The shared library exports exactly what the public headers declare, and no name means two things."""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

RELEASE = os.path.join(BUILD, "../release")
DECLARATION = re.compile(r"SUNPATH_API\s[^;{]*?\b(sunpath_\w+)\s*\(", re.S)


def without_comments(text):
    """Nor preprocessor lines, in which SUNPATH_API is defined."""
    return re.sub(r"^#.*?(?<!\\)$", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S), flags=re.S | re.M)


class Exports(TestCase):
    def test_exports_are_the_declarations(self):
        declared = set()
        folder = os.path.join(SOURCE, "include/sunpath")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as header:
                declared |= set(DECLARATION.findall(without_comments(header.read())))
        self.assertGreater(len(declared), 80)
        listing = self.run_ok("nm", "-D", "--defined-only", os.path.join(RELEASE, "libsunpath.so"))
        exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
        self.assertEqual(sorted(declared - exported), [], "declared but not exported")
        self.assertEqual(sorted(exported - declared), [], "exported but not declared")

    def test_a_struct_has_one_definition(self):
        places = {}
        for pattern in ("include/sunpath/*.h", "src/*/*.[ch]"):
            for name in glob.glob(os.path.join(SOURCE, pattern)):
                with open(name, encoding="utf-8") as source:
                    for tag in re.findall(r"^struct (sunpath_\w+) {", source.read(), re.M):
                        places.setdefault(tag, []).append(os.path.relpath(name, SOURCE))
        self.assertGreater(len(places), 60)
        self.assertEqual({tag: names for tag, names in places.items() if len(names) > 1}, {})


if __name__ == "__main__":
    main()
