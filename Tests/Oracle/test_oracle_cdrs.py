"""What must hold: each field of a CDR, its bill and its revision. Expectations are worked out by hand."""

import unittest

from cdrs import Policy
from generate_text import Literal
from strict_json import Number
from told import (S, accepted, bye, cdr_of, cdrs_of, confirmed, early, event, expired, failed, gap, refresh,
                  timed, timeout, trying)

FIELDS = """callid from_tag to_tag leg from_uri to_uri request_uri src_ip user_agent callee_user_agent
started_at ringing_at answered_at ended_at setup_us duration_us attempts disposition sip_code sip_reason
termination ended_by reason last_proof_at session_interval refresher refreshes billable_ms billing_basis
policy extra flags sources revision positions""".split()


class Fields(unittest.TestCase):
    def test_a_whole_record(self):
        cdr = cdr_of(
            trying(10 * S, from_uri="sip:a@x", to_uri="sip:b@x", request_uri="sip:b@y", src_ip="192.0.2.1",
                   user_agent="A/1"),
            early(11 * S), confirmed(15 * S, session_expires=1800, refresher="uas", sip_reason="OK",
                                     user_agent="B/2"),
            event("dialog.acked", 15 * S + 5, to_tag="t"),
            accepted(915 * S, 1800, "uac", cseq=7, by="callee", method="UPDATE"),
            bye(1000 * S + 1500, "callee", reason="Q.850;cause=16"))
        self.assertEqual(list(cdr), FIELDS)
        self.assertEqual(list(cdr.values()), [
            "c", "f", "t", 1, "sip:a@x", "sip:b@x", "sip:b@y", "192.0.2.1", "A/1", "B/2",
            10 * S, 11 * S, 15 * S, 1000 * S + 1500, 5 * S, 985 * S + 1500, 1, "answered", 200, "OK",
            "callee_bye", "callee", "Q.850;cause=16", 915 * S, 1800, "callee", 1, 986_000, "bye",
            "default:61f1bcd4b10c075c", {}, [], ["k"], 1, [1, 2, 3, 4, 5, 6]])

    def test_a_whole_record_without_leg(self):
        cdr = cdr_of(trying(10), early(20, sip_code=183), failed(30, 486, by="caller",
                                                                 reason="SIP;cause=200"))
        self.assertEqual(list(cdr), FIELDS)
        self.assertEqual(list(cdr.values()), [
            "c", "f", "", 0, None, None, None, None, None, None,
            10, 20, None, 30, 20, 0, 1, "busy", 486, None, None, "caller", "SIP;cause=200", None, 0, None, 0,
            0, "none", "default:61f1bcd4b10c075c", {}, [], ["k"], 1, [1, 2, 3]])

    def test_parties_come_from_the_legs_attempt_then_from_the_call(self):
        calls = [trying(1, from_uri="one", src_ip="1"), failed(2, 407), trying(3, cseq=2, from_uri="two"),
                 trying(4, cseq=3, from_uri="three")]
        first, second = cdrs_of(*calls, confirmed(5, "a", cseq=2), bye(9, to_tag="a"),
                                confirmed(5, "b", cseq=1), bye(9, to_tag="b"))
        self.assertEqual((first["from_uri"], first["src_ip"]), ("two", "1"))
        self.assertEqual(second["from_uri"], "one")
        self.assertEqual(cdr_of(*calls, bye(9))["from_uri"], "three")
        self.assertEqual(cdr_of(*calls, confirmed(8, cseq=9), bye(9))["from_uri"], "one")
        again = trying(5, cseq=3, method="INVITE", from_uri="again")
        self.assertEqual(cdr_of(*calls, again, bye(9))["from_uri"], "three")
        self.assertEqual(cdr_of(*calls, bye(9))["started_at"], 1)
        self.assertEqual(cdr_of(*calls, failed(9, 486, cseq=3))["from_uri"], "three")

    def test_the_final_attempt_may_be_known_by_an_answer_of_another_leg(self):
        calls = [trying(1, from_uri="one"), trying(2, cseq=2, from_uri="two"), confirmed(3, "a", cseq=1)]
        rows = cdrs_of(*calls, bye(9))
        self.assertEqual([(row["to_tag"], row["from_uri"]) for row in rows], [("t", "two")])

    def test_the_attempt_of_a_leg_is_that_of_its_earliest_answer(self):
        cdr = cdr_of(trying(1, user_agent="one"), trying(2, cseq=2, user_agent="two"),
                     confirmed(5, cseq=1, sip_reason="first"), confirmed(6, cseq=2, sip_reason="x"), bye(9))
        self.assertEqual((cdr["user_agent"], cdr["answered_at"], cdr["sip_reason"]), ("one", 5, "first"))

    def test_callee_user_agent_of_any_answer_of_the_leg(self):
        cdr = cdr_of(trying(0), confirmed(1), confirmed(2, sip_code=202, user_agent="late"), bye(9))
        self.assertEqual((cdr["callee_user_agent"], cdr["sip_code"]), ("late", 200))

    def test_ringing_is_180_to_183(self):
        for code, ringing in ((179, None), (180, 2), (183, 2), (184, None)):
            cdr = cdr_of(trying(0), early(2, sip_code=code), failed(3, 486))
            self.assertEqual(cdr["ringing_at"], ringing)
        self.assertEqual(cdr_of(trying(0), early(3, sip_code=180), early(2, 7, 181), bye(9))["ringing_at"], 2)

    def test_a_start_that_was_not_seen(self):
        cdr = cdr_of(early(4), confirmed(5), bye(9))
        self.assertEqual((cdr["started_at"], cdr["flags"], cdr["attempts"]), (4, ["start_unseen"], 1))

    def test_attempts_are_counted_by_cseq_of_trying(self):
        self.assertEqual(cdr_of(trying(0), trying(1), trying(1, cseq=4), early(2, cseq=9),
                                bye(9))["attempts"], 2)

    def test_clock_skew(self):
        cdr = cdr_of(trying(5), confirmed(4), bye(3))
        self.assertEqual((cdr["setup_us"], cdr["duration_us"], cdr["billable_ms"], cdr["flags"]),
                         (0, 0, 0, ["clock_skew"]))
        self.assertEqual(cdr_of(trying(5), confirmed(5), bye(5))["flags"], [])
        cdr = cdr_of(trying(5), failed(4, 486))
        self.assertEqual((cdr["setup_us"], cdr["flags"]), (0, ["clock_skew"]))

    def test_last_proof(self):
        def proof(*events):
            return cdr_of(trying(0), confirmed(5), bye(20), *events)["last_proof_at"]
        self.assertEqual(proof(), 5)
        self.assertEqual(proof(event("dialog.alive", 20, to_tag="t"), event("dialog.alive", 21, to_tag="t")),
                         20)
        self.assertEqual(proof(event("dialog.acked", 6, to_tag="t"), event("dialog.alive", 4, to_tag="t")), 6)
        self.assertEqual(proof(refresh("requested", 7), refresh("requested", 8, by="proxy")), 7)
        self.assertEqual(proof(refresh("accepted", 8, by="proxy")), 8)
        self.assertEqual(proof(refresh("failed", 9, sip_code=500)), 5)
        self.assertEqual(proof(event("dialog.alive", 9, to_tag="u")), 5)
        # A retransmission proves nothing more; the occurrence has the time of its earliest event.
        self.assertEqual(proof(event("dialog.acked", 6, to_tag="t"), event("dialog.acked", 8, to_tag="t")), 6)
        self.assertEqual(proof(event("dialog.acked", 6, to_tag="t"), event("dialog.acked", 4, to_tag="t")), 5)

    def test_extra_is_merged_key_by_key(self):
        cdr = cdr_of(trying(1, extra={"b": "old", "a": Literal("1.50")}), trying(2,
            extra={"b": Literal("1e5")}),
                     bye(4, extra={"\u00e9": Literal("-0"), "Z": "z"}), confirmed(3, extra={"b": "c"}),
                     expired(5, 4, extra={"l": "ledger"}))
        self.assertEqual(list(cdr["extra"].items()), [
            ("Z", "z"), ("a", Number("1.50")), ("b", "c"), ("l", "ledger"), ("\u00e9", Number("-0"))])

    def test_rows_are_sorted(self):
        rows = cdrs_of(*[it for callid, at in (("b", 2), ("a", 2), ("\uffff", 1), ("\U00010000", 1))
                         for it in (trying(at, callid=callid), failed(9, 486, callid=callid))])
        self.assertEqual([row["callid"] for row in rows], ["\uffff", "\U00010000", "a", "b"])


