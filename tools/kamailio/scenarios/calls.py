"""The calls that are played: who does what, and when. What a ledger must make of each stands in
expected.json.

Intervals of a few seconds stand for real ones: the proxy runs with TOLLBOOK_MIN_SE=4. `proxy` says what the
call wants of the proxy; it becomes the user part of the Request-URI, and scenarios.cfg acts on it.
"""

from sipp_script import Caller, Callee, timer

AGREED = dict(require=True)


class Call:
    def __init__(self, proxy="call"):
        self.proxy = proxy
        self.caller, self.callee = Caller(), Callee()
        self.seconds_max = 60  # a SIPp that has not ended by then is stuck
        self.hang_up_after = None  # milliseconds after the start at which an operator ends the dialog by RPC


CALLS = {}  # played by `play --all`
SLOW = {}  # by name only: Kamailio pings a dialog every 30 s at most, these take up to 45 s


def call(maker, among=CALLS):
    """Adds the call that `maker` describes, under its name."""

    def make():
        made = Call()
        maker(made, made.caller, made.callee)
        return made

    among[maker.__name__] = make
    return make


def slow_call(maker):
    return call(maker, SLOW)


# -- calls that end as they should


@call
def normal(call, caller, callee):
    caller.invite("X-Account: 4711").answered().pause(300).bye()
    callee.accept().answer_bye()


@call
def callee_hangs_up(call, caller, callee):
    caller.invite(timer(1800, min_se=90)).answered().answer_bye()
    callee.accept(timer(1800, "uac", **AGREED)).pause(400).bye('Reason: Q.850;cause=16;text="Terminated"')


@call
def compact_headers(call, caller, callee):
    caller.invite("k: timer\nx: 1800;refresher=uac\nMin-SE: 90", agent="Caf\xe9 1.0").answered()
    caller.pause(300).bye()
    callee.accept("k: timer\nRequire: timer\nx: 1800;refresher=uac").answer_bye()


@call
def callee_without_timers(call, caller, callee):
    caller.invite(timer(1800, min_se=90)).answered().pause(300).bye()
    callee.accept().answer_bye()


@call
def caller_names_no_interval(call, caller, callee):
    caller.invite(timer(None, min_se=600)).answered().pause(300).bye()
    callee.accept(timer(600, "uas", **AGREED)).answer_bye()


# -- refreshes


@call
def refresh_by_invite(call, caller, callee):
    caller.invite(timer(90, "uac", 90)).answered()
    callee.accept(timer(90, "uac", **AGREED))
    for _ in range(2):
        caller.pause(600).reinvite(timer(90, "uac"))
        callee.answer_reinvite(timer(90, "uac", **AGREED))
    caller.pause(300).bye()
    callee.answer_bye()


@call
def refresh_by_update(call, caller, callee):
    caller.invite(timer(120, min_se=90)).answered()
    callee.accept(timer(120, "uas"))
    callee.pause(600).update(timer(120, "uac"))  # uac of this transaction: the callee
    caller.answer_update(timer(120, "uac", **AGREED))
    caller.pause(600).update(timer(120, "uac"))
    callee.answer_update(timer(120, "uac", **AGREED)).pause(300).bye()
    caller.answer_bye()


@call
def refresh_refused(call, caller, callee):
    caller.invite(timer(90, "uac", 90)).answered()
    callee.accept(timer(90, "uac", **AGREED))
    caller.pause(300).update(timer(90, "uac"), code=422)
    callee.answer_update("Min-SE: 180", "422 Session Interval Too Small")
    caller.update(timer(180, "uac", 180))
    callee.answer_update(timer(180, "uac", **AGREED))
    # The ACK comes late, so that the 200 is sent three times: one refresh all the same.
    caller.request("INVITE", timer(180, "uac", 180), sdp=True).receive(100, optional=True)
    caller.receive(200, routes=True).pause(1700).request("ACK")
    callee.answer_reinvite(timer(180, "uac", **AGREED), retransmit=True)
    caller.reinvite(timer(180, "uac", 180), code=481)
    callee.answer_reinvite(line="481 Call/Transaction Does Not Exist")
    caller.bye()
    callee.answer_bye()


@call
def refresh_unanswered(call, caller, callee):
    caller.invite(timer(90, "uac", 90)).answered()
    callee.accept(timer(90, "uac", **AGREED))
    caller.pause(300).update(timer(90, "uac"), code=408)
    for _ in range(3):
        callee.receive("UPDATE", optional=True)  # and its retransmissions
    caller.pause(200).bye()
    callee.answer_bye()


