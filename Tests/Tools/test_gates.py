"""What every event passes asks for no more memory, and takes no more instructions, than tools/bench/gates.json allows."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOLLBOOK") or TOP / ".build" / "release" / "tollbook")
sys.path.insert(0, str(TOP / "tools" / "bench"))
import gate  # noqa: E402


class Gates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="tollbook-gates-")
        cls.addClassCleanup(scratch.cleanup)
        cls.gate = gate.Gate(PROGRAM, scratch.name)

    def hold(self, kind):
        for name, count, limit in self.gate.counts(kind):
            with self.subTest(name):
                self.assertLessEqual(count, limit, f"{name}: {kind.replace('_', ' ')}")

    def test_memory_is_asked_for_no_more_often_than_allowed(self):
        self.hold("allocations_per_1000_events")

    def test_instructions_are_no_more_than_allowed(self):
        self.hold("instructions_per_event")


if __name__ == "__main__":
    unittest.main()
