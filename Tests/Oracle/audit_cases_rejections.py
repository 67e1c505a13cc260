"""Cases of the audit: Session Interval Too Small, and what came after it."""

from audit_case import at_limit, clean, either, error, found
from told import accepted, event, failed, refresh, timed, trying


def requested(time, **fields):
    return refresh("requested", time, **fields)


def refused(time, **fields):
    return refresh("failed", time, **fields)


# -- rejection_without_min_se

either("rejection_without_min_se", "of an INVITE",
       ([trying(0), failed(1, 422)], [error("rejection_without_min_se", 1, "", [2])]),
       ([trying(0), failed(1, 422, min_se=90)], []))
either("rejection_without_min_se", "of a re-INVITE",
       ([refused(1, sip_code=422)], [error("rejection_without_min_se", 1, "t", [1])]),
       ([refused(1, sip_code=422, min_se=90)], []))
at_limit("rejection_without_min_se", "the code above",
         lambda code: [trying(0), failed(1, code, to_tag="x")],
         (422, [error("rejection_without_min_se", 1, "x", [2])]),
         (423, []))
at_limit("rejection_without_min_se", "the code below",
         lambda code: [refused(1, method="UPDATE", sip_code=code)],
         (422, [error("rejection_without_min_se", 1, "t", [1])]),
         (421, []))
clean("rejection_without_min_se", "a Min-SE of 0 is one, and too small",
      [trying(0), failed(1, 422, min_se=0)],
      [error("min_se_below_minimum", 1, "", [2], min_se=0, minimum=90)])

# -- retry_ignores_min_se

at_limit("retry_ignores_min_se", "the interval of the retry",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=120),
                          trying(2, cseq=2, session_expires=seconds, min_se=120)],
         (119, [error("interval_below_min_se", 2, "", [3], session_expires=119, min_se=120),
                error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=119, min_se=120)]),
         (120, []))
at_limit("retry_ignores_min_se", "the Min-SE of the retry",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=120),
                          trying(2, cseq=2, session_expires=120, min_se=seconds)],
         (119, [error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=120, min_se=119)]),
         (120, []))
at_limit("retry_ignores_min_se", "what was required",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=seconds),
                          trying(2, cseq=2, session_expires=120, min_se=120)],
         (121, [error("retry_ignores_min_se", 2, "", [2, 3], required=121, session_expires=120, min_se=120)]),
         (120, []))
at_limit("retry_ignores_min_se", "the refresh after a refresh",
         lambda seconds: [refused(1, cseq=2, sip_code=422, min_se=120),
                          requested(2, cseq=3, session_expires=120, min_se=seconds)],
         (119,
          [error("retry_ignores_min_se", 2, "t", [1, 2], required=120, session_expires=120, min_se=119)]),
         (120, []))
at_limit("retry_ignores_min_se", "a retry has a higher CSeq",
         lambda cseq: [refused(1, cseq=2, sip_code=422, min_se=120),
                       requested(2, cseq=cseq, session_expires=90)],
         (3, [error("retry_ignores_min_se", 2, "t", [1, 2], required=120, session_expires=90, min_se=None)]),
         (2, []))
at_limit("retry_ignores_min_se", "the greatest Min-SE of all before, each of them cited",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=200),
                          trying(2, cseq=2, session_expires=200, min_se=200),
                          failed(3, 422, cseq=2, min_se=100),
                          failed(4, 422, cseq=2, by="proxy"),
                          trying(5, cseq=5, session_expires=seconds, min_se=200)],
         (199, [error("rejection_loop", 3, "", [2, 4], required=200, min_se=100, session_expires=200),
                error("rejection_loop", 4, "", [2, 5], required=200, min_se=0, session_expires=200),
                error("rejection_without_min_se", 4, "", [5]),
                error("interval_below_min_se", 5, "", [6], session_expires=199, min_se=200),
                error("retry_ignores_min_se", 5, "", [2, 4, 5, 6], required=200, session_expires=199,
                      min_se=200)]),
         (200, [error("rejection_loop", 3, "", [2, 4], required=200, min_se=100, session_expires=200),
                error("rejection_loop", 4, "", [2, 5], required=200, min_se=0, session_expires=200),
                error("rejection_without_min_se", 4, "", [5])]))
either("retry_ignores_min_se", "no Min-SE in the retry",
       ([trying(0, session_expires=90), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=120)],
        [error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=120, min_se=None)]),
       ([trying(0, session_expires=90), failed(1, 422, min_se=120),
         trying(2, cseq=2, session_expires=120, min_se=120)], []))