@call
def refresh_late(call, caller, callee):
    caller.invite(timer(6, "uac", 4)).answered()
    callee.accept(timer(6, "uac", **AGREED))
    for after in (2000, 3600, 5200):
        caller.pause(after).update(timer(6, "uac"))
        callee.answer_update(timer(6, "uac", **AGREED))
    caller.pause(300).bye()
    callee.answer_bye()


@call
def refresh_overdue(call, caller, callee):
    call.proxy = "silent"
    caller.invite(timer(5, "uac", 4)).answered().pause(7000).update(timer(5, "uac")).pause(300).bye()
    callee.accept(timer(5, "uac", **AGREED)).answer_update(timer(5, "uac", **AGREED)).answer_bye()


@call
def never_refreshed(call, caller, callee):
    call.proxy = "silent"
    caller.invite(timer(5, "uac", 4)).answered().answer_bye()
    callee.accept(timer(5, "uac", **AGREED)).pause(7000).bye()


@call
def wrong_refresher(call, caller, callee):
    caller.invite(timer(90, "uas", 90)).answered()
    callee.accept(timer(90, "uac", **AGREED))  # must not change what the caller has chosen
    callee.pause(300).update(timer(90, "uac"))  # and then refreshes all the same
    caller.answer_update(timer(90, "uac", **AGREED)).pause(300).bye()
    callee.answer_bye()


# -- intervals


@call
def interval_too_small(call, caller, callee):
    caller.invite(timer(60)).answered().pause(300).bye()
    callee.accept(timer(30, "uac", **AGREED)).answer_bye()


@call
def interval_refused_by_proxy(call, caller, callee):
    caller.invite(timer(2)).refused(422)
    caller.invite(timer(90, min_se=90)).answered().pause(300).bye()
    callee.accept(timer(90, "uac", **AGREED)).answer_bye()


@call
def interval_refused_by_callee(call, caller, callee):
    caller.invite(timer(120)).refused(422)
    caller.invite(timer(300, min_se=300)).answered().pause(300).bye()
    callee.refuse("422 Session Interval Too Small", "Min-SE: 300")
    callee.accept(timer(300, "uac", **AGREED)).answer_bye()


# -- calls that hang


@call
def hung(call, caller, callee):
    caller.invite(timer(5, "uac", 4)).answered().answer_bye_of_proxy()
    callee.accept(timer(5, "uac", **AGREED)).answer_bye_of_proxy()


@call
def hung_silent(call, caller, callee):
    call.proxy = "silent"
    caller.invite(timer(5, "uac", 4)).answered().pause(7000)
    callee.accept(timer(5, "uac", **AGREED))


@call
def bye_lost(call, caller, callee):
    caller.invite(timer(5, "uac", 4)).answered().pause(2000).update(timer(5, "uac"))
    callee.accept(timer(5, "uac", **AGREED)).answer_update(timer(5, "uac", **AGREED))
    gone = "481 Call/Transaction Does Not Exist"
    caller.answer_bye_of_proxy(gone)
    callee.answer_bye_of_proxy(gone)


@call
def lifetime_over(call, caller, callee):
    call.proxy = "lifetime"
    caller.invite().answered().answer_bye_of_proxy()
    callee.accept().answer_bye_of_proxy()


@call
def never_acknowledged(call, caller, callee):
    call.proxy = "silent"
    caller.invite(timer(5, "uac", 4)).ringing().receive(200).pause(7000)
    callee.accept(timer(5, "uac", **AGREED), ack=False)


@call
def hung_up_by_admin(call, caller, callee):
    call.hang_up_after = 800
    caller.invite().answered().answer_bye_of_proxy()
    callee.accept().answer_bye_of_proxy()


# -- calls that are not answered


@call
def cancelled(call, caller, callee):
    caller.invite(timer(1800)).receive(100, optional=True).receive(180).pause(400)
    caller.cancel('Reason: SIP;cause=487;text="caller gave up"').receive(200).refused(487)
    # The CANCEL carries one Via, the INVITE two: the 487 needs those of the INVITE.
    vias = (
        '<action><ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="via1"/>'
        '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" assign_to="via2"/></action>'
    )
    callee.receive("INVITE", action=vias).ring().receive("CANCEL").answer("200 OK")
    callee.send(
        [
            "SIP/2.0 487 Request Terminated",
            "Via:[$via1]",
            "Via:[$via2]",
            "[last_From:]",
            Callee.tagged,
            "[last_Call-ID:]",
            "CSeq: 1 INVITE",
        ]
    ).receive("ACK")


