"""User agents that each break one rule of RFC 4028, and some that keep them all, play through a real Kamailio
into `tollbook serve`: the audit must name each breach, as often as it was committed and of the right leg, and
nothing else in the whole run. What is due was written down by hand, from what misbehaving.py in
tools/kamailio/scenarios lets the user agents do.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_misbehaving.py

TOLLBOOK names the program, else it is the one in .build/release. It takes a minute and three quarters:
intervals are real ones.
"""

import collections
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import test_service  # noqa: E402
from test_scenarios import oracle  # noqa: E402

player = test_service.player

CALL, LEG = "", "b1"  # to_tag of a finding that concerns the call; that of the callee's leg

DUE = {
    # as it should be
    "kept_by_caller": {},
    "kept_by_callee": {},
    "raised_when_told": {},
    "without_timers": {("no_session_timer", LEG): 1},
    "gone_and_given_up": {},
    # refreshes that come late, or not at all
    "late": {("refresh_late", LEG): 1},
    "critical": {("refresh_critical", LEG): 1},
    "overdue": {("refresh_overdue", LEG): 1},
    "never": {("session_expired", LEG): 1},
    "dead": {("session_expired", LEG): 1, ("hung_call", LEG): 1},
    "bye_never_came": {("session_expired", LEG): 1, ("hung_call", LEG): 1, ("proxy_sent_bye", LEG): 1},
    "gone_and_kept": {("refresh_failed_session_kept", LEG): 1},
    "silent_and_kept": {("refresh_failed_session_kept", LEG): 1},
    # who refreshes
    "overrides_refresher": {("refresher_overridden", LEG): 1},
    "takes_refreshing_over": {("refresher_switched", LEG): 1},
    "names_no_refresher": {("refresher_missing", LEG): 1},
    "requires_nothing": {("require_timer_missing", LEG): 1},
    # intervals
    "asks_for_too_little": {("interval_below_minimum", CALL): 1},
    "asks_for_less_than_its_minimum": {("interval_below_min_se", CALL): 1},
    "states_too_small_a_minimum": {("min_se_below_minimum", CALL): 1},
    "answers_too_little": {("interval_below_minimum", LEG): 1},
    "answers_less_than_the_minimum": {("answer_below_min_se", LEG): 1},
    "raises_the_interval": {("answer_raises_interval", LEG): 2},
    # Session Interval Too Small
    "refuses_without_saying_why": {("rejection_without_min_se", LEG): 1},
    "ignores_the_callee": {("retry_ignores_min_se", CALL): 1},
    "ignores_the_proxy": {("interval_below_minimum", CALL): 2, ("retry_ignores_min_se", CALL): 1},
    "ignores_it_in_a_refresh": {("retry_ignores_min_se", LEG): 1},
    "refuses_again": {("rejection_loop", LEG): 2},
}
WELL_BEHAVED = ("kept_by_caller", "kept_by_callee", "raised_when_told", "without_timers", "gone_and_given_up")
# What no user agent can do: the proxy would have to break rules, clocks to differ or events to get lost. And
# the missing ACK: Kamailio sees it when the session is over, a moment before or after. test_scenarios.py has
# that one; Tests/Oracle has cases of all of them.
NOT_PLAYED = {
    "proxy_raised_interval",
    "proxy_undercut_min_se",
    "proxy_changed_min_se",
    "proxy_changed_refresher",
    "proxy_cut_session",
    "held_past_expiry",
    "answered_without_ack",
    "clock_skew",
    "incomplete_evidence",
}
PAGE = os.path.join(HERE, "..", "..", "schemas", "audit.md")
ROW = re.compile(r"^\| `([a-z_]+)` \| (?:error|warning|info) \|", re.MULTILINE)


class Misbehaving(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="tollbook-misbehaving-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, True)
        cls.service = test_service.Service(cls.directory).start()
        cls.addClassCleanup(cls.service.kill)
        with player.Player(cls.service.endpoint, defines=player.REAL_MINIMUM) as played:
            cls.reports = played.play(sorted(player.misbehaving.CALLS))
            cls.drained = played.kamailio.drain()
            cls.kamailio_status = played.kamailio.stop()
        cls.service_status = cls.service.stop()
        cls.findings = cls.service.rows("audit")
        cls.events = cls.service.rows("events")
        cls.name_of = {report["callids"][0]: name for name, report in cls.reports.items()}

    def test_every_call_has_what_is_due_on_it(self):
        self.assertEqual(sorted(DUE), sorted(player.misbehaving.CALLS))

    def test_every_code_is_due_or_named_as_not_played(self):
        due = {code for findings in DUE.values() for code, _ in findings}
        with open(PAGE, encoding="utf-8") as page:
            codes = set(ROW.findall(page.read()))
        self.assertEqual(due & NOT_PLAYED, set())
        self.assertEqual(due | NOT_PLAYED, codes)

    def test_the_calls_went_as_they_were_told(self):
        for name, report in self.reports.items():
            with self.subTest(name):
                self.assertEqual(set(report["sipp"].values()), {0}, report.get("errors"))
        self.assertTrue(self.drained)
        self.assertEqual((self.kamailio_status, self.service_status), (0, 0))
        faults = [row for row in self.events if row["event"]["type"] in ("ledger.rejected", "ledger.gap")]
        self.assertEqual(faults, [])

    def found(self, findings):
        """(code, to_tag) of each call's findings, how many of each; calls by their names."""
        found = {name: collections.Counter() for name in DUE}
        for row in findings:
            name = self.name_of.get(row["callid"], row["callid"])
            found.setdefault(name, collections.Counter())[row["code"], row["to_tag"]] += 1
        return {name: dict(counts) for name, counts in found.items()}

    def test_the_audit_names_what_they_did_and_nothing_else(self):
        self.assertEqual(self.found(self.findings), DUE)

    def test_the_well_behaved_break_no_rule(self):
        """Not even one that is worth no more than a warning."""
        theirs = [row for row in self.findings if self.name_of.get(row["callid"]) in WELL_BEHAVED]
        graver = [row for row in theirs if row["severity"] != "info"]
        self.assertEqual(graver, [])

    def test_every_finding_cites_events_of_its_call(self):
        callid_at = {row["position"]: row["event"].get("callid") for row in self.events}
        for row in self.findings:
            with self.subTest(row["code"], callid=row["callid"]):
                self.assertEqual({callid_at[position] for position in row["positions"]}, {row["callid"]})

    def test_the_oracle_finds_the_same(self):
        path = os.path.join(self.directory, "events.ndjson")
        status, out, errors = self.service.run("events", "--format", "ndjson")
        self.assertEqual(status, 0, errors)
        with open(path, "wb") as file:
            file.write(out)
        self.assertEqual(oracle("audit", path), self.findings)

    def test_fail_on_tells_scripts_that_there_are_errors(self):
        self.assertEqual(self.service.run("audit", "--fail-on", "error")[0], 1)
        words = ("audit", "--code", "clock_skew", "--fail-on", "info")
        self.assertEqual(self.service.run(*words)[0], 0)


if __name__ == "__main__":
    unittest.main()