either("retry_ignores_min_se", "a retry without an interval asks for nothing",
       ([trying(0, session_expires=90), failed(1, 422, min_se=120),
         trying(2, cseq=2, session_expires=100, min_se=100)],
        [error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=100, min_se=100)]),
       ([trying(0, session_expires=90), failed(1, 422, min_se=120), trying(2, cseq=2, min_se=100)], []))
found("retry_ignores_min_se", "what the proxy makes of the retry is not the caller's",
      [trying(0, session_expires=90), failed(1, 422, min_se=120),
       trying(2, cseq=2, session_expires=119, fwd_session_expires=120, min_se=120)],
      [error("interval_below_min_se", 2, "", [3], session_expires=119, min_se=120),
       error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=119, min_se=120)])
found("retry_ignores_min_se", "nor is the Min-SE that it writes in",
      [trying(0, session_expires=90), failed(1, 422, min_se=120),
       trying(2, cseq=2, session_expires=120, min_se=119, fwd_min_se=120)],
      [error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=120, min_se=119)])
clean("retry_ignores_min_se", "what came back counts, not what the proxy made of it",
      [trying(0, session_expires=90), failed(1, 422, min_se=120, fwd_min_se=121),
       trying(2, cseq=2, session_expires=120, min_se=120)])
either("retry_ignores_min_se", "only the least higher CSeq is the retry",
       ([trying(0), failed(1, 422, min_se=120), trying(2, cseq=3, session_expires=120, min_se=120),
         trying(3, cseq=2, session_expires=90)],
        [error("retry_ignores_min_se", 3, "", [2, 4], required=120, session_expires=90, min_se=None)]),
       ([trying(0), failed(1, 422, min_se=120), trying(2, cseq=3, session_expires=90),
         trying(3, cseq=2, session_expires=120, min_se=120)], []))
found("retry_ignores_min_se", "CSeq tells what came after, not the time",
      [trying(2), failed(3, 422, min_se=120), trying(1, cseq=2, session_expires=90)],
      [error("retry_ignores_min_se", 3, "", [2, 3], required=120, session_expires=90, min_se=None)])
clean("retry_ignores_min_se", "another refusal", [trying(0), failed(1, 421, min_se=120),
                                                  trying(2, cseq=2, session_expires=90)])
clean("retry_ignores_min_se", "a refusal that requires nothing",
      [trying(0), failed(1, 422), trying(2, cseq=2, session_expires=90)],
      [error("rejection_without_min_se", 1, "", [2])])
clean("retry_ignores_min_se", "the other side's refresh",
      [refused(1, cseq=2, sip_code=422, min_se=120), requested(2, cseq=3, by="callee", session_expires=90)])
clean("retry_ignores_min_se", "a refresh of another leg",
      [refused(1, cseq=2, sip_code=422, min_se=120), requested(2, cseq=3, to_tag="u", session_expires=90)])
clean("retry_ignores_min_se", "an INVITE is no retry of a refresh",
      [refused(1, cseq=2, sip_code=422, min_se=120), trying(2, cseq=3, session_expires=90)])
found("retry_ignores_min_se", "an UPDATE may be the retry of a re-INVITE",
      [refused(1, cseq=2, sip_code=422, min_se=120),
       requested(2, cseq=9, method="UPDATE", session_expires=90, min_se=90)],
      [error("retry_ignores_min_se", 2, "t", [1, 2], required=120, session_expires=90, min_se=90)])
found("retry_ignores_min_se", "what refuses the retry itself was not known yet",
      [trying(0), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=90),
       failed(3, 422, cseq=2, min_se=600)],
      [error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=90, min_se=None)])

# -- rejection_loop

at_limit("rejection_loop", "what the second 422 requires",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=120),
                          trying(2, cseq=2, session_expires=120, min_se=120),
                          failed(3, 422, cseq=2, min_se=seconds)],
         (120, [error("rejection_loop", 3, "", [2, 4], required=120, min_se=120, session_expires=120)]),
         (121, []))
at_limit("rejection_loop", "a second 422 that is content with less",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=seconds),
                          trying(2, cseq=2, session_expires=121, min_se=121),
                          failed(3, 422, cseq=2, min_se=121)],
         (121, [error("rejection_loop", 3, "", [2, 4], required=121, min_se=121, session_expires=121)]),
         (120, []))
