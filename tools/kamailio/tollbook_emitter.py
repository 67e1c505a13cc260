"""States what Kamailio sees as Tollbook's call events; loaded by app_python3, called from the routes of
tollbook.cfg.

Runs inside the SIP workers: a handler builds one event, puts it into shared memory and returns. It opens no
socket, waits for nothing, and no exception leaves it. The process that runs `sender_turn` is another one and
carries no SIP.
"""

import json
import os
import re
import sys
import time

import KSR

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

QUEUE = "tollbook"  # mqueue of the events, htable of the counters
PENDING = "tollbook_pending"  # htable: INVITEs not relayed yet, and failures whose status is not known yet
LEGS = "tollbook_legs"  # htable: legs whose answer is stated
CANCELS = "tollbook_cancels"  # htable: Reason headers of CANCELs
EVENT_BYTES_MAX = 65000  # the ledger takes 65,536
PING_LIFETIME = 10  # seconds that the dialog module gives a dialog whose pings fail
CONFIRMED_NO_ACK = 3  # $dlg(state)

SECONDS = re.compile(r"\s*(\d{1,10})\s*(?:;|\Z)", re.ASCII)
REFRESHER = re.compile(r";\s*refresher\s*=\s*\"?(uac|uas)\b", re.IGNORECASE)


# -- reading Kamailio's variables


def pv(name):
    """A pseudo-variable: str, int, or None. Bytes that are no UTF-8 become U+FFFD."""
    try:
        return KSR.pv.get(name)
    except UnicodeDecodeError:
        hexadecimal = KSR.pv.get(with_transformation(name, "{s.encode.hexa}"))
        return bytes.fromhex(hexadecimal).decode("utf-8", "replace")


def with_transformation(name, transformation):
    inner = re.fullmatch(r"\$T_rpl\((.*)\)", name)
    if inner:
        return "$T_rpl(%s)" % with_transformation(inner[1], transformation)
    if name.startswith("$("):
        return name[:-1] + transformation + ")"
    return "$(" + name[1:] + transformation + ")"


def number(value):
    """A count of seconds as it stands at the head of a header; None if it is none, or beyond 32 bits."""
    match = SECONDS.match(value) if isinstance(value, str) else None
    return int(match[1]) if match and int(match[1]) < 1 << 32 else None


