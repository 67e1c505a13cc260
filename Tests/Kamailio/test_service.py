"""The whole way: real calls through a real Kamailio into `tollbook serve`, and out again as records, session
timers and findings, held against what was written down by hand; and the service killed twice under load.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_service.py

TOLLBOOK names the program, else it is the one in .build/release.
"""

import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import expectations  # noqa: E402

sys.path.insert(0, expectations.KAMAILIO)
import player  # noqa: E402

TOLLBOOK = os.environ.get("TOLLBOOK") or os.path.join(HERE, "..", "..", ".build", "release", "tollbook")
LOAD_CALLS, LOAD_RATE = 2000, 200
EVENTS_OF_A_LOAD_CALL = (
    "dialog.trying",
    "dialog.early",
    "dialog.confirmed",
    "dialog.acked",
    "refresh.requested",
    "refresh.accepted",
    "dialog.terminated",
)


class Service:
    """`tollbook serve` with a data directory and a socket of its own."""

    def __init__(self, directory):
        self.data = os.path.join(directory, "data")
        self.endpoint = "ipc://" + os.path.join(directory, "router")
        self.log_path = os.path.join(directory, "serve.log")
        self.process = None

    def start(self):
        command = [TOLLBOOK, "serve", "--data", self.data, "--router", self.endpoint]
        command += ["--pull", "none", "--sub", "none"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=player.die_with_parent
            )
        return self

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self):
        """Ends it in good order; its exit status."""
        self.process.terminate()
        status = self.process.wait(30)
        self.process = None
        return status

    def run(self, *words):
        done = subprocess.run([TOLLBOOK, *words, "--data", self.data], capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def rows(self, *words):
        status, out, errors = self.run(*words, "--format", "ndjson")
        if status != 0:
            raise AssertionError("%s: %d, %s" % (words, status, errors))
        return [json.loads(line) for line in out.splitlines()]

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class ServiceTests(unittest.TestCase):
    def setUp(self):
        self.assertTrue(os.path.exists(TOLLBOOK), "build it first: swift build -c release")
        self.directory = tempfile.mkdtemp(prefix="tollbook-service-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.service = Service(self.directory).start()
        self.addCleanup(self.service.kill)

    def stop(self):
        self.assertEqual(self.service.stop(), 0, self.service.log())

    def assert_sound(self):
        """The log is whole, and its read model is what a rebuild makes of it."""
        for words in (("verify",), ("rebuild", "--check")):
            status, out, errors = self.service.run(*words)
            self.assertEqual(status, 0, "%s: %s%s" % (words, out, errors))

    def test_every_call_comes_out_as_written_down(self):
        expected, names = expectations.expected_calls(), sorted(player.calls.CALLS)
        with player.Player(self.service.endpoint) as played:
            reports = played.play(names)
            self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
            self.assertEqual(played.kamailio.stop(), 0)
        self.stop()
        records, legs = self.service.rows("cdrs"), self.service.rows("timers")
        findings, events = self.service.rows("audit"), self.service.rows("events")
        for name in names:
            callid = reports[name]["callids"][0]
            with self.subTest(name):
                self.assertEqual(set(reports[name]["sipp"].values()), {0}, reports[name])
                stated = [row["event"] for row in events if row["event"].get("callid") == callid]
                differences = expectations.differences_of_events(expected[name]["events"], stated)
                self.assertEqual(differences, [])
                differences = expectations.differences_of_records(
                    expected[name]["cdrs"],
                    [row for row in records if row["callid"] == callid],
                    [row for row in legs if row["callid"] == callid],
                    reports[name]["times"],
                )
                self.assertEqual(differences, [])
                codes = collections.Counter(row["code"] for row in findings if row["callid"] == callid)
                self.assertEqual(dict(codes), expected[name]["findings"])
        faults = [row for row in events if row["event"]["type"] in ("ledger.rejected", "ledger.gap")]
        self.assertEqual(faults, [])
        self.assert_sound()

    def test_a_service_killed_twice_under_load_loses_and_doubles_nothing(self):
        with player.Player(self.service.endpoint) as played:
            load = played.start_load(LOAD_CALLS, LOAD_RATE)
            for share in (0.3, 0.6):
                self.wait_for_calls(played, load, share * LOAD_CALLS)
                self.service.kill()
                time.sleep(0.5)
                self.service.start()
            while load.running():
                time.sleep(0.05)
            self.assertEqual(set(load.report()["sipp"].values()), {0}, load.report())
            self.assertTrue(played.kamailio.drain(60), played.kamailio.counters())
            counters = played.kamailio.counters()
            self.assertEqual(played.kamailio.stop(), 0)
        self.stop()
        self.assertGreaterEqual(counters["connects"], 3)
        self.assertEqual(counters["lost"], 0)
        rows = [row for row in self.service.rows("events") if row["source"] != "ledger"]
        self.assertEqual([row["seq"] for row in rows], list(range(1, len(rows) + 1)))
        calls = collections.defaultdict(collections.Counter)
        for row in rows:
            if "callid" in row["event"]:
                calls[row["event"]["callid"]][row["event"]["type"]] += 1
        self.assertEqual(len(calls), LOAD_CALLS)
        wanted = collections.Counter(EVENTS_OF_A_LOAD_CALL)
        self.assertEqual({callid: types for callid, types in calls.items() if types != wanted}, {})
        outcomes = collections.Counter(
            (row["disposition"], row["termination"], row["refreshes"]) for row in self.service.rows("cdrs")
        )
        self.assertEqual(outcomes, {("answered", "caller_bye", 1): LOAD_CALLS})
        self.assert_sound()

    def wait_for_calls(self, played, load, count):
        deadline = time.monotonic() + 60
        while played.kamailio.counters().get("made", 0) < count * len(EVENTS_OF_A_LOAD_CALL):
            self.assertLess(time.monotonic(), deadline)
            self.assertTrue(load.running(), load.report())
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
