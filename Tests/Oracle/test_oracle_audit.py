"""What must hold: each code of the audit, found and not found. Positions count the arguments from 1."""

import unittest

from told import (S, accepted, bye, confirmed, event, expired, failed, findings_of, found, gap, refresh,
                  timed,
                  timeout, trying)


def positions(code, *events, as_of=None):
    return [it[2] for it in found(code, *events, as_of=as_of)]


class OneHeader(unittest.TestCase):
    def test_interval_below_minimum(self):
        for value, count in ((0, 1), (89, 1), (90, 0)):
            self.assertEqual(len(found("interval_below_minimum", trying(0, session_expires=value))), count)
        self.assertEqual(found("interval_below_minimum", trying(0), timed(5, 60, fwd_session_expires=90)),
                         [(5, "t", [2])])
        self.assertEqual(found("interval_below_minimum", timed(5, 90, fwd_session_expires=60)), [])

    def test_one_finding_an_occurrence(self):
        self.assertEqual(positions("interval_below_minimum", trying(2, session_expires=60),
                                   trying(1, session_expires=60)), [[2]])
        self.assertEqual(positions("interval_below_minimum", trying(2, session_expires=60), trying(1)), [])

    def test_min_se_below_minimum(self):
        for told, count in ((trying(0, min_se=89), 1), (trying(0, min_se=90), 0), (trying(0, min_se=0), 1),
                            (failed(0, 422, min_se=60), 1), (trying(0, fwd_min_se=60), 0)):
            self.assertEqual(len(found("min_se_below_minimum", told)), count)

    def test_interval_below_min_se(self):
        for told, count in ((trying(0, session_expires=119, min_se=120), 1),
                            (trying(0, session_expires=120, min_se=120), 0),
                            (trying(0, session_expires=119, fwd_min_se=120), 0), (trying(0, min_se=120), 0),
                            (refresh("requested", 0, session_expires=119, min_se=120), 1),
                            (refresh("accepted", 0, session_expires=119, min_se=120), 0)):
            self.assertEqual(len(found("interval_below_min_se", told)), count)

    def test_refresher_missing(self):
        for told, count in ((timed(0, 90, None), 1), (timed(0, 90, "uas"), 0), (confirmed(0), 0),
                            (timed(0, 90, None, fwd_refresher="uac"), 0), (timed(0, 0, None), 0),
                            (timed(0, 90, None, fwd_session_expires=0), 0), (accepted(0, 90), 1)):
            self.assertEqual(len(found("refresher_missing", told)), count)

    def test_require_timer_missing(self):
        for fields, count in (({"refresher": "uac", "require_timer": False}, 1), ({"refresher": "uac"}, 0),
                              ({"refresher": "uac", "require_timer": True}, 0),
                              ({"refresher": "uas", "require_timer": False}, 0),
                              ({"fwd_refresher": "uac", "require_timer": False}, 0)):
            self.assertEqual(len(found("require_timer_missing", confirmed(0, **fields))), count)

    def test_rejection_without_min_se(self):
        for told, count in ((failed(0, 422), 1), (failed(0, 422, min_se=90), 0), (failed(0, 420), 0),
                            (refresh("failed", 0, sip_code=422), 1)):
            self.assertEqual(len(found("rejection_without_min_se", told)), count)


