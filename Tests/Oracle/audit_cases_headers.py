"""Cases of the audit: what stands in one message, in a request and its answer, and in what was sent on."""

from audit_case import At, at_limit, clean, either, error, found, info, warning
from told import accepted, bye, confirmed, event, failed, refresh, timed, trying


def requested(time, **fields):
    return refresh("requested", time, **fields)


# -- interval_below_minimum

at_limit("interval_below_minimum", "asked for",
         lambda seconds: [trying(0, session_expires=seconds)],
         (89, [error("interval_below_minimum", 0, "", [1], session_expires=89, minimum=90)]),
         (90, []))
at_limit("interval_below_minimum", "answered",
         lambda seconds: [trying(0), timed(5, seconds)],
         (89, [error("interval_below_minimum", 5, "t", [2], session_expires=89, minimum=90)]),
         (90, []))
at_limit("interval_below_minimum", "in an UPDATE",
         lambda seconds: [requested(3, method="UPDATE", session_expires=seconds)],
         (89, [error("interval_below_minimum", 3, "t", [1], session_expires=89, minimum=90)]),
         (90, []))
at_limit("interval_below_minimum", "in the answer to a re-INVITE",
         lambda seconds: [accepted(3, seconds, "uac")],
         (89, [error("interval_below_minimum", 3, "t", [1], session_expires=89, minimum=90)]),
         (90, []))
at_limit("interval_below_minimum", "in an event that needs none",
         lambda seconds: [event("dialog.alive", 3, to_tag="t", session_expires=seconds)],
         (89, [error("interval_below_minimum", 3, "t", [1], session_expires=89, minimum=90)]),
         (90, []))
found("interval_below_minimum", "0 is below 90, though it is no interval",
      [trying(0, session_expires=0)],
      [error("interval_below_minimum", 0, "", [1], session_expires=0, minimum=90)])
clean("interval_below_minimum", "none was received", [trying(0), timed(5, None)],
      [info("no_session_timer", 5, "t", [2])])
clean("interval_below_minimum", "what was sent on is not what was received",
      [trying(0), timed(5, 90, fwd_session_expires=60)])
either("interval_below_minimum", "the earliest statement of an occurrence is judged",
       ([trying(2, session_expires=90), trying(1, session_expires=89)],
        [error("interval_below_minimum", 1, "", [2], session_expires=89, minimum=90)]),
       ([trying(2, session_expires=89), trying(1, session_expires=90)], []))

# -- min_se_below_minimum

at_limit("min_se_below_minimum", "asked for",
         lambda seconds: [trying(0, min_se=seconds)],
         (89, [error("min_se_below_minimum", 0, "", [1], min_se=89, minimum=90)]),
         (90, []))
at_limit("min_se_below_minimum", "in a 422",
         lambda seconds: [trying(0), failed(1, 422, min_se=seconds, to_tag="x")],
         (89, [error("min_se_below_minimum", 1, "x", [2], min_se=89, minimum=90)]),
         (90, []))
at_limit("min_se_below_minimum", "in the 422 of a refresh",
         lambda seconds: [refresh("failed", 1, sip_code=422, min_se=seconds)],
         (89, [error("min_se_below_minimum", 1, "t", [1], min_se=89, minimum=90)]),
         (90, []))
found("min_se_below_minimum", "0 is below 90", [trying(0, min_se=0)],
      [error("min_se_below_minimum", 0, "", [1], min_se=0, minimum=90)])
clean("min_se_below_minimum", "what was sent on is not what was received",
      [trying(0, min_se=90, fwd_min_se=60)])
clean("min_se_below_minimum", "none was received", [trying(0, session_expires=90)])

# -- interval_below_min_se

at_limit("interval_below_min_se", "in an INVITE",
         lambda seconds: [trying(0, session_expires=seconds, min_se=120)],
         (119, [error("interval_below_min_se", 0, "", [1], session_expires=119, min_se=120)]),
         (120, []))
at_limit("interval_below_min_se", "by a Min-SE one too high",
         lambda seconds: [trying(0, session_expires=120, min_se=seconds)],
         (121, [error("interval_below_min_se", 0, "", [1], session_expires=120, min_se=121)]),
         (120, []))
