"""What the audit finds. Every function yields the findings of a few codes, in the order of the table."""

from calls import SECOND, Call, canonically, earliest
from cdrs import HUNG_CALL_OPTIONS, gaps_of, records
from log import encoded
from timers import end_of, is_hung, overrun_us, unproven_us, verdicts, was_cut

SECONDS_MIN = 90
REQUESTS = ("dialog.trying", "refresh.requested")
ANSWERS = ("dialog.confirmed", "refresh.accepted")
REJECTIONS = ("dialog.failed", "refresh.failed")

SEVERITIES = {
    "require_timer_missing": "warning", "refresh_late": "warning", "refresher_switched": "info",
    "proxy_sent_bye": "warning", "held_past_expiry": "warning", "no_session_timer": "info",
    "answered_without_ack": "warning", "clock_skew": "warning", "incomplete_evidence": "warning",
}


def finding(code, call, to_tag, cites, detail=None):
    cites = canonically(cites)
    return {
        "code": code,
        "severity": SEVERITIES.get(code, "error"),
        "callid": call.callid,
        "from_tag": call.from_tag,
        "to_tag": to_tag or "",
        "at": cites[-1].time,
        "positions": sorted({event.position for event in cites}),
        "detail": detail or {},
    }


def audit(log, policy, as_of):
    findings = []
    open_gaps = log.open_gaps()
    for events in log.calls().values():
        call = Call(events)
        findings += header_findings(call)
        for leg in call.legs:
            findings += timer_findings(call, leg, as_of)
            findings += end_findings(call, leg, policy, as_of)
        findings += evidence_findings(call, policy, open_gaps)
    findings.sort(key=lambda it: (it["at"],) + encoded(
        (it["callid"], it["from_tag"], it["to_tag"], it["code"])) + (it["positions"],))
    return findings


# Headers

def request_of(call, event):
    if event.type == "dialog.confirmed":
        return earliest(it for it in call.of_type("dialog.trying") if it.get("cseq") == event.get("cseq"))
    names = ("to_tag", "cseq", "method", "by")
    return earliest(it for it in call.of_type("refresh.requested")
                    if all(it.get(name) == event.get(name) for name in names))


def effective_minimum(request):
    return request.effective("min_se") or SECONDS_MIN


def header_findings(call):
    for event in call.events:
        for code, cites, detail in event_rules(call, event):
            yield finding(code, call, event.get("to_tag"), cites, detail)
    yield from retry_findings(call)
    yield from loop_findings(call)


def event_rules(call, event):
    """(code, cited events, detail) of every rule about one event and, if it is an answer, its request."""
    session_expires, min_se = event.get("session_expires"), event.get("min_se")
    if session_expires is not None and session_expires < SECONDS_MIN:
        yield "interval_below_minimum", [event], {"session_expires": session_expires, "minimum": SECONDS_MIN}
    if min_se is not None and min_se < SECONDS_MIN:
        yield "min_se_below_minimum", [event], {"min_se": min_se, "minimum": SECONDS_MIN}
    if event.type in REQUESTS:
        for code, detail in request_rules(event, session_expires, min_se):
            yield code, [event], detail
    if event.type in ANSWERS:
        for code, detail in answer_rules(event):
            yield code, [event], detail
        request = request_of(call, event)
        if request:
            for code, detail in exchange_rules(event, request):
                yield code, [request, event], detail
    if event.type in REJECTIONS and event.get("sip_code") == 422 and min_se is None:
        yield "rejection_without_min_se", [event], {}


