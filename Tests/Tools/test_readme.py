"""Every command that README.md shows works. The lines of its `sh` blocks are run one after another, as somebody would
who reads it from above to below: in a folder of their own, with the built program on the path, `tollbook serve` in the
background until the end. `./tools/...` are not run from here; that they exist and take those words is checked.
"""

import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOLLBOOK") or TOP / ".build" / "release" / "tollbook")
LEDGER = ("127.0.0.1", 5590)


def commands():
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", (TOP / "README.md").read_text("utf-8"))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [bare for bare in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines) if bare]


class Readme(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tollbook-readme-")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        # The simulated calls began an hour ago: those that nobody has ended would be presumed to have ended within the
        # second in which the watchdog looks, before or after the page asks which are open.
        self.environment = dict(os.environ, PATH=f"{PROGRAM.parent}:{os.environ['PATH']}", TOLLBOOK_GRACE="86400")

    def serve(self, words):
        log = open(os.path.join(self.folder, "serve.log"), "wb")
        self.addCleanup(log.close)
        served = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log)
        self.addCleanup(served.wait, 30)
        self.addCleanup(served.terminate)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and served.poll() is None:
            try:
                socket.create_connection(LEDGER, 1).close()
                return
            except OSError:
                time.sleep(0.1)
        with open(log.name, encoding="utf-8", errors="replace") as text:
            self.fail("the ledger does not start: " + text.read())

    def test_every_command_works(self):
        run = []
        for command in commands():
            words = shlex.split(command)
            with self.subTest(command):
                if words[0].startswith("./tools/"):
                    self.check_tool(words)
                elif words[:2] == ["tollbook", "serve"]:
                    self.serve(words)
                else:
                    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder,
                                          env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, timeout=120, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
                    into = re.search(r"> *(\S+)$", command)
                    if into:
                        self.assertGreater(os.path.getsize(os.path.join(self.folder, into.group(1))), 0)
                    else:
                        self.assertTrue(done.stdout + done.stderr, "it says nothing")
            run.append(words)
        # What the page shows first is what a newcomer types first.
        self.assertEqual(run[:2], [["./tools/demo"], ["./tools/test"]])

    def check_tool(self, words):
        tool = TOP / words[0]
        self.assertTrue(os.access(tool, os.X_OK), f"{tool} can't be run")
        for word in words[1:]:
            self.assertIn(word, tool.read_text("utf-8"))

    def test_it_names_every_command_of_the_program(self):
        text = subprocess.run([PROGRAM, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
        known = re.findall(r"(?m)^  ([a-z]+) {2,}", text[text.index("SUBCOMMANDS"):])
        self.assertGreater(len(known), 5)
        shown = {words[1] for words in map(shlex.split, commands()) if words[0] == "tollbook"}
        self.assertEqual(sorted(set(known) - shown - {"help"}), [])


if __name__ == "__main__":
    unittest.main()
