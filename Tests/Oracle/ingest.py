"""The log that an import of lines makes: what is taken, what is rejected, under which identity.

It lets the rules be tried without the product, and says what the product's own log should hold. An
entry of the ledger's that this makes has an epoch of its own (`INGEST_EPOCH`); the product's will differ.
"""

import base64
import hashlib

from strict_json import InvalidJson, Number, members, parse
from validity import INT64_MAX, SOURCE, validate

INGEST_EPOCH = 9


class Ingest:
    def __init__(self, now=None):
        self.now = now
        self.entries = []
        self.taken = {}
        self.rejected_count = 0

    def file(self, raw):
        """Appends the lines of one file."""
        bare_source = "import:" + hashlib.sha256(raw).hexdigest()[:16]
        lines = raw.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        for number, line in enumerate(lines, start=1):
            identity, event = read_line(line)
            self.append(identity or (bare_source, 1, number), event)

    def append(self, identity, raw):
        if identity in self.taken:
            # Known: the same bytes add nothing, others are a conflict, stated once for each.
            if raw not in self.taken[identity]:
                self.taken[identity].append(raw)
                self.reject(identity, raw, "conflict")
            return
        self.taken[identity] = [raw]
        reason = validate(raw, identity[0], self.now)
        if reason:
            self.reject(identity, raw, reason)
            return
        self.entry(*identity, raw)
        event = parse(raw)
        if event["type"] == "ledger.rejected" and event.get("of_seq"):
            # The number of the event that was rejected is taken too, with the bytes that were kept.
            of = (event["of_source"], event["of_epoch"].integer(), event["of_seq"].integer())
            self.taken.setdefault(of, [base64.b64decode(event.get("raw") or "")])

    def reject(self, identity, raw, reason):
        self.rejected_count += 1
        stated = base64.b64encode(raw).decode("ascii")
        source, epoch, seq = identity
        self.entry("ledger", INGEST_EPOCH, self.rejected_count, (
            f'{{"type":"ledger.rejected","time":{self.now or 0},"reason":"{reason}","raw":"{stated}",'
            f'"of_source":"{source}","of_epoch":{epoch},"of_seq":{seq}}}').encode("ascii"))

    def entry(self, source, epoch, seq, raw):
        position = len(self.entries) + 1
        head = (f'{{"position":{position},"received_at":0,'
                f'"source":"{source}","epoch":{epoch},"seq":{seq},"event":')
        self.entries.append(head.encode("ascii") + raw + b"}")


def read_line(line):
    """((source, epoch, seq), event bytes), or (None, line) for a bare event.

    An event with duplicate keys, lone surrogates or ill UTF-8 still has its identity; one that breaks the
    grammar breaks its line.
    """
    try:
        value, spans = members(line)
    except InvalidJson:
        return None, line
    if "event" not in value:
        return None, line
    source, epoch, seq = value.get("source"), value.get("epoch"), value.get("seq")
    numbers = [item.integer() if isinstance(item, Number) else None for item in (epoch, seq)]
    if (not isinstance(source, str) or not SOURCE.fullmatch(source)
            or any(item is None or not 1 <= item <= INT64_MAX for item in numbers)):
        return None, line
    return (source, *numbers), spans["event"]
