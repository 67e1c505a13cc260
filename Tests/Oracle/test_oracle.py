"""What must hold: records depend on the set of events alone, the generator on its seed alone, and the
command line prints what the functions say. Seeds are in the names of the subtests."""

import base64
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import unittest

from audit import audit
from cdrs import Policy, cdrs
from generate import generate
from ingest import Ingest
from log import Event, Log, LogError, read_entry
from timers import leg_rows, statistics

SEEDS = range(1, 6)
NOW = 1_700_000_000_000_000
HERE = os.path.dirname(os.path.abspath(__file__))


def ingested(lines, now=NOW):
    ingest = Ingest(now)
    ingest.file(b"".join(line + b"\n" for line in lines))
    return ingest.entries


def logged(entries):
    return Log([read_entry(entry, number) for number, entry in enumerate(entries, start=1)])


def without_arrival(log):
    """Everything that is a function of the set; positions are told as identities."""
    names = {event.position: (event.source, event.epoch, event.seq) for event in log.events}
    records, as_of = cdrs(log, Policy()), log.as_of()
    for record in records:
        record.pop("revision")
        record["positions"] = sorted(names[position] for position in record["positions"])
    findings = audit(log, Policy(), as_of)
    for row in findings:
        row["positions"] = sorted(names[position] for position in row["positions"])
    findings.sort(key=repr)
    return (records, findings, leg_rows(log, as_of),
            [statistics(log, by, as_of) for by in ("hour", "source", "user_agent")])


