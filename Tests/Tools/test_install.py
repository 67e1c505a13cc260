"""`tools/install` says what it is about to do, does it by name, and without the rights names the packages and stops. Debian's
own tools are played by scripts that write down how they were called.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent


class Install(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tollbook-install-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        for name in ("env", "bash", "cat"):
            (self.folder / name).symlink_to(f"/usr/bin/{name}")
        self.play("swift", "exit 0")
        self.play("apt-get", f'echo "$@" >> {self.folder}/asked; [ "$1" = update ] || exit ${{APT_STATUS:-0}}')
        self.play("dpkg-query", '[ "$3" = "$MISSING" ] && exit 1; echo -n installed')

    def play(self, name, script):
        path = self.folder / name
        path.write_text(f"#!/usr/bin/bash\n{script}\n", "utf-8")
        path.chmod(0o755)

    def install(self, what, missing="", user=0, **environment):
        self.play("id", f"echo {user}")
        done = subprocess.run(["/usr/bin/bash", TOP / "tools" / "install", what], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env={"PATH": str(self.folder), "MISSING": missing, **environment})
        asked = self.folder / "asked"
        calls = asked.read_text("utf-8").splitlines() if asked.exists() else []
        return done.returncode, done.stdout.decode(), done.stderr.decode(), calls

    def test_it_does_nothing_where_all_is_there(self):
        self.assertEqual(self.install("test"), (0, "", "", []))

    def test_it_says_what_it_installs_and_installs_that_alone(self):
        status, said, _, calls = self.install("test", missing="python3-zmq")
        self.assertEqual(status, 0)
        self.assertEqual(said, "Installing Debian packages: python3-zmq\n")
        self.assertEqual(calls, ["update -q", "install -y -q --no-install-recommends python3-zmq"])

    def test_without_the_rights_it_names_the_packages_and_stops(self):
        status, _, said, calls = self.install("demo", missing="sip-tester", user=1000)
        self.assertEqual(status, 3)
        self.assertIn("sudo apt-get install sip-tester", said)
        self.assertEqual(calls, [])

    def test_what_cannot_be_installed_fails(self):
        status, _, said, _ = self.install("build", missing="libzmq3-dev", APT_STATUS="100")
        self.assertEqual(status, 3)
        self.assertIn("libzmq3-dev", said)

    def test_the_demo_needs_no_test_packages(self):
        self.assertEqual(self.install("demo", missing="python3-jsonschema"), (0, "", "", []))
        self.assertEqual(self.install("build", missing="kamailio"), (0, "", "", []))

    def test_what_it_is_measured_against_is_installed_for_that_alone(self):
        self.assertEqual(self.install("test", missing="redis-server"), (0, "", "", []))
        status, said, _, _ = self.install("bench", missing="redis-server")
        self.assertEqual((status, said), (0, "Installing Debian packages: redis-server\n"))

    def test_without_swift_it_says_where_to_get_it(self):
        (self.folder / "swift").unlink()
        status, _, said, calls = self.install("build")
        self.assertEqual(status, 3)
        self.assertIn("swift.org", said)
        self.assertEqual(calls, [])

    def test_a_wrong_word_is_refused(self):
        self.assertEqual(self.install("everything")[0], 2)
        self.assertEqual(self.install("")[0], 2)


if __name__ == "__main__":
    unittest.main()