class Proxy(unittest.TestCase):
    def count(self, code, **fields):
        counts = {len(found(code, trying(0, **fields))), len(found(code, refresh("requested", 0, **fields)))}
        self.assertEqual(len(counts), 1)
        self.assertEqual(found(code, confirmed(0, **fields)), [])
        return counts.pop()

    def test_proxy_raised_interval(self):
        for fields, count in (({"session_expires": 100, "fwd_session_expires": 101}, 1),
                              ({"session_expires": 100, "fwd_session_expires": 100}, 0),
                              ({"session_expires": 60, "fwd_session_expires": 90}, 0),
                              ({"session_expires": 60, "fwd_session_expires": 91}, 1),
                              ({"session_expires": 60, "fwd_session_expires": 91, "min_se": 120}, 0),
                              ({"session_expires": 60, "fwd_session_expires": 91, "fwd_min_se": 91}, 0),
                              ({"session_expires": 60, "fwd_session_expires": 91, "min_se": 120,
                                "fwd_min_se": 0}, 1),
                              ({"fwd_session_expires": 1800}, 0)):
            self.assertEqual(self.count("proxy_raised_interval", **fields), count, fields)

    def test_proxy_undercut_min_se(self):
        for fields, count in (({"fwd_session_expires": 89}, 1), ({"fwd_session_expires": 90}, 0),
                              ({"fwd_session_expires": 0}, 0), ({"fwd_session_expires": 119, "min_se": 120},
                                                                1),
                              ({"fwd_session_expires": 60, "min_se": 60}, 0),
                              ({"fwd_session_expires": 89, "min_se": 0}, 1)):
            self.assertEqual(self.count("proxy_undercut_min_se", **fields), count, fields)

    def test_proxy_changed_min_se(self):
        for fields, count in (({"min_se": 90, "fwd_min_se": 120}, 1), ({"min_se": 90, "fwd_min_se": 90}, 0),
                              ({"fwd_min_se": 90}, 1), ({"fwd_min_se": 0}, 0), ({"min_se": 90,
                                  "fwd_min_se": 0}, 1),
                              ({"min_se": 90}, 0)):
            self.assertEqual(self.count("proxy_changed_min_se", supported_timer=True, **fields), count,
                             fields)
            self.assertEqual(self.count("proxy_changed_min_se", supported_timer=False, **fields), 0)
            self.assertEqual(self.count("proxy_changed_min_se", **fields), 0)

    def test_proxy_changed_refresher(self):
        for fields, count in (({"refresher": "uac", "fwd_refresher": "uas"}, 1), ({"fwd_refresher": "uas"},
            1),
                              ({"refresher": "uac", "fwd_refresher": "uac"}, 0), ({"refresher": "uac"}, 0)):
            self.assertEqual(self.count("proxy_changed_refresher", **fields), count, fields)


class Exchange(unittest.TestCase):
    def test_the_request_of_an_answer_is_of_its_attempt(self):
        asked = [trying(0, session_expires=100), trying(3, cseq=2, session_expires=200)]
        self.assertEqual(positions("answer_raises_interval", *asked, timed(5, 101)), [[1, 3]])
        self.assertEqual(positions("answer_raises_interval", *asked, timed(5, 101, cseq=2)), [])
        self.assertEqual(positions("answer_raises_interval", *asked, timed(5, 101, cseq=3)), [])

    def test_the_request_of_a_refresh_agrees_in_four_fields(self):
        asked = refresh("requested", 0, session_expires=100)
        self.assertEqual(found("answer_raises_interval", asked, accepted(5, 101)), [(5, "t", [1, 2])])
        for change in ({"cseq": 3}, {"method": "UPDATE"}, {"by": "callee"}, {"to_tag": "u"}):
            self.assertEqual(found("answer_raises_interval", asked, accepted(5, 101, **change)), [])

    def test_answer_raises_interval(self):
        for asked, answered, count in (({"session_expires": 100}, 100, 0), ({"session_expires": 89}, 100, 0),
                                       ({"session_expires": 90}, 91, 1), ({}, 100, 0),
                                       ({"session_expires": 100, "min_se": 101}, 102, 0),
                                       ({"session_expires": 200, "fwd_session_expires": 100}, 101, 1),
                                       ({"session_expires": 100, "fwd_session_expires": 0}, 101, 0),
                                       ({"session_expires": 60, "min_se": 60}, 61, 1)):
            events = (trying(0, **asked), timed(5, answered))
            self.assertEqual(len(found("answer_raises_interval", *events)), count, (asked, answered))

    def test_answer_below_min_se(self):
        for asked, answered, count in (({"min_se": 120}, 119, 1), ({"min_se": 120}, 120, 0), ({}, 60, 0),
                                       ({"min_se": 60, "fwd_min_se": 120}, 119, 1),
                                       ({"min_se": 120, "fwd_min_se": 0}, 60, 0), ({"min_se": 120}, None, 0)):
            events = (trying(0, **asked), timed(5, answered))
            self.assertEqual(len(found("answer_below_min_se", *events)), count, (asked, answered))

    def test_refresher_overridden(self):
        for asked, answered, count in (({"refresher": "uac"}, "uas", 1), ({"refresher": "uac"}, "uac", 0),
                                       ({}, "uas", 0), ({"refresher": "uac"}, None, 0),
                                       ({"refresher": "uac", "fwd_refresher": "uas"}, "uas", 0),
                                       ({"fwd_refresher": "uas"}, "uac", 1)):
            self.assertEqual(len(found("refresher_overridden", trying(0, **asked), timed(5, 90, answered))),
                             count)

    def test_the_last_cited_may_be_the_request(self):
        self.assertEqual(found("refresher_overridden", timed(5, 90, "uas"), trying(7, refresher="uac")),
                         [(7, "t", [1, 2])])