def whole(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def has_timer(value):
    return any(tag.strip().lower() == "timer" for tag in (value or "").split(","))


def put(event, **fields):
    """Adds what is known."""
    for name, value in fields.items():
        if value is not None and value != "":
            event[name] = value
    return event


def microseconds():
    return time.time_ns() // 1000


def session_fields(event, wrap="%s"):
    """The session fields of the message at hand, as received; `wrap` may look at another message of the
    transaction."""
    expires = pv(wrap % "$hdr(Session-Expires)")
    refresher = REFRESHER.search(expires) if expires else None
    put(
        event,
        session_expires=number(expires),
        refresher=refresher and refresher[1].lower(),
        min_se=number(pv(wrap % "$hdr(Min-SE)")),
    )
    event["supported_timer"] = has_timer(pv(wrap % "$(hdr(Supported)[*])"))
    event["require_timer"] = has_timer(pv(wrap % "$(hdr(Require)[*])"))
    return event


def effective(event, field):
    """What went on from here: the fwd_ field where there is one."""
    return event.get("fwd_" + field, event.get(field)) or 0


# -- stating


def state(event):
    """Hands an event over to the sender. `made` is counted first: what the queue then drops is missed
    there."""
    extra = pv("$avp(tollbook_extra)")
    if extra:
        pairs = (pair.split("=", 1) for pair in str(extra).split(";") if "=" in pair)
        put(event, extra={name.strip(): value.strip() for name, value in pairs if name.strip()})
    text = json.dumps(event, separators=(",", ":"))
    if len(text) > EVENT_BYTES_MAX:
        for name in ("extra", "reason", "user_agent", "request_uri", "to_uri", "from_uri", "sip_reason"):
            event.pop(name, None)
        text = json.dumps(event, separators=(",", ":"))
    made = KSR.htable.sht_inc(QUEUE, "made")
    KSR.mqueue.mq_add(QUEUE, str(made), text)


def new_event(kind, by=None):
    """An event of the message at hand; the tags are the caller's and the callee's, whoever sent the
    request."""
    event = {"type": kind, "time": microseconds(), "callid": pv("$ci")}
    caller, callee = pv("$ft"), pv("$tt")
    if by == "callee":
        caller, callee = callee, caller
    return put(event, from_tag=caller, to_tag=callee, cseq=whole(pv("$cs")))


def dialog_event(kind):
    """An event of the dialog at hand, where the message is Kamailio's own invention."""
    event = {"type": kind, "time": microseconds(), "callid": pv("$dlg(callid)")}
    return put(event, from_tag=pv("$dlg(from_tag)"), to_tag=pv("$dlg(to_tag)"))


def sender_of_request():
    """`caller` or `callee`: who sent the in-dialog request at hand."""
    caller_tag = pv("$dlg(from_tag)")
    if caller_tag:
        return "caller" if pv("$ft") == caller_tag else "callee"
    # No dialog: it began before this proxy did, or is the second leg of a fork. Our Record-Route knows the
    # From tag.
    return "callee" if KSR.rr.is_direction("upstream") > 0 else "caller"


def key_of_invite():
    return "%s|%s|%s" % (pv("$ci"), pv("$ft"), pv("$cs"))


class Tollbook:
    """The handlers, by the names that tollbook.cfg calls."""

    def __init__(self):
        self.invite_key = None  # of the INVITE that this process is routing
        self.invite_event = None  # its dialog.trying
        self.invite_stated = False
        self.sender = None

    def child_init(self, rank):
        return 0

    # -- the initial INVITE

    def request(self, msg):
        """An INVITE without To tag, or a CANCEL, came in."""
        if pv("$rm") == "CANCEL":
            KSR.htable.sht_sets(CANCELS, key_of_invite(), pv("$hdr(Reason)") or "-")
            return
        self.invite_key, self.invite_stated = key_of_invite(), False
        event = new_event("dialog.trying")
        put(
            event,
            from_uri=pv("$fu"),
            to_uri=pv("$tu"),
            request_uri=pv("$ou"),
            src_ip=pv("$si"),
            user_agent=pv("$ua"),
        )
        self.invite_event = session_fields(event)
        KSR.htable.sht_sets(PENDING, self.invite_key, json.dumps(event))

    def invite(self, msg):
        """It is about to be relayed: what tollbook.cfg has to know of it."""
        if self.invite_key != key_of_invite():
            self.request(msg)
        KSR.pvx.var_seti("tollbook_interval", min(self.invite_event.get("session_expires", 0), 0x7FFFFFFE))
        KSR.pvx.var_seti("tollbook_supported", 1 if self.invite_event["supported_timer"] else 0)

    def trying(self, msg):
        """It is relayed: what the sst module adds to it is not in the message yet, so work it out."""
        event = self.invite_event
        if KSR.pvx.var_get("tollbook_sst") == 1:
            floor = whole(pv("$def(TOLLBOOK_MIN_SE)")) or 90
            expires, min_se = event.get("session_expires", 0), event.get("min_se", 0)
            interval = expires
            if not expires:
                interval = event["fwd_session_expires"] = max(min_se, floor)
                if 0 < min_se < floor:
                    event["fwd_min_se"] = interval
            elif expires < floor:
                interval = max(floor, 90)
                if not event["supported_timer"]:
                    interval = event["fwd_min_se"] = max(floor, min_se)
            if event["supported_timer"] or not expires:
                KSR.pv.sets("$dlg_var(tb_sst)", str(interval))
        KSR.pv.sets("$dlg_var(tb_cseq)", str(event["cseq"]))
        self.invite_stated = True
        KSR.htable.sht_rm(PENDING, self.invite_key)
        state(event)

    def refused(self, msg):
        """A stateless answer of this proxy to an INVITE; the message at hand is that answer."""
        if self.invite_event is None or self.invite_key != key_of_invite():
            return
        KSR.htable.sht_rm(PENDING, self.invite_key)
        if not self.invite_stated:
            self.invite_stated = True
            state(self.invite_event)
        event = put(
            new_event("dialog.failed"),
            sip_code=pv("$rs"),
            by="proxy",
            sip_reason=pv("$rr"),
            min_se=number(pv("$hdr(Min-SE)")),
            reason=pv("$hdr(Reason)"),
        )
        state(event)

    def refusal_acked(self, msg):
        """The ACK of an answer that Kamailio made itself: only now the script can read its status."""
        key = key_of_invite()
        kept = KSR.htable.sht_get(PENDING, key)
        code = pv("$T_reply_code")
        if not kept or not isinstance(code, int) or not 300 <= code <= 699:
            return
        KSR.htable.sht_rm(PENDING, key)
        event = json.loads(kept)
        if event["type"] == "dialog.trying":
            state(event)
            event = put(new_event("dialog.failed"), by="proxy")
        put(event, sip_code=code, to_tag=pv("$tt"))
        state(event)

    def pending_expired(self, msg, kept):
        """Its ACK never came. An INVITE that was neither relayed nor answered states nothing."""
        event = json.loads(kept)
        if event["type"] == "dialog.failed":
            state(event)

    # -- its answers

    def reply(self, msg):
        """A reply came for an INVITE or UPDATE that tollbook.cfg has armed."""
        code, transaction = pv("$rs"), pv("$avp(tollbook_tx)")
        if transaction == "invite":
            if 101 <= code <= 199:
                event = put(new_event("dialog.early"), sip_code=code, sip_reason=pv("$rr"))
                state(event)
            elif 200 <= code <= 299:
                self.confirm(self.answer())
        elif transaction and 200 <= code <= 299 and pv("$avp(tollbook_done)") is None:
            KSR.pv.seti("$avp(tollbook_done)", 1)
            event = put(
                new_event("refresh.accepted", transaction),
                method=pv("$rm"),
                by=transaction,
                sip_code=code,
                sip_reason=pv("$rr"),
            )
            session_fields(event)
            self.hold(event)
            state(event)

    def started(self, msg):
        """The dialog begins: `dialog:start`, once, for the first branch that answers."""
        event = self.answer()
        self.hold(event)
        self.confirm(event)

    def answer(self):
        """A dialog.confirmed of the 2xx at hand."""
        event = put(
            new_event("dialog.confirmed"),
            sip_code=pv("$rs"),
            sip_reason=pv("$rr"),
            user_agent=pv("$ua") or pv("$hdr(Server)"),
        )
        session_fields(event)
        inserted = whole(pv("$dlg_var(tb_sst)"))
        if inserted and not event.get("session_expires"):
            put(event, fwd_session_expires=inserted, fwd_refresher="uac")  # by sst, after this route
        event["lifetime"] = self.seconds_to_hold(event)
        return event

    def confirm(self, event):
        """States it once a leg: 200s are retransmitted, and each branch of a fork may send one."""
        if KSR.htable.sht_inc(LEGS, "%s|%s" % (key_of_invite(), event.get("to_tag"))) == 1:
            state(event)

    def seconds_to_hold(self, event):
        """How long the proxy will hold the dialog from here."""
        interval = effective(event, "session_expires")
        # Kamailio counts whole seconds and may be up to one early: one more, never less than what was agreed.
        return (
            interval + 1
            if interval
            else whole(pv("$dlg_var(tb_life)")) or whole(pv("$def(TOLLBOOK_LIFETIME)"))
        )

    def hold(self, event):
        """Keeps that for the ACK and for the timeout, and gives it to tollbook.cfg."""
        seconds = min(self.seconds_to_hold(event), 0x7FFFFFFF)
        KSR.pv.sets("$dlg_var(tb_hold)", str(seconds))
        KSR.pv.sets("$dlg_var(tb_session)", "%d:%d" % (effective(event, "session_expires"), event["time"]))
        KSR.pvx.var_seti("tollbook_hold", seconds)

    def acked(self, msg):
        if pv("$dlg_var(tb_acked)") or str(pv("$cs")) != pv("$dlg_var(tb_cseq)"):
            return
        KSR.pv.sets("$dlg_var(tb_acked)", "1")
        KSR.pvx.var_seti("tollbook_hold", whole(pv("$dlg_var(tb_hold)")) or 0)
        state(new_event("dialog.acked", "caller"))

    def failure(self, msg):
        """The last branch failed: what was tried is over, unless the script goes on."""
        transaction = pv("$avp(tollbook_tx)")
        timeout = KSR.tm.t_branch_timeout() > 0
        if transaction == "invite":
            ended = "cancelled" if KSR.tm.t_is_canceled() > 0 else "timeout" if timeout else "answered"
            KSR.pv.sets("$dlg_var(tb_failure)", "%s:%s" % (ended, pv("$T_reply_code")))
        elif transaction:
            event = put(
                new_event("refresh.failed", transaction),
                method=pv("$rm"),
                by=transaction,
                sip_code=pv("$T_reply_code"),
            )
            if not timeout:
                put(
                    event,
                    sip_reason=pv("$T_rpl($rr)"),
                    min_se=number(pv("$T_rpl($hdr(Min-SE))")),
                    reason=pv("$T_rpl($hdr(Reason))"),
                )
            state(event)

    def failed(self, msg):
        """The final answer is on its way back: `dialog:failed`. The message is that answer, or a made-up
        request."""
        ended, _, code = (pv("$dlg_var(tb_failure)") or "answered:500").partition(":")
        cancel = KSR.htable.sht_get(
            CANCELS, "%s|%s|%s" % (pv("$dlg(callid)"), pv("$dlg(from_tag)"), pv("$dlg_var(tb_cseq)"))
        )
        if cancel:
            ended = "cancelled"
        by = "caller" if ended == "cancelled" else "callee"
        if pv("$mt") == 2:
            event = put(
                new_event("dialog.failed"),
                sip_code=pv("$rs"),
                by=by,
                sip_reason=pv("$rr"),
                min_se=number(pv("$hdr(Min-SE)")),
                reason=pv("$hdr(Reason)"),
            )
            if cancel and cancel != "-":
                event["reason"] = cancel
            state(event)
            return
        if ended == "timeout":
            state(put(dialog_event("timeout.early"), cseq=whole(pv("$dlg_var(tb_cseq)"))))
        # Kamailio answers by itself and does not tell what. Keep the event until the ACK comes, with what it
        # should be.
        presumed = {"cancelled": 487, "timeout": 408}.get(ended, whole(code) or 500)
        event = put(
            dialog_event("dialog.failed"),
            cseq=whole(pv("$dlg_var(tb_cseq)")),
            by="caller" if ended == "cancelled" else "proxy",
            sip_code=presumed,
            reason=None if cancel == "-" else cancel,
        )
        key = "%s|%s|%s" % (event["callid"], event["from_tag"], event["cseq"])
        KSR.htable.sht_sets(PENDING, key, json.dumps(event))

    # -- inside the dialog

    def refresh(self, msg):
        """A re-INVITE or UPDATE passes."""
        by = sender_of_request()
        KSR.pv.sets("$avp(tollbook_tx)", by)
        event = put(new_event("refresh.requested", by), method=pv("$rm"), by=by)
        state(session_fields(event))

    def alive(self, msg):
        """An in-dialog OPTIONS of Kamailio's own was answered; 481 says that the dialog is gone over
        there."""
        if pv("$rs") in (408, 481):
            return
        by = "caller" if pv("$tt") == pv("$dlg(from_tag)") else "callee"
        state(put(dialog_event("dialog.alive"), by=by))

    # -- its end

    def ended(self, msg):
        """`dialog:end`: a BYE, a hang-up by hand, or a timeout that `timeout` has told already."""
        if pv("$dlg_var(tb_timeout)"):
            return
        if pv("$rm") == "BYE" and pv("$ci") == pv("$dlg(callid)"):
            self.bye(msg)
        else:
            state(put(dialog_event("dialog.terminated"), by=pv("$dlg_var(tollbook_by)") or "admin"))

    def bye(self, msg):
        by = sender_of_request()
        state(put(new_event("dialog.terminated", by), by=by, reason=pv("$hdr(Reason)")))

    def timeout(self, msg):
        """The dialog's timer fired. The message is made up; only $dlg and $dlg_var tell the truth."""
        KSR.pv.sets("$dlg_var(tb_timeout)", "1")
        interval, _, since = (pv("$dlg_var(tb_session)") or "0:0").partition(":")
        interval, since, now = int(interval), int(since), microseconds()
        lifetime = whole(pv("$dlg(lifetime)"))
        if pv("$dlg(state)") == CONFIRMED_NO_ACK:
            event = dialog_event("timeout.no_ack")
        elif (
            pv("$dlg_var(tb_ping)")
            and lifetime == PING_LIFETIME
            and pv("$dlg_var(tb_hold)") != str(PING_LIFETIME)
        ):
            event = dialog_event("timeout.ping")
        elif interval and now >= since + (interval - 1) * 1000000:
            event = dialog_event("timeout.session")
        else:
            event = put(dialog_event("timeout.lifetime"), lifetime=lifetime)
        event["bye_sent"] = pv("$dlg_var(tb_bye)") == "1"
        state(event)

    # -- the other process

    def sender_turn(self, msg):
        if self.sender is None:
            from tollbook_sender import Sender

            self.sender = Sender()
        self.sender.turn()


def guarded(handler):
    """No exception may reach the SIP path, and no return value may end the route."""

    def call(self, *arguments):
        try:
            handler(self, *arguments)
        except Exception as error:
            KSR.err("tollbook: %s: %r\n" % (handler.__name__, error))
            if handler.__name__ == "sender_turn":
                time.sleep(1)
        return 1

    return call


for _name in (
    "request",
    "invite",
    "trying",
    "refused",
    "refusal_acked",
    "pending_expired",
    "reply",
    "started",
    "acked",
    "failure",
    "failed",
    "refresh",
    "alive",
    "ended",
    "bye",
    "timeout",
    "sender_turn",
):
    setattr(Tollbook, _name, guarded(getattr(Tollbook, _name)))


def mod_init():
    # `app_python.reload` runs this again in each process: the sender, its numbers and its socket must outlive
    # that.
    global TOLLBOOK
    kept = globals().get("TOLLBOOK")
    TOLLBOOK = Tollbook()
    if kept is not None:
        TOLLBOOK.sender = kept.sender
    return TOLLBOOK
