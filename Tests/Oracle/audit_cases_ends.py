"""Cases of the audit: the ends of legs, and clocks that disagree."""

from audit_case import At, at_limit, clean, either, error, found, info, warning
from told import S, accepted, bye, confirmed, event, expired, failed, refresh, timed, timeout, trying


def hung(at, positions, overrun_us, unproven_us, last_proof_at, billable_ms):
    """`billable_ms`: by last proof, by session expiry, by timeout."""
    options = dict(zip(("last_proof", "session_expiry", "timeout"), billable_ms), hold=None)
    return error("hung_call", at, "t", positions, overrun_us=overrun_us, unproven_us=unproven_us,
                 last_proof_at=last_proof_at, billable_ms=options)


def alive(time):
    return event("dialog.alive", time, to_tag="t")


# -- hung_call

either("hung_call", "pings went unanswered",
       ([timed(0, 90), timeout("ping", 50 * S)], [hung(50 * S, [1, 2], 0, 50 * S, 0, (0, 50_000, 50_000))]),
       ([timed(0, 90), timeout("media", 50 * S)], []))
for _kind in ("session", "lifetime"):
    at_limit("hung_call", f"ended by timeout.{_kind} 1 s before the expiry",
             lambda time, kind=_kind: [timed(0, 90), timeout(kind, time)],
             (89_000_000, [hung(89 * S, [1, 2], 0, 89 * S, 0, (0, 89_000, 89_000))]),
             (88_999_999, [error("proxy_cut_session", 88_999_999, "t", [1, 2], ended_at=88_999_999,
                                 expires_at=90 * S)]))
at_limit("hung_call", "open at its session expiry",
         lambda time: At(time, [timed(0, 90)]),
         (90_000_000, [hung(0, [1], 0, 90 * S, 0, (0, 90_000, 90_000)),
                       error("session_expired", 0, "t", [1], interval=90, expires_at=90 * S)]),
         (89_999_999, []))
at_limit("hung_call", "open at the end of its lifetime",
         lambda time: At(time, [confirmed(5, lifetime=100)]),
         (100_000_005,
          [hung(5, [1], 0, 100 * S, 5, (0, 100_000, 100_000)), info("no_session_timer", 5, "t", [1])]),
         (100_000_004, [info("no_session_timer", 5, "t", [1])]))
at_limit("hung_call", "open at the end of the lifetime that is usual",
         lambda time: At(time, [confirmed(0)]),
         (43_200_000_000, [hung(0, [1], 0, 43_200 * S, 0, (0, 43_200_000, 43_200_000)),
                           info("no_session_timer", 0, "t", [1])]),
         (43_199_999_999, [info("no_session_timer", 0, "t", [1])]))
at_limit("hung_call", "presumed ended by a deadline at the session expiry, or before it",
         lambda deadline: [timed(0, 90), expired(150 * S, deadline)],
         (90_000_000, [hung(150 * S, [1, 2], 60 * S, 150 * S, 0, (0, 90_000, 150_000)),
                       error("session_expired", 150 * S, "t", [1, 2], interval=90, expires_at=90 * S)]),
         (89_999_999, []))
either("hung_call", "a BYE after a timeout that sent none is the end",
       ([timed(0, 90), timeout("session", 90 * S, bye_sent=True), bye(91 * S)],
        [hung(90 * S, [1, 2], 0, 90 * S, 0, (0, 90_000, 90_000)),
         warning("proxy_sent_bye", 90 * S, "t", [2], ended_at=90 * S, expires_at=90 * S),
         error("session_expired", 90 * S, "t", [1, 2], interval=90, expires_at=90 * S)]),
       ([timed(0, 90), timeout("session", 90 * S, bye_sent=False), bye(91 * S)],
        [error("session_expired", 91 * S, "t", [1, 3], interval=90, expires_at=90 * S)]))
found("hung_call", "every mark is cited; what is billed by each option",
      [timed(0, 90, source="b"), alive(7 * S), accepted(50 * S, 90, "uac"), timeout("session", 200_000_001)],
      [warning("held_past_expiry", 200_000_001, "t", [3, 4], overrun_us=60_000_001),
       hung(200_000_001, [1, 3, 4], 60_000_001, 150_000_001, 50 * S, (50_000, 140_000, 200_000)),
       error("session_expired", 200_000_001, "t", [3, 4], interval=90, expires_at=140 * S)])
found("hung_call", "a millisecond above a second is billed as two",
      [confirmed(3), timeout("ping", 1_001_003)],
      [info("no_session_timer", 3, "t", [1]), hung(1_001_003, [1, 2], 0, 1_001_000, 3, (0, 2_000, 2_000))])