class Retries(unittest.TestCase):
    def ignores(self, **retry):
        return found("retry_ignores_min_se", trying(0, session_expires=90), failed(1, 422, min_se=120,
            to_tag="x"),
                     trying(2, cseq=2, **retry))

    def test_retry_ignores_min_se(self):
        self.assertEqual(self.ignores(session_expires=119, min_se=120), [(2, "", [2, 3])])
        self.assertEqual(self.ignores(session_expires=120), [(2, "", [2, 3])])
        self.assertEqual(self.ignores(session_expires=120, min_se=119), [(2, "", [2, 3])])
        self.assertEqual(self.ignores(session_expires=120, min_se=120), [])
        self.assertEqual(self.ignores(min_se=60), [])

    def test_the_greatest_of_all_earlier_rejections_counts_and_each_retry_once(self):
        events = (trying(0), failed(1, 422, min_se=200), trying(2, cseq=2, session_expires=200, min_se=200),
                  failed(3, 422, cseq=2, min_se=100), failed(3, 422, cseq=2, by="proxy"),
                  trying(4, cseq=5, session_expires=150, min_se=150),
                  trying(5, cseq=6, session_expires=90))
        self.assertEqual(positions("retry_ignores_min_se", *events), [[2, 4, 5, 6]])

    def test_the_retry_of_a_refresh_is_of_its_side(self):
        rejected = refresh("failed", 1, cseq=2, sip_code=422, min_se=120)
        for retry, count in ((refresh("requested", 2, cseq=3, session_expires=90), 1),
                             (refresh("requested", 2, cseq=9, session_expires=90, method="UPDATE"), 1),
                             (refresh("requested", 2, cseq=3, session_expires=90, by="callee"), 0),
                             (refresh("requested", 2, cseq=3, session_expires=90, to_tag="u"), 0),
                             (refresh("requested", 2, cseq=2, session_expires=90), 0),
                             (trying(2, cseq=3, session_expires=90), 0)):
            self.assertEqual(len(found("retry_ignores_min_se", rejected, retry)), count)

    def test_a_rejection_of_the_retry_itself_is_not_cited(self):
        events = (trying(0), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=90),
                  failed(3, 422, cseq=2, min_se=600))
        self.assertEqual(positions("retry_ignores_min_se", *events), [[2, 3]])

    def test_a_loop_is_measured_by_the_greatest_before(self):
        events = (trying(0), failed(1, 422, min_se=90), trying(2, cseq=2), failed(3, 422, cseq=2, min_se=200),
                  trying(4, cseq=3, session_expires=200), failed(5, 422, cseq=3, min_se=150))
        self.assertEqual(positions("rejection_loop", *events), [[2, 4, 6]])

    def test_rejection_loop(self):
        def loop(again, offered=120, first=120):
            return positions("rejection_loop", trying(0), failed(1, 422, min_se=first),
                             trying(2, cseq=2, session_expires=offered), failed(3, 422, cseq=2, min_se=again))
        self.assertEqual(loop(120), [[2, 4]])
        self.assertEqual(loop(None), [[2, 4]])
        self.assertEqual(loop(121), [])
        self.assertEqual(loop(120, offered=119), [])
        self.assertEqual(loop(120, offered=None), [])
        self.assertEqual(loop(None, offered=0, first=None), [[2, 4]])
        self.assertEqual(positions("rejection_loop", trying(0, session_expires=90), failed(1, 422,
            min_se=90)), [])


