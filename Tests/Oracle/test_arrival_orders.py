"""A record is a function of the set of events of its call: the program imports the same lines in twenty orders,
each cut into imports at other places and with lines that come twice, each into a ledger of its own. Records,
session timers, statistics and findings must be the same to the byte. Positions may differ, the events that they
point at may not; a record's revision may differ. Each of these ledgers must pass `verify`.

TOLLBOOK names the program, else it is the one in .build/release. TOLLBOOK_ORDERS says how many orders.
"""

import os
import random
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from generate import generate  # noqa: E402
from strict_json import dump, parse  # noqa: E402

TOLLBOOK = os.environ.get("TOLLBOOK") or os.path.join(HERE, "..", "..", ".build", "release", "tollbook")
ORDERS = int(os.environ.get("TOLLBOOK_ORDERS", "20"))
SEED, CALLS = 20_261, 40
OUTPUTS = (["cdrs"], ["timers"], ["timers", "--by", "hour"], ["timers", "--by", "source"],
           ["timers", "--by", "user-agent"], ["audit"], ["audit", "--as-of", "1700003600000000"])


def arrivals(lines, order):
    """The lines in their order, as the imports of one ledger; `order` 0 is as they are, in one."""
    if order == 0:
        return [lines]
    rng = random.Random(SEED * 1000 + order)
    came = list(lines)
    if order == 1:
        came.reverse()
    else:
        rng.shuffle(came)
    came += rng.sample(came, len(came) // 20)
    cuts = sorted(rng.sample(range(1, len(came)), rng.randrange(4)))
    return [came[first:last] for first, last in zip([0, *cuts], [*cuts, len(came)])]


class Ledger:
    """One data directory with the lines in it, and what the program says of it."""

    def __init__(self, folder, imports):
        self.data = os.path.join(folder, "data")
        for number, lines in enumerate(imports):
            path = os.path.join(folder, f"{number}.ndjson")
            with open(path, "wb") as file:
                file.write(b"".join(line + b"\n" for line in lines))
            self.run("import", path)
        self.run("verify")
        self.event_at = {}
        for line in self.run("events", "--format", "ndjson").splitlines():
            entry = parse(line)
            self.event_at[entry["position"].integer()] = (entry["source"], entry["epoch"].integer(),
                                                          entry["seq"].integer())

    def run(self, *arguments):
        done = subprocess.run([*shlex.split(TOLLBOOK), *arguments, "--data", self.data],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: exit status {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def rows(self, arguments):
        """Each row as text, without its revision and with the events that its positions stand for."""
        rows = []
        for line in self.run(*arguments, "--format", "ndjson").splitlines():
            row = parse(line)
            row.pop("revision", None)
            positions = [number.integer() for number in row.pop("positions", [])]
            assert positions == sorted(set(positions)), line
            rows.append((dump(row), sorted(self.event_at[position] for position in positions)))
        return rows


class ArrivalOrders(unittest.TestCase):
    maxDiff = None

    def test_every_order_gives_the_same(self):
        lines = sorted(set(generate(SEED, CALLS)))
        with tempfile.TemporaryDirectory(prefix="tollbook-orders-") as folder:
            reference = {}
            for order in range(ORDERS + 1):
                ledger = Ledger(self.made(folder, order), arrivals(lines, order))
                self.assertEqual(len(ledger.event_at), len(lines), f"order {order}")
                for arguments in OUTPUTS:
                    rows = ledger.rows(arguments)
                    if arguments[0] == "audit":
                        rows.sort()  # where all else is equal, findings are in the order of their positions
                    if order == 0:
                        self.assertGreater(len(rows), 2, arguments)
                        reference[str(arguments)] = rows
                    with self.subTest(" ".join(arguments), seed=SEED, order=order):
                        self.assertEqual(rows, reference[str(arguments)])

    def made(self, folder, order):
        path = os.path.join(folder, str(order))
        os.mkdir(path)
        return path


if __name__ == "__main__":
    unittest.main()
