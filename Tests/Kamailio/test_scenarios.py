"""What Kamailio states of real calls: each scenario is played with SIPp against the recording ledger, and its
events and records are compared, field by field, with expectations that were written by hand.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio

TOLLBOOK_KAMAILIO_CALLS names the scenarios to play, separated by commas. All of them otherwise, at once: a
quarter of a minute, and three quarters for those that wait for Kamailio's pings.
"""

import collections
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import expectations  # noqa: E402
from recording_ledger import RecordingLedger, read_log  # noqa: E402

sys.path.insert(0, expectations.KAMAILIO)
import player  # noqa: E402

ORACLE = os.path.join(HERE, "..", "Oracle", "oracle.py")


def oracle(command, path):
    """The rows that the oracle makes of a log."""
    done = subprocess.run([sys.executable, "-B", ORACLE, command, path], stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Scenarios(unittest.TestCase):
    calls, defines = player.calls.CALLS, []

    @classmethod
    def setUpClass(cls):
        cls.expected = expectations.expected_calls()
        given = os.environ.get("TOLLBOOK_KAMAILIO_CALLS", ",".join(cls.calls)).split(",")
        cls.names = sorted(set(given) & set(cls.calls))
        if not cls.names:
            raise unittest.SkipTest("none of these was asked for")
        cls.directory = tempfile.TemporaryDirectory(prefix="tollbook-scenarios-")
        cls.log = os.path.join(cls.directory.name, "events.ndjson")
        cls.ledger = RecordingLedger("ipc://" + os.path.join(cls.directory.name, "ledger"), cls.log).start()
        try:
            with player.Player(cls.ledger.endpoint, defines=cls.defines) as played:
                cls.reports = played.play(cls.names)
                cls.drained = played.kamailio.drain()
                cls.counters = played.kamailio.counters()
                cls.status = played.kamailio.stop()
                cls.kamailio_log = played.kamailio.tail(1000)
        finally:
            cls.ledger.stop()
        cls.entries = read_log(cls.log)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def events_of(self, name):
        callid = self.reports[name]["callids"][0]
        return [entry["event"] for entry in self.entries if entry["event"].get("callid") == callid]

    def test_every_scenario_has_an_expectation_and_the_other_way_round(self):
        played = {**player.calls.CALLS, **player.calls.SLOW}
        self.assertEqual(sorted(self.expected), sorted(played))

    def test_sipp_saw_what_it_was_told_to_expect(self):
        for name in self.names:
            with self.subTest(name):
                self.assertEqual(
                    set(self.reports[name]["sipp"].values()), {0}, self.reports[name].get("errors")
                )

    def test_events_are_exactly_those_expected(self):
        for name in self.names:
            with self.subTest(name):
                differences = expectations.differences_of_events(
                    self.expected[name]["events"], self.events_of(name)
                )
                self.assertEqual(differences, [])

    def test_records_are_those_expected(self):
        records, legs = oracle("cdrs", self.log), oracle("timers", self.log)
        for name in self.names:
            callid = self.reports[name]["callids"][0]
            with self.subTest(name):
                differences = expectations.differences_of_records(
                    self.expected[name]["cdrs"],
                    [row for row in records if row["callid"] == callid],
                    [row for row in legs if row["callid"] == callid],
                    self.reports[name]["times"],
                )
                self.assertEqual(differences, [])

    def test_findings_are_those_expected(self):
        findings = oracle("audit", self.log)
        for name in self.names:
            callid = self.reports[name]["callids"][0]
            codes = collections.Counter(row["code"] for row in findings if row["callid"] == callid)
            with self.subTest(name):
                self.assertEqual(dict(codes), self.expected[name]["findings"])

    def test_times_are_those_that_the_caller_saw(self):
        """The first answer and the first BYE, as SIPp logged them, within 100 ms of the events."""
        for name in self.names:
            times = self.reports[name]["times"]
            with self.subTest(name):
                if "answer" in times:
                    self.assertAlmostEqual(
                        self.first(name, "dialog.confirmed"), times["answer"], delta=100000
                    )
                if "bye" in times and self.first(name, "dialog.terminated"):
                    self.assertAlmostEqual(self.first(name, "dialog.terminated"), times["bye"], delta=100000)

    def first(self, name, kind):
        return min((event["time"] for event in self.events_of(name) if event["type"] == kind), default=None)

    def test_the_source_tells_of_itself(self):
        states = [entry["event"] for entry in self.entries if entry["event"]["type"].startswith("source.")]
        self.assertEqual([states[0]["type"], states[-1]["type"]], ["source.started", "source.stopped"])
        self.assertRegex(states[0]["user_agent"], r"\Akamailio 5\.")

    def test_the_protocol_was_kept(self):
        self.assertEqual(self.ledger.complaints, [])
        self.assertEqual([entry["seq"] for entry in self.entries], list(range(1, len(self.entries) + 1)))
        self.assertEqual(len({entry["epoch"] for entry in self.entries}), 1)

    def test_everything_was_acknowledged_and_kamailio_ended_well(self):
        self.assertTrue(self.drained, self.counters)
        self.assertEqual(self.counters["lost"], 0)
        self.assertEqual(self.status, 0)
        self.assertNotIn("tollbook:", self.complaints_of_kamailio())

    def complaints_of_kamailio(self):
        return "".join(
            line for line in self.kamailio_log.splitlines(True) if "ERROR" in line or "CRITICAL" in line
        )


class SlowScenarios(Scenarios):
    calls, defines = player.calls.SLOW, player.PINGS

    def test_heartbeats_say_how_many_dialogs_there_are(self):
        """After 30 s both calls are up."""
        beats = [entry["event"] for entry in self.entries if entry["event"]["type"] == "source.heartbeat"]
        self.assertEqual([beat["active"] for beat in beats], [len(self.names)])


if __name__ == "__main__":
    unittest.main()
