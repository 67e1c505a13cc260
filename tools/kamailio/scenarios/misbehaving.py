"""User agents that keep RFC 4028, and others that each break one rule of it. What an audit must find of each
stands in Tests/Kamailio/test_misbehaving.py.

Intervals are real ones, 90 s and more, and so is the proxy's minimum: whatever the audit finds, a user agent
has done it. That takes time: half of 90 s and a tolerance of 10 s is 55 s, the last third begins at 60 s, and
at 91 s the proxy gives the dialog up (Kamailio counts whole seconds: it may be 90 or 92). Played all at once
they take a minute and three quarters.
"""

import calls
from sipp_script import timer

CALLS = {}
AGREED = calls.AGREED
PROXY_GIVES_UP = 110000  # milliseconds after the answer at which its BYE has come at the latest
OVER = 95000  # milliseconds after which an interval of 90 s is over, for the proxy too


def call(maker):
    calls.call(maker, CALLS)
    make = CALLS[maker.__name__]

    def patient():
        made = make()
        made.seconds_max = 130
        return made

    CALLS[maker.__name__] = patient
    return patient


# -- as it should be


@call
def kept_by_caller(call, caller, callee):
    caller.invite(timer(90, "uac", 90)).answered()
    callee.accept(timer(90, "uac", **AGREED))
    for _ in range(2):
        caller.pause(43000).update(timer(90, "uac"))
        callee.answer_update(timer(90, "uac", **AGREED))
    caller.pause(300).bye()
    callee.answer_bye()


@call
def kept_by_callee(call, caller, callee):
    caller.invite(timer(90, "uas", 90)).answered()
    callee.accept(timer(90, "uas")).pause(43000).reinvite(timer(90, "uac"))
    caller.answer_reinvite(timer(90, "uac", **AGREED)).pause(20000).bye()
    callee.answer_bye()


@call
def raised_when_told(call, caller, callee):
    """422 to the INVITE, and to a refresh: each time with more the next time."""
    caller.invite(timer(120)).refused(422)
    caller.invite(timer(300, "uac", 300)).answered()
    callee.refuse("422 Session Interval Too Small", "Min-SE: 300")
    callee.accept(timer(300, "uac", **AGREED))
    caller.pause(300).update(timer(300, "uac", 300), code=422)
    callee.answer_update("Min-SE: 600", "422 Session Interval Too Small")
    caller.update(timer(600, "uac", 600)).pause(300).bye()
    callee.answer_update(timer(600, "uac", **AGREED)).answer_bye()


@call
def without_timers(call, caller, callee):
    caller.invite().answered().pause(300).bye()
    callee.accept().answer_bye()


@call
def gone_and_given_up(call, caller, callee):
    """The refresh finds nobody; 20 s later the caller hangs up, within the 32 s that it has."""
    caller.invite(timer(1800, "uac", 90)).answered()
    callee.accept(timer(1800, "uac", **AGREED))
    caller.pause(300).update(timer(1800, "uac"), code=481).pause(20000).bye()
    callee.answer_update(line="481 Call/Transaction Does Not Exist").answer_bye()


# -- refreshes that come late, or not at all


def refreshed_after(caller, callee, milliseconds):
    caller.invite(timer(90, "uac", 90)).answered().pause(milliseconds).update(timer(90, "uac"))
    caller.pause(300).bye()
    callee.accept(timer(90, "uac", **AGREED)).answer_update(timer(90, "uac", **AGREED)).answer_bye()


@call
def late(call, caller, callee):
    refreshed_after(caller, callee, 57200)


@call
def critical(call, caller, callee):
    refreshed_after(caller, callee, 75000)


@call
def overdue(call, caller, callee):
    call.proxy = "silent"
    refreshed_after(caller, callee, OVER)


@call
def never(call, caller, callee):
    call.proxy = "silent"
    caller.invite(timer(90, "uac", 90)).answered().pause(OVER).bye()
    callee.accept(timer(90, "uac", **AGREED)).answer_bye()


@call
def dead(call, caller, callee):
    """Nobody is there any more, and the proxy says nothing to them."""
    call.proxy = "silent"
    caller.invite(timer(90, "uac", 90)).answered().pause(OVER)
    callee.accept(timer(90, "uac", **AGREED))


@call
def bye_never_came(call, caller, callee):
    """Both have hung up after a refresh, but no BYE came by: to the proxy's own they say that there is no
    call."""
    caller.invite(timer(90, "uac", 90)).answered().pause(1000).update(timer(90, "uac"))
    callee.accept(timer(90, "uac", **AGREED)).answer_update(timer(90, "uac", **AGREED))
    for side in (caller, callee):
        side.answer_bye_of_proxy("481 Call/Transaction Does Not Exist", PROXY_GIVES_UP)