@call
def busy(call, caller, callee):
    caller.invite(timer(1800)).refused(486)
    callee.refuse("486 Busy Here", "Reason: Q.850;cause=17", ring=True)


@call
def declined(call, caller, callee):
    caller.invite(timer(1800)).refused(603)
    callee.refuse("603 Decline")


@call
def redirected(call, caller, callee):
    caller.invite().refused(302)
    callee.refuse("302 Moved Temporarily", "Contact: <sip:bob@192.0.2.7>")


@call
def no_answer(call, caller, callee):
    caller.invite(timer(1800)).refused(408, timeout=9000)
    callee.receive_invite().ring().receive("CANCEL", timeout=9000).answer("200 OK").pause(200)


@call
def unauthorized(call, caller, callee):
    caller.invite().refused(401)
    caller.invite('Authorization: Digest username="alice"').answered().pause(300).bye()
    callee.refuse("401 Unauthorized", 'WWW-Authenticate: Digest realm="bob", nonce="1"')
    callee.accept().answer_bye()


@call
def challenged_by_proxy(call, caller, callee):
    call.proxy = "challenged"
    caller.invite().refused(407)
    caller.invite('Proxy-Authorization: Digest username="alice"').answered().pause(300).bye()
    callee.accept().answer_bye()


@call
def refused_by_proxy(call, caller, callee):
    caller.invite(uri="sip:bob@192.0.2.7").refused(403)
    call.callee = None


@call
def refused_statefully(call, caller, callee):
    call.proxy = "unknown"
    caller.invite().refused(404)
    call.callee = None


@call
def second_branch_answers(call, caller, callee):
    call.proxy = "failover"
    caller.invite().answered().pause(300).bye()
    callee.refuse("503 Service Unavailable").accept().answer_bye()


@call
def two_branches_answer(call, caller, callee):
    """Both branches of a parallel fork answer, the second one while it is being cancelled; the caller takes
    the first and hangs up on the second."""
    call.proxy = "fork"
    caller.invite().ringing().receive(200, routes=True).pause(50).request("ACK")
    caller.receive(200, routes=True).request("ACK", other="b2").request("BYE", other="b2").receive(200)
    caller.pause(300).request("BYE", other="b1").receive(200)

    def remember(first, second):
        return (
            '<action><ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="%s"/>'
            '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" assign_to="%s"/>'
            '<ereg regexp=".*" search_in="hdr" header="Record-Route:" assign_to="route"/></action>'
            % (first, second)
        )

    def accept(first, second, tag):
        callee.send(
            [
                "SIP/2.0 200 OK",
                "Via:[$%s]" % first,
                "Via:[$%s]" % second,
                "[last_From:]",
                "[last_To:];tag=" + tag,
                "[last_Call-ID:]",
                "CSeq: 1 INVITE",
                "Record-Route:[$route]",
                Callee.contact,
            ],
            sdp=True,
        )

    callee.receive("INVITE", action=remember("via1", "via2"))
    callee.receive("INVITE", action=remember("via3", "via4"))
    callee.ring().pause(100)
    accept("via1", "via2", "b1")
    callee.receive("CANCEL").answer("200 OK").receive("ACK")
    accept("via3", "via4", "b2")
    callee.receive("ACK").answer_bye().answer_bye()


# -- pings


@slow_call
def pinged(call, caller, callee):
    caller.invite().answered().receive("OPTIONS").answer("200 OK").pause(500).bye()
    callee.accept().receive("OPTIONS").answer("200 OK").answer_bye()


@slow_call
def ping_unanswered(call, caller, callee):
    caller.invite().answered().receive("OPTIONS").answer("200 OK").answer_bye_of_proxy()
    callee.accept()
    for _ in range(4):
        callee.receive("OPTIONS", optional=True)  # and its retransmissions
    callee.answer_bye_of_proxy()


# -- load: one refresh and eleven messages through the proxy, eight events; not among the scenarios


def load():
    made = Call()
    made.caller.invite(timer(1800, "uac", 90)).answered().pause(200)
    made.caller.update(timer(1800, "uac")).pause(200).bye()
    made.callee.accept(timer(1800, "uac", **AGREED), ring=20)
    made.callee.answer_update(timer(1800, "uac", **AGREED)).answer_bye()
    return made