class Timer(unittest.TestCase):
    def timer(self, *events):
        cdr = cdr_of(trying(0), *events, bye(9 * S))
        return cdr["session_interval"], cdr["refresher"], cdr["refreshes"]

    def test_of_the_answer(self):
        self.assertEqual(self.timer(confirmed(1)), (0, None, 0))
        self.assertEqual(self.timer(timed(1, 90, "uac")), (90, "caller", 0))
        self.assertEqual(self.timer(timed(1, 90, "uas")), (90, "callee", 0))
        self.assertEqual(self.timer(timed(1, 90, None)), (90, None, 0))
        self.assertEqual(self.timer(timed(1, 0, "uac")), (0, None, 0))

    def test_what_was_sent_on_counts(self):
        self.assertEqual(self.timer(timed(1, 90, "uac", fwd_session_expires=120, fwd_refresher="uas")),
                         (120, "callee", 0))
        self.assertEqual(self.timer(timed(1, 90, "uac", fwd_session_expires=0)), (0, None, 0))

    def test_of_a_refresh_by_its_sides(self):
        answer = timed(1, 90)
        for by, parameter, side in (("caller", "uac", "caller"), ("caller", "uas", "callee"),
                                    ("callee", "uac", "callee"), ("callee", "uas", "caller"),
                                    ("proxy", "uac", None), ("admin", "uas", None), ("caller", None, None)):
            self.assertEqual(self.timer(answer, accepted(5, 180, parameter, by=by)), (180, side, 1))
        self.assertEqual(self.timer(answer, accepted(5)), (0, None, 1))

    def test_refreshes_between_answer_and_end_both_included(self):
        self.assertEqual(self.timer(timed(1, 90), accepted(0, 180, cseq=2), accepted(1, 100, cseq=3),
                                    accepted(9 * S, 600, cseq=4), accepted(9 * S + 1, 1800, cseq=5)),
                         (600, None, 2))

    def test_at_one_time_the_canonical_order_decides_on_the_last(self):
        self.assertEqual(self.timer(timed(1, 90, source="b"), accepted(1, 180, source="a")), (90, "caller",
            1))
        self.assertEqual(self.timer(timed(1, 90, source="a"), accepted(1, 180, source="b")), (180, None, 1))


