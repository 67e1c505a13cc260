"""`tools/demo` shows what it promises and leaves nothing running, however it ends. A built program is taken from
TOLLBOOK, else from .build/release; Kamailio and SIPp are real.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOLLBOOK") or TOP / ".build" / "release" / "tollbook")
SECONDS_MAX = 180    # what the demo may take once the program is built


def processes_below(directory):
    """Command lines of all processes that have this directory in them or as their own."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            folder = os.readlink(entry / "cwd")
        except OSError:
            continue
        if directory in command or folder.startswith(directory):
            found.append(command)
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        # All that the demo and what it starts put down lies in here, and so do they.
        self.scratch = tempfile.TemporaryDirectory(prefix="tollbook-demo-test-")
        self.addCleanup(self.scratch.cleanup)
        self.environment = dict(os.environ, TOLLBOOK=str(PROGRAM), TMPDIR=self.scratch.name, COLUMNS="118")

    def start(self, *arguments):
        return subprocess.Popen([TOP / "tools" / "demo", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=self.environment, start_new_session=True)

    def assert_nothing_is_left(self):
        deadline = time.monotonic() + 20
        while processes_below(self.scratch.name) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(processes_below(self.scratch.name), [])

    def test_it_shows_what_it_promises(self):
        begun = time.monotonic()
        demo = self.start()
        output = demo.communicate(timeout=SECONDS_MAX + 60)[0].decode()
        self.assertEqual(demo.returncode, 0, output)
        self.assertLess(time.monotonic() - begun, SECONDS_MAX, output)
        shown = re.findall(r"(?m)^\$ (\S+ \S+)", output)
        self.assertEqual([*dict.fromkeys(shown)], [
            "tollbook serve", "tools/kamailio/play --all", "tollbook dialogs", "tollbook cdrs", "tollbook timers",
            "tollbook audit", "tollbook status", "tollbook verify", "tollbook rebuild"])
        for word in ("caller_bye", "session_timeout", "busy", "cancelled", "interval_too_small", "hung_call"):
            self.assertIn(word, output)
        self.assertIn("The records are the same bytes as before.", output)
        self.assert_nothing_is_left()
        self.assertEqual(os.listdir(self.scratch.name), [])

    def test_whoever_ends_it_leaves_nothing_running(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                demo = self.start()
                for line in demo.stdout:
                    if line.startswith(b"$ tools/kamailio/play"):
                        break
                time.sleep(2)            # somewhere in the calls, wherever that is
                demo.send_signal(number)
                self.assertNotEqual(demo.wait(60), 0)
                demo.stdout.close()
                self.assert_nothing_is_left()

    def test_keep_leaves_the_ledger_up_and_says_how_to_stop_it(self):
        demo = self.start("--keep")
        output = demo.communicate(timeout=SECONDS_MAX + 60)[0].decode()
        self.assertEqual(demo.returncode, 0, output)
        how = re.search(r"(?m)^  (kill \d+ && rm -r \S+)$", output)
        self.assertIsNotNone(how, output)
        try:
            left = processes_below(self.scratch.name)
            self.assertEqual(len([command for command in left if "serve" in command]), 1, left)
        finally:
            subprocess.run(["bash", "-c", how.group(1)], check=True)
        self.assert_nothing_is_left()

    def test_it_stops_where_another_ledger_listens(self):
        with socket.create_server(("127.0.0.1", 5590)):
            demo = self.start()
            output = demo.communicate(timeout=60)[0].decode()
        self.assertEqual(demo.returncode, 3, output)
        self.assertIn("The ledger does not start.", output)
        self.assert_nothing_is_left()
        self.assertEqual(os.listdir(self.scratch.name), [])

    def test_a_wrong_word_is_refused(self):
        demo = self.start("--kepp")
        self.assertIn(b"usage: tools/demo [--keep]", demo.communicate(timeout=10)[0])
        self.assertEqual(demo.returncode, 2)


if __name__ == "__main__":
    unittest.main()
