"""Random event sets for differential tests: import lines {"source","epoch","seq","event"}.

    generate.py --seed N --calls K [--bad] [--ambiguous]

The same arguments give the same bytes. Calls collide on purpose: few Call-IDs, tags and sources, equal
times, times one microsecond on either side of every threshold. `--bad` adds lines that must be rejected,
`--ambiguous` adds what the contract can be read about in more than one way.
"""

import argparse
import base64
import random
import sys

import generate_bad
import generate_calls
from generate_text import object_text

EPOCHS = (1, 1_699_999_999_000_000, 2**63 - 1)
SOURCES = ("kam1", "kam2", "kam10", "sbc/w:1", "K", "a.b_c-d")
LEDGER_EPOCH = 7
START = 1_700_000_000_000_000
HOUR = 3_600_000_000


class World:
    """What has been stated so far."""

    def __init__(self, seed, calls, bad, ambiguous):
        self.rng = random.Random(seed)
        self.calls = calls
        self.bad = bad
        self.ambiguous = ambiguous
        self.next_seq = {}
        self.lines = []
        self.times = {}
        self.missing = self.rng.choice((0, 0.002, 0.01))

    def chance(self, probability):
        return self.rng.random() < probability

    def origin(self):
        """Where a call begins: mostly within two hours, at times on an hour or near the ends of time."""
        pick = self.rng.random()
        if pick < 0.05:
            return START - START % HOUR + HOUR * self.rng.randrange(3) + self.rng.choice((-1, 0, 1))
        if pick < 0.07:
            return self.rng.choice((0, 1, 999, 1_000_000))
        if pick < 0.17:
            return START + 4 * HOUR - self.rng.randrange(HOUR // 20)
        return START + self.rng.randrange(2 * HOUR)

    def take_seq(self, source, epoch):
        seq = self.next_seq.get((source, epoch), 1)
        self.next_seq[(source, epoch)] = seq + 1
        return seq

    def state(self, source, fields, epoch=None):
        """One source states one event; now and then the number goes missing instead (see `gaps`)."""
        if epoch is None:
            epoch = EPOCHS[0] if self.chance(0.8) else self.rng.choice(EPOCHS)
        seq = self.take_seq(source, epoch)
        if source != "ledger":
            self.times[(source, epoch, seq)] = fields["time"]
            if self.chance(self.missing):
                return
        self.add(source, epoch, seq, object_text(self.rng, fields))

    def add(self, source, epoch, seq, text):
        head = f'{{"source":"{source}","epoch":{epoch},"seq":{seq},"event":'.encode("ascii")
        self.lines.append(head + (text if isinstance(text, bytes) else text.encode("utf-8")) + b"}")

    def ledger(self, fields):
        self.state("ledger", fields, epoch=LEDGER_EPOCH)

    def present(self, source, epoch):
        """The numbers of an epoch that have a line."""
        head = f'{{"source":"{source}","epoch":{epoch},"seq":'.encode("ascii")
        return [int(line[len(head):].split(b",", 1)[0]) for line in self.lines if line.startswith(head)]

    def gaps(self):
        """States gaps over holes and over what did come; some holes are then filled by rejections."""
        for (source, epoch), end in sorted(self.next_seq.items()):
            if source == "ledger":
                continue
            present = set(self.present(source, epoch))
            missing = [seq for seq in range(1, end) if seq not in present]
            for seq in missing:
                if self.chance(0.7):
                    self.state_gap(source, epoch, max(1, seq - self.rng.randrange(3)),
                                   min(end - 1, seq + self.rng.randrange(3)))
                if self.chance(0.4):
                    self.reject(source, epoch, seq)
            for _ in range(len(present) // 40):
                first = self.rng.randrange(1, end)
                self.state_gap(source, epoch, first, min(end - 1, first + self.rng.randrange(4)))
            if self.chance(0.02):
                self.state_gap(source, epoch, end, self.rng.choice((end, end + 5, 2**63 - 1)))

    def state_gap(self, source, epoch, first, final):
        after = self.times.get((source, epoch, first - 1))
        before = self.times.get((source, epoch, final + 1))
        if after is not None and self.chance(0.2):
            after = max(0, after + self.rng.choice((-HOUR, -1, 1)))
        if after is not None and before is not None and before < after:
            after, before = before, after
        self.ledger({"type": "ledger.gap", "time": START + self.rng.randrange(3 * HOUR),
                     "gap_source": source, "gap_epoch": epoch, "from_seq": first, "to_seq": final,
                     "after": after, "before": before})

    def reject(self, source, epoch, seq):
        raw = base64.b64encode(b'{"type":5}').decode("ascii")
        self.ledger({"type": "ledger.rejected", "time": START + self.rng.randrange(3 * HOUR),
                     "reason": "field", "raw": raw,
                     "of_source": source, "of_epoch": epoch, "of_seq": seq})

    def bystanders(self):
        """What sources and the ledger say about themselves, and what no projection knows."""
        for number in range(3 + self.calls // 10):
            time = START + self.rng.randrange(3 * HOUR)
            source = self.rng.choice(SOURCES)
            kind = self.rng.choice(("source.started", "source.heartbeat", "source.stopped"))
            self.state(source, {"type": kind, "time": time, "user_agent": "proxy", "active": number})
            self.state(source, {
                "type": self.rng.choice(("dialog.moved", "x", "", "refresh.", "Dialog.trying", "dialog")),
                "time": time + self.rng.choice((0, 40 * HOUR)), "callid": self.rng.choice(("c1", 5)),
                "from_tag": "f1", "to_tag": "", "cseq": -1, "extra": {"a": "unknown"}})
            if self.chance(0.5):
                self.ledger({"type": "ledger.tick", "time": time})

    def repeat_some(self):
        """The same identity with the same bytes: adds nothing."""
        for line in self.rng.sample(self.lines, len(self.lines) // 100):
            self.lines.append(line)

    def disorder(self):
        """Mostly as stated, with neighbours exchanged; at times in no order at all."""
        if self.chance(0.3):
            self.rng.shuffle(self.lines)
            return
        reach = self.rng.choice((1, 3, 30))
        keyed = [(index + self.rng.randrange(reach), index) for index in range(len(self.lines))]
        self.lines = [self.lines[index] for _, index in sorted(keyed)]


def generate(seed, calls, bad=False, ambiguous=False):
    """The lines, as bytes without the line feed."""
    world = World(seed, calls, bad, ambiguous)
    for number in range(calls):
        generate_calls.add_call(world, number)
    world.bystanders()
    if ambiguous:
        generate_calls.add_ambiguous(world)
    world.gaps()
    world.repeat_some()
    if bad:
        generate_bad.add_bad(world)
    world.disorder()
    return world.lines


def main():
    parser = argparse.ArgumentParser(description="Random event sets for differential tests.")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--bad", action="store_true")
    parser.add_argument("--ambiguous", action="store_true")
    arguments = parser.parse_args()
    for line in generate(arguments.seed, arguments.calls, arguments.bad, arguments.ambiguous):
        sys.stdout.buffer.write(line + b"\n")


if __name__ == "__main__":
    main()