class Billing(unittest.TestCase):
    def billed(self, policy, *events):
        cdr = cdr_of(trying(0), timed(0, 90), *events, policy=policy)
        return cdr["billable_ms"], cdr["billing_basis"]

    def test_a_proven_end(self):
        for option in (b"last_proof", b"session_expiry", b"timeout", b"hold"):
            policy = b'{"id":"p","hung_call":"%s"}' % option
            self.assertEqual(self.billed(policy, bye(5 * S)), (5000, "bye"))
            self.assertEqual(self.billed(policy, timeout("media", 5 * S)), (5000, "media"))

    def test_a_guessed_end(self):
        for end in (timeout("session", 200 * S), timeout("ping", 200 * S), timeout("no_ack", 200 * S),
                    timeout("lifetime", 200 * S), expired(200 * S, 140 * S)):
            events = (event("dialog.alive", 7 * S, to_tag="t"), end)
            for option, billed in (("last_proof", (7000, "last_proof")), ("hold", (None, "held")),
                                   ("session_expiry", (90_000, "session_expiry")),
                                   ("timeout", (200_000, "timeout"))):
                policy = b'{"id":"p","hung_call":"%s"}' % option.encode()
                self.assertEqual(self.billed(policy, *events), billed)

    def test_a_guess_is_measured_from_the_answer(self):
        for option, billed in ((b"last_proof", 3000), (b"session_expiry", 90_000), (b"timeout", 200_000)):
            cdr = cdr_of(trying(0), timed(7 * S, 90), event("dialog.alive", 10 * S, to_tag="t"),
                         timeout("session", 207 * S), policy=b'{"id":"p","hung_call":"%s"}' % option)
            self.assertEqual(cdr["billable_ms"], billed)

    def test_session_expiry_is_never_after_the_end(self):
        policy = b'{"id":"p","hung_call":"session_expiry"}'
        self.assertEqual(self.billed(policy, timeout("session", 60 * S)), (60_000, "session_expiry"))
        self.assertEqual(self.billed(policy, accepted(80 * S), timeout("session", 300 * S)),
                         (300_000, "session_expiry"))

    def test_rounding(self):
        table = ((b"up", 1, 1), (b"up", 1000, 1000), (b"up", 1001, 2000), (b"down", 1999, 1000),
                 (b"down", 1, 0), (b"nearest", 1499, 1000), (b"nearest", 1500, 2000), (b"nearest", 499, 0))
        for mode, ms, billed in table:
            policy = b'{"id":"p","round":"%s","round_ms":%d}' % (mode, 1 if ms == billed == 1 else 1000)
            self.assertEqual(self.billed(policy, bye(ms * 1000))[0], billed)

    def test_parts_of_a_millisecond_are_dropped_before_rounding(self):
        self.assertEqual(self.billed(None, bye(999))[0], 0)
        self.assertEqual(self.billed(None, bye(1000))[0], 1000)
        self.assertEqual(self.billed(None, bye(1_000_999))[0], 1000)

    def test_nearest_with_an_odd_step(self):
        policy = b'{"id":"p","round":"nearest","round_ms":3}'
        self.assertEqual([self.billed(policy, bye(ms * 1000))[0] for ms in (1, 2, 4, 5)], [0, 3, 3, 6])

    def test_minimum_from_a_millisecond_on(self):
        policy = b'{"id":"p","round":"down","minimum_ms":60000}'
        self.assertEqual([self.billed(policy, bye(us))[0] for us in (999, 1000, 59 * S, 61 * S)],
                         [0, 60_000, 60_000, 61_000])

    def test_the_name_of_a_policy_is_its_bytes(self):
        self.assertEqual(Policy().name, "default:61f1bcd4b10c075c")
        self.assertNotEqual(Policy(b'{"id":"default"}').name, Policy().name)
        self.assertEqual(Policy(b'{"id":"default"}').round_ms, 1000)
        for text in (b"{}", b'{"id":5}', b'{"id":"p","round_ms":0}', b'{"id":"p","minimum_ms":-1}',
                     b'{"id":"p","round":"even"}', b'{"id":"p","hung_call":"never"}'):
            with self.assertRaises(ValueError):
                Policy(text)