found("hung_call", "999 microseconds above a second are none", [confirmed(3), timeout("ping", 1_001_002)],
      [info("no_session_timer", 3, "t", [1]), hung(1_001_002, [1, 2], 0, 1_000_999, 3, (0, 1_000, 1_000))])
found("hung_call", "a proof at the end counts", [timed(0, 90), alive(50 * S), timeout("ping", 50 * S)],
      [hung(50 * S, [1, 3], 0, 0, 50 * S, (50_000, 50_000, 50_000))])
found("hung_call", "a proof one microsecond after it does not",
      [timed(0, 90), alive(50_000_001), timeout("ping", 50 * S)],
      [hung(50 * S, [1, 3], 0, 50 * S, 0, (0, 50_000, 50_000))])
found("hung_call", "a refresh that somebody sent is a proof",
      [timed(0, 90), refresh("requested", 40 * S, by="callee"), timeout("ping", 50 * S)],
      [hung(50 * S, [1, 3], 0, 10 * S, 40 * S, (40_000, 50_000, 50_000))])
found("hung_call", "one of the proxy's own is none",
      [timed(0, 90), refresh("requested", 40 * S, by="proxy"), timeout("ping", 50 * S)],
      [hung(50 * S, [1, 3], 0, 50 * S, 0, (0, 50_000, 50_000))])
found("hung_call", "without a mark, what the leg is known by is cited",
      [event("dialog.acked", 3, to_tag="t"), timeout("ping", 5)], [hung(5, [1, 2], 0, 2, 3, (0, 0, 0))])
found("hung_call", "nothing is known of the leg but its end", [timeout("ping", 5)],
      [hung(5, [1], 0, 0, 5, (0, 0, 0))])
clean("hung_call", "no ACK came", [timed(0, 90), timeout("no_ack", 32 * S)],
      [warning("answered_without_ack", 32 * S, "t", [1, 2], waited_us=32 * S)])

# -- proxy_cut_session

for _kind in ("session", "lifetime"):
    at_limit("proxy_cut_session", f"by timeout.{_kind}, with a BYE, more than 1 s before the expiry",
             lambda time,
             kind=_kind: [timed(0, 90), accepted(50 * S, 90, "uac"), timeout(kind, time, bye_sent=True)],
             (138_999_999, [error("proxy_cut_session", 138_999_999, "t", [2, 3], ended_at=138_999_999,
                                  expires_at=140 * S)]),
             (139_000_000, [hung(139 * S, [1, 2, 3], 0, 89 * S, 50 * S, (50_000, 139_000, 139_000)),
                            warning("proxy_sent_bye", 139 * S, "t", [3], ended_at=139 * S,
                                    expires_at=140 * S)]))
clean("proxy_cut_session", "no timer was running", [confirmed(0), timeout("lifetime", 5 * S)],
      [info("no_session_timer", 0, "t", [1]), hung(5 * S, [1, 2], 0, 5 * S, 0, (0, 5_000, 5_000))])
clean("proxy_cut_session", "not by a timer of the dialog",
      [timed(0, 90), timeout("ping", 5 * S, bye_sent=True)],
      [hung(5 * S, [1, 2], 0, 5 * S, 0, (0, 5_000, 5_000))])
clean("proxy_cut_session", "the parties hung up", [timed(0, 90), bye(5 * S)])

# -- proxy_sent_bye

either("proxy_sent_bye", "a BYE was sent, or none",
       ([timed(0, 90), timeout("session", 90 * S, bye_sent=True)],
        [hung(90 * S, [1, 2], 0, 90 * S, 0, (0, 90_000, 90_000)),
         warning("proxy_sent_bye", 90 * S, "t", [2], ended_at=90 * S, expires_at=90 * S),
         error("session_expired", 90 * S, "t", [1, 2], interval=90, expires_at=90 * S)]),
       ([timed(0, 90), timeout("session", 90 * S, bye_sent=False)],
        [hung(90 * S, [1, 2], 0, 90 * S, 0, (0, 90_000, 90_000)),
         error("session_expired", 90 * S, "t", [1, 2], interval=90, expires_at=90 * S)]))
at_limit("proxy_sent_bye", "what cuts a live session is called that",
         lambda time: [timed(0, 90), timeout("lifetime", time, bye_sent=True)],
         (89_000_000, [hung(89 * S, [1, 2], 0, 89 * S, 0, (0, 89_000, 89_000)),
                       warning("proxy_sent_bye", 89 * S, "t", [2], ended_at=89 * S, expires_at=90 * S)]),
         (88_999_999, [error("proxy_cut_session", 88_999_999, "t", [1, 2], ended_at=88_999_999,
                             expires_at=90 * S)]))