at_limit("interval_below_min_se", "in a re-INVITE",
         lambda seconds: [requested(0, session_expires=seconds, min_se=120)],
         (119, [error("interval_below_min_se", 0, "t", [1], session_expires=119, min_se=120)]),
         (120, []))
clean("interval_below_min_se", "an answer is no request", [timed(0, 119, min_se=120)])
clean("interval_below_min_se", "the proxy's own Min-SE is not the sender's",
      [trying(0, session_expires=119, fwd_min_se=120)])
clean("interval_below_min_se", "no interval", [trying(0, min_se=120)])
clean("interval_below_min_se", "no Min-SE", [trying(0, session_expires=90)])

# -- answer_raises_interval

at_limit("answer_raises_interval", "the answer",
         lambda seconds: [trying(0, session_expires=100), timed(5, seconds)],
         (101,
          [error("answer_raises_interval", 5, "t", [1, 2], offered=100, minimum=90, session_expires=101)]),
         (100, []))
at_limit("answer_raises_interval", "an interval that may be asked for, at RFC 4028's own minimum",
         lambda seconds: [trying(0, session_expires=seconds), timed(5, 100)],
         (90, [error("answer_raises_interval", 5, "t", [1, 2], offered=90, minimum=90, session_expires=100)]),
         (89, [error("interval_below_minimum", 0, "", [1], session_expires=89, minimum=90)]))
at_limit("answer_raises_interval", "an interval that may be asked for, at the Min-SE that was received",
         lambda seconds: [trying(0, session_expires=seconds, min_se=120), timed(5, 200)],
         (120,
          [error("answer_raises_interval", 5, "t", [1, 2], offered=120, minimum=120, session_expires=200)]),
         (119, [error("interval_below_min_se", 0, "", [1], session_expires=119, min_se=120)]))
at_limit("answer_raises_interval", "an interval that may be asked for, at the Min-SE that was sent on",
         lambda seconds: [trying(0, session_expires=seconds, min_se=90, fwd_min_se=120), timed(5, 200)],
         (120,
          [error("answer_raises_interval", 5, "t", [1, 2], offered=120, minimum=120, session_expires=200)]),
         (119, []))
at_limit("answer_raises_interval", "what the proxy sent on was the offer",
         lambda seconds: [trying(0, session_expires=200, fwd_session_expires=100), timed(5, seconds)],
         (101,
          [error("answer_raises_interval", 5, "t", [1, 2], offered=100, minimum=90, session_expires=101)]),
         (100, []))
at_limit("answer_raises_interval", "the answer to a re-INVITE",
         lambda seconds: [requested(0, session_expires=100), accepted(5, seconds, "uac")],
         (101,
          [error("answer_raises_interval", 5, "t", [1, 2], offered=100, minimum=90, session_expires=101)]),
         (100, []))
clean("answer_raises_interval", "what the proxy made of the answer is not the callee's",
      [trying(0, session_expires=100), timed(5, 100, fwd_session_expires=101)])
clean("answer_raises_interval", "the proxy took the offer away",
      [trying(0, session_expires=100, fwd_session_expires=0), timed(5, 101)])
clean("answer_raises_interval", "none was offered", [trying(0), timed(5, 101)])
clean("answer_raises_interval", "the request was not seen", [timed(5, 101)])
for _change in ({"cseq": 3}, {"method": "UPDATE"}, {"by": "callee"}, {"to_tag": "u"}):
    clean("answer_raises_interval", f"a request with another {list(_change)[0]} is not the answer's",
          [requested(0, session_expires=100), accepted(5, 101, "uac", **_change)])
either("answer_raises_interval", "the request is that of the answer's attempt",
       ([trying(0, session_expires=100), trying(3, cseq=2, session_expires=200), timed(5, 101)],
        [error("answer_raises_interval", 5, "t", [1, 3], offered=100, minimum=90, session_expires=101)]),
       ([trying(0, session_expires=100), trying(3, cseq=2, session_expires=200), timed(5, 101, cseq=2)], []))
found("answer_raises_interval", "the request bears the later time",
      [timed(5, 101), trying(7, session_expires=100)],
      [error("answer_raises_interval", 7, "t", [1, 2], offered=100, minimum=90, session_expires=101)])

# -- answer_below_min_se