class Timers(unittest.TestCase):
    def test_refresh_verdicts(self):
        for delta, code, severity in ((911 * S, "refresh_late", "warning"),
                                      (1769 * S, "refresh_critical", "error"),
                                      (1801 * S, "refresh_overdue", "error")):
            rows = findings_of(timed(0, 1800), accepted(delta, 1800, "uac"))
            self.assertEqual([(row["code"], row["severity"], row["positions"], row["at"]) for row in rows],
                             [(code, severity, [1, 2], delta)])
        self.assertEqual(findings_of(timed(0, 1800), accepted(910 * S, 1800, "uac")), [])

    def test_refresher_switched(self):
        for parameter, count in (("uac", 0), ("uas", 1), (None, 0)):
            self.assertEqual(len(found("refresher_switched", timed(0, 90), accepted(9, 90, parameter))),
                             count)
        # Not across a mark that states none.
        self.assertEqual(found("refresher_switched", timed(0, 90), accepted(5), accepted(9, 90, "uas",
            cseq=3)), [])

    def test_refresh_failed_session_kept(self):
        for code in (408, 481):
            kept = (confirmed(0), refresh("failed", 5, sip_code=code))
            self.assertEqual(positions("refresh_failed_session_kept", *kept, bye(5 + 32 * S)), [])
            self.assertEqual(positions("refresh_failed_session_kept", *kept, bye(6 + 32 * S)), [[2]])
            self.assertEqual(positions("refresh_failed_session_kept", *kept, as_of=5 + 32 * S), [])
            self.assertEqual(positions("refresh_failed_session_kept", *kept, as_of=6 + 32 * S), [[2]])
        self.assertEqual(found("refresh_failed_session_kept", confirmed(0), refresh("failed", 5,
            sip_code=491),
                               bye(99 * S)), [])
        self.assertEqual(found("refresh_failed_session_kept", refresh("failed", 5, sip_code=481,
                                                                      method="UPDATE"),
                               as_of=99 * S), [])

    def test_session_expired(self):
        self.assertEqual(found("session_expired", timed(0, 90), bye(90 * S)), [(90 * S, "t", [1, 2])])
        self.assertEqual(found("session_expired", timed(0, 90), bye(90 * S - 1)), [])
        self.assertEqual(found("session_expired", timed(0, 90), as_of=90 * S), [(0, "t", [1])])

    def test_no_session_timer(self):
        self.assertEqual(found("no_session_timer", confirmed(3), confirmed(4, sip_code=202)), [(3, "t", [1])])
        self.assertEqual(found("no_session_timer", confirmed(3), accepted(4, 90), bye(5)), [])
        self.assertEqual(found("no_session_timer", confirmed(3), accepted(6, 90), bye(5)), [(3, "t", [1])])
        self.assertEqual(found("no_session_timer", bye(5)), [])


class Ends(unittest.TestCase):
    def test_hung_call(self):
        rows = [row for row in findings_of(timed(0, 90, source="b"), event("dialog.alive", 7 * S, to_tag="t"),
                                           accepted(50 * S, 90, "uac"), timeout("session", 200 * S + 1))
                if row["code"] == "hung_call"]
        self.assertEqual([list(row.items()) for row in rows], [[
            ("code", "hung_call"), ("severity", "error"), ("callid", "c"), ("from_tag", "f"), ("to_tag", "t"),
            ("at", 200 * S + 1), ("positions", [1, 3, 4]),
            ("detail", {"overrun_us": 60 * S + 1, "unproven_us": 150 * S + 1, "last_proof_at": 50 * S,
                        "billable_ms": {"last_proof": 50_000, "session_expiry": 140_000, "timeout": 200_000,
                                        "hold": None}})]])

    def test_hung_and_open(self):
        row, = [row for row in findings_of(timed(0, 90), as_of=150 * S + 1) if row["code"] == "hung_call"]
        self.assertEqual((row["at"], row["positions"], row["detail"]["billable_ms"]), (0, [1], {
            "last_proof": 0, "session_expiry": 90_000, "timeout": 150_000, "hold": None}))

    def test_hung_without_marks_cites_what_the_leg_is_known_by(self):
        self.assertEqual(found("hung_call", event("dialog.acked", 3, to_tag="t"), timeout("ping", 5)),
                         [(5, "t", [1, 2])])
        self.assertEqual(found("hung_call", timeout("ping", 5)), [(5, "t", [1])])

    def test_proxy_cut_session(self):
        for kind in ("session", "lifetime"):
            cut = found("proxy_cut_session", timed(0, 90), timeout(kind, 89 * S - 1, bye_sent=True))
            self.assertEqual(cut, [(89 * S - 1, "t", [1, 2])])
            self.assertEqual(found("proxy_cut_session", timed(0, 90), timeout(kind, 89 * S)), [])
        self.assertEqual(found("proxy_cut_session", timed(0, 90), timeout("ping", 5)), [])
        self.assertEqual(found("proxy_cut_session", confirmed(0), timeout("session", 5)), [])

    def test_proxy_sent_bye(self):
        for kind in ("session", "lifetime"):
            self.assertEqual(found("proxy_sent_bye", timed(0, 90), timeout(kind, 89 * S, bye_sent=True)),
                             [(89 * S, "t", [2])])
            self.assertEqual(found("proxy_sent_bye", timed(0, 90), timeout(kind, 89 * S - 1, bye_sent=True)),
                             [])
            self.assertEqual(found("proxy_sent_bye", timed(0, 90), timeout(kind, 89 * S)), [])
        self.assertEqual(found("proxy_sent_bye", timed(0, 90), timeout("media", 89 * S, bye_sent=True)), [])

    def test_held_past_expiry(self):
        self.assertEqual(found("held_past_expiry", timed(0, 90), bye(150 * S)), [])
        self.assertEqual(found("held_past_expiry", timed(0, 90), bye(150 * S + 1)), [(150 * S + 1, "t", [1,
            2])])
        self.assertEqual(found("held_past_expiry", timed(0, 90), as_of=999 * S), [])

    def test_answered_without_ack(self):
        self.assertEqual(found("answered_without_ack", timeout("no_ack", 9), timeout("no_ack", 8),
                               confirmed(1),
                               bye(20)), [(8, "t", [2, 3])])
        self.assertEqual(found("answered_without_ack", timeout("no_ack", 9)), [])
        self.assertEqual(found("answered_without_ack", confirmed(1), timeout("no_ack", 9, "u")), [])