found("proxy_sent_bye", "without a timer nothing can be cut",
      [confirmed(0), timeout("lifetime", 5 * S, bye_sent=True)],
      [info("no_session_timer", 0, "t", [1]), hung(5 * S, [1, 2], 0, 5 * S, 0, (0, 5_000, 5_000)),
       warning("proxy_sent_bye", 5 * S, "t", [2], ended_at=5 * S, expires_at=None)])
clean("proxy_sent_bye", "not told", [timed(0, 90), timeout("lifetime", 89 * S)],
      [hung(89 * S, [1, 2], 0, 89 * S, 0, (0, 89_000, 89_000))])
clean("proxy_sent_bye", "because of media, not of a timer",
      [timed(0, 90), timeout("media", 89 * S, bye_sent=True)])

# -- held_past_expiry

at_limit("held_past_expiry", "a BYE 60 s after the expiry",
         lambda time: [timed(0, 90), bye(time)],
         (150_000_001, [warning("held_past_expiry", 150_000_001, "t", [1, 2], overrun_us=60_000_001),
                        error("session_expired", 150_000_001, "t", [1, 2], interval=90, expires_at=90 * S)]),
         (150_000_000, [error("session_expired", 150 * S, "t", [1, 2], interval=90, expires_at=90 * S)]))
at_limit("held_past_expiry", "presumed ended",
         lambda time: [timed(0, 90), expired(time, 90 * S)],
         (150_000_001, [warning("held_past_expiry", 150_000_001, "t", [1, 2], overrun_us=60_000_001),
                        hung(150_000_001, [1, 2], 60_000_001, 150_000_001, 0, (0, 90_000, 150_000)),
                        error("session_expired", 150_000_001, "t", [1, 2], interval=90, expires_at=90 * S)]),
         (150_000_000, [hung(150 * S, [1, 2], 60 * S, 150 * S, 0, (0, 90_000, 150_000)),
                        error("session_expired", 150 * S, "t", [1, 2], interval=90, expires_at=90 * S)]))
clean("held_past_expiry", "the leg is open", At(999 * S, [timed(0, 90)]),
      [hung(0, [1], 909 * S, 999 * S, 0, (0, 90_000, 999_000)),
       error("session_expired", 0, "t", [1], interval=90, expires_at=90 * S)])
clean("held_past_expiry", "no timer", [confirmed(0), bye(99_999 * S)],
      [info("no_session_timer", 0, "t", [1])])

# -- answered_without_ack

either("answered_without_ack", "no ACK came, or no media",
       ([timed(0, 1800), timeout("no_ack", 32 * S)],
        [warning("answered_without_ack", 32 * S, "t", [1, 2], waited_us=32 * S)]),
       ([timed(0, 1800), timeout("media", 32 * S)], []))
either("answered_without_ack", "of this leg",
       ([timed(0, 1800), timeout("no_ack", 9), bye(20)],
        [warning("answered_without_ack", 9, "t", [1, 2], waited_us=9)]),
       ([timed(0, 1800), timeout("no_ack", 9, "u"), bye(20)], []))
found("answered_without_ack", "the earliest of each, though the parties hung up later",
      [timeout("no_ack", 9), timeout("no_ack", 8), timed(1, 1800), timed(2, 1800, sip_code=202), bye(20)],
      [warning("answered_without_ack", 8, "t", [2, 3], waited_us=7)])
clean("answered_without_ack", "the answer was not seen", [timeout("no_ack", 9)])

# -- clock_skew

at_limit("clock_skew", "answered before it was tried",
         lambda time: [trying(5), timed(time, 1800), bye(9)],
         (4, [warning("clock_skew", 9, "t", [2, 3], started_at=5, answered_at=4, ended_at=9)]),
         (5, []))
at_limit("clock_skew", "ended before it was answered",
         lambda time: [trying(0), timed(5, 1800), bye(time)],
         (4, [warning("clock_skew", 5, "t", [1, 2], started_at=0, answered_at=5, ended_at=4)]),
         (5, []))
at_limit("clock_skew", "refused before it was tried",
         lambda time: [trying(5), failed(time, 486)],
         (4, [warning("clock_skew", 5, "", [1, 2], started_at=5, answered_at=None, ended_at=4)]),
         (5, []))
found("clock_skew", "a retransmission is not the last event",
      [trying(5), timed(4, 1800), bye(9), bye(11)],
      [warning("clock_skew", 9, "t", [2, 3], started_at=5, answered_at=4, ended_at=9)])
clean("clock_skew", "an open call has no record", [trying(5), timed(4, 1800)])
