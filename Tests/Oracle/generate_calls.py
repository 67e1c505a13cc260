"""Scripts of calls: some as they happen, most as nobody would want them to."""

from generate_text import Literal

SECOND = 1_000_000
MINUTE = 60 * SECOND

CALLIDS = ("c1", "c10", "c2", 'q"uote', "back\\slash@x", "\u00fcml\u00e4ut@h", "u\u0308mlaut@h",
           "\U0001f600", "\ue000",
           "C1", "sp ace", "nul\u0000", "x" * 255, "\u20ac" * 85)
FROM_TAGS = ("f1", "f2", "F1", "\u00e9", "f" * 128)
TO_TAGS = ("t1", "t2", "t10", "\U0001f4de", "\uffff")
AGENTS = ("Phone/1.0", "phone/1.0", "", "T\u00e9l\u00e9 \"2\"", "\U0001f4de")
INTERVALS = (0, 1, 10, 19, 20, 21, 60, 89, 90, 91, 95, 96, 97, 100, 179, 180, 181, 599, 600, 1799, 1800,
             1801, 3600, 4_294_967_295)
USUAL_INTERVALS = (90, 91, 97, 100, 180, 600, 1800)
MIN_SES = (0, 60, 89, 90, 91, 120, 600, 1800, 3600, 4_294_967_295)
FAILURES = (300, 302, 399, 400, 401, 403, 404, 407, 408, 410, 422, 480, 481, 483, 484, 486, 487, 488,
            500, 503, 504, 600, 603, 604, 606, 607, 608, 699)
TIMEOUTS = ("timeout.session", "timeout.lifetime", "timeout.no_ack", "timeout.ping", "timeout.media")
NUMBERS = ("1.50", "1e5", "-0", "12345678901234567890", "0.0", "1E+2", "-1.0e-10", "7", "1" * 40)
KEYS = ("a", "b", "B", "\u00e4", "", "\U0001f600", "\ufb01", 'k"', "policy")


class Script:
    """One call that is being told."""

    def __init__(self, world, callid, from_tag):
        self.world = world
        self.rng = world.rng
        self.callid = callid
        self.from_tag = from_tag
        self.sources = self.rng.sample(["kam1", "kam2", "kam10", "sbc/w:1", "K", "a.b_c-d"],
                                       self.rng.choice((1, 1, 1, 2, 3)))
        self.time = world.origin()
        self.cseq = self.rng.choice((0, 1, 1, 2, 101, 2_147_483_639))
        self.odd = 0.0

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, options):
        return self.rng.choice(options)

    def say(self, kind, time=None, **fields):
        """States an event, now and then twice, late, not at all, or by another proxy."""
        time = max(0, self.time if time is None else time)
        event = {"type": kind, "time": time, "callid": self.callid, "from_tag": self.from_tag, **fields}
        if self.chance(0.3):
            event["extra"] = self.extra()
        if self.chance(self.odd):
            event[self.pick(("reason", "sip_reason"))] = self.pick(("Q.850;cause=16", "", "gr\u00fc\u00df"))
        if self.chance(self.odd * 0.6):
            return
        if self.chance(self.odd * 0.5):
            event["time"] = max(0, time + self.pick((-5 * MINUTE, -SECOND, -1, 1, SECOND)))
        if kind == "ledger.expired":
            self.world.ledger(event)
            return
        self.world.state(self.pick(self.sources), event)
        if self.chance(0.05 + self.odd):
            again = dict(event)
            again["time"] = max(0, event["time"] + self.pick((-1, 0, 0, 1, 500_000, MINUTE)))
            if self.chance(0.3):
                again["extra"] = self.extra()
            if self.chance(0.3):
                again.update(self.session_fields())
            self.world.state(self.pick(self.sources), again)

    def extra(self):
        count = self.pick((0, 1, 1, 2, 3))
        return {key: Literal(self.pick(NUMBERS)) if self.chance(0.5) else self.pick(AGENTS + ("v",))
                for key in self.rng.sample(KEYS, count)}

    def session_fields(self):
        """Session fields of a header: any of them, as received and as sent on."""
        fields = {}
        options = (("session_expires", INTERVALS, 0.7), ("refresher", ("uac", "uas"), 0.6),
                   ("min_se", MIN_SES, 0.35), ("supported_timer", (True, False), 0.4),
                   ("require_timer", (True, False), 0.3), ("fwd_session_expires", INTERVALS, 0.15),
                   ("fwd_refresher", ("uac", "uas"), 0.1), ("fwd_min_se", MIN_SES, 0.15))
        for name, values, probability in options:
            if self.chance(probability):
                fields[name] = self.pick(values)
        return fields

    def parties(self):
        fields = {"from_uri": "sip:alice@\u00e9.example", "to_uri": "sip:bob@example", "src_ip": "192.0.2.1",
                  "request_uri": "sip:bob@192.0.2.7", "user_agent": self.pick(AGENTS)}
        return {name: value for name, value in fields.items() if self.chance(0.8)}


