"""Calls, occurrences, attempts and legs, and what ends them."""

from log import encoded

SECOND = 1_000_000
LIFETIME_SECONDS = 43_200
UNANSWERED_SECONDS = 900

UNMERGED_TYPES = ("dialog.alive", "ledger.expired")
ATTEMPT_TYPES = ("dialog.trying", "dialog.early", "dialog.confirmed", "dialog.failed")
LEG_TIMEOUTS = ("timeout.session", "timeout.lifetime", "timeout.no_ack", "timeout.ping", "timeout.media")
LEG_TYPES = ("dialog.confirmed", "dialog.acked", "dialog.alive", "dialog.terminated") + LEG_TIMEOUTS


def canonically(events):
    return sorted(events, key=lambda event: event.canonical)


def earliest(events):
    return min(events, key=lambda event: event.canonical, default=None)


def makes_leg(event):
    """Whether the event makes its `to_tag` a leg. An UPDATE may belong to an early dialog."""
    if event.type.startswith("refresh."):
        return event.get("method") == "INVITE"
    return event.type in LEG_TYPES


def occurrences(events):
    """The events that stand for their occurrence, in canonical order."""
    standing, seen = [], set()
    for event in canonically(events):
        if event.type in UNMERGED_TYPES or event.type.startswith("timeout."):
            standing.append(event)
            continue
        agreement = (event.type,) + tuple(
            event.get(name) for name in ("to_tag", "cseq", "method", "by", "sip_code"))
        if agreement not in seen:
            seen.add(agreement)
            standing.append(event)
    return standing


class Call:
    """All events of one (callid, from_tag)."""

    def __init__(self, events):
        self.all_events = canonically(events)
        self.callid, self.from_tag = self.all_events[0].call_key
        self.events = occurrences(self.all_events)
        self.final_attempt = max(
            (event.get("cseq") for event in self.of_type(*ATTEMPT_TYPES)), default=None)
        self.legs = self._legs()

    def of_type(self, *types):
        """The standing events of these types, in canonical order."""
        return [event for event in self.events if event.type in types]

    def _legs(self):
        tags = {event.get("to_tag") for event in self.events if makes_leg(event)}
        legs = [Leg(self, to_tag) for to_tag in tags]
        legs.sort(key=lambda leg: (leg.answered_at, leg.to_tag.encode("utf-8")))
        for number, leg in enumerate(legs, start=1):
            leg.number = number
        return legs

    @property
    def started_at(self):
        trying = earliest(self.of_type("dialog.trying"))
        return trying.time if trying else self.events[0].time

    @property
    def start_unseen(self):
        return not self.of_type("dialog.trying")

    @property
    def sources(self):
        return sorted({event.source for event in self.all_events if event.source != "ledger"})

    def from_trying(self, name, attempt):
        """From the attempt's earliest `dialog.trying` that has the field, else from the call's."""
        tryings = [event for event in self.of_type("dialog.trying") if event.has(name)]
        of_attempt = [event for event in tryings if event.get("cseq") == attempt]
        chosen = earliest(of_attempt) or earliest(tryings)
        return chosen.get(name) if chosen else None

    def ending_without_legs(self):
        """What ends a call without legs, or None while it is open."""
        ends = [event for event in self.of_type("dialog.failed")
                if event.get("cseq") == self.final_attempt]
        ends += [event for event in self.of_type("timeout.early")
                 if not event.has("cseq") or event.get("cseq") == self.final_attempt]
        presumed = [event for event in self.of_type("ledger.expired") if not event.has("to_tag")]
        return earliest(ends) or earliest(presumed)


class Mark:
    """What set the session timer: an answer or an accepted refresh."""

    def __init__(self, event):
        self.event = event
        self.time = event.time
        self.interval = event.effective("session_expires") or 0
        self.refresher = self._refresher(event) if self.interval > 0 else None

    @staticmethod
    def _refresher(event):
        parameter = event.effective("refresher")
        if parameter is None:
            return None
        if event.type == "dialog.confirmed":
            return "caller" if parameter == "uac" else "callee"
        by = event.get("by")
        if by not in ("caller", "callee"):
            return None
        other = "callee" if by == "caller" else "caller"
        return by if parameter == "uac" else other

    @property
    def interval_us(self):
        return self.interval * SECOND


class Leg:
    """A `to_tag` of a call, from its answer on."""

    def __init__(self, call, to_tag):
        self.call = call
        self.to_tag = to_tag
        self.number = None
        self.events = [event for event in call.events if event.get("to_tag") == to_tag]
        self.confirmed = earliest(self.of_type("dialog.confirmed"))
        self.answer = self.confirmed or earliest(event for event in self.events if makes_leg(event))
        self.answered_at = self.answer.time
        self.attempt = self.confirmed.get("cseq") if self.confirmed else call.final_attempt
        self.ending = self._ending()
        self.ended_at = self.ending.time if self.ending else None
        self.marks = self._marks(until=self.ended_at)

    def of_type(self, *types):
        return [event for event in self.events if event.type in types]

    @property
    def is_open(self):
        return self.ending is None

    def _ending(self):
        parted = [event for event in self.of_type("dialog.terminated")
                  if event.get("by") in ("caller", "callee")]
        ends = self.of_type("dialog.terminated")
        for timeout in self.of_type(*LEG_TIMEOUTS):
            lived_on = any(bye.canonical > timeout.canonical for bye in parted)
            if timeout.get("bye_sent") is True or not lived_on:
                ends.append(timeout)
        presumed = [event for event in self.of_type("ledger.expired") if self._is_valid(event)]
        return earliest(ends) or earliest(presumed)

    def _is_valid(self, expired):
        """A presumption falls where all the leg's marks, had it not ended, give a later expiry."""
        expiry = expiry_after(self._marks(until=None))
        return expiry is None or expiry <= expired.get("deadline")

    def _marks(self, until):
        events = [event for event in self.of_type("refresh.accepted")
                  if self.answered_at <= event.time and (until is None or event.time <= until)]
        if self.confirmed:
            events.append(self.confirmed)
        return [Mark(event) for event in canonically(events)]

    @property
    def last_mark(self):
        return self.marks[-1] if self.marks else None

    @property
    def session_expiry(self):
        """Time of the last mark and its interval; None where no timer runs."""
        return expiry_after(self.marks)

    @property
    def deadline(self):
        """When an open leg is taken for dead."""
        if self.session_expiry is not None:
            return self.session_expiry
        stated = self.confirmed.get("lifetime") if self.confirmed else None
        return self.answered_at + (LIFETIME_SECONDS if stated is None else stated) * SECOND

    @property
    def accepted_refreshes(self):
        return [mark.event for mark in self.marks if mark.event.type == "refresh.accepted"]

    @property
    def last_proof_at(self):
        """The last sign that both sides were there. An open leg's proofs have no upper bound."""
        proofs = self.of_type("dialog.confirmed", "dialog.acked", "dialog.alive", "refresh.accepted")
        proofs += [event for event in self.of_type("refresh.requested")
                   if event.get("by") in ("caller", "callee")]
        times = [event.time for event in proofs
                 if self.answered_at <= event.time
                 and (self.ended_at is None or event.time <= self.ended_at)]
        return max(times, default=self.answered_at)


def expiry_after(marks):
    if not marks or marks[-1].interval == 0:
        return None
    return marks[-1].time + marks[-1].interval_us


def leg_key(leg):
    return encoded((leg.call.callid, leg.call.from_tag, leg.to_tag))