def request_rules(event, session_expires, min_se):
    if session_expires is not None and min_se is not None and session_expires < min_se:
        yield "interval_below_min_se", {"session_expires": session_expires, "min_se": min_se}
    forwarded, minimum = event.get("fwd_session_expires"), effective_minimum(event)
    if forwarded is not None:
        if session_expires is not None and forwarded > session_expires and forwarded > minimum:
            yield "proxy_raised_interval", {
                "session_expires": session_expires, "fwd_session_expires": forwarded, "minimum": minimum}
        if 0 < forwarded < minimum:
            yield "proxy_undercut_min_se", {"fwd_session_expires": forwarded, "minimum": minimum}
    if event.get("supported_timer") is True and event.has("fwd_min_se"):
        if event.get("fwd_min_se") != (min_se or 0):
            yield "proxy_changed_min_se", {"min_se": min_se or 0, "fwd_min_se": event.get("fwd_min_se")}
    # A received refresher that is absent is None, and that differs too.
    if event.has("fwd_refresher") and event.get("fwd_refresher") != event.get("refresher"):
        yield "proxy_changed_refresher", {
            "refresher": event.get("refresher"), "fwd_refresher": event.get("fwd_refresher")}


def answer_rules(event):
    interval = event.effective("session_expires")
    if interval is not None and event.effective("refresher") is None:
        yield "refresher_missing", {"session_expires": interval}
    if event.get("refresher") == "uac" and event.get("require_timer") is False:
        yield "require_timer_missing", {"refresher": "uac"}


def exchange_rules(event, request):
    answered, offered = event.get("session_expires"), request.effective("session_expires")
    if answered is not None:
        if offered is not None and offered >= effective_minimum(request) and answered > offered:
            yield "answer_raises_interval", {
                "offered": offered, "minimum": effective_minimum(request), "session_expires": answered}
        minimum = request.effective("min_se")
        if minimum is not None and answered < minimum:
            yield "answer_below_min_se", {"min_se": minimum, "session_expires": answered}
    chosen, asked = event.get("refresher"), request.effective("refresher")
    if chosen is not None and asked is not None and chosen != asked:
        yield "refresher_overridden", {"asked": asked, "refresher": chosen}


def rejections_422(events):
    return [event for event in events if event.get("sip_code") == 422]


def retry_findings(call):
    """`retry_ignores_min_se`: one finding a retry, however many rejections led to it."""
    retries = {}
    for rejected in rejections_422(call.of_type(*REJECTIONS)):
        if not rejected.has("min_se"):
            continue
        if rejected.type == "dialog.failed":
            requests, refusals = call.of_type("dialog.trying"), call.of_type("dialog.failed")
        else:
            requests = same_side(call.of_type("refresh.requested"), rejected)
            refusals = same_side(call.of_type("refresh.failed"), rejected)
        higher = [event for event in requests if event.get("cseq") > rejected.get("cseq")]
        if higher:
            least = min(event.get("cseq") for event in higher)
            retry = earliest(event for event in higher if event.get("cseq") == least)
            retries[retry] = [event for event in rejections_422(refusals)
                              if event.get("cseq") < retry.get("cseq")]
    for retry, refusals in retries.items():
        minimum = max(event.get("min_se") or 0 for event in refusals)
        offered, stated = retry.get("session_expires"), retry.get("min_se")
        if offered is not None and (offered < minimum or stated is None or stated < minimum):
            yield finding("retry_ignores_min_se", call, retry.get("to_tag"), [retry] + refusals,
                          {"required": minimum, "session_expires": offered, "min_se": stated})


def same_side(events, rejected):
    return [event for event in events
            if event.get("to_tag") == rejected.get("to_tag") and event.get("by") == rejected.get("by")]


def loop_findings(call):
    rejections = rejections_422(call.of_type("dialog.failed"))
    for rejected in rejections:
        before = [event for event in rejections if event.get("cseq") < rejected.get("cseq")]
        request = earliest(event for event in call.of_type("dialog.trying")
                           if event.get("cseq") == rejected.get("cseq"))
        if not before or request is None or not request.has("session_expires"):
            continue
        greatest = max(event.get("min_se") or 0 for event in before)
        stated, offered = rejected.get("min_se") or 0, request.get("session_expires")
        if stated <= greatest <= offered:
            yield finding("rejection_loop", call, rejected.get("to_tag"), [rejected] + before,
                          {"required": greatest, "min_se": stated, "session_expires": offered})


