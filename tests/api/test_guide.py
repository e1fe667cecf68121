# SPDX-License-Identifier: MIT
"""The C blocks of each page in docs/guide are one program, which compiles, runs, and answers as its page says."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

GUIDE = os.path.join(SOURCE, "docs", "guide")
C_BLOCK = re.compile(r"^```c\n(.*?)^```", re.S | re.M)
ASKED = re.compile(r"^curl --unix-socket (\S+) (.*?)\s+# (\S+)$", re.M)


class Guide(TestCase):
    def compile(self, page):
        with open(os.path.join(GUIDE, page), encoding="utf-8") as file:
            text = file.read()
        source, program = self.path("guide.c"), self.path("guide")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(C_BLOCK.findall(text)))
        options = os.environ.get("CFLAGS", "").split()
        libraries = self.libraries()
        self.run_ok("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", *options, "-I", os.path.join(SOURCE, "include"),
                    source, "-o", program, os.path.join(BUILD, "libsunpath.so"), f"-Wl,-rpath,{BUILD}",
                    *libraries)
        return text, program

    def libraries(self):
        """A library that was built with the sanitizers needs them in the program, too."""
        listing = self.run_ok("ldd", os.path.join(BUILD, "libsunpath.so"))
        return ["-fsanitize=address,undefined"] if "libasan" in listing else []

    def test_pages_are_programs(self):
        for page in sorted(os.listdir(GUIDE)):
            with self.subTest(page):
                text, program = self.compile(page)
                asked = ASKED.findall(text)
                if not asked:
                    continue
                path = self.path("guide.sock")
                server = self.start(program, path)
                server.wait_for_socket(path)
                for _, arguments, expected in asked:
                    answer = self.run_ok("curl", "-s", "--unix-socket", path, "-w", " %{http_code}", *arguments.split())
                    self.assertIn(expected, answer.split(), arguments)
                self.assertEqual(server.stop(), 0, server.output())


if __name__ == "__main__":
    main()