class Incomplete(unittest.TestCase):
    def flags(self, *gaps):
        return cdr_of(trying(10), confirmed(20), bye(30), *gaps)["flags"]

    def test_bounds(self):
        for after, before, flags in ((0, 9, []), (0, 10, ["incomplete"]), (30, 40, ["incomplete"]), (31, 40,
            []),
                                     (None, 9, []), (31, None, []), (None, 10, ["incomplete"]),
                                     (30, None, ["incomplete"]), (None, None, ["incomplete"])):
            self.assertEqual(self.flags(gap(99, 50, 60, after, before)), flags)

    def test_only_its_sources_in_any_epoch(self):
        self.assertEqual(self.flags(gap(99, 50, 60, gap_source="other")), [])
        self.assertEqual(self.flags(gap(99, 50, 60, gap_epoch=77)), ["incomplete"])

    def test_a_gap_closes_when_each_of_its_numbers_has_come(self):
        late = [event("source.heartbeat", 50, seq=seq, callid=None, from_tag=None) for seq in (4, 5)]
        rejected = event("ledger.rejected", 60, source="ledger", callid=None, from_tag=None, reason="type",
                         of_source="k", of_epoch=1, of_seq=6)
        self.assertEqual(self.flags(gap(99, 4, 6), *late), ["incomplete"])
        self.assertEqual(self.flags(gap(99, 4, 6), rejected, late[0]), ["incomplete"])
        self.assertEqual(self.flags(gap(99, 4, 6), rejected, *late), [])
        self.assertEqual(self.flags(*late, rejected, gap(99, 4, 6)), [])


class Revisions(unittest.TestCase):
    def revisions(self, *events):
        return {row["to_tag"]: row["revision"] for row in cdrs_of(*events)}

    def test_only_changes_count(self):
        call = [trying(0), confirmed(1), bye(9)]
        self.assertEqual(self.revisions(*call), {"t": 1})
        self.assertEqual(self.revisions(*call, bye(10)), {"t": 1})
        self.assertEqual(self.revisions(*call, bye(10, source="j")), {"t": 2})
        self.assertEqual(self.revisions(*call, bye(8), early(1), early(2)), {"t": 3})

    def test_arrival_decides_not_time(self):
        self.assertEqual(self.revisions(bye(9), confirmed(1), trying(0)), {"t": 3})

    def test_a_withdrawal_is_a_revision(self):
        call = [trying(0), failed(1, 407), trying(2, cseq=2)]
        self.assertEqual(self.revisions(*call), {})
        self.assertEqual(self.revisions(*call, failed(3, 486, cseq=2)), {"": 3})
        self.assertEqual(self.revisions(*call, confirmed(3, cseq=2), bye(4)), {"t": 1})

    def test_a_gap_and_its_end_are_revisions(self):
        call = [trying(0), confirmed(1), bye(9)]
        self.assertEqual(self.revisions(*call, gap(20, 4, 4)), {"t": 2})
        beat = event("source.heartbeat", 30, seq=4, callid=None, from_tag=None)
        self.assertEqual(self.revisions(*call, gap(20, 4, 4), beat), {"t": 3})
        self.assertEqual(self.revisions(*call, beat, gap(20, 4, 4)), {"t": 1})

    def test_another_leg_may_change_the_number_of_this_one(self):
        self.assertEqual(self.revisions(trying(0), confirmed(5), bye(9), confirmed(4, "u")), {"t": 2})


if __name__ == "__main__":
    unittest.main()
