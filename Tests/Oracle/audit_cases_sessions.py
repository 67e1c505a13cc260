"""Cases of the audit: how a session was kept, how it ended, and how much of it is known."""

from audit_case import At, at_limit, clean, either, error, found, info, warning
from told import S, accepted, bye, confirmed, event, failed, gap, refresh, timed, trying


def refused(time, **fields):
    return refresh("failed", time, **fields)


# -- refresh_late, refresh_critical, refresh_overdue: after half and 10 s; in the last 32 s or third; too late

at_limit("refresh_late", "1800 s: after 910 s",
         lambda time: [timed(0, 1800), accepted(time, 1800, "uac"), bye(2000 * S)],
         (910_000_001,
          [warning("refresh_late", 910_000_001, "t", [1, 2], interval=1800, after_us=910_000_001)]),
         (910_000_000, []))
at_limit("refresh_late", "101 s: after 60.5 s",
         lambda time: [timed(0, 101), accepted(time, 101, "uac"), bye(120 * S)],
         (60_500_001, [warning("refresh_late", 60_500_001, "t", [1, 2], interval=101, after_us=60_500_001)]),
         (60_500_000, []))
at_limit("refresh_late", "3,000,000,000 s: after 1,500,000,010 s",
         lambda time: [timed(7, 3_000_000_000), accepted(time, 90, "uac")],
         (1_500_000_010_000_008, [warning("refresh_late", 1_500_000_010_000_008, "t", [1, 2],
                                          interval=3_000_000_000, after_us=1_500_000_010_000_001)]),
         (1_500_000_010_000_007, []))
clean("refresh_late", "no timer was running", [confirmed(0), accepted(9000 * S, 1800, "uac")])
clean("refresh_late", "the timer had been taken off",
      [timed(0, 90), accepted(50 * S), accepted(900 * S, 90, "uac", cseq=3)])
clean("refresh_late", "a refresh that was refused is none",
      [timed(0, 90), refused(58 * S, sip_code=491), bye(89 * S)])

at_limit("refresh_critical", "1800 s: in the last 32 s",
         lambda time: [timed(0, 1800), accepted(time, 1800, "uac"), bye(2000 * S)],
         (1_768_000_001, [error("refresh_critical", 1_768_000_001, "t", [1, 2], interval=1800,
                                after_us=1_768_000_001)]),
         (1_768_000_000, [warning("refresh_late", 1_768_000_000, "t", [1, 2], interval=1800,
                                  after_us=1_768_000_000)]))
at_limit("refresh_critical", "97 s: in the last 32 s, a third being more",
         lambda time: [timed(0, 97), accepted(time, 97, "uac"), bye(100 * S)],
         (65_000_001, [error("refresh_critical", 65_000_001, "t", [1, 2], interval=97, after_us=65_000_001)]),
         (65_000_000, [warning("refresh_late", 65_000_000, "t", [1, 2], interval=97, after_us=65_000_000)]))
at_limit("refresh_critical", "96 s: the last 32 s are the last third",
         lambda time: [timed(0, 96), accepted(time, 96, "uac"), bye(100 * S)],
         (64_000_001, [error("refresh_critical", 64_000_001, "t", [1, 2], interval=96, after_us=64_000_001)]),
         (64_000_000, [warning("refresh_late", 64_000_000, "t", [1, 2], interval=96, after_us=64_000_000)]))
at_limit("refresh_critical", "95 s: in the last third, 31 and two thirds",
         lambda time: [timed(0, 95), accepted(time, 95, "uac"), bye(100 * S)],
         (63_333_334, [error("refresh_critical", 63_333_334, "t", [1, 2], interval=95, after_us=63_333_334)]),
         (63_333_333, [warning("refresh_late", 63_333_333, "t", [1, 2], interval=95, after_us=63_333_333)]))
at_limit("refresh_critical", "91 s, by an UPDATE of the callee: in the last third, 30 and a third",
         lambda time: [timed(0, 91, "uas"), accepted(time, 91, "uac", by="callee", method="UPDATE"),
                       bye(100 * S)],
         (60_666_667, [error("refresh_critical", 60_666_667, "t", [1, 2], interval=91, after_us=60_666_667)]),
         (60_666_666, [warning("refresh_late", 60_666_666, "t", [1, 2], interval=91, after_us=60_666_666)]))
at_limit("refresh_critical", "60 s: half and 10 s are two thirds, so that none is late",
         lambda time: [timed(0, 60, fwd_session_expires=60), accepted(time, 90, "uac"), bye(100 * S)],
         (40_000_001, [error("interval_below_minimum", 0, "t", [1], session_expires=60, minimum=90),
                       error("refresh_critical", 40_000_001, "t", [1, 2], interval=60, after_us=40_000_001)]),
         (40_000_000, [error("interval_below_minimum", 0, "t", [1], session_expires=60, minimum=90)]))
