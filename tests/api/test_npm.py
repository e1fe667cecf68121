# SPDX-License-Identifier: MIT
"""The Node.js package as npm packs it: what is in it, that it installs without a compiler and compiles without a
prebuilt addon, that every Node.js it says it supports loads it, that its types and its README are true."""

import os
import re
import shutil
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
from sunpath_test import *

README = os.path.join(SOURCE, "node", "README.md")
BUILD_DEADLINE = 300  # compiling the addon once more

SMOKE = """
const assert = require('node:assert');
const sunpath = require('sunpath');
const { SeqpacketServer } = require('sunpath/node-unix-socket');
(async () => {
  const server = await sunpath.serve(process.argv[2] + '/http.sock', () => 'hello');
  const socket = await sunpath.connect(server.address);
  socket.end('GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP.1.. 200 [^]*hello$/);
  await server.close();
  await assert.rejects(sunpath.connect(process.argv[2] + '/none.sock'), { code: 'ENOENT', hint: 'missing' });
  const packets = await sunpath.listen('seqpacket:' + process.argv[2] + '/s.sock', one => one.pipe(one));
  const client = await sunpath.connect(packets.address);
  await client.send('');
  await client.send('x');
  const lengths = [];
  for await (const message of client) if (lengths.push(message.length) === 2) break;
  assert.deepStrictEqual(lengths, [0, 1]);
  await packets.close();
  assert.strictEqual(typeof SeqpacketServer, 'function');
  console.log(process.version);
})();
"""


def readme_programs():
    """Each is a program of its own; "/tmp" stands for the directory it runs in."""
    with open(README, encoding="utf-8") as page:
        blocks = re.findall(r"^```js\n(.*?)^```", page.read(), re.S | re.M)
    return [block for block in blocks if "main();" in block or ".catch(" in block]


