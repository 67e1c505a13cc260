"""What must hold: what a call is made of, and which event ends it. Expectations are worked out by hand."""

import unittest

from told import (S, accepted, bye, cdr_of, cdrs_of, confirmed, early, event, expired, failed, log, refresh,
                  row_of, timed, timeout, trying)
from calls import Call


def call_of(*events):
    calls = list(log(*events).calls().values())
    assert len(calls) == 1
    return Call(calls[0])


def ended(cdr):
    return (cdr["ended_at"], cdr["termination"], cdr["ended_by"])


class Occurrences(unittest.TestCase):
    def test_the_earliest_stands_for_all(self):
        first = trying(2, source="b", from_uri="second")
        again = trying(1, source="a", from_uri="first")
        cdr = cdr_of(first, again, failed(3, 486))
        self.assertEqual((cdr["started_at"], cdr["from_uri"]), (1, "first"))
        self.assertEqual((cdr["sources"], cdr["positions"]), (["a", "b", "k"], [1, 2, 3]))

    def test_what_a_later_one_adds_is_not_seen(self):
        self.assertIsNone(cdr_of(trying(1), trying(2, from_uri="x"), failed(3, 486))["from_uri"])

    def test_another_method_makes_another_occurrence(self):
        cdr = cdr_of(trying(1), trying(2, method="INVITE", from_uri="x"), failed(3, 486))
        self.assertEqual(cdr["from_uri"], "x")

    def test_equal_times_are_ordered_by_source_epoch_and_number(self):
        cdr = cdr_of(trying(1, source="b", from_uri="b"), trying(1, source="a", epoch=2, from_uri="a2"),
                     trying(1, source="a", epoch=1, seq=9, from_uri="a19"),
                     trying(1, source="a", epoch=1, seq=10, from_uri="a110"), failed(3, 486))
        self.assertEqual(cdr["from_uri"], "a19")

    def test_timeouts_and_pings_are_not_merged(self):
        call = call_of(*[timeout("ping", 5) for _ in range(2)], *[event("dialog.alive", 4, to_tag="t")
                                                                  for _ in range(2)],
                       *[expired(9, 8) for _ in range(2)], *[event("dialog.acked", 3, to_tag="t")
                                                             for _ in range(2)])
        self.assertEqual([it.position for it in call.events], [7, 3, 4, 1, 2, 5, 6])

    def test_refreshes_with_one_cseq_count_once(self):
        cdr = cdr_of(trying(0), timed(1, 90), accepted(2, 90), accepted(3, 90), accepted(4, 90, by="callee"),
                     accepted(5, 90, method="UPDATE"), bye(9))
        self.assertEqual(cdr["refreshes"], 3)


class Membership(unittest.TestCase):
    def test_unknown_types_and_bystanders_belong_to_no_call(self):
        cdr = cdr_of(trying(5), failed(6, 486), event("dialog.moved", 1, extra={"a": "b"}),
                     event("source.heartbeat", 1, source="x"), event("ledger.tick", 1, source="ledger"))
        self.assertEqual((cdr["started_at"], cdr["positions"], cdr["sources"]), (5, [1, 2], ["k"]))

    def test_calls_differ_by_from_tag_and_case(self):
        rows = cdrs_of(trying(1), failed(2, 486), trying(1, from_tag="F"), failed(2, 404, from_tag="F"))
        self.assertEqual([row["from_tag"] for row in rows], ["F", "f"])


class Legs(unittest.TestCase):
    def test_what_makes_a_leg(self):
        makers = [confirmed(5), event("dialog.acked", 5, to_tag="t"), event("dialog.alive", 5, to_tag="t"),
                  bye(5), refresh("requested", 5), refresh("accepted", 5), refresh("failed", 5, sip_code=500)]
        makers += [timeout(kind, 5) for kind in ("session", "lifetime", "no_ack", "ping", "media")]
        for maker in makers:
            with self.subTest(maker[3]):
                self.assertEqual(len(call_of(trying(0), maker).legs), 1)

    def test_what_makes_none(self):
        others = [early(5, to_tag="t"), failed(5, 486, to_tag="t"), trying(5, to_tag="t"),
                  timeout("early", 5), expired(5, 4), refresh("accepted", 5, method="UPDATE"),
                  refresh("requested", 5, method="invite")]
        for other in others:
            with self.subTest(other[3]):
                self.assertEqual(len(call_of(trying(0), other).legs), 0)

    def test_numbers_go_by_answer_then_tag(self):
        rows = cdrs_of(trying(0), confirmed(2, "a"), confirmed(1, "z"), confirmed(2, "B"),
                       bye(3, to_tag="a"), bye(3, to_tag="z"), bye(4, to_tag="B"))
        self.assertEqual([(row["to_tag"], row["leg"]) for row in rows], [("B", 2), ("a", 3), ("z", 1)])

    def test_an_open_leg_has_a_number_and_no_record(self):
        rows = cdrs_of(trying(0), confirmed(1, "a"), confirmed(2, "b"), bye(3, to_tag="b"))
        self.assertEqual([(row["to_tag"], row["leg"]) for row in rows], [("b", 2)])

    def test_a_leg_takes_the_record_of_the_call_without_legs(self):
        rows = cdrs_of(trying(0), failed(1, 486), confirmed(2), bye(3))
        self.assertEqual([(row["to_tag"], row["leg"], row["revision"]) for row in rows], [("t", 1, 1)])

    def test_a_leg_without_answer_starts_at_what_is_known_of_it(self):
        cdr = cdr_of(trying(0), refresh("accepted", 2, method="UPDATE"), event("dialog.acked", 3, to_tag="t"),
                     bye(9))
        self.assertEqual((cdr["answered_at"], cdr["refreshes"], cdr["sip_code"]), (3, 0, None))
        self.assertEqual(cdr["flags"], ["answer_unseen"])


