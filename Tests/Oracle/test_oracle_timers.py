"""What must hold: verdicts on both sides of each bound, hung legs, statistics. Worked out by hand."""

import unittest

from told import (S, accepted, bye, confirmed, early, event, expired, failed, gap, log, refresh, row_of,
                  statistics_of, timed, timeout, trying, verdicts_of)


def first_verdict(interval, delta):
    return verdicts_of(timed(0, interval), accepted(delta, interval), bye(10**13))[0]


class Verdicts(unittest.TestCase):
    def test_bounds_of_1800(self):
        # on_time to 900 + 10, late to 1800 - 32, critical to 1800.
        for delta, verdict in ((0, "on_time"), (910 * S, "on_time"), (910 * S + 1, "late"), (1768 * S,
            "late"),
                               (1768 * S + 1, "critical"), (1800 * S, "critical"), (1800 * S + 1, "overdue")):
            self.assertEqual(first_verdict(1800, delta), verdict, delta)

    def test_bounds_of_91_in_exact_fractions(self):
        # A third of 91 is 30.33 s, below 32: late to 60.666666 2/3 s; half and tolerance are 55.5 s.
        for delta, verdict in ((55_500_000, "on_time"), (55_500_001, "late"), (60_666_666, "late"),
                               (60_666_667, "critical"), (91 * S, "critical"), (91 * S + 1, "overdue")):
            self.assertEqual(first_verdict(91, delta), verdict, delta)

    def test_bounds_where_the_third_meets_32_seconds(self):
        # 95/3 < 32 = 96/3 < 97/3
        for interval, bound in ((95, 63_333_333), (96, 64 * S), (97, 65 * S)):
            self.assertEqual(first_verdict(interval, bound), "late")
            self.assertEqual(first_verdict(interval, bound + 1), "critical")

    def test_short_intervals_take_the_top_row_first(self):
        # 20 s: on_time reaches 20 s. 19 s: half and tolerance reach past the interval, overdue wins.
        for interval, delta, verdict in ((20, 20 * S, "on_time"), (20, 20 * S + 1, "overdue"),
                                         (19, 19 * S, "on_time"), (19, 19 * S + 1, "overdue"),
                                         (21, 20_500_000, "on_time"), (21, 20_500_001, "critical")):
            self.assertEqual(first_verdict(interval, delta), verdict)

    def test_each_mark_is_judged_by_the_next(self):
        self.assertEqual(verdicts_of(timed(0, 90), accepted(56 * S, 1800), accepted(956 * S, 90, cseq=3),
                                     accepted(1045 * S, 90, cseq=4), bye(1100 * S)),
                         ["late", "on_time", "critical", "ended"])

    def test_without_a_next_mark_in_an_ended_leg(self):
        for end, verdict in ((90 * S - 1, "ended"), (90 * S, "expired"), (90 * S + 1, "expired")):
            self.assertEqual(verdicts_of(timed(0, 90), bye(end)), [verdict])

    def test_without_a_next_mark_in_an_open_leg(self):
        for as_of, verdict in ((0, "running"), (90 * S - 1, "running"), (90 * S, "expired")):
            self.assertEqual(verdicts_of(timed(0, 90), as_of=as_of), [verdict])

    def test_a_mark_without_interval_closes_one_and_opens_none(self):
        self.assertEqual(verdicts_of(timed(0, 90), accepted(80 * S), bye(500 * S)), ["critical", None])
        self.assertEqual(verdicts_of(confirmed(0), accepted(80 * S, 90), bye(81 * S)), [None, "ended"])


class Rows(unittest.TestCase):
    def test_a_row(self):
        row = row_of(trying(0), timed(0, 90, "uas"), accepted(45 * S, 100, "uas", by="callee"), bye(200 * S))
        self.assertEqual(list(row.items()), [
            ("callid", "c"), ("from_tag", "f"), ("to_tag", "t"), ("marks", [
                {"time": 0, "interval": 90, "refresher": "callee", "verdict": "on_time"},
                {"time": 45 * S, "interval": 100, "refresher": "caller", "verdict": "expired"}]),
            ("expires_at", 145 * S), ("hung", False), ("overrun_us", 55 * S), ("unproven_us", 155 * S)])

    def test_marks_of_an_open_leg_are_not_cut_by_the_clock(self):
        row = row_of(timed(0, 90), accepted(80 * S, 90), as_of=10 * S)
        self.assertEqual((len(row["marks"]), row["expires_at"], row["unproven_us"]), (2, 170 * S, 0))

    def test_a_call_without_legs_has_no_row(self):
        from timers import leg_rows
        self.assertEqual(leg_rows(log(trying(0), failed(1, 486)), 9), [])


