"""The source's side of the acknowledged wire protocol, for one epoch: a state machine that does no I/O.

What it wants to say, `peek` returns: a header and a payload, or None. Whoever could send that tells it with
`sent`; whoever could not, asks again later. What the ledger answered goes into `receive`. Time is a
parameter, in seconds of a clock that never goes back, but for `wall`, microseconds since 1970.
"""

import json

from tollbook_spool import Skip

WINDOW_EVENTS = 8192  # unacknowledged at most, however much credit there is
HELLO_SECONDS = 2.0  # between two hellos without a welcome
HELLO_TRIES = 5  # without a welcome: the connection counts as dead
ACK_SECONDS = 5.0  # without an ack while events are under way: hello again, doubled each time
ACK_SECONDS_MAX = 30.0
HEARTBEAT_SECONDS = 5.0  # without having said anything
SILENCE_SECONDS = 20.0  # without having heard anything, heartbeats sent: the connection counts as dead
NACK_SECONDS = 1.0  # the same nack within this time is one: each batch under way brings another
ERROR_SECONDS = 1.0  # after an error, doubled each time
ERROR_SECONDS_MAX = 30.0
REFUSALS_MAX = 5  # errors in a row after which an old epoch is put aside

AWAY, GREETING, OPEN = "away", "greeting", "open"


def encode(header):
    return json.dumps(header, separators=(",", ":")).encode()