class EndOfLeg(unittest.TestCase):
    def ending(self, *events):
        return ended(cdr_of(trying(0), confirmed(1), *events))

    def test_the_earliest_ends_it(self):
        self.assertEqual(self.ending(bye(9, "callee"), bye(8, "admin")), (8, "admin_bye", "admin"))
        self.assertEqual(self.ending(bye(9, "proxy"), bye(9, "callee", source="j")), (9, "callee_bye",
            "callee"))

    def test_a_timeout_without_bye_gives_way_to_a_later_bye_of_a_party(self):
        for by in ("caller", "callee"):
            self.assertEqual(self.ending(timeout("session", 5), bye(9, by)), (9, by + "_bye", by))
        for by in ("proxy", "admin"):
            self.assertEqual(self.ending(timeout("session", 5), bye(9, by)), (5, "session_timeout", "proxy"))

    def test_a_timeout_that_sent_bye_stands(self):
        self.assertEqual(self.ending(timeout("ping", 5, bye_sent=True), bye(9)), (5, "ping_timeout", "proxy"))
        self.assertEqual(self.ending(timeout("ping", 5, bye_sent=False), bye(9)), (9, "caller_bye", "caller"))

    def test_after_means_canonically_after(self):
        self.assertEqual(self.ending(timeout("media", 5), bye(5))[1], "caller_bye")
        self.assertEqual(self.ending(timeout("media", 5, source="k"), bye(5, source="j"))[:2],
                         (5, "caller_bye"))
        self.assertEqual(self.ending(timeout("media", 5, source="j"), bye(5, "proxy", source="k"))[1],
                         "media_timeout")

    def test_a_bye_before_does_not_excuse_a_timeout_but_comes_first(self):
        self.assertEqual(self.ending(bye(4), timeout("session", 5)), (4, "caller_bye", "caller"))

    def test_a_retransmitted_bye_is_the_earlier_one(self):
        # The BYE after the timeout is the same occurrence as the one before it.
        self.assertEqual(self.ending(bye(4), timeout("session", 5), bye(6)), (4, "caller_bye", "caller"))

    def test_every_termination(self):
        for kind, name in (("session", "session_timeout"), ("lifetime", "lifetime_timeout"),
                           ("no_ack", "no_ack"), ("ping", "ping_timeout"), ("media", "media_timeout")):
            self.assertEqual(self.ending(timeout(kind, 5)), (5, name, "proxy"))
        for by in ("caller", "callee", "proxy", "admin"):
            self.assertEqual(self.ending(bye(5, by)), (5, by + "_bye", by))
        self.assertEqual(self.ending(expired(7, 6)), (7, "unterminated", "ledger"))

    def test_an_end_makes_a_presumption_idle(self):
        self.assertEqual(self.ending(expired(5, 4), bye(9)), (9, "caller_bye", "caller"))

    def test_the_earliest_valid_presumption_ends_it(self):
        events = [trying(0), timed(0, 90), expired(150 * S - 1, 90 * S - 1), expired(152 * S, 91 * S),
                  expired(151 * S, 90 * S)]
        self.assertEqual(ended(cdr_of(*events)), (151 * S, "unterminated", "ledger"))

    def test_a_presumption_falls_by_a_later_expiry(self):
        answer = [trying(0), timed(0, 90)]
        self.assertEqual(cdrs_of(*answer, expired(150 * S, 90 * S - 1)), [])
        self.assertEqual(len(cdrs_of(*answer, expired(150 * S, 90 * S))), 1)
        # A refresh after the presumed end still counts: the leg is judged as if it had not ended.
        self.assertEqual(cdrs_of(*answer, expired(150 * S, 90 * S), accepted(200 * S, 90)), [])
        # One that put the timer off does not: no timer runs then.
        rows = cdrs_of(*answer, expired(150 * S, 90 * S), accepted(200 * S))
        self.assertEqual((rows[0]["ended_at"], rows[0]["refreshes"]), (150 * S, 0))

    def test_a_presumption_of_another_leg_or_of_none_ends_no_leg(self):
        self.assertEqual(cdrs_of(trying(0), confirmed(1), expired(9, 8, to_tag=None),
                                 expired(9, 8, to_tag="u")), [])

    def test_a_presumption_that_outlives_its_marks_is_judged_by_none_of_them(self):
        row = row_of(trying(0), confirmed(1), expired(9, 8))
        self.assertEqual(row["expires_at"], None)