class Hung(unittest.TestCase):
    def hung(self, *events, as_of=None):
        row = row_of(trying(0), *events, as_of=as_of)
        return row["hung"], row["overrun_us"], row["unproven_us"]

    def test_by_its_end(self):
        answer = timed(0, 90)
        self.assertEqual(self.hung(answer, timeout("ping", 5)), (True, 0, 5))
        self.assertEqual(self.hung(answer, expired(150 * S, 90 * S)), (True, 60 * S, 150 * S))
        for end in (bye(100 * S), bye(100 * S, "proxy"), timeout("media", 100 * S), timeout("no_ack",
            100 * S)):
            self.assertEqual(self.hung(answer, end), (False, 10 * S, 100 * S))

    def test_a_timeout_is_no_hung_leg_where_it_cut_a_live_session(self):
        for kind in ("session", "lifetime"):
            self.assertEqual(self.hung(timed(0, 90), timeout(kind, 89 * S)), (True, 0, 89 * S))
            self.assertEqual(self.hung(timed(0, 90), timeout(kind, 89 * S - 1)), (False, 0, 89 * S - 1))
            self.assertEqual(self.hung(confirmed(0), timeout(kind, 5)), (True, 0, 5))
            self.assertEqual(self.hung(timed(0, 90), accepted(4), timeout(kind, 5))[0], True)

    def test_open_past_its_session_expiry(self):
        self.assertEqual(self.hung(timed(0, 90), as_of=90 * S - 1)[0], False)
        self.assertEqual(self.hung(timed(0, 90), as_of=90 * S), (True, 0, 90 * S))
        self.assertEqual(self.hung(timed(0, 90, lifetime=5), as_of=90 * S - 1)[0], False)

    def test_open_past_its_lifetime(self):
        for answer, deadline in ((confirmed(1), 43_200 * S + 1), (confirmed(1, lifetime=60), 60 * S + 1),
                                 (confirmed(1, lifetime=0), 1)):
            self.assertEqual(self.hung(answer, as_of=deadline - 1)[0], False)
            self.assertEqual(self.hung(answer, as_of=deadline), (True, 0, deadline - 1))


class AsOf(unittest.TestCase):
    def test_the_greatest_time_of_known_types(self):
        gap_event = gap(100, 9, 9)
        rejected = event("ledger.rejected", 101, source="ledger", reason="x", callid=None, from_tag=None)
        tick = event("ledger.tick", 8, source="ledger", callid=None, from_tag=None)
        told = log(trying(5), event("dialog.moved", 99), gap_event, rejected, tick)
        self.assertEqual(told.as_of(), 8)
        self.assertEqual(log().as_of(), 0)


class Statistics(unittest.TestCase):
    HOUR = 3600 * S

    def test_a_row(self):
        rows = statistics_of("hour", trying(self.HOUR - 1, user_agent="A"), timed(self.HOUR, 90, "uas"),
                             refresh("failed", self.HOUR + 1, cseq=9, sip_code=422),
                             refresh("failed", self.HOUR + 2, cseq=10, sip_code=408),
                             accepted(self.HOUR + 40 * S, 180, "uac", method="UPDATE"),
                             accepted(self.HOUR + 50 * S, 90, "uac", cseq=3), timeout("ping",
                                 self.HOUR + 200 * S))
        self.assertEqual([list(row.items()) for row in rows], [[
            ("hour", 0), ("calls", 1), ("answered", 1), ("with_timer", 1), ("refresher_caller", 1),
            ("refresher_callee", 0), ("refresher_none", 0), ("on_time", 2), ("late", 0), ("critical", 0),
            ("overdue", 0), ("expired", 1), ("ended", 0), ("running", 0), ("refreshes_update", 1),
            ("refreshes_invite", 1), ("refreshes_failed", 2), ("interval_rejections", 1), ("hung", 1),
            ("overrun_us", 60 * S), ("unproven_us", 150 * S), ("interval_below_90", 0), ("interval_90", 1),
            ("interval_180", 0), ("interval_600", 0), ("interval_1800", 0), ("interval_above_1800", 0)]])

    def test_buckets(self):
        calls = [trying(self.HOUR, user_agent="B"), trying(self.HOUR - 1, callid="d", source="a"),
                 early(self.HOUR - 2, callid="e", source="B")]
        self.assertEqual([(row["hour"], row["calls"]) for row in statistics_of("hour", *calls)],
                         [(0, 2), (self.HOUR, 1)])
        self.assertEqual([(row["source"], row["calls"]) for row in statistics_of("source", *calls)],
                         [("B", 1), ("a", 1), ("k", 1)])
        self.assertEqual([(row["user_agent"], row["calls"]) for row in statistics_of("user_agent", *calls)],
                         [("", 2), ("B", 1)])

    def test_open_and_failed_calls_count(self):
        row, = statistics_of("source", trying(0), trying(0, callid="d"), failed(1, 422, callid="d"),
                             confirmed(0, callid="e"))
        self.assertEqual((row["calls"], row["answered"], row["with_timer"], row["interval_rejections"]),
                         (3, 1, 0, 1))

    def test_the_first_mark_above_0_is_the_class_and_the_last_names_the_refresher(self):
        row, = statistics_of("source", confirmed(0), accepted(1, 600, "uac"), accepted(2, cseq=3), bye(3))
        self.assertEqual((row["with_timer"], row["refresher_none"], row["interval_600"]), (1, 1, 1))

    def test_classes(self):
        names = {1: "below_90", 89: "below_90", 90: "90", 179: "90", 180: "180", 599: "180", 600: "600",
                 1799: "600", 1800: "1800", 1801: "above_1800"}
        for interval, name in names.items():
            row, = statistics_of("source", timed(0, interval), bye(1))
            self.assertEqual([key for key in row if key.startswith("interval_") and row[key]],
                             ["interval_" + name])

    def test_refreshes_outside_the_leg_are_not_accepted_ones_but_failures_all_count(self):
        row, = statistics_of("source", timed(5, 90), accepted(4, 90), accepted(9, 90, cseq=3), bye(8),
                             refresh("failed", 99, cseq=4, sip_code=500),
                             refresh("failed", 99, cseq=4, sip_code=422, to_tag="early", method="UPDATE"))
        self.assertEqual((row["refreshes_invite"], row["refreshes_failed"], row["interval_rejections"]), (0,
            2, 1))


if __name__ == "__main__":
    unittest.main()