class Conversation:
    """Tells one backlog to the ledger."""

    def __init__(self, backlog, log):
        self.backlog, self.log = backlog, log
        self.state = AWAY
        self.next_seq = backlog.first_held
        self.sent_seq = 0  # highest number said on this connection
        self.credit_seq = 0  # highest number that credit allows
        self.ack_seconds = ACK_SECONDS
        self.hellos = self.errors = 0
        self.hello_at = self.progress_at = self.said_at = self.heard_at = self.blocked_until = 0.0
        self.nacked = (0, 0.0)
        self.ack_wanted = False
        self.heartbeats = 0  # sent since something was heard
        self.totals = {"resent": 0, "nacks": 0, "errors": 0}
        self.reached = backlog.first_held - 1  # highest number ever said, over all connections

    @property
    def acked_seq(self):
        return self.backlog.first_held - 1

    @property
    def finished(self):
        return self.backlog.empty

    @property
    def refused(self):
        return self.errors >= REFUSALS_MAX

    # -- the connection

    def connected(self, now):
        """A connection stands: greet."""
        self.state = GREETING
        self.hellos = self.heartbeats = 0
        self.hello_at = 0.0
        self.heard_at = now

    def disconnected(self):
        self.state = AWAY

    def dead(self, now):
        """Whether the connection is to be given up, although nobody closed it."""
        if self.state == GREETING:
            return self.hellos >= HELLO_TRIES and now - self.hello_at >= HELLO_SECONDS
        return self.state == OPEN and self.heartbeats > 1 and now - self.heard_at >= SILENCE_SECONDS

    # -- speaking

    def peek(self, now, wall):
        """What is to be sent now: (header, payload or None), or None."""
        if self.state == AWAY or now < self.blocked_until:
            return None
        if (
            self.state == OPEN
            and self.sent_seq > self.acked_seq
            and now - self.progress_at >= self.ack_seconds
        ):
            self.log("warning", "no ack for %.0f s: greeting again" % self.ack_seconds)
            self.ack_seconds = min(self.ack_seconds * 2, ACK_SECONDS_MAX)
            self.connected(now)
        if self.state == GREETING:
            if self.hello_at and now - self.hello_at < HELLO_SECONDS:
                return None
            return self._header("hello"), None
        return (None if self.ack_wanted else self._news()) or self._heartbeat(now, wall)

    def sent(self, message, now):
        header, _ = message
        self.said_at = now
        op = header["op"]
        if op == "hello":
            self.hellos += 1
            self.hello_at = now
            return
        if op == "heartbeat":
            self.heartbeats += 1
            self.ack_wanted = False
            return
        last = header["to_seq"] if op == "skip" else header["first_seq"] + header["count"] - 1
        if self.sent_seq <= self.acked_seq:
            self.progress_at = now
        if op == "batch":
            self.totals["resent"] += max(0, min(last, self.reached) - header["first_seq"] + 1)
        self.next_seq = last + 1
        self.sent_seq = max(self.sent_seq, last)
        self.reached = max(self.reached, last)

    def _header(self, op, **more):
        return {"v": 1, "op": op, "source": self.backlog.source, "epoch": self.backlog.epoch, **more}

    def _news(self):
        room = min(self.acked_seq + WINDOW_EVENTS, self.credit_seq) - (self.next_seq - 1)
        if room <= 0:
            return None
        if self.next_seq < self.backlog.first_held:
            item = Skip(self.next_seq, self.backlog.first_held - 1, "acknowledged before and no longer kept")
        else:
            item = self.backlog.item(self.next_seq, room)
        if item is None:
            return None
        if isinstance(item, Skip):
            return self._header("skip", from_seq=item.first, to_seq=item.last, reason=item.reason), None
        lines = item.lines
        return (self._header("batch", first_seq=item.first, count=len(lines)), b"\n".join(lines) + b"\n")

    def _heartbeat(self, now, wall):
        if not self.ack_wanted and now - self.said_at < HEARTBEAT_SECONDS:
            return None
        return self._header("heartbeat", last_seq=max(self.sent_seq, self.acked_seq), time=wall), None

    # -- listening

    def receive(self, header, now):
        """Takes one answer; what is not for this epoch, or makes no sense, changes nothing."""
        self.heard_at, self.heartbeats = now, 0
        op = header.get("op")
        if op == "error":
            self._error(header, now)
            return
        if header.get("source") != self.backlog.source or header.get("epoch") != self.backlog.epoch:
            return
        try:
            if op == "welcome":
                self._welcome(int(header["next_seq"]), int(header["credit"]), now)
            elif op == "ack":
                self._ack(int(header["through"]), int(header["credit"]), now)
            elif op == "nack":
                self._nack(int(header["expected"]), now)
            elif op == "credit":
                self.credit_seq = max(self.credit_seq, self.acked_seq + int(header["credit"]))
            else:
                self.log("error", "the ledger said %r, which means nothing here" % (op,))
        except (KeyError, TypeError, ValueError) as error:
            self.log("error", "an answer that can't be read (%r): %r" % (error, header))

    def _welcome(self, next_seq, credit, now):
        if self.state != GREETING:
            return
        if next_seq > self.backlog.last_seq + 1:
            self.log(
                "error",
                "the ledger has numbers up to %d of %s/%d, this end only up to %d"
                % (next_seq - 1, self.backlog.source, self.backlog.epoch, self.backlog.last_seq),
            )
        if next_seq < self.backlog.first_held:
            self.log(
                "error",
                "the ledger no longer has %d to %d of %s/%d, which it had acknowledged"
                % (next_seq, self.backlog.first_held - 1, self.backlog.source, self.backlog.epoch),
            )
        self.state = OPEN
        self.hellos = self.errors = 0
        self.next_seq = next_seq
        self.sent_seq = next_seq - 1
        self.progress_at = now
        self.credit_seq = next_seq - 1 + credit
        # No ack yet: what the ledger has taken may not be on its disk. A heartbeat brings the ack.
        self.ack_wanted = next_seq - 1 > self.acked_seq

    def _ack(self, through, credit, now):
        if self.state != OPEN:
            return
        if through > self.acked_seq:
            self.progress_at = now
            self.ack_seconds = ACK_SECONDS
            self.errors = 0
            self.backlog.acknowledged(min(through, self.backlog.last_seq))
            self.next_seq = max(self.next_seq, through + 1)
        self.credit_seq = through + credit

    def _nack(self, expected, now):
        if self.state != OPEN or (self.nacked[0] == expected and now - self.nacked[1] < NACK_SECONDS):
            return
        self.nacked = (expected, now)
        self.totals["nacks"] += 1
        self.log("warning", "the ledger expects %d: going back from %d" % (expected, self.next_seq))
        self.next_seq = expected
        self.sent_seq = expected - 1
        self.progress_at = now

    def _error(self, header, now):
        self.errors += 1
        self.totals["errors"] += 1
        wait = min(ERROR_SECONDS * 2 ** (self.errors - 1), ERROR_SECONDS_MAX)
        self.log(
            "error",
            "the ledger refuses (%s): %s; again in %.0f s" % (header.get("code"), header.get("reason"), wait),
        )
        if self.state == OPEN or self.state == GREETING:
            self.connected(now)
        self.blocked_until = now + wait