at_limit("refresh_critical", "a refresh at the end is one, a later one is none",
         lambda time: [timed(0, 90), accepted(time, 90, "uac"), bye(70 * S)],
         (70_000_000, [error("refresh_critical", 70_000_000, "t", [1, 2], interval=90, after_us=70_000_000)]),
         (70_000_001, []))

at_limit("refresh_overdue", "1800 s",
         lambda time: [timed(0, 1800), accepted(time, 1800, "uac"), bye(2000 * S)],
         (1_800_000_001, [error("refresh_overdue", 1_800_000_001, "t", [1, 2], interval=1800,
                                after_us=1_800_000_001)]),
         (1_800_000_000, [error("refresh_critical", 1_800_000_000, "t", [1, 2], interval=1800,
                                after_us=1_800_000_000)]))
at_limit("refresh_overdue", "what is overdue is not excused by the tolerance",
         lambda time: [timed(0, 90, fwd_session_expires=19), accepted(time, 90, "uac"), bye(50 * S)],
         (19_000_001, [error("refresh_overdue", 19_000_001, "t", [1, 2], interval=19, after_us=19_000_001)]),
         (19_000_000, []))
at_limit("refresh_overdue", "each interval by its own length",
         lambda time: [timed(0, 1800), accepted(600 * S, 90, "uac"), accepted(time, 90, "uac", cseq=3),
                       bye(700 * S)],
         (690_000_001,
          [error("refresh_overdue", 690_000_001, "t", [2, 3], interval=90, after_us=90_000_001)]),
         (690_000_000,
          [error("refresh_critical", 690_000_000, "t", [2, 3], interval=90, after_us=90_000_000)]))

# -- refresher_switched

either("refresher_switched", "the answer names the other side",
       ([timed(0, 90, "uac"), accepted(9 * S, 90, "uas")],
        [info("refresher_switched", 9 * S, "t", [1, 2], before="caller", refresher="callee")]),
       ([timed(0, 90, "uac"), accepted(9 * S, 90, "uac")], []))
either("refresher_switched", "uac is whoever sent the request",
       ([timed(0, 90, "uas"), accepted(9 * S, 90, "uas", by="callee")],
        [info("refresher_switched", 9 * S, "t", [1, 2], before="callee", refresher="caller")]),
       ([timed(0, 90, "uas"), accepted(9 * S, 90, "uac", by="callee")], []))
either("refresher_switched", "what the proxy made of the answer holds",
       ([timed(0, 90, "uac", fwd_refresher="uas"), accepted(9 * S, 90, "uac")],
        [info("refresher_switched", 9 * S, "t", [1, 2], before="callee", refresher="caller")]),
       ([timed(0, 90, "uac", fwd_refresher="uas"), accepted(9 * S, 90, "uac", fwd_refresher="uas")], []))
at_limit("refresher_switched", "a refresh before the answer sets no timer",
         lambda time: [timed(5, 90, "uac"), accepted(time, 90, "uas")],
         (5, [info("refresher_switched", 5, "t", [1, 2], before="caller", refresher="callee")]),
         (4, []))
clean("refresher_switched", "of a refresh by the proxy no side is known",
      [timed(0, 90, "uac"), accepted(9 * S, 90, "uas", by="proxy")])
clean("refresher_switched", "the mark between states none",
      [timed(0, 90, "uac"), accepted(5 * S), accepted(9 * S, 90, "uas", cseq=3)])

# -- refresh_failed_session_kept

for _code in (408, 481):
    at_limit("refresh_failed_session_kept", f"{_code}, and a BYE 32 s later",
             lambda time, code=_code: [timed(0, 1800), refused(5, sip_code=code), bye(time)],
             (32_000_006,
              [error("refresh_failed_session_kept", 5, "t", [2], sip_code=_code, kept_us=32_000_001)]),
             (32_000_005, []))
    at_limit("refresh_failed_session_kept", f"{_code} of an UPDATE, and nothing for 32 s",
             lambda time, code=_code: At(time, [timed(0, 1800), refused(5, method="UPDATE", sip_code=code)]),
             (32_000_006,
              [error("refresh_failed_session_kept", 5, "t", [2], sip_code=_code, kept_us=32_000_001)]),
             (32_000_005, []))
for _code, _other in ((408, 407), (408, 409), (481, 480), (481, 482)):
    at_limit("refresh_failed_session_kept", "only what says that the other side is gone",
             lambda code: [timed(0, 1800), refused(5, sip_code=code), bye(99 * S)],
             (_code, [error("refresh_failed_session_kept", 5, "t", [2], sip_code=_code, kept_us=98_999_995)]),
             (_other, []))