class Package(TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([os.path.join(SOURCE, "tools", "pack-npm")], capture_output=True, text=True,
                              timeout=BUILD_DEADLINE, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        folder = os.path.join(SOURCE, "build", "npm")
        cls.file = os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".tgz")))

    def install(self, *options, env=None):
        with open(self.path("package.json"), "w", encoding="utf-8") as made:
            made.write('{"private": true}')
        self.run_ok("npm", "install", "--no-audit", "--no-fund", "--offline", *options, self.file, cwd=self.dir, env=env)
        return self.path("node_modules/sunpath")

    def script(self, text):
        name = self.path("script.js")
        with open(name, "w", encoding="utf-8") as made:
            made.write(text)
        return name

    def smoke(self, node="node", **options):
        return self.run_ok(node, self.script(SMOKE), self.dir, cwd=self.dir, **options)

    def test_contents(self):
        with tarfile.open(self.file) as package:
            names = {member.name.removeprefix("package/") for member in package.getmembers()}
        for name in ["LICENSE", "README.md", "package.json", "index.d.ts", "node-unix-socket.d.ts", "binding.gyp", "src/env.c",
                     "lib/index.js", "lib/index.mjs", "libsunpath/include/sunpath/sunpath.h", "libsunpath/src/loop/loop.c"]:
            self.assertIn(name, names)
        self.assertEqual(sum(name.startswith("prebuilds/") for name in names), 1)
        allowed = re.compile(r"(lib/[\w-]+\.m?js|(src|libsunpath/src/\w+|libsunpath/include/sunpath)/[\w-]+\.(c|h|map)"
                             r"|examples/[\w-]+\.m?js|prebuilds/[\w-]+/sunpath\.node"
                             r"|[\w-]+\.(js|gyp)|[\w-]+\.d\.m?ts|README\.md|LICENSE|package\.json)")
        self.assertEqual([name for name in names if not allowed.fullmatch(name)], [])

    def test_installs_without_a_compiler(self):
        os.mkdir(self.path("bin"))
        os.symlink(shutil.which("node"), self.path("bin/node"))
        os.symlink(shutil.which("sh"), self.path("bin/sh"))
        bare = {"PATH": self.path("bin"), "HOME": self.dir}
        with open(self.path("package.json"), "w", encoding="utf-8") as made:
            made.write('{"private": true}')
        npm = os.path.realpath(shutil.which("npm"))
        self.run_ok(self.path("bin/node"), npm, "install", "--offline", "--no-audit", "--no-fund", self.file, cwd=self.dir, env=bare)
        self.assertFalse(os.path.exists(self.path("node_modules/sunpath/build")))
        self.smoke(self.path("bin/node"), env=bare)

    def test_compiles_where_no_prebuilt_addon_fits(self):
        folder = self.install("--ignore-scripts")
        shutil.rmtree(os.path.join(folder, "prebuilds"))
        done = self.run_any("node", "-e", "require('sunpath')", cwd=self.dir)
        self.assertIn("npm rebuild sunpath", done.stderr)
        self.run_ok("npm", "rebuild", "--foreground-scripts", cwd=self.dir, timeout=BUILD_DEADLINE,
                    env={**os.environ, "MAKEFLAGS": f"-j{os.cpu_count()}"})
        self.assertTrue(os.path.exists(os.path.join(folder, "build/Release/sunpath.node")))
        self.smoke()

    def test_every_supported_node(self):
        self.install("--ignore-scripts")
        versions = [name for name in os.listdir(NODE_MODULES) if re.fullmatch(r"node\d+", name)]
        self.assertGreaterEqual(len(versions), 3)
        for name in versions:
            with self.subTest(name):
                self.assertRegex(self.smoke(os.path.join(NODE_MODULES, name, "bin", "node")), f"^v{name[4:]}\\.")

    def test_import_has_the_names_of_require(self):
        self.install("--ignore-scripts")
        self.run_ok("node", "--input-type=module", "-e", """
            import assert from 'node:assert';
            import { createRequire } from 'node:module';
            import sunpath, * as names from 'sunpath';
            const required = createRequire(import.meta.url)('sunpath');
            assert.strictEqual(sunpath, required);
            assert.deepStrictEqual(Object.keys(names).filter(name => name !== 'default').sort(), Object.keys(required).sort());
        """, cwd=self.dir)

    def test_types(self):
        self.install("--ignore-scripts")
        types = shutil.copytree(os.path.join(SOURCE, "node", "test", "types"), self.path("types"))
        os.symlink(os.path.join(NODE_MODULES, "@types"), self.path("node_modules/@types"))
        tsc = os.path.join(NODE_MODULES, "typescript", "bin", "tsc")
        self.run_ok("node", tsc, "-p", types, cwd=self.dir)
        # every name that is there has a type, and no other
        names = self.run_ok("node", "-p", "Object.keys(require('sunpath')).sort().join(' ')", cwd=self.dir).split()
        with open(os.path.join(SOURCE, "node", "index.d.ts"), encoding="utf-8") as declared:
            typed = set(re.findall(r"^export (?:function|class|const) (\w+)", declared.read(), re.M))
        self.assertEqual(sorted(typed), names)

    def test_readme(self):
        self.install("--ignore-scripts")
        programs = readme_programs()
        self.assertGreaterEqual(len(programs), 7)
        for program in programs:
            with self.subTest(program[:200]):
                out = self.run_ok("node", self.script(program.replace("/tmp/", self.dir + "/")), cwd=self.dir)
                self.assertNotIn("false", out)
                for said in re.findall(r"console\.log\(.*\); // (.*)", program):
                    self.assertIn(said, out)

    def test_reference(self):
        """Made from the types, with no link that leads nowhere."""
        self.run_ok("node", os.path.join(NODE_MODULES, "typedoc", "bin", "typedoc"), "--options",
                    os.path.join(SOURCE, "node", "typedoc.json"), "--out", self.path("reference"), cwd=SOURCE)
        self.assertTrue(os.path.exists(self.path("reference/index.html")))


if __name__ == "__main__":
    main()