@call
def gone_and_kept(call, caller, callee):
    """The refresh finds nobody, and the caller stays on the line for 36 s."""
    caller.invite(timer(1800, "uac", 90)).answered()
    callee.accept(timer(1800, "uac", **AGREED))
    caller.pause(300).update(timer(1800, "uac"), code=481).pause(36000).bye()
    callee.answer_update(line="481 Call/Transaction Does Not Exist").answer_bye()


@call
def silent_and_kept(call, caller, callee):
    """As above, with no answer at all."""
    caller.invite(timer(1800, "uac", 90)).answered()
    callee.accept(timer(1800, "uac", **AGREED))
    caller.pause(300).update(timer(1800, "uac"), code=408).pause(36000).bye()
    for _ in range(3):
        callee.receive("UPDATE", optional=True)  # and its retransmissions
    callee.answer_bye()


# -- who refreshes


@call
def overrides_refresher(call, caller, callee):
    caller.invite(timer(300, "uas", 90)).answered().pause(300).bye()
    callee.accept(timer(300, "uac", **AGREED)).answer_bye()


@call
def takes_refreshing_over(call, caller, callee):
    """The caller is to refresh, but the callee does."""
    caller.invite(timer(300, "uac", 90)).answered()
    callee.accept(timer(300, "uac", **AGREED)).pause(300).update(timer(300, "uac"))
    caller.answer_update(timer(300, "uac", **AGREED)).pause(300).bye()
    callee.answer_bye()


@call
def names_no_refresher(call, caller, callee):
    caller.invite(timer(300, min_se=90)).answered().pause(300).bye()
    callee.accept(timer(300, **AGREED)).answer_bye()


@call
def requires_nothing(call, caller, callee):
    caller.invite(timer(300, min_se=90)).answered().pause(300).bye()
    callee.accept(timer(300, "uac")).answer_bye()


# -- intervals


@call
def asks_for_too_little(call, caller, callee):
    caller.invite(timer(60)).refused(422)
    caller.invite(timer(90, min_se=90)).answered().pause(300).bye()
    callee.accept(timer(90, "uac", **AGREED)).answer_bye()


@call
def asks_for_less_than_its_minimum(call, caller, callee):
    caller.invite(timer(100, min_se=120)).answered().pause(300).bye()
    callee.accept(timer(120, "uac", **AGREED)).answer_bye()


@call
def states_too_small_a_minimum(call, caller, callee):
    caller.invite(timer(300, "uac", 60)).answered().pause(300).bye()
    callee.accept(timer(300, "uac", **AGREED)).answer_bye()


@call
def answers_too_little(call, caller, callee):
    caller.invite(timer(300)).answered().pause(300).bye()
    callee.accept(timer(60, "uac", **AGREED)).answer_bye()


@call
def answers_less_than_the_minimum(call, caller, callee):
    caller.invite(timer(300, min_se=120)).answered().pause(300).bye()
    callee.accept(timer(100, "uac", **AGREED)).answer_bye()


@call
def raises_the_interval(call, caller, callee):
    """In its answer to the INVITE, and in that to the refresh."""
    caller.invite(timer(300, "uac", 90)).answered().pause(300).update(timer(300, "uac")).pause(300).bye()
    callee.accept(timer(600, "uac", **AGREED)).answer_update(timer(301, "uac", **AGREED)).answer_bye()


# -- Session Interval Too Small


@call
def refuses_without_saying_why(call, caller, callee):
    """A 422 that names no Min-SE: the caller can only guess."""
    caller.invite(timer(120)).refused(422)
    caller.invite(timer(600)).answered().pause(300).bye()
    callee.refuse("422 Session Interval Too Small").accept(timer(600, "uac", **AGREED)).answer_bye()


@call
def ignores_the_callee(call, caller, callee):
    caller.invite(timer(120)).refused(422)
    caller.invite(timer(120)).answered().pause(300).bye()
    callee.refuse("422 Session Interval Too Small", "Min-SE: 300")
    callee.accept(timer(120, "uac", **AGREED)).answer_bye()


@call
def ignores_the_proxy(call, caller, callee):
    caller.invite(timer(60)).refused(422)
    caller.invite(timer(60)).refused(422)
    call.callee = None


@call
def ignores_it_in_a_refresh(call, caller, callee):
    caller.invite(timer(300, "uac", 90)).answered()
    callee.accept(timer(300, "uac", **AGREED))
    caller.pause(300).update(timer(300, "uac"), code=422)
    callee.answer_update("Min-SE: 600", "422 Session Interval Too Small")
    caller.update(timer(300, "uac", 90)).pause(300).bye()
    callee.answer_update(timer(300, "uac", **AGREED)).answer_bye()


@call
def refuses_again(call, caller, callee):
    """Although it is offered what it has asked for, and once more though more than that."""
    caller.invite(timer(120)).refused(422)
    caller.invite(timer(300, min_se=300)).refused(422)
    caller.invite(timer(600, min_se=300)).refused(422)
    for _ in range(3):
        callee.refuse("422 Session Interval Too Small", "Min-SE: 300")