at_limit("rejection_loop", "what the retry had offered",
         lambda seconds: [trying(0, session_expires=90), failed(1, 422, min_se=120),
                          trying(2, cseq=2, session_expires=seconds, min_se=120),
                          failed(3, 422, cseq=2, min_se=100, to_tag="x")],
         (120, [error("rejection_loop", 3, "x", [2, 4], required=120, min_se=100, session_expires=120)]),
         (119, [error("interval_below_min_se", 2, "", [3], session_expires=119, min_se=120),
                error("retry_ignores_min_se", 2, "", [2, 3], required=120, session_expires=119, min_se=120)]))
at_limit("rejection_loop", "a 422 of a lower CSeq",
         lambda cseq: [trying(0, session_expires=90), failed(1, 422, cseq=cseq, min_se=120),
                       trying(2, cseq=2, session_expires=120, min_se=120),
                       failed(3, 422, cseq=2, by="proxy", min_se=120)],
         (1, [error("rejection_loop", 3, "", [2, 4], required=120, min_se=120, session_expires=120)]),
         (2, []))
found("rejection_loop", "measured by the greatest before",
      [trying(0), failed(1, 422, min_se=90), trying(2, cseq=2), failed(3, 422, cseq=2, min_se=200),
       trying(4, cseq=3, session_expires=200, min_se=200), failed(5, 422, cseq=3, min_se=150)],
      [error("rejection_loop", 5, "", [2, 4, 6], required=200, min_se=150, session_expires=200)])
found("rejection_loop", "the second 422 names nothing",
      [trying(0), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=120, min_se=120),
       failed(3, 422, cseq=2)],
      [error("rejection_loop", 3, "", [2, 4], required=120, min_se=0, session_expires=120),
       error("rejection_without_min_se", 3, "", [4])])
found("rejection_loop", "what came back counts, not what the proxy made of it",
      [trying(0, session_expires=90), failed(1, 422, min_se=120, fwd_min_se=121),
       trying(2, cseq=2, session_expires=120, min_se=120),
       failed(3, 422, cseq=2, min_se=120, fwd_min_se=122)],
      [error("rejection_loop", 3, "", [2, 4], required=120, min_se=120, session_expires=120)])
either("rejection_loop", "neither 422 names anything: any offer was enough, none was not",
       ([trying(0), failed(1, 422), trying(2, cseq=2, session_expires=0), failed(3, 422, cseq=2)],
        [error("rejection_without_min_se", 1, "", [2]),
         error("interval_below_minimum", 2, "", [3], session_expires=0, minimum=90),
         error("rejection_loop", 3, "", [2, 4], required=0, min_se=0, session_expires=0),
         error("rejection_without_min_se", 3, "", [4])]),
       ([trying(0), failed(1, 422), trying(2, cseq=2), failed(3, 422, cseq=2)],
        [error("rejection_without_min_se", 1, "", [2]), error("rejection_without_min_se", 3, "", [4])]))
either("rejection_loop", "the offer is that of the earliest INVITE of the attempt",
       ([trying(0), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=120, min_se=120),
         trying(3, cseq=2, session_expires=90), failed(4, 422, cseq=2, min_se=120)],
        [error("rejection_loop", 4, "", [2, 5], required=120, min_se=120, session_expires=120)]),
       ([trying(0), failed(1, 422, min_se=120), trying(2, cseq=2), trying(3, cseq=2, session_expires=120),
         failed(4, 422, cseq=2, min_se=120)], []))
clean("rejection_loop", "the first 422", [trying(0, session_expires=120), failed(1, 422, min_se=120)])
clean("rejection_loop", "another refusal of the retry",
      [trying(0), failed(1, 422, min_se=120), trying(2, cseq=2, session_expires=120, min_se=120),
       failed(3, 486, cseq=2, min_se=120)])
clean("rejection_loop", "another refusal before",
      [trying(0), failed(1, 407, min_se=120), trying(2, cseq=2, session_expires=120, min_se=120),
       failed(3, 422, cseq=2, min_se=120)])
clean("rejection_loop", "the INVITE of the retry was not seen",
      [trying(0), failed(1, 422, min_se=120), failed(3, 422, cseq=2, min_se=120)])
clean("rejection_loop", "refreshes that are refused twice",
      [requested(0, cseq=2, session_expires=120), refused(1, cseq=2, sip_code=422, min_se=120),
       requested(2, cseq=3, session_expires=120, min_se=120), refused(3, cseq=3, sip_code=422, min_se=120)])
clean("rejection_loop", "the retry is taken",
      [trying(0, session_expires=90), failed(1, 422, min_se=120),
       trying(2, cseq=2, session_expires=120, min_se=120), timed(3, 120, cseq=2),
       event("dialog.acked", 4, to_tag="t"), accepted(5, 120, "uac", cseq=3)])
