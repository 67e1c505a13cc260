"""The log as the `events` command prints it: events, canonical order, gaps, the clock."""

from strict_json import Number, parse_with_spans
from validity import REQUIRED, validate


class LogError(Exception):
    """The file is not a log: a line that can't be read, or an event that should have been rejected."""


class Event:
    """One entry of the log. Fields that are null count as absent."""

    def __init__(self, position, source, epoch, seq, fields):
        self.position = position
        self.source = source
        self.epoch = epoch
        self.seq = seq
        self.fields = fields
        self.type = fields["type"]
        self.time = fields["time"].integer()

    @property
    def canonical(self):
        return (self.time, self.source.encode("utf-8"), self.epoch, self.seq)

    @property
    def is_known(self):
        return self.type in REQUIRED

    def has(self, name):
        return self.fields.get(name) is not None

    def get(self, name):
        """The field's value; None where it is absent or null. Integers come as int."""
        value = self.fields.get(name)
        return value.integer() if isinstance(value, Number) else value

    def effective(self, name):
        """What was sent on where the proxy changed it, else what was received; a number of 0 is none."""
        value = self.get("fwd_" + name)
        if value is None:
            value = self.get(name)
        return None if value == 0 else value

    @property
    def call_key(self):
        """(callid, from_tag), or None for an event of no call.

        Events of a call are those of the types that state facts about one. A `source.*` or `ledger.tick`
        that happens to carry a `callid` is not among them.
        """
        family = self.type.split(".")[0]
        if not self.is_known or (family not in ("dialog", "refresh", "timeout")
                                 and self.type != "ledger.expired"):
            return None
        return (self.get("callid"), self.get("from_tag"))

    def __repr__(self):
        return f"<{self.position}: {self.type} {self.time}>"


class Gap:
    """A `ledger.gap`, and which of its numbers have come."""

    def __init__(self, event):
        self.event = event
        self.source = event.get("gap_source")
        self.epoch = event.get("gap_epoch")
        self.numbers = (event.get("from_seq"), event.get("to_seq"))
        self.after = event.get("after")
        self.before = event.get("before")

    def is_open(self, arrived):
        """`arrived`: what has come, rejected or not; a set of numbers for each (source, epoch)."""
        first, last = self.numbers
        came = sum(1 for seq in arrived.get((self.source, self.epoch), ()) if first <= seq <= last)
        return came < last - first + 1

    def meets(self, started_at, ended_at):
        """Whether [started_at, ended_at] and [after, before] share an instant; null is unbounded."""
        return ((self.before is None or started_at <= self.before)
                and (self.after is None or self.after <= ended_at))


class Log:
    """Entries in position order."""

    def __init__(self, events):
        self.events = sorted(events, key=lambda event: event.position)

    def calls(self):
        """The events of each call, calls in the order of their key, events in the log's."""
        calls = {}
        for event in self.events:
            if event.call_key is not None:
                calls.setdefault(event.call_key, []).append(event)
        return {key: calls[key] for key in sorted(calls, key=encoded)}

    def open_gaps(self):
        arrived = {}
        for event in self.events:
            arrive(arrived, event)
        gaps = [Gap(event) for event in self.events if event.type == "ledger.gap"]
        return [gap for gap in gaps if gap.is_open(arrived)]

    def as_of(self):
        """The greatest time among events of known types but `ledger.rejected` and `ledger.gap`."""
        times = [event.time for event in self.events
                 if event.is_known and event.type not in ("ledger.rejected", "ledger.gap")]
        return max(times, default=0)


def arrive(arrived, event):
    """Notes the numbers that have come with an entry: its own, and that of the event it rejects."""
    arrived.setdefault((event.source, event.epoch), set()).add(event.seq)
    if event.type == "ledger.rejected" and event.has("of_seq"):
        arrived.setdefault((event.get("of_source"), event.get("of_epoch")), set()).add(event.get("of_seq"))


def encoded(strings):
    """A sort key: strings are ordered as UTF-8 bytes."""
    return tuple(string.encode("utf-8") for string in strings)


def read_log(path):
    events = []
    with open(path, "rb") as file:
        for number, line in enumerate(file.read().split(b"\n"), start=1):
            if line.strip():
                events.append(read_entry(line, number))
    return Log(events)


def read_entry(line, number):
    """One line. An event that the rules call invalid has no business in a log: that is an error here."""
    try:
        entry, spans = parse_with_spans(line)
        source = entry["source"]
        reason = validate(spans["event"], source)
        if reason:
            raise LogError(f"line {number}: the log holds an invalid event: {reason}")
        position = entry.get("position")
        return Event(
            position.integer() if position is not None else number,
            source, entry["epoch"].integer(), entry["seq"].integer(), entry["event"])
    except LogError:
        raise
    except Exception as error:
        raise LogError(f"line {number}: not an entry of a log: {error!r}") from error