class Evidence(unittest.TestCase):
    def test_clock_skew(self):
        self.assertEqual(found("clock_skew", trying(5), confirmed(4), bye(9)), [(9, "t", [2, 3])])
        self.assertEqual(found("clock_skew", trying(4), confirmed(4), bye(9)), [])
        self.assertEqual(found("clock_skew", trying(5), failed(4, 486)), [(5, "", [1, 2])])
        self.assertEqual(found("clock_skew", trying(5), confirmed(4)), [])
        # The last event that stands for an occurrence, not the last retransmission.
        self.assertEqual(found("clock_skew", trying(5), confirmed(4), bye(9), bye(11)), [(9, "t", [2, 3])])

    def test_incomplete_evidence(self):
        call = (trying(1), confirmed(2), bye(3))
        self.assertEqual(found("incomplete_evidence", *call, gap(50, 8, 9), gap(40, 7, 7), gap(60, 1, 1)),
                         [(50, "t", [1, 3, 4, 5])])
        self.assertEqual(found("incomplete_evidence", *call, gap(50, 8, 9, after=4)), [])

    def test_each_leg_has_its_own(self):
        rows = found("incomplete_evidence", trying(1), confirmed(2, "a"), bye(3, to_tag="a"), confirmed(9,
            "b"),
                     bye(20, to_tag="b"), gap(50, 8, 9, after=4))
        self.assertEqual(rows, [(50, "b", [1, 5, 6])])


class Order(unittest.TestCase):
    def test_by_time_call_tag_code_and_positions(self):
        rows = findings_of(trying(5, session_expires=60, min_se=70), trying(5, session_expires=60,
            callid="b"),
                           trying(4, session_expires=60, callid="z"))
        self.assertEqual([(row["at"], row["callid"], row["code"]) for row in rows], [
            (4, "z", "interval_below_minimum"), (5, "b", "interval_below_minimum"),
            (5, "c", "interval_below_min_se"), (5, "c", "interval_below_minimum"),
            (5, "c", "min_se_below_minimum")])

    def test_withdrawn_and_open_records_hide_no_header(self):
        self.assertEqual(len(found("rejection_without_min_se", trying(0), failed(1, 422), trying(2,
            cseq=2))), 1)

    def test_expired_presumption_is_cited_as_the_end(self):
        self.assertEqual(found("held_past_expiry", timed(0, 90), expired(200 * S, 140 * S)),
                         [(200 * S, "t", [1, 2])])


if __name__ == "__main__":
    unittest.main()
