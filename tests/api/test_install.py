# SPDX-License-Identifier: MIT
"""What `cmake --install` puts down works for consumers: find_package, pkg-config, C and C++."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

RELEASE = os.path.join(BUILD, "../release")
CONSUMER = """cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(sunpath REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared sunpath::sunpath)
add_executable(static main.c)
target_link_libraries(static sunpath::sunpath-static)
"""
MAIN = """#include <stdio.h>
#include <sunpath/sunpath.h>
int main(void) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_address address;
    char text[128];
    if (sunpath_address_parse(&address, "unix:///run/x.sock", NULL) < 0 || options.size == 0) {
        return 1;
    }
    sunpath_address_format(text, sizeof(text), &address);
    sunpath_http_server_free(NULL); /* what stands on optional libraries, so that they are needed */
    printf("%s %s\\n", sunpath_version(), text);
    return 0;
}
"""


class Install(TestCase):
    def setUp(self):
        super().setUp()
        self.prefix = self.path("prefix")
        self.run_ok("cmake", "--install", RELEASE, "--prefix", self.prefix)
        with open(self.path("main.c"), "w", encoding="utf-8") as source:
            source.write(MAIN)

    def folder_of_pc(self):
        found = [root for root, _, files in os.walk(self.prefix) if "sunpath.pc" in files]
        self.assertEqual(len(found), 1)
        return os.path.dirname(found[0])

    def check(self, program):
        environment = dict(os.environ, LD_LIBRARY_PATH=self.folder_of_pc())
        self.assertIn("/run/x.sock", self.run_ok(program, env=environment))

    def test_find_package(self):
        with open(self.path("CMakeLists.txt"), "w", encoding="utf-8") as lists:
            lists.write(CONSUMER)
        self.run_ok("cmake", "-S", self.dir, "-B", self.path("b"), f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.run_ok("cmake", "--build", self.path("b"))
        self.check(self.path("b/shared"))
        self.check(self.path("b/static"))

    def test_pkg_config_c_and_cxx(self):
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.folder_of_pc(), "pkgconfig"))
        flags = self.run_ok("pkg-config", "--cflags", "--libs", "sunpath", env=environment).split()
        self.assertIn("-lz", self.run_ok("pkg-config", "--static", "--libs", "sunpath", env=environment).split())
        strict = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
        for compiler in (["gcc", "-std=c99"], ["g++", "-x", "c++", "-std=c++17"]):
            program = self.path("program-" + compiler[0])
            self.run_ok(*compiler, *strict, self.path("main.c"), "-o", program, *flags)
            self.check(program)

    def test_static_as_the_readme_says(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as readme:
            lines = re.findall(r"^cc hello\.c .*$", readme.read(), re.M)
        self.assertEqual(len(lines), 1)
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.folder_of_pc(), "pkgconfig"))
        os.rename(self.path("main.c"), self.path("hello.c"))
        self.run_ok("sh", "-c", lines[0], cwd=self.dir, env=environment)
        self.assertNotIn("libsunpath", self.run_ok("ldd", self.path("hello")))
        self.assertIn("/run/x.sock", self.run_ok(self.path("hello")))

    def test_examples_are_compiled_as_the_guide_says(self):
        with open(os.path.join(SOURCE, "docs/guide/README.md"), encoding="utf-8") as page:
            lines = re.findall(r"^c(?:c|\+\+) .*$", page.read(), re.M)
        self.assertEqual(len(lines), 3)
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.folder_of_pc(), "pkgconfig"))
        shutil.copytree(os.path.join(SOURCE, "examples"), self.path("examples"))
        for line in lines:
            self.run_ok("sh", "-c", line, cwd=self.path("examples"), env=environment)
        path = self.path("hello.sock")
        environment["LD_LIBRARY_PATH"] = self.folder_of_pc()
        self.start(self.path("examples/http-hello"), path, env=environment).wait_for_socket(path)

    def test_the_command_and_its_pages_are_installed(self):
        self.assertIn("sunpath", self.run_ok(os.path.join(self.prefix, "bin/sunpath"), "--version"))
        self.assertTrue(os.path.exists(os.path.join(self.prefix, "share/man/man1/sunpath.1")))


if __name__ == "__main__":
    main()