at_limit("answer_below_min_se", "the answer",
         lambda seconds: [trying(0, min_se=120), timed(5, seconds)],
         (119, [error("answer_below_min_se", 5, "t", [1, 2], min_se=120, session_expires=119)]),
         (120, []))
at_limit("answer_below_min_se", "by the Min-SE that was sent on",
         lambda seconds: [trying(0, min_se=90, fwd_min_se=120), timed(5, seconds)],
         (119, [error("answer_below_min_se", 5, "t", [1, 2], min_se=120, session_expires=119)]),
         (120, []))
at_limit("answer_below_min_se", "the answer to an UPDATE",
         lambda seconds: [requested(0, method="UPDATE", min_se=120),
                          accepted(5, seconds, "uac", method="UPDATE")],
         (119, [error("answer_below_min_se", 5, "t", [1, 2], min_se=120, session_expires=119)]),
         (120, []))
either("answer_below_min_se", "what was received counts, not what was sent on",
       ([trying(0, min_se=120), timed(5, 119, fwd_session_expires=120)],
        [error("answer_below_min_se", 5, "t", [1, 2], min_se=120, session_expires=119)]),
       ([trying(0, min_se=120), timed(5, 120, fwd_session_expires=119)], []))
clean("answer_below_min_se", "the proxy took the Min-SE away",
      [trying(0, min_se=120, fwd_min_se=0), timed(5, 119)])
clean("answer_below_min_se", "no Min-SE: RFC 4028's own 90 is another finding", [trying(0), timed(5, 89)],
      [error("interval_below_minimum", 5, "t", [2], session_expires=89, minimum=90)])
clean("answer_below_min_se", "no interval in the answer", [trying(0, min_se=120), confirmed(5)],
      [info("no_session_timer", 5, "t", [2])])
clean("answer_below_min_se", "the request was not seen", [timed(5, 119)])

# -- refresher_missing

at_limit("refresher_missing", "an interval that is one",
         lambda seconds: [timed(5, seconds, None)],
         (1, [error("interval_below_minimum", 5, "t", [1], session_expires=1, minimum=90),
              error("refresher_missing", 5, "t", [1], session_expires=1)]),
         (0, [error("interval_below_minimum", 5, "t", [1], session_expires=0, minimum=90),
              info("no_session_timer", 5, "t", [1])]))
either("refresher_missing", "in a 200",
       ([timed(5, 90, None)], [error("refresher_missing", 5, "t", [1], session_expires=90)]),
       ([timed(5, 90, "uas")], []))
either("refresher_missing", "in the answer to a re-INVITE",
       ([accepted(5, 90)], [error("refresher_missing", 5, "t", [1], session_expires=90)]),
       ([accepted(5, 90, "uac")], []))
either("refresher_missing", "an interval that the proxy wrote in",
       ([confirmed(5, fwd_session_expires=1800)],
        [error("refresher_missing", 5, "t", [1], session_expires=1800)]),
       ([confirmed(5, fwd_session_expires=1800, fwd_refresher="uac")], []))
clean("refresher_missing", "the proxy wrote it in", [timed(5, 90, None, fwd_refresher="uac")])
clean("refresher_missing", "the proxy took the interval away", [timed(5, 90, None, fwd_session_expires=0)],
      [info("no_session_timer", 5, "t", [1])])
clean("refresher_missing", "a request may leave it out", [trying(0, session_expires=90)])

# -- refresher_overridden

either("refresher_overridden", "in a 200",
       ([trying(0, refresher="uac"), timed(5, 90, "uas")],
        [error("refresher_overridden", 5, "t", [1, 2], asked="uac", refresher="uas")]),
       ([trying(0, refresher="uac"), timed(5, 90, "uac")], []))
either("refresher_overridden", "in the answer to an UPDATE",
       ([requested(0, method="UPDATE", refresher="uas"), accepted(5, 90, "uac", method="UPDATE")],
        [error("refresher_overridden", 5, "t", [1, 2], asked="uas", refresher="uac")]),
       ([requested(0, method="UPDATE", refresher="uas"), accepted(5, 90, "uas", method="UPDATE")], []))
