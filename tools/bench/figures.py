"""What is measured, in which order, and the table that is made of it."""

import datetime
import mmap
import os
import pathlib
import platform
import shutil
import statistics

# Bytes of an event in the log, to estimate by.
EVENT_BYTES = 320


class Series:
    """Some runs of one figure."""

    def __init__(self, values):
        self.values = list(values)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self, form):
        if len(self.values) == 1:
            return form(self.median)
        return f"{form(self.median)} ({form(min(self.values))} to {form(max(self.values))})"


def rate(value):
    return f"{value / 1e6:.2f} M/s" if value >= 1e5 else f"{value / 1e3:.1f} k/s"


def milliseconds(value):
    return f"{value / 1e6:.2f} ms"


def seconds(value):
    return f"{value / 1e9:.2f} s"


def megabytes(value):
    return f"{value / 1e6:,.0f} MB/s"


class Bench:
    def __init__(self, peers, scratch, runs, share, long, say):
        self.peers, self.scratch, self.runs, self.share, self.long, self.say = peers, scratch, runs, share, long, say
        self.rows = []
        self.notes = []

    def scaled(self, full):
        return max(1, int(full * self.share))

    def warm(self, size):
        """See tools/bench/README.md: memory that was touched lately."""
        with mmap.mmap(-1, max(size, 4096)) as memory:
            for offset in range(0, size, 4096):
                memory[offset] = 1

    def row(self, what, own, form, other_name=None, other=None, ratio=None, target=None, holds=None):
        self.rows.append((
            what, own.text(form), f"{other_name}: {other.text(form)}" if other else "–",
            f"{ratio:.2f}" if ratio is not None else "–", target or "–",
            "–" if holds is None else "yes" if holds else "no"))
        self.say(" | ".join(self.rows[-1]))

    # Ingest

    def ingest(self):
        for batch, window, target in ((64, 64, 0.7), (256, 64, 0.7), (1, 4000, 0.6)):
            self.ingest_of(batch, window, target)

    def ingest_of(self, batch, window, target):
        events = self.scaled(1_000_000 if batch == 1 else 4_000_000)
        batches = max(1, round(events / batch / 32)) * 32
        # Redis takes long, and its rate doesn't depend on how long.
        redis_events = min(events, 1_000_000)
        own, ceiling, redis = [], [], []
        for number in range(self.runs):
            self.say(f"ingest, batches of {batch}: run {number + 1} of {self.runs}")
            ceiling.append(self.peers.ceiling(batch, window, batches))
            self.warm(batch * batches * EVENT_BYTES)
            own.append(self.peers.tollbook_ingest(batch, window, batches))
            self.warm(redis_events * 2 * EVENT_BYTES)
            redis.append(self.peers.redis(batch * window, redis_events))
        name = f"ingest, batches of {batch}, window of {window}"
        speeds = [Series(run["events_per_second"] for run in runs) for runs in (own, ceiling, redis)]
        ratio = speeds[0].median / speeds[1].median
        self.row(name, speeds[0], rate, "ceiling", speeds[1], ratio, f"≥ {target}", ratio >= target)
        ratio = speeds[0].median / speeds[2].median
        self.row(name, speeds[0], rate, "Redis", speeds[2], ratio, "≥ 4", ratio >= 4)
        if batch == 1:
            return
        p50, p99 = (Series(run[key] for run in own) for key in ("ack_p50_ns", "ack_p99_ns"))
        ratio = p99.median / p50.median
        self.row(f"acknowledgement, batches of {batch}, saturated: p99", p99, milliseconds, "p50", p50, ratio, "≤ 2",
                 ratio <= 2)
        p50, p99 = (Series(run[key] for run in ceiling) for key in ("ack_p50_ns", "ack_p99_ns"))
        self.row(f"the ceiling's, batches of {batch}, saturated, no disk: p99", p99, milliseconds, "p50", p50,
                 p99.median / p50.median)
        self.row(f"processor time of the service an event, batches of {batch}",
                 Series(run["cpu_ns"] for run in own), lambda value: f"{value:.0f} ns")

    def latency(self):
        self.say("latency, one batch of 64 at a time")
        runs = self.peers.bench("latency", "--runs", self.runs, "--rounds", self.scaled(50), "--scratch", self.scratch)
        acks, syncs = (Series(run[key] for run in runs) for key in ("ack_p99_ns", "sync_p99_ns"))
        above = Series(run["above_p99_ns"] for run in runs)
        self.row("acknowledgement, batches of 64, window of 1: p99", acks, milliseconds, "bare sync p99", syncs,
                 acks.median / syncs.median)
        self.row("the same, above the bare sync's", above, milliseconds, target="≤ 0.5 ms",
                 holds=above.median <= 500_000)
        halves = [Series(run[key] for run in runs) for key in ("ack_p50_ns", "sync_p50_ns")]
        self.row("the same, p50", halves[0], milliseconds, "bare sync p50", halves[1],
                 halves[0].median / halves[1].median)
        # What the way there and back takes without a disk.
        alone = [self.peers.ceiling(64, 1, max(1, self.scaled(5_000)), acknowledge_every=1) for _ in range(self.runs)]
        for key, name in (("ack_p99_ns", "p99"), ("ack_p50_ns", "p50")):
            self.row(f"the ceiling's, a batch of 64 and a window of 1, no disk: {name}",
                     Series(run[key] for run in alone), milliseconds)

    # What reads the log

    def rebuild(self):
        self.rebuild_beside_duck()
        if self.long:
            self.rebuild_ten_times_as_much()

    def rebuild_beside_duck(self):
        calls = self.scaled(1_000_000)
        data, events = self.peers.fresh("log"), self.peers.fresh("events").with_suffix(".ndjson")
        parquet = events.with_suffix(".parquet")
        self.say(f"making a log of {calls * 4:,} events")
        made = self.peers.bench("log", "--calls", calls, "--data", data, "--ndjson", events)[0]
        self.peers.duck("parquet", events, parquet)
        own, others = [], {}
        for number in range(self.runs):
            self.say(f"rebuild of {calls * 4:,} events: run {number + 1} of {self.runs}")
            own.append(self.rebuild_once(data, calls))
            for source in (events, parquet):
                for how in ("group", "join"):
                    self.warm(calls * 2_000)
                    found = self.peers.duck(how, source)
                    if found["cdrs"] != made["calls"]:
                        raise RuntimeError(f"DuckDB made {found['cdrs']} records of {made['calls']} calls")
                    others.setdefault((source.suffix, how), []).append(found["nanoseconds"])
        times = Series(own)
        for suffix, label, target in ((".ndjson", "NDJSON", 3), (".parquet", "Parquet", 2.5)):
            tried = [(Series(values), how) for (kind, how), values in others.items() if kind == suffix]
            best, how = min(tried, key=lambda pair: pair[0].median)
            ratio = best.median / times.median
            self.row(self.rebuild_name(calls), times, seconds, f"DuckDB from {label} ({how})", best, ratio,
                     f"≥ {target}", ratio >= target)
        shutil.rmtree(data)
        for path in (events, parquet):
            path.unlink()

    def rebuild_ten_times_as_much(self):
        few, many = self.scaled(1_000_000), self.scaled(10_000_000)
        logs = {calls: self.peers.fresh("log") for calls in (few, many)}
        times = {calls: [] for calls in logs}
        for calls, data in logs.items():
            self.say(f"making a log of {calls * 4:,} events")
            self.peers.bench("log", "--calls", calls, "--data", data)
        for number in range(self.runs):
            self.say(f"rebuild of {few * 4:,} and of {many * 4:,} events: run {number + 1} of {self.runs}")
            for calls, data in logs.items():
                times[calls].append(self.rebuild_once(data, calls))
        shorter, longer = Series(times[few]), Series(times[many])
        ratio = longer.median / shorter.median
        self.row(self.rebuild_name(many), longer, seconds, "a tenth of them, in turns", shorter, ratio, "≤ 11",
                 ratio <= 11)
        for data in logs.values():
            shutil.rmtree(data)

    def rebuild_once(self, data, calls):
        self.warm(calls * 2_000)
        return self.peers.bench("rebuild", "--data", data, "--runs", 1, "--scratch", self.scratch)[0]["nanoseconds"]

    @staticmethod
    def rebuild_name(calls):
        return f"rebuild, {calls * 4:,} events into {calls:,} CDRs"

    def verify(self):
        self.say("verify")
        runs = self.peers.bench("verify", "--calls", self.scaled(1_000_000), "--runs", self.runs, "--scratch",
                                self.scratch)
        own, other = (Series(run[key] for run in runs) for key in ("bytes_per_second", "sha256sum_bytes_per_second"))
        ratio = own.median / other.median
        self.row("verify the log", own, megabytes, "sha256sum", other, ratio, "≥ 0.5", ratio >= 0.5)

    def disk(self):
        self.say("compress")
        runs = self.peers.bench("compress", "--calls", self.scaled(166_000), "--runs", self.runs, "--scratch",
                                self.scratch)
        size = Series(run["bytes_per_thousand_events"] for run in runs)
        self.row("log on disk, full segments of the realistic mix, an event", size,
                 lambda value: f"{value / 1000:.1f} bytes", target="≤ 45 bytes", holds=size.median <= 45_000)
        self.row("reading the compressed log, of reading the plain one",
                 Series(run["permille_of_plain_read"] for run in runs), lambda value: f"{value / 1000:.2f}")
        self.rebuild_compressed()

    def rebuild_compressed(self):
        calls = self.scaled(500_000)
        logs = {name: self.peers.fresh(name) for name in ("plain", "compressed")}
        times = {name: [] for name in logs}
        for name, data in logs.items():
            packed = ["--compress"] if name == "compressed" else []
            self.peers.bench("log", "--preset", "realistic", "--calls", calls, "--data", data, *packed)
        for number in range(self.runs):
            self.say(f"rebuild from a plain and a compressed log: run {number + 1} of {self.runs}")
            for name, data in logs.items():
                times[name].append(self.rebuild_once(data, 2 * calls))
        plain, packed = Series(times["plain"]), Series(times["compressed"])
        ratio = plain.median / packed.median
        self.row(f"rebuild of the realistic mix, {calls:,} calls, from compressed segments", packed, seconds,
                 "from plain ones", plain, ratio, "≥ 0.8", ratio >= 0.8)
        for data in logs.values():
            shutil.rmtree(data)

    # The whole service

    def memory(self):
        self.say("memory")
        runs = self.peers.bench("memory", "--dialogs", self.scaled(1_000_000), "--runs", self.runs, "--scratch",
                                self.scratch)
        own = Series(run["bytes_per_dialog"] for run in runs)
        self.row(f"memory a dialog beyond 150 MB, {runs[0]['open_dialogs']:,} open", own,
                 lambda value: f"{value:.0f} bytes", target="≤ 400 bytes", holds=own.median <= 400)

    def restart(self):
        self.say("restart")
        runs = self.peers.bench("restart", "--events", self.scaled(10_000_000), "--dialogs", self.scaled(100_000),
                                "--runs", self.runs, "--scratch", self.scratch)
        own = Series(run["first_ack_ns"] for run in runs)
        self.row(f"restart with {runs[0]['events']:,} events, {runs[0]['open_dialogs']:,} dialogs open: first "
                 "acknowledgement", own, seconds, target="≤ 1 s", holds=own.median <= 1e9)

    def sustained(self):
        length = max(10, self.scaled(20))
        for speed in (100_000, 150_000, 200_000, 300_000):
            alone = self.sustained_at(speed, length, self.runs)
        if self.long:
            # As fast as what it is held to, which is about what the read model can do.
            records = self.scaled(20_000_000)
            beside = self.sustained_at(300_000, length, self.runs, records)
            ratio = beside.median / alone.median
            self.rows.append((f"read model's events a second beside {records:,} CDRs, of those without",
                              f"{ratio:.2f}", "–", "–", "≥ 0.7", "yes" if ratio >= 0.7 else "no"))
            self.sustained_at(300_000, 600, self.runs)

    def sustained_at(self, speed, length, runs, records=0):
        self.say(f"sustained, {length} s at {speed:,}" + (f", {records:,} CDRs there" if records else ""))
        found = self.peers.bench("sustained", "--rate", speed, "--seconds", length, "--calls-before", records,
                                 "--runs", runs, "--scratch", self.scratch)
        taken, projected, behind = (
            Series(run[key] for run in found)
            for key in ("events_per_second", "projected_per_second", "behind_max_ns"))
        name = f"sustained for {length} s at {speed:,} events a second"
        if records:
            name += f", {records:,} CDRs there"
        kept = taken.median >= speed * 0.99
        held = speed == 300_000 and not records
        self.row(f"{name}: taken", taken, rate)
        self.row(f"{name}: taken into the read model meanwhile", projected, rate)
        self.row(f"{name}: read model behind at most", behind, seconds,
                 target="≤ 1 s" if held else None, holds=(kept and behind.median <= 1e9) if held else None)
        growth = Series(run["memory_late_bytes"] / max(1, run["memory_early_bytes"]) for run in found)
        self.row(f"{name}: memory in the last third, of that in the second", growth, lambda value: f"{value:.2f}")
        return projected

    def loops(self):
        for loop in ("decode", "append", "commit", "fold"):
            self.say(loop)
            runs = self.peers.bench(loop, "--runs", self.runs, "--events", max(4096, self.scaled(1 << 20)),
                                    "--scratch", self.scratch)
            self.row(f"{loop}, an event", Series(run["ns_per_event"] for run in runs),
                     lambda value: f"{value:.0f} ns")

    # The table

    def table(self):
        rows = [("what", "Tollbook", "held against", "ratio", "target", "met")] + self.rows
        text = "\n".join("| " + " | ".join(row) + " |" for row in rows[:1]) + "\n|---|---|---|---|---|---|\n"
        text += "\n".join("| " + " | ".join(row) + " |" for row in rows[1:])
        command = "tools/bench/run --long" if self.long else "tools/bench/run"
        return f"""# Results

Made by `{command}` on {datetime.date.today().isoformat()}; [README.md](README.md) says what each figure means.
Medians of {self.runs} runs, in brackets the least and the greatest, all of one run of the tool; where there are no
brackets there was one run. Whatever else the machine was doing is in them: the ratios count, and absolute figures are
those of this machine on that day.

{self.machine()}

{text}
"""

    def machine(self):
        model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), platform.machine())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        system = next((line.split("=", 1)[1].strip('"') for line in
                       pathlib.Path("/etc/os-release").read_text().splitlines() if line.startswith("PRETTY_NAME")), "?")
        load = os.getloadavg()[2]
        redis = self.peers.redis_version() if shutil.which("redis-server") else "not there"
        return (f"{os.cpu_count()} processors ({model}), {memory:.0f} GiB of memory, {system}, Linux "
                f"{platform.release()}; load at the end {load:.1f}. Redis {redis}, DuckDB "
                f"{self.peers.duck_version() or 'not there'}.")
