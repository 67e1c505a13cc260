#!/usr/bin/python3
"""Counts what an event costs in the loops that every event passes: pieces of memory asked for, and instructions. Counts,
unlike seconds, are the same on a busy machine, and so can be held to a limit: that of gates.json.

    tools/bench/gate.py [PROGRAM]        says all counts beside their limits; 1 where one is above

Instructions are callgrind's, of a program that runs once and three times over few and over many events, so that only
what grows with both is left. Its processor has no AVX-512: the figure is one to be compared, not to be believed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FEW, MANY = 4_096, 12_288
EVENTS = 262_144


class Gate:
    def __init__(self, program, folder):
        self.program, self.folder = pathlib.Path(program), pathlib.Path(folder)
        self.limits = json.loads((HERE / "gates.json").read_text("utf-8"))
        self.counter = self.folder / "allocations.so"
        run(["cc", "-O2", "-shared", "-fPIC", "-o", self.counter, HERE / "allocations.c"])
        # Valgrind 3.19 can't read what newer compilers write for debuggers.
        self.stripped = self.folder / "tollbook"
        run(["strip", "-o", self.stripped, self.program])

    def allocations(self, bench):
        """Of 1,000 events, rounded up."""
        done = run([self.program, "bench", *bench.split(), "--events", EVENTS, "--runs", 1, "--format", "ndjson",
                    "--scratch", self.folder], LD_PRELOAD=str(self.counter))
        row = json.loads(done.stdout.splitlines()[0])
        if row["allocations"] is None:
            raise RuntimeError("the allocations were not counted: was allocations.so loaded?")
        return -(-row["allocations"] * 1000 // row["events"])

    def instructions(self, loop):
        """Of one event, in one run."""
        grown = [self.collected(loop, events, 3) - self.collected(loop, events, 1) for events in (FEW, MANY)]
        # `decode` passes its events twice in a run, the first time to warm up.
        passes = 2 * (2 if loop == "decode" else 1)
        return (grown[1] - grown[0]) // ((MANY - FEW) * passes)

    def collected(self, loop, events, runs):
        done = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", self.stripped, "bench", loop,
                    "--events", events, "--runs", runs, "--format", "ndjson", "--scratch", self.folder])
        return int(re.search(r"Collected : (\d+)", done.stderr.decode())[1])

    def counts(self, kind):
        """What is counted, how many there are, and how many there may be."""
        count = self.allocations if kind == "allocations_per_1000_events" else self.instructions
        return [(name, count(name), limit) for name, limit in self.limits[kind].items()]


def run(words, **environment):
    return subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **environment))


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent / ".build/release/tollbook"
    above = 0
    with tempfile.TemporaryDirectory(prefix="tollbook-gate-") as folder:
        gate = Gate(program, folder)
        for kind in gate.limits:
            print(kind.replace("_", " "))
            for name, count, limit in gate.counts(kind):
                above += count > limit
                print(f"  {name:32} {count:8,} of {limit:8,}{'   too many' if count > limit else ''}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