def add_call(world, number):
    rng = world.rng
    if rng.random() < 0.35:
        plain_call(Script(world, f"plain-{number}@example", rng.choice(FROM_TAGS)))
        return
    # About three calls share each Call-ID, and some of them the From tag as well.
    callid = rng.choice(CALLIDS[:max(2, min(len(CALLIDS), world.calls // 2))])
    if world.calls > 60 and rng.random() < 0.8:
        callid += str(number // 3)
        callid = callid if len(callid.encode("utf-8")) <= 255 else str(number // 3)
    odd_call(Script(world, callid, rng.choice(FROM_TAGS)))


# A call as it happens

def plain_call(script):
    interval = script.pick((None, 90, 100, 600, 1800, 1800))
    script.say("dialog.trying", cseq=script.cseq, **script.parties(), supported_timer=interval is not None,
               session_expires=interval)
    script.time += 30_000
    if script.chance(0.25):
        script.say("dialog.failed", cseq=script.cseq, sip_code=script.pick((401, 407)), by="proxy")
        script.cseq += 1
        script.time += 40_000
        script.say("dialog.trying", cseq=script.cseq, **script.parties(), session_expires=interval)
    script.time += 2 * SECOND
    tag = script.pick(TO_TAGS)
    script.say("dialog.early", cseq=script.cseq, sip_code=script.pick((100 + 80, 183)), to_tag=tag)
    script.time += script.rng.randrange(20 * SECOND)
    if script.chance(0.3):
        script.say("dialog.failed", cseq=script.cseq, sip_code=script.pick(FAILURES), to_tag=tag,
                   by=script.pick(("caller", "callee", "proxy")), sip_reason="No")
        return
    script.say("dialog.confirmed", cseq=script.cseq, sip_code=200, sip_reason="OK", to_tag=tag,
               session_expires=interval, refresher=interval and script.pick(("uac", "uas")),
               user_agent="Callee/2")
    script.time += 50_000
    script.say("dialog.acked", to_tag=tag)
    cseq = script.cseq
    for _ in range(script.rng.randrange(4) if interval else 0):
        cseq += 1
        script.time += interval * SECOND // 2 + script.rng.randrange(SECOND)
        by, method = script.pick(("caller", "callee")), script.pick(("UPDATE", "INVITE"))
        script.say("refresh.requested", to_tag=tag, cseq=cseq, method=method, by=by,
                   session_expires=interval, refresher="uac")
        script.time += 20_000
        script.say("refresh.accepted", to_tag=tag, cseq=cseq, method=method, by=by, sip_code=200,
                   session_expires=interval, refresher="uac")
    script.time += script.rng.randrange(MINUTE)
    if script.chance(0.9):
        script.say("dialog.terminated", to_tag=tag, by=script.pick(("caller", "callee")), reason=script.pick(
            (None, "Q.850;cause=16")))


# A call as nobody would want it

def odd_call(script):
    script.odd = script.pick((0.02, 0.08, 0.25))
    if script.chance(0.06):
        lonely_event(script)
        return
    attempts(script)
    if script.chance(0.7):
        script.time += script.pick((0, 1, SECOND, 5 * SECOND))
        for tag in script.rng.sample(TO_TAGS, script.pick((1, 1, 1, 2))):
            answered_leg(script, tag, script.time + script.pick((0, 0, 1, SECOND)))
    else:
        unanswered_end(script)
    if script.chance(0.15):
        early_dialog_noise(script)
    if script.chance(0.05):
        late_trying(script)


def lonely_event(script):
    """A call that only one event is known of."""
    tag = script.pick(TO_TAGS)
    kind = script.pick(TIMEOUTS + ("dialog.acked", "dialog.alive", "dialog.terminated", "dialog.early",
                                   "dialog.failed", "timeout.early", "ledger.expired", "refresh.failed"))
    fields = {"to_tag": tag, "by": script.pick(("caller", "callee"))}
    if kind in ("dialog.early", "dialog.failed"):
        fields.update(cseq=1, sip_code=183 if kind == "dialog.early" else script.pick(FAILURES))
    elif kind == "refresh.failed":
        fields.update(cseq=1, sip_code=422, method=script.pick(("INVITE", "UPDATE")))
    elif kind == "ledger.expired":
        fields = {"deadline": max(0, script.time - MINUTE), "to_tag": script.pick((None, tag))}
    script.say(kind, **fields)


def attempts(script):
    """INVITE after INVITE, each but the last refused."""
    minimum = 0
    for _ in range(script.pick((0, 0, 0, 1, 1, 2, 3))):
        offer = script.session_fields()
        if minimum and script.chance(0.5):
            offer.update(session_expires=max(90, minimum + script.pick((-1, 0, 1))),
                         min_se=max(0, minimum + script.pick((-1, 0, 0))))
        trying(script, **offer)
        code = script.pick((401, 407, 407, 422, 422, 422, 302, 486))
        step = script.pick((0, 1, 1, 20_000))
        script.time += step
        stated = script.pick((None, 0, 60, 90, 91, 120, 120, 1800)) if code == 422 else None
        script.say("dialog.failed", cseq=script.cseq, sip_code=code, by=script.pick(
            ("proxy", "callee")), min_se=stated, to_tag=script.pick((None, None, "t1")))
        minimum = max(minimum, stated or 0)
        script.cseq += script.pick((1, 1, 2))
        script.time += step
    trying(script, **script.session_fields())
    for _ in range(script.pick((0, 1, 1, 2))):
        script.time += script.pick((0, 1, 100_000))
        script.say("dialog.early", cseq=script.cseq, sip_code=script.pick((101, 179, 180, 183, 184, 199)),
                   to_tag=script.pick((None,) + TO_TAGS))


def trying(script, **fields):
    if script.chance(script.odd):
        fields["method"] = "INVITE"
    script.say("dialog.trying", cseq=script.cseq, **script.parties(), **fields)


def unanswered_end(script):
    for _ in range(script.pick((1, 1, 2, 3))):
        script.time += script.pick((0, 1, SECOND, MINUTE))
        kind = script.pick(("dialog.failed", "dialog.failed", "dialog.failed", "timeout.early",
                            "ledger.expired", None))
        if kind == "dialog.failed":
            script.say(kind, cseq=script.cseq + script.pick((0, 0, 0, -1 if script.cseq else 0, 1)),
                       sip_code=script.pick(FAILURES), by=script.pick(("caller", "callee", "proxy", "admin")),
                       sip_reason=script.pick((None, "Busy Here")), to_tag=script.pick((None, "t1")))
        elif kind == "timeout.early":
            script.say(kind, cseq=script.pick((None, script.cseq, script.cseq, max(0, script.cseq - 1),
                                               script.cseq + 1)), sip_reason=script.pick((None, "x")))
        elif kind == "ledger.expired":
            script.say(kind, deadline=max(0, script.time - MINUTE), to_tag=script.pick((None, None, "t2")))


def late_trying(script):
    """A retry that comes after the call seemed to be over: takes a CDR back."""
    script.cseq += 1
    script.time += SECOND
    trying(script, **script.session_fields())
    if script.chance(0.3):
        unanswered_end(script)


def early_dialog_noise(script):
    """UPDATEs of a dialog that may never be answered, and methods that make no leg."""
    tag, by = script.pick(TO_TAGS + ("never",)), script.pick(("caller", "callee"))
    cseq, method = script.pick((1, 2, 50)), script.pick(("UPDATE", "UPDATE", "OPTIONS", "invite"))
    script.say("refresh.requested", to_tag=tag, cseq=cseq, method=method, by=by, **script.session_fields())
    if script.chance(0.5):
        script.say("refresh.accepted", to_tag=tag, cseq=cseq, method=method, by=by, **script.session_fields())
    else:
        script.say("refresh.failed", to_tag=tag, cseq=cseq, method=method, by=by, sip_code=script.pick(
            (408, 422, 481, 491)), min_se=script.pick((None, 60, 120)))


def answered_leg(script, tag, time):
    interval = script.pick(INTERVALS if script.chance(0.3) else USUAL_INTERVALS)
    answer = script.session_fields()
    if script.chance(0.8):
        answer.update(session_expires=interval, fwd_session_expires=None)
    else:
        interval = answer.get("fwd_session_expires") or answer.get("session_expires") or 0
    if script.chance(0.2):
        answer["lifetime"] = script.pick((0, 60, 3600, 4_294_967_295))
    if script.chance(0.3):
        answer["user_agent"] = script.pick(AGENTS)
    script.say("dialog.confirmed", time, to_tag=tag, cseq=script.cseq, sip_code=script.pick((200, 200, 202)),
               sip_reason=script.pick((None, "OK")), **answer)
    if script.chance(0.7):
        script.say("dialog.acked", time + script.pick((0, 1, 30_000)), to_tag=tag)
    mark = time
    cseq = {"caller": script.cseq, "callee": script.pick((1, script.cseq))}
    for _ in range(script.pick((0, 0, 1, 1, 2, 3))):
        mark, interval = refresh(script, tag, mark, interval, cseq)
    if script.chance(0.2):
        script.say("dialog.alive", mark + script.pick((0, 1, 30 * SECOND)), to_tag=tag,
                   by=script.pick((None, "caller", "callee")))
    leg_end(script, tag, time, mark, interval)


def refresh_due(script, interval):
    """A time after the mark: one of the verdicts' bounds, or a microsecond on either side of it."""
    us = min(interval, 100_000) * SECOND
    bounds = (0, us // 2 + 10 * SECOND, us - 32 * SECOND, us - us // 3, us - us // 3 - 1, us, us // 2)
    return max(0, script.pick(bounds) + script.pick((-1, 0, 0, 1)))


def refresh(script, tag, mark, interval, cseq):
    by = script.pick(("caller", "callee"))
    method = script.pick(("UPDATE", "INVITE", "INVITE"))
    cseq[by] = min(cseq[by] + script.pick((0, 1, 1, 1)), 2_147_483_647)
    identity = {"to_tag": tag, "cseq": cseq[by], "method": method,
                "by": script.pick(("proxy", "admin")) if script.chance(0.08) else by}
    due = mark + refresh_due(script, interval)
    asked = script.session_fields()
    script.say("refresh.requested", due - script.pick((0, 0, 1, 200_000)), **identity, **asked)
    if script.chance(0.2):
        code, stated = script.pick((408, 408, 481, 422, 422, 491)), script.pick((None, 90, 120, 1800))
        script.say("refresh.failed", due, **identity, sip_code=code, min_se=stated)
        if code == 422 and script.chance(0.7):
            identity["cseq"] = cseq[by] = min(cseq[by] + 1, 2_147_483_647)
            script.say("refresh.requested", due + 1, **identity, **script.session_fields())
        if code in (408, 481) and script.chance(0.6):
            end = due + 32 * SECOND + script.pick((-1, 0, 1))
            script.say("dialog.terminated", end, to_tag=tag, by=script.pick(("caller", "callee")))
        return mark, interval
    agreed = script.session_fields()
    if script.chance(0.7):
        interval = script.pick(USUAL_INTERVALS)
        agreed.update(session_expires=interval, fwd_session_expires=None)
    else:
        forwarded = agreed.get("fwd_session_expires")
        interval = forwarded if forwarded is not None else agreed.get("session_expires", 0)
    script.say("refresh.accepted", due, **identity, sip_code=script.pick((None, 200)), **agreed)
    return due, interval


def leg_end(script, tag, answered, mark, interval):
    expiry = mark + interval * SECOND if interval < 1_000_000 else mark + MINUTE
    near = [mark, mark + SECOND, answered - 1, answered, expiry, expiry - SECOND, expiry + MINUTE,
            expiry + 50 * MINUTE]
    for _ in range(script.pick((0, 1, 1, 1, 1, 2, 2, 3))):
        time = script.pick(near) + script.pick((-1, 0, 0, 1))
        kind = script.pick(("dialog.terminated",) * 4 + TIMEOUTS + ("timeout.session", "ledger.expired",
                                                                   "ledger.expired"))
        if kind == "dialog.terminated":
            script.say(kind, time, to_tag=tag, by=script.pick(("caller", "callee", "caller", "callee",
                                                               "proxy", "admin")))
        elif kind == "ledger.expired":
            deadline = max(0, expiry + script.pick((-1, 0, 0, 1)))
            script.say(kind, deadline + MINUTE, to_tag=tag, deadline=deadline)
        else:
            sent = script.pick((None, True, False, True))
            script.say(kind, time, to_tag=tag, bye_sent=sent,
                       lifetime=3600 if kind == "timeout.lifetime" else None)
            if script.chance(0.3):
                script.say("dialog.terminated", time + script.pick((-1, 0, 1, SECOND)), to_tag=tag,
                           by=script.pick(("caller", "callee", "proxy")))


def add_ambiguous(world):
    """What the contract can be read about in more than one way."""
    rng = world.rng
    for number in range(1 + world.calls // 10):
        time = world.origin()
        call = {"callid": rng.choice(CALLIDS[:3]), "from_tag": rng.choice(FROM_TAGS)}
        world.state("kam1", {"type": "source.heartbeat", "time": time, **call, "extra": {"a": "bystander"}})
        world.ledger({"type": "ledger.tick", "time": time, **call})
        world.state("kam2", {"type": "dialog.confirmed", "time": time, **call, "to_tag": "t1", "cseq": 1,
                             "sip_code": 200, "session_expires": 90, "refresher": "uac", "by": "proxy"})
        world.state("kam1", {"type": "dialog.trying", "time": time, **call, "cseq": Literal("-0"),
                             "sip_code": rng.choice((0, 99, 700, 10**20))})
        world.state("K", {"type": "source.heartbeat", "time": time, "active": rng.choice((-1, 2**70))})
        world.state("K", {"type": "dialog.alive", "time": time, **call, "to_tag": "t1", "deadline": "text",
                          "gap_source": number})