either("refresher_overridden", "the proxy has asked for another one than the caller",
       ([trying(0, refresher="uac", fwd_refresher="uas"), timed(5, 90, "uac")],
        [error("proxy_changed_refresher", 0, "", [1], refresher="uac", fwd_refresher="uas"),
         error("refresher_overridden", 5, "t", [1, 2], asked="uas", refresher="uac")]),
       ([trying(0, refresher="uac", fwd_refresher="uas"), timed(5, 90, "uas")],
        [error("proxy_changed_refresher", 0, "", [1], refresher="uac", fwd_refresher="uas")]))
clean("refresher_overridden", "none was asked for", [trying(0, session_expires=90), timed(5, 90, "uas")])
clean("refresher_overridden", "what the proxy made of the answer is not the callee's",
      [trying(0, refresher="uac"), timed(5, 90, "uac", fwd_refresher="uas")])
clean("refresher_overridden", "the answer names none", [trying(0, refresher="uac"), timed(5, 90, None)],
      [error("refresher_missing", 5, "t", [2], session_expires=90)])
clean("refresher_overridden", "the request was not seen", [timed(5, 90, "uas")])

# -- require_timer_missing

either("require_timer_missing", "in a 200",
       ([timed(5, 90, "uac", require_timer=False)],
        [warning("require_timer_missing", 5, "t", [1], refresher="uac")]),
       ([timed(5, 90, "uac", require_timer=True)], []))
either("require_timer_missing", "false, or not told",
       ([accepted(5, 90, "uac", require_timer=False)],
        [warning("require_timer_missing", 5, "t", [1], refresher="uac")]),
       ([accepted(5, 90, "uac")], []))
either("require_timer_missing", "only where the other side is to refresh",
       ([timed(5, 90, "uac", require_timer=False)],
        [warning("require_timer_missing", 5, "t", [1], refresher="uac")]),
       ([timed(5, 90, "uas", require_timer=False)], []))
clean("require_timer_missing", "the refresher that the proxy wrote in is not the callee's",
      [timed(5, 90, None, fwd_refresher="uac", require_timer=False)])
clean("require_timer_missing", "a request needs none", [trying(0, refresher="uac", require_timer=False)])

# -- proxy_raised_interval

at_limit("proxy_raised_interval", "above what it received",
         lambda seconds: [trying(0, session_expires=100, fwd_session_expires=seconds)],
         (101, [error("proxy_raised_interval", 0, "", [1], session_expires=100, fwd_session_expires=101,
                      minimum=90)]),
         (100, []))
at_limit("proxy_raised_interval", "it may raise to 90",
         lambda seconds: [trying(0, session_expires=60, fwd_session_expires=seconds)],
         (91, [error("interval_below_minimum", 0, "", [1], session_expires=60, minimum=90),
               error("proxy_raised_interval", 0, "", [1], session_expires=60, fwd_session_expires=91,
                     minimum=90)]),
         (90, [error("interval_below_minimum", 0, "", [1], session_expires=60, minimum=90)]))
at_limit("proxy_raised_interval", "it may raise to the Min-SE that it received",
         lambda seconds: [trying(0, session_expires=100, min_se=120, fwd_session_expires=seconds)],
         (121, [error("interval_below_min_se", 0, "", [1], session_expires=100, min_se=120),
                error("proxy_raised_interval", 0, "", [1], session_expires=100, fwd_session_expires=121,
                      minimum=120)]),
         (120, [error("interval_below_min_se", 0, "", [1], session_expires=100, min_se=120)]))
at_limit("proxy_raised_interval", "it may raise to its own Min-SE, in a re-INVITE",
         lambda seconds: [requested(0, session_expires=100, fwd_min_se=110, fwd_session_expires=seconds)],
         (111, [error("proxy_raised_interval", 0, "t", [1], session_expires=100, fwd_session_expires=111,
                      minimum=110)]),
         (110, []))
clean("proxy_raised_interval", "none was received", [trying(0, fwd_session_expires=1800)])
clean("proxy_raised_interval", "none was sent on", [trying(0, session_expires=1800)])
clean("proxy_raised_interval", "an answer is no request", [timed(5, 100, fwd_session_expires=101)])

# -- proxy_undercut_min_se

at_limit("proxy_undercut_min_se", "RFC 4028's own minimum",
         lambda seconds: [trying(0, fwd_session_expires=seconds)],
         (89, [error("proxy_undercut_min_se", 0, "", [1], fwd_session_expires=89, minimum=90)]),
         (90, []))