class Laws(unittest.TestCase):
    def test_any_order_gives_the_same_records(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                lines = generate(seed, 25)
                shuffled = list(lines)
                random.Random(seed).shuffle(shuffled)
                self.assertEqual(without_arrival(logged(ingested(lines))),
                                 without_arrival(logged(ingested(shuffled))))

    def test_the_statistics_agree_with_each_other_and_with_the_rows(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                log = logged(ingested(generate(seed, 25)))
                as_of = log.as_of()
                totals = []
                for by in ("hour", "source", "user_agent"):
                    rows = statistics(log, by, as_of)
                    totals.append({name: sum(row[name] for row in rows) for name in rows[0] if name != by})
                self.assertEqual(totals[0], totals[1])
                self.assertEqual(totals[0], totals[2])
                self.assertEqual(totals[0]["calls"], len(log.calls()))
                self.assertEqual(totals[0]["hung"], sum(row["hung"] for row in leg_rows(log, as_of)))

    def test_revisions_do_not_exceed_what_arrived(self):
        log = logged(ingested(generate(3, 40)))
        for record in cdrs(log, Policy()):
            self.assertGreaterEqual(record["revision"], 1)
            self.assertLessEqual(record["revision"], len(log.events))


class Generator(unittest.TestCase):
    def test_the_seed_decides(self):
        self.assertEqual(generate(5, 20, bad=True), generate(5, 20, bad=True))
        self.assertNotEqual(generate(5, 20), generate(6, 20))

    def test_the_hash_seed_does_not(self):
        prints = set()
        for hash_seed in ("1", "2"):
            prints.add(subprocess.run(
                [sys.executable, os.path.join(HERE, "generate.py"), "--seed", "7", "--calls", "20", "--bad"],
                env={**os.environ, "PYTHONHASHSEED": hash_seed}, stdout=subprocess.PIPE, check=True).stdout)
        self.assertEqual(len(prints), 1)

    def test_without_bad_nothing_is_rejected(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                lines = generate(seed, 25)
                entries = ingested(lines)
                self.assertEqual(len(entries), len(set(lines)))

    def test_calls_have_3_to_15_events_on_average(self):
        log = logged(ingested(generate(1, 100)))
        average = sum(len(events) for events in log.calls().values()) / 100
        self.assertTrue(3 <= average <= 15, average)


class Import(unittest.TestCase):
    def test_the_same_bytes_add_nothing_and_others_are_a_conflict(self):
        line = b'{"source":"k","epoch":1,"seq":1,"event":{"type":"x","time":1}}'
        other = b'{"source":"k","epoch":1,"seq":1,"event":{"type":"x","time":2}}'
        entries = ingested([line, line, other, other])
        self.assertEqual(len(entries), 2)
        rejected = read_entry(entries[1], 2)
        self.assertEqual((rejected.get("reason"), rejected.get("of_seq"), rejected.get("raw")),
                         ("conflict", 1, "eyJ0eXBlIjoieCIsInRpbWUiOjJ9"))

    def test_a_bare_event_has_the_files_name_and_its_lines_number(self):
        entries = ingested([b'{"type":"x","time":1}', b"broken"])
        first, second = (read_entry(entry, 0) for entry in entries)
        self.assertRegex(first.source, "^import:[0-9a-f]{16}$")
        self.assertEqual((first.epoch, first.seq), (1, 1))
        self.assertEqual((second.type, second.get("of_source"), second.get("of_seq")),
                         ("ledger.rejected", first.source, 2))

    def test_an_invalid_event_is_rejected_under_its_identity(self):
        head = b'{"source":"k","epoch":1,"seq":%d,"event":'
        for event in (b'{"type":"x","time":1,"a":1,"a":1}', b'{"type":"\\ud800","time":1}', b"5",
                      b'{"type":"x","time":1,"a":"\xff"}', b'{"type":"x"}'):
            rejected = read_entry(ingested([head % 7 + event + b"}"])[0], 1)
            self.assertEqual((rejected.get("of_source"), rejected.get("of_seq")), ("k", 7), event)
            self.assertEqual(base64.b64decode(rejected.get("raw")), event)
        broken = read_entry(ingested([head % 7 + b'{"type":"x","time":01}}'])[0], 1)
        self.assertRegex(broken.get("of_source"), "^import:")

    def test_a_log_that_holds_an_invalid_event_is_refused(self):
        with self.assertRaises(LogError):
            read_entry(b'{"source":"k","epoch":1,"seq":1,"event":{"type":"x"}}', 1)


class CommandLine(unittest.TestCase):
    def run_oracle(self, *arguments, lines=()):
        import oracle
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.ndjson")
            with open(path, "wb") as file:
                file.write(b"".join(line + b"\n" for line in lines))
            out, argv = io.BytesIO(), sys.argv
            sys.argv = ["oracle.py", arguments[0], path, *arguments[1:]]
            try:
                with contextlib.redirect_stdout(io.TextIOWrapper(out, encoding="utf-8", write_through=True)):
                    status = oracle.main()
                    text = out.getvalue().decode("utf-8")
            finally:
                sys.argv = argv
        return status, text.split("\n")[:-1]

    def test_every_command_prints(self):
        lines = ingested(generate(2, 20, bad=True))
        for command in ("cdrs", "timers", "timers-by-hour", "timers-by-source", "timers-by-user-agent",
                        "audit", "dialogs"):
            with self.subTest(command):
                status, printed = self.run_oracle(command, "--as-of", "1700000000000000", lines=lines)
                self.assertEqual(status, 0)
                self.assertGreater(len(printed), 0)

    def test_validate(self):
        status, printed = self.run_oracle("validate", "--now", "0", lines=[
            b'{"type":"x","time":86400000000}', b'{"type":"x","time":86400000001}', b"", b'{"type":5}'])
        self.assertEqual((status, printed[0], printed[1]), (0, "ok", "future"))
        self.assertEqual([line == "ok" for line in printed], [True, False, False, False])

    def test_numbers_of_extra_come_out_as_they_went_in(self):
        status, printed = self.run_oracle("cdrs", lines=[
            b'{"source":"k","epoch":1,"seq":1,"event":{"type":"dialog.failed","time":1,"callid":"c",'
            b'"from_tag":"f","cseq":1,"sip_code":486,"by":"callee","extra":{"b":1.50,"a":1E+2}}}'])
        self.assertIn('"extra":{"a":1E+2,"b":1.50}', printed[0])

    def test_an_entry_without_position_is_counted_from_1(self):
        event = read_entry(b'{"source":"k","epoch":1,"seq":1,"event":{"type":"x","time":1}}', 4)
        self.assertIsInstance(event, Event)
        self.assertEqual(event.position, 4)
        event = read_entry(b'{"position":9,"source":"k","epoch":1,"seq":1,"event":{"type":"x","time":1}}', 4)
        self.assertEqual(event.position, 9)


if __name__ == "__main__":
    unittest.main()