# Timers

def timer_findings(call, leg, as_of):
    judged = list(zip(leg.marks, verdicts(leg, as_of)))
    for index, (mark, verdict) in enumerate(judged):
        following = leg.marks[index + 1] if index + 1 < len(leg.marks) else None
        if verdict in ("late", "critical", "overdue"):
            yield finding("refresh_" + verdict, call, leg.to_tag, [mark.event, following.event],
                          {"interval": mark.interval, "after_us": following.time - mark.time})
        if following and mark.refresher and following.refresher and mark.refresher != following.refresher:
            yield finding("refresher_switched", call, leg.to_tag, [mark.event, following.event],
                          {"before": mark.refresher, "refresher": following.refresher})
        if verdict == "expired":
            yield finding("session_expired", call, leg.to_tag, [mark.event] + ending_of(leg),
                          {"interval": mark.interval, "expires_at": leg.session_expiry})
    for event in leg.of_type("refresh.failed"):
        if event.get("sip_code") in (408, 481) and end_of(leg, as_of) > event.time + 32 * SECOND:
            yield finding("refresh_failed_session_kept", call, leg.to_tag, [event],
                          {"sip_code": event.get("sip_code"), "kept_us": end_of(leg, as_of) - event.time})
    if leg.confirmed and all(mark.interval == 0 for mark in leg.marks):
        yield finding("no_session_timer", call, leg.to_tag, [leg.confirmed])


def ending_of(leg):
    return [leg.ending] if leg.ending else []


# Ends

def end_findings(call, leg, policy, as_of):
    if is_hung(leg, as_of):
        cites = [mark.event for mark in leg.marks] or [leg.answer]
        yield finding("hung_call", call, leg.to_tag, cites + ending_of(leg), hung_detail(leg, policy, as_of))
    unacknowledged = earliest(leg.of_type("timeout.no_ack"))
    if leg.confirmed and unacknowledged:
        yield finding("answered_without_ack", call, leg.to_tag, [leg.confirmed, unacknowledged],
                      {"waited_us": unacknowledged.time - leg.confirmed.time})
    if leg.is_open:
        return
    end_and_expiry = {"ended_at": leg.ended_at, "expires_at": leg.session_expiry}
    if was_cut(leg):
        yield finding("proxy_cut_session", call, leg.to_tag, [leg.last_mark.event, leg.ending],
                      end_and_expiry)
    elif (leg.ending.type in ("timeout.session", "timeout.lifetime")
          and leg.ending.get("bye_sent") is True):
        yield finding("proxy_sent_bye", call, leg.to_tag, [leg.ending], end_and_expiry)
    if overrun_us(leg, as_of) > 60 * SECOND:
        yield finding("held_past_expiry", call, leg.to_tag, [leg.last_mark.event, leg.ending],
                      {"overrun_us": overrun_us(leg, as_of)})


def hung_detail(leg, policy, as_of):
    return {
        "overrun_us": overrun_us(leg, as_of),
        "unproven_us": unproven_us(leg, as_of),
        "last_proof_at": leg.last_proof_at,
        "billable_ms": {option: policy.guessed(leg, end_of(leg, as_of), option)
                        for option in HUNG_CALL_OPTIONS},
    }


# Evidence

def evidence_findings(call, policy, open_gaps):
    bounds = [call.events[0], call.events[-1]]
    for to_tag, cdr in records(call, policy, open_gaps).items():
        if "clock_skew" in cdr["flags"]:
            yield finding("clock_skew", call, to_tag, bounds,
                          {name: cdr[name] for name in ("started_at", "answered_at", "ended_at")})
        if "incomplete" in cdr["flags"]:
            gaps = [gap.event for gap in gaps_of(call, cdr["ended_at"], open_gaps)]
            yield finding("incomplete_evidence", call, to_tag, bounds + gaps, {"gaps": len(gaps)})
