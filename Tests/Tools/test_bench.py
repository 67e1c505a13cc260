"""What tools/bench makes of the runs it is given, with programs that are played; and that README.md quotes what it has
written."""

import pathlib
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools" / "bench"))
import figures  # noqa: E402
import peers  # noqa: E402


class PlayedPeers:
    """Programs of known speed: each run of one is a tenth faster than the one before."""

    def __init__(self, **speeds):
        self.speeds, self.runs, self.sustained, self.rebuilt, self.logs = speeds, {}, [], [], {}

    def fresh(self, name):
        return pathlib.Path(tempfile.mkdtemp(prefix=name))

    def speed(self, name):
        self.runs[name] = self.runs.get(name, 0) + 1
        return self.speeds[name] * (1 + self.runs[name] / 10)

    def ingest(self, name):
        return {"events_per_second": self.speed(name), "ack_p50_ns": 2e6, "ack_p99_ns": 5e6, "cpu_ns": 300}

    def ceiling(self, batch, window, batches, acknowledge_every=32):
        assert batches % acknowledge_every == 0 and window >= acknowledge_every, "or nobody would be answered"
        return self.ingest("ceiling")

    def tollbook_ingest(self, batch, window, batches):
        assert batches % 32 == 0, "the ceiling acknowledges every 32 batches"
        return self.ingest("tollbook")

    def redis(self, window, events):
        return self.ingest("redis")

    def bench(self, *words):
        told = dict(zip(words[1::2], words[2::2]))
        if words[0] == "sustained":
            self.sustained.append(told)
            taken = min(told["--rate"], self.speeds["projecting"] // (2 if told["--calls-before"] else 1))
            return [{"events_per_second": told["--rate"], "projected_per_second": taken,
                     "behind_max_ns": 2e9 if taken < told["--rate"] else 9e8, "memory_early_bytes": 100,
                     "memory_late_bytes": 101}]
        if words[0] == "log":
            self.logs[told["--data"]] = told["--calls"]
            return [{"calls": told["--calls"]}]
        if words[0] == "rebuild":
            self.rebuilt.append(self.logs[told["--data"]])
            # The machine gets slower with each run.
            return [{"nanoseconds": self.rebuilt[-1] * len(self.rebuilt)}]
        if words[0] == "latency":
            return [{"ack_p50_ns": 7e5, "ack_p99_ns": 1e6 + run, "sync_p50_ns": 2e5, "sync_p99_ns": 6e5,
                     "above_p99_ns": 4e5 + run} for run in range(told["--runs"])]
        return [{"bytes_per_second": value, "sha256sum_bytes_per_second": 1e8} for value in (3e7, 4e7, 9e7)]

    def redis_version(self):
        return "7"

    def duck_version(self):
        return None


def bench(long=False, **speeds):
    made = figures.Bench(PlayedPeers(**speeds), pathlib.Path("."), runs=3, share=0.0001, long=long, say=lambda _: None)
    made.warm = lambda size: None
    return made


class Figures(unittest.TestCase):
    def test_a_ratio_is_that_of_the_medians_and_is_held_against_its_target(self):
        made = bench(tollbook=700_000, ceiling=1_000_000, redis=200_000)
        made.ingest_of(64, 64, 0.7)
        rows = {(row[0], row[2].split(":")[0]): row for row in made.rows}
        ingest = rows["ingest, batches of 64, window of 64", "ceiling"]
        self.assertEqual(ingest[1:], ("0.84 M/s (0.77 M/s to 0.91 M/s)", "ceiling: 1.20 M/s (1.10 M/s to 1.30 M/s)",
                                      "0.70", "≥ 0.7", "yes"))
        self.assertEqual(rows["ingest, batches of 64, window of 64", "Redis"][3:], ("3.50", "≥ 4", "no"))
        self.assertEqual(rows["acknowledgement, batches of 64, saturated: p99", "p50"][3:], ("2.50", "≤ 2", "no"))
        alone = rows["the ceiling's, batches of 64, saturated, no disk: p99", "p50"]
        self.assertEqual(alone[3:], ("2.50", "–", "–"))

    def test_what_misses_its_target_says_so(self):
        made = bench(tollbook=699_000, ceiling=1_000_000, redis=100_000)
        made.ingest_of(64, 64, 0.7)
        self.assertEqual([row[5] for row in made.rows[:2]], ["no", "yes"])

    def test_the_median_is_no_mean(self):
        made = bench()
        made.verify()
        self.assertEqual(made.rows[0][1], "40 MB/s (30 MB/s to 90 MB/s)")
        self.assertEqual(made.rows[0][3:], ("0.40", "≥ 0.5", "no"))

    def test_a_rate_that_is_kept_up_is_held_to_a_second_at_the_target(self):
        for projecting, answer in ((300_000, "yes"), (299_000, "no")):
            made = bench(projecting=projecting)
            made.sustained()
            behind = [row for row in made.rows if row[0].endswith("read model behind at most")]
            self.assertEqual([row[5] for row in behind], ["–", "–", "–", answer])

    def test_records_that_are_there_are_held_against_none(self):
        made = bench(long=True, projecting=150_000)
        made.sustained()
        ratio = [row for row in made.rows if row[0].startswith("read model's events a second beside")]
        self.assertEqual([row[1:] for row in ratio], [("0.50", "–", "–", "≥ 0.7", "no")])
        self.assertEqual(sum("sustained for 600 s" in row[0] for row in made.rows), 4)
        lengths = {(run["--rate"], run["--calls-before"] > 0): run["--seconds"] for run in made.peers.sustained[:5]}
        self.assertEqual(lengths[300_000, True], lengths[300_000, False])

    def test_ten_times_as_much_is_measured_in_turns(self):
        made = bench()
        made.rebuild_ten_times_as_much()
        self.assertEqual(made.peers.rebuilt, [100, 1_000] * 3)
        self.assertEqual(made.rows[0][0], "rebuild, 4,000 events into 1,000 CDRs")
        # Medians of 100, 300, 500 and 2,000, 4,000, 6,000.
        self.assertEqual(made.rows[0][3:], ("13.33", "≤ 11", "no"))
        self.assertFalse(any(log.exists() for log in made.peers.logs))

    def test_a_latency_is_set_beside_what_takes_it_without_a_disk(self):
        made = bench(ceiling=1)
        made.latency()
        self.assertEqual(made.rows[1][4:], ("≤ 0.5 ms", "yes"))
        self.assertEqual([row[1].split(" (")[0] for row in made.rows[-2:]], ["5.00 ms", "2.00 ms"])

    def test_the_table_names_machine_versions_and_every_row(self):
        made = bench()
        made.verify()
        text = made.table()
        self.assertIn("Linux", text)
        self.assertIn("DuckDB not there", text)
        self.assertIn("| verify the log | 40 MB/s", text)


class Programs(unittest.TestCase):
    def test_one_that_fails_is_named_with_what_it_said(self):
        with self.assertRaisesRegex(peers.Failure, "`sh -c echo wrong >&2; exit 4` ended with status 4: wrong"):
            peers.run(["sh", "-c", "echo wrong >&2; exit 4"])

    def test_one_that_does_not_listen_is_named(self):
        with self.assertRaisesRegex(peers.Failure, "echo does not listen; it said “nothing”"):
            peers.Listener(["echo", "nothing"])

    def test_the_c_programs_compile_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("ceiling", "redis_stream", "allocations"):
                peers.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-c", "-o", f"{folder}/{name}.o",
                           peers.HERE / f"{name}.c"])


class Quotes(unittest.TestCase):
    def test_the_readme_quotes_rows_of_the_results(self):
        section = re.search(r"(?ms)^## How fast\n(.*?)^## ", (TOP / "README.md").read_text("utf-8"))[1]
        quoted = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
        results = (TOP / "tools" / "bench" / "RESULTS.md").read_text("utf-8").splitlines()
        self.assertGreater(len(quoted), 5)
        for line in quoted:
            self.assertIn(line, results, "quote it as tools/bench/RESULTS.md has it")


if __name__ == "__main__":
    unittest.main()