at_limit("proxy_undercut_min_se", "0 is none",
         lambda seconds: [trying(0, session_expires=90, fwd_session_expires=seconds)],
         (1, [error("proxy_undercut_min_se", 0, "", [1], fwd_session_expires=1, minimum=90)]),
         (0, []))
at_limit("proxy_undercut_min_se", "the Min-SE that it received, in an UPDATE",
         lambda seconds: [requested(0, method="UPDATE", min_se=120, fwd_session_expires=seconds)],
         (119, [error("proxy_undercut_min_se", 0, "t", [1], fwd_session_expires=119, minimum=120)]),
         (120, []))
at_limit("proxy_undercut_min_se", "the Min-SE that it sent on",
         lambda seconds: [trying(0, min_se=90, fwd_min_se=seconds, fwd_session_expires=120)],
         (121, [error("proxy_undercut_min_se", 0, "", [1], fwd_session_expires=120, minimum=121)]),
         (120, []))
clean("proxy_undercut_min_se", "none was sent on", [trying(0, min_se=120, session_expires=120)])
clean("proxy_undercut_min_se", "an answer is no request", [timed(5, 90, fwd_session_expires=89)])

# -- proxy_changed_min_se

at_limit("proxy_changed_min_se", "raised",
         lambda seconds: [trying(0, supported_timer=True, min_se=120, fwd_min_se=seconds)],
         (121, [error("proxy_changed_min_se", 0, "", [1], min_se=120, fwd_min_se=121)]),
         (120, []))
at_limit("proxy_changed_min_se", "lowered, in a re-INVITE",
         lambda seconds: [requested(0, supported_timer=True, min_se=120, fwd_min_se=seconds)],
         (119, [error("proxy_changed_min_se", 0, "t", [1], min_se=120, fwd_min_se=119)]),
         (120, []))
at_limit("proxy_changed_min_se", "written in where there was none",
         lambda seconds: [trying(0, supported_timer=True, fwd_min_se=seconds)],
         (1, [error("proxy_changed_min_se", 0, "", [1], min_se=0, fwd_min_se=1)]),
         (0, []))
found("proxy_changed_min_se", "taken away", [trying(0, supported_timer=True, min_se=120, fwd_min_se=0)],
      [error("proxy_changed_min_se", 0, "", [1], min_se=120, fwd_min_se=0)])
clean("proxy_changed_min_se", "it may where the caller has no timers",
      [trying(0, supported_timer=False, min_se=120, fwd_min_se=121)])
clean("proxy_changed_min_se", "nothing is told of timers", [trying(0, min_se=120, fwd_min_se=121)])
clean("proxy_changed_min_se", "none was sent on", [trying(0, supported_timer=True, min_se=120)])
clean("proxy_changed_min_se", "an answer is no request", [timed(5, 90, supported_timer=True, fwd_min_se=120)])

# -- proxy_changed_refresher

either("proxy_changed_refresher", "another one",
       ([trying(0, refresher="uac", fwd_refresher="uas")],
        [error("proxy_changed_refresher", 0, "", [1], refresher="uac", fwd_refresher="uas")]),
       ([trying(0, refresher="uac", fwd_refresher="uac")], []))
either("proxy_changed_refresher", "where there was none, in an UPDATE",
       ([requested(0, method="UPDATE", fwd_refresher="uac")],
        [error("proxy_changed_refresher", 0, "t", [1], refresher=None, fwd_refresher="uac")]),
       ([requested(0, method="UPDATE", refresher="uac")], []))
clean("proxy_changed_refresher", "an answer is no request", [timed(5, 90, "uac", fwd_refresher="uas")])

# -- headers are judged whatever became of the call

found("interval_below_minimum", "of a call that went on, after its record was withdrawn",
      [trying(0, session_expires=89), failed(1, 407), trying(2, cseq=2)],
      [error("interval_below_minimum", 0, "", [1], session_expires=89, minimum=90)])
found("min_se_below_minimum", "several findings of one event, by the name of their codes",
      At(0, [trying(0, session_expires=60, min_se=70), timed(5, 1800), bye(6)]),
      [error("interval_below_min_se", 0, "", [1], session_expires=60, min_se=70),
       error("interval_below_minimum", 0, "", [1], session_expires=60, minimum=90),
       error("min_se_below_minimum", 0, "", [1], min_se=70, minimum=90)])
