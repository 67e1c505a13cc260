"""Compares the product with the oracle over generated event sets.

    compare.py --tollbook PATH [--seeds FIRST-LAST] [--calls K] [--bad] [--keep FOLDER]

Per seed: the product imports the set, and everything it prints must be what the oracle makes of the log
that the product itself prints. With --bad, what it took and what it rejected must agree as well. Reasons,
which are free, are not compared; nor is the order of names in the detail of a finding. The first
difference of each output is shown with its seed. Exit status 1 if there is any.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time

from audit import audit
from cdrs import Policy, cdrs
from generate import generate
from ingest import Ingest
from log import Log, read_entry
from strict_json import dump, parse
from timers import leg_rows, statistics

NAMED_REASONS = ("future", "conflict")


class Product:
    def __init__(self, command, data):
        self.command = shlex.split(command)
        self.data = data

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments, "--data", self.data], stdout=subprocess.PIPE,
                              check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{arguments}: exit status {done.returncode}; data kept in {self.data}")
        return [line for line in done.stdout.split(b"\n") if line]

    def rows(self, *arguments):
        return [comparable(parse(line)) for line in self.run(*arguments, "--format", "ndjson")]


def comparable(row):
    """The row as text, its fields in the order that they came in, but for those of a finding's detail."""
    if "severity" in row:
        row["detail"] = in_order(row["detail"])
    return dump(row)


def in_order(value):
    return {name: in_order(value[name]) for name in sorted(value)} if isinstance(value, dict) else value


def expected(log, policy):
    """(name, arguments of the product, rows) of every output."""
    as_of = log.as_of()
    yield "cdrs", ["cdrs"], cdrs(log, policy)
    yield "timers", ["timers"], leg_rows(log, as_of)
    for by in ("hour", "source", "user_agent"):
        name = by.replace("_", "-")
        yield "timers by " + name, ["timers", "--by", name], statistics(log, by, as_of)
    times = sorted(event.time for event in log.events)
    for when in (None, times[len(times) // 2], as_of + 3_600_000_000, 253_402_300_799_999_999):
        arguments = ["audit"] if when is None else ["audit", "--as-of", str(when)]
        yield " ".join(arguments), arguments, audit(log, policy, as_of if when is None else when)


def taken(entries):
    """Who was taken, and who was rejected, for which of the reasons that have a name, in the order of the log."""
    found = []
    for entry in entries:
        if entry.type == "ledger.rejected":
            reason = entry.get("reason")
            found.append(("rejected", entry.get("of_source"), entry.get("of_epoch"), entry.get("of_seq"),
                          reason if reason in NAMED_REASONS else "-"))
        else:
            found.append(("taken", entry.source, entry.epoch, entry.seq, "-"))
    return [str(entry) for entry in found]


def differ(name, seed, ours, theirs):
    if ours == theirs:
        return 0
    at = next((index for index, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]),
              min(len(ours), len(theirs)))
    print(f"seed {seed}: {name}: {len(ours)} rows by the oracle, {len(theirs)} by the product; row {at + 1}:")
    print("  oracle : " + (ours[at] if at < len(ours) else "-"))
    print("  product: " + (theirs[at] if at < len(theirs) else "-"))
    return 1


def compare(seed, options, folder):
    lines = os.path.join(folder, "lines.ndjson")
    raw = b"".join(line + b"\n" for line in generate(seed, options.calls, options.bad))
    with open(lines, "wb") as file:
        file.write(raw)
    product = Product(options.tollbook, os.path.join(folder, "data"))
    product.run("import", lines)
    events = product.run("events", "--format", "ndjson")
    with open(os.path.join(folder, "log.ndjson"), "wb") as file:
        file.write(b"\n".join(events) + b"\n")
    log = Log([read_entry(line, number) for number, line in enumerate(events, start=1)])

    ingest = Ingest(time.time_ns() // 1000)
    ingest.file(raw)
    ours = [read_entry(entry, number) for number, entry in enumerate(ingest.entries, start=1)]
    differences = differ("what was taken", seed, taken(ours), taken(log.events))
    for name, arguments, rows in expected(log, Policy()):
        differences += differ(name, seed, [comparable(parse(dump(row).encode("utf-8"))) for row in rows],
                              product.rows(*arguments))
    return differences


def main():
    parser = argparse.ArgumentParser(description="Compares the product with the oracle.")
    parser.add_argument("--tollbook", required=True, help="the program, as a command line")
    parser.add_argument("--seeds", default="1-20")
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--bad", action="store_true")
    parser.add_argument("--keep", help="a folder for what each seed left behind")
    options = parser.parse_args()
    first, _, final = options.seeds.partition("-")
    differences = 0
    for seed in range(int(first), int(final or first) + 1):
        if options.keep:
            folder = os.path.join(options.keep, str(seed))
            os.makedirs(folder)
            differences += compare(seed, options, folder)
        else:
            with tempfile.TemporaryDirectory() as folder:
                differences += compare(seed, options, folder)
    print(f"seeds {options.seeds}: {differences} outputs differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