class EndWithoutLeg(unittest.TestCase):
    def test_the_final_attempt_decides(self):
        self.assertEqual(cdrs_of(trying(0), failed(1, 407), trying(2, cseq=2)), [])
        rows = cdrs_of(trying(0), failed(1, 407), trying(2, cseq=2), failed(3, 486, cseq=2))
        self.assertEqual([(row["disposition"], row["ended_at"], row["attempts"]) for row in rows],
                         [("busy", 3, 2)])

    def test_an_attempt_is_seen_by_any_of_four_types(self):
        for later in (trying(2, cseq=2), early(2, cseq=2), failed(2, 407, cseq=2)):
            rows = cdrs_of(trying(0), failed(1, 486), later)
            self.assertEqual([row["sip_code"] for row in rows],
                             [407] if later[3]["type"] == "dialog.failed" else [])

    def test_a_superseded_failure_does_not_end_even_later(self):
        self.assertEqual(cdrs_of(trying(0), trying(2, cseq=2), failed(9, 487)), [])

    def test_the_earliest_failure_of_the_final_attempt(self):
        self.assertEqual(cdr_of(trying(0), failed(4, 486), failed(3, 480))["disposition"], "no_answer")

    def test_a_timeout_of_an_earlier_attempt_ends_nothing(self):
        attempts = [trying(0), trying(2, cseq=2)]
        self.assertEqual(cdrs_of(*attempts, timeout("early", 5, None, cseq=1)), [])
        self.assertEqual(cdrs_of(*attempts, timeout("early", 5, None, cseq=3)), [])
        cdr = cdr_of(*attempts, timeout("early", 5, None, cseq=2, sip_reason="gone"))
        self.assertEqual((cdr["disposition"], cdr["sip_code"], cdr["sip_reason"]), ("no_answer", 408, None))
        self.assertEqual(ended(cdr), (5, None, "proxy"))

    def test_a_timeout_without_cseq_ends_it(self):
        self.assertEqual(cdr_of(trying(0), trying(2, cseq=2), timeout("early", 1, None))["ended_at"], 1)

    def test_the_earlier_of_failure_and_timeout(self):
        self.assertEqual(cdr_of(trying(0), failed(6, 486), timeout("early", 5, None))["sip_code"], 408)
        self.assertEqual(cdr_of(trying(0), failed(4, 486), timeout("early", 5, None))["sip_code"], 486)

    def test_a_presumption_is_the_last_resort(self):
        cdr = cdr_of(trying(0), expired(9, 8, to_tag=None))
        self.assertEqual((cdr["disposition"], cdr["sip_code"], ended(cdr)), ("unknown", None, (9, None,
            "ledger")))
        self.assertEqual(cdr_of(trying(0), expired(9, 8, to_tag=None), failed(20, 503))["ended_at"], 20)
        two = (expired(9, 8, to_tag=None), expired(7, 6, to_tag=None))
        self.assertEqual(cdr_of(trying(0), *two)["ended_at"], 7)
        self.assertEqual(cdrs_of(trying(0), expired(9, 8, to_tag="t")), [])

    def test_a_call_known_by_its_presumption_alone(self):
        cdr = cdr_of(expired(9, 8, to_tag=None))
        self.assertEqual((cdr["started_at"], cdr["ended_at"], cdr["sources"], cdr["attempts"], cdr["flags"]),
                         (9, 9, [], 1, ["start_unseen"]))

    def test_dispositions(self):
        table = {300: "redirected", 302: "redirected", 399: "redirected", 400: "failed", 401: "rejected",
                 403: "rejected", 404: "not_found", 405: "failed", 407: "rejected", 408: "no_answer",
                 410: "not_found", 422: "interval_too_small", 480: "no_answer", 481: "failed",
                 484: "not_found", 486: "busy", 487: "cancelled", 488: "failed", 500: "failed",
                 503: "congestion", 504: "failed", 600: "busy", 603: "rejected", 604: "not_found",
                 606: "failed", 607: "rejected", 608: "rejected", 699: "failed"}
        for code, disposition in table.items():
            cdr = cdr_of(trying(0), failed(1, code, sip_reason="R"))
            self.assertEqual((cdr["sip_code"], cdr["disposition"], cdr["sip_reason"]), (code, disposition,
                "R"))


if __name__ == "__main__":
    unittest.main()