clean("refresh_failed_session_kept", "it had ended before",
      [timed(0, 1800), bye(5), refused(10, sip_code=481)])
clean("refresh_failed_session_kept", "an UPDATE of an early dialog",
      At(99 * S, [trying(0), refused(5, method="UPDATE", sip_code=481)]))

# -- session_expired

at_limit("session_expired", "a BYE at the expiry",
         lambda time: [timed(0, 90), bye(time)],
         (90_000_000, [error("session_expired", 90 * S, "t", [1, 2], interval=90, expires_at=90 * S)]),
         (89_999_999, []))
at_limit("session_expired", "of the last refresh, the leg open",
         lambda time: At(time, [timed(0, 90), accepted(40 * S, 90, "uac")]),
         (130_000_000, [error("hung_call", 40 * S, "t", [1, 2], overrun_us=0, unproven_us=90 * S,
                              last_proof_at=40 * S,
                              billable_ms={"last_proof": 40_000, "session_expiry": 130_000,
                                                                 "timeout": 130_000, "hold": None}),
                        error("session_expired", 40 * S, "t", [2], interval=90, expires_at=130 * S)]),
         (129_999_999, []))
clean("session_expired", "the timer had been taken off", [timed(0, 90), accepted(50 * S), bye(200 * S)])
clean("session_expired", "no timer", [confirmed(0), bye(99_999 * S)], [info("no_session_timer", 0, "t", [1])])

# -- no_session_timer

at_limit("no_session_timer", "an interval that the proxy took away",
         lambda seconds: [timed(3, 90, fwd_session_expires=seconds)],
         (0, [info("no_session_timer", 3, "t", [1])]),
         (1, []))
at_limit("no_session_timer", "a timer that a refresh set while the leg was up",
         lambda time: [confirmed(3), accepted(time, 90, "uac"), bye(5)],
         (6, [info("no_session_timer", 3, "t", [1])]),
         (5, []))
found("no_session_timer", "the earliest answer is cited", [confirmed(3), confirmed(4, sip_code=202), bye(5)],
      [info("no_session_timer", 3, "t", [1])])
clean("no_session_timer", "the answer was not seen", [bye(5)])

# -- incomplete_evidence

CALL = [trying(1), timed(2, 1800), bye(3)]

at_limit("incomplete_evidence", "a gap up to where the call began",
         lambda time: [*CALL, gap(50, 8, 9, before=time)],
         (1, [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)]),
         (0, []))
at_limit("incomplete_evidence", "a gap from where the call ended",
         lambda time: [*CALL, gap(50, 8, 9, after=time)],
         (3, [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)]),
         (4, []))
at_limit("incomplete_evidence", "a gap of which everything has come",
         lambda final: [*CALL, gap(50, 3, final)],
         (4, [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)]),
         (3, []))
at_limit("incomplete_evidence", "what came and was rejected has come",
         lambda number: [*CALL, gap(50, 4, 4), event(
             "ledger.rejected", 60, source="ledger", callid=None, from_tag=None, reason="no type", raw="e30=",
             of_source="k", of_epoch=1, of_seq=number)],
         (5, [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)]),
         (4, []))
either("incomplete_evidence", "a gap of one of the call's sources",
       ([trying(1), timed(2, 1800, source="b"), bye(3), gap(50, 8, 9, gap_source="b")],
        [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)]),
       ([trying(1), timed(2, 1800), bye(3), gap(50, 8, 9, gap_source="b")], []))
found("incomplete_evidence", "in whatever epoch", [*CALL, gap(50, 8, 9, gap_epoch=7)],
      [warning("incomplete_evidence", 50, "t", [1, 3, 4], gaps=1)])
found("incomplete_evidence", "each open gap is cited, the last of them tells the time",
      [*CALL, gap(50, 8, 9), gap(40, 2, 2), gap(60, 11, 11)],
      [warning("incomplete_evidence", 60, "t", [1, 3, 4, 6], gaps=2)])
found("incomplete_evidence", "of a call that was never answered", [trying(1), failed(3, 486), gap(50, 8, 9)],
      [warning("incomplete_evidence", 50, "", [1, 2, 3], gaps=1)])
found("incomplete_evidence", "each leg by its own time",
      [trying(1), timed(2, 90, to_tag="a"), bye(3, to_tag="a"), timed(9, 90, to_tag="b"), bye(20, to_tag="b"),
       gap(50, 8, 9, after=4)],
      [warning("incomplete_evidence", 50, "b", [1, 5, 6], gaps=1)])
clean("incomplete_evidence", "an open call has no record", [trying(1), timed(2, 1800), gap(50, 8, 9)])
