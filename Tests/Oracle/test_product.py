"""The program and the oracle make the same of generated sets of events: records, session timers, statistics and
findings, from what the program itself has imported and shows as its log. TOLLBOOK names the program, else it is the one in
.build/release.
"""

import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOLLBOOK = os.environ.get("TOLLBOOK") or os.path.join(HERE, "..", "..", ".build", "release", "tollbook")


class Product(unittest.TestCase):
    def compare(self, *arguments):
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "compare.py"), "--tollbook", TOLLBOOK, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode(errors="replace"))

    def test_small_sets(self):
        self.compare("--seeds", "1-20", "--calls", "20")

    def test_sets_with_bad_lines(self):
        """What was taken and what was rejected must agree as well, and why where the reason has a name."""
        self.compare("--seeds", "1-10", "--calls", "20", "--bad")

    def test_a_large_set(self):
        self.compare("--seeds", "1001-1002", "--calls", "400")


if __name__ == "__main__":
    unittest.main()
