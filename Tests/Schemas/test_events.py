"""What is an event is said twice, by `schemas/events.schema.json` and by `tollbook`. Here both judge the same samples,
good and bad ones of every type: an existing validator reads the schema, and the program imports the samples and shows
what became of them.

    /usr/bin/python3 -m unittest discover -v -s Tests/Schemas

Needs Debian's python3-jsonschema, and a built program: TOLLBOOK names it, else it is the one in .build/release.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
EVENT_BYTES_MAX = 65_536
UNPARSED = ("not_json", "invalid_utf8")     # reasons for which there is nothing to hand to a validator


class Sample:
    def __init__(self, where, judge, reason, text):
        self.where, self.judge, self.reason, self.text = where, judge, reason, text

    @property
    def is_good(self):
        return self.judge == "ok"


def samples(path):
    read = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        verdict, _, text = line.partition(b"\t")
        judge, _, reason = verdict.decode().partition(" ")
        read.append(Sample(f"{path.name}:{number}", judge, reason, text))
    return read


def padded(length):
    """An event of exactly so many bytes."""
    bare = b'{"type":"source.stopped","time":1,"x":""}'
    return bare[:-2] + b"x" * (length - len(bare)) + bare[-2:]


# Bytes that no text file should hold.
RAW = [
    Sample("64 KiB", "ok", "", padded(EVENT_BYTES_MAX)),
    Sample("64 KiB + 1", "ledger", "too_long", padded(EVENT_BYTES_MAX + 1)),
    Sample("overlong /", "ledger", "invalid_utf8", b'{"type":"source.stopped","time":1,"x":"\xc0\xaf"}'),
    Sample("surrogate in UTF-8", "ledger", "invalid_utf8", b'{"type":"source.stopped","time":1,"x":"\xed\xa0\x80"}'),
    Sample("half a character", "ledger", "invalid_utf8", b'{"type":"source.stopped","time":1,"x":"\xe2\x82"}'),
    Sample("beyond U+10FFFF", "ledger", "invalid_utf8", b'{"type":"source.stopped","time":1,"x":"\xf4\x90\x80\x80"}'),
    Sample("bare tab", "ledger", "not_json", b'{"type":"source.stopped","time":1,"x":"\t"}'),
    Sample("bare NUL", "ledger", "not_json", b'{"type":"source.stopped","time":1,"x":"\x00"}'),
    Sample("byte order mark", "ledger", "not_json", b'\xef\xbb\xbf{"type":"source.stopped","time":1}'),
]

FILES = sorted((HERE / "samples").glob("*.tsv"))
SCHEMA = json.loads((TOP / "schemas" / "events.schema.json").read_text("utf-8"))


class SchemaJudges(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_every_type_has_good_and_bad_samples(self):
        types = set(SCHEMA["$defs"]["types"])
        self.assertEqual({path.stem for path in FILES} - {"every-event"}, types)
        for path in FILES:
            with self.subTest(path.name):
                judges = {sample.judge for sample in samples(path)}
                self.assertLessEqual({"ok", "schema"}, judges)
                self.assertLessEqual(judges, {"ok", "schema", "ledger"})

    def test_every_type_is_bound_to_its_rules(self):
        types = list(SCHEMA["$defs"]["types"])
        self.assertEqual(SCHEMA["if"]["properties"]["type"]["enum"], types)
        ledgers, *rules = SCHEMA["allOf"]
        own = [name for name in types if name.startswith("ledger.")]
        self.assertEqual(ledgers["if"]["properties"]["type"]["enum"], own)
        self.assertEqual([rule["if"]["properties"]["type"]["const"] for rule in rules], types)
        self.assertEqual([rule["then"]["$ref"] for rule in rules], ["#/$defs/types/" + name for name in types])

    def test_it_takes_what_is_good_and_refuses_what_it_can(self):
        for sample in [sample for path in FILES for sample in samples(path)] + RAW:
            if sample.reason in UNPARSED:
                continue
            with self.subTest(sample.where):
                faults = [fault.message for fault in self.validator.iter_errors(json.loads(sample.text))]
                if sample.judge == "schema":
                    self.assertTrue(faults, "the schema takes it")
                else:
                    self.assertEqual(faults, [])


def program():
    named = os.environ.get("TOLLBOOK")
    return pathlib.Path(named) if named else TOP / ".build" / "release" / "tollbook"


def run(*arguments):
    done = subprocess.run([program(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"tollbook {arguments[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def imported(lines, data):
    """What became of each line of a file: the event, or the reason why it is none, by sequence number."""
    path = pathlib.Path(data) / "samples.ndjson"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    log = pathlib.Path(data) / "log"
    run("import", "--data", log, path)
    came = {}
    for entry in map(json.loads, run("events", "--data", log).splitlines()):
        # What the samples state has epoch 1; the ledger states its own rejections in an epoch of its own.
        if entry["epoch"] == 1:
            came[entry["seq"]] = ""
        elif entry["event"]["type"] == "ledger.rejected" and entry["event"]["of_epoch"] == 1:
            came[entry["event"]["of_seq"]] = entry["event"]["reason"]
    return came


class ProgramJudges(unittest.TestCase):
    """The same samples through `tollbook import` and `tollbook events`."""

    maxDiff = None

    def check(self, given, lines):
        with tempfile.TemporaryDirectory(prefix="tollbook-schemas-") as data:
            came = imported(lines, data)
        wrong = [
            f"{sample.where}: {came.get(seq, 'nothing')!r} instead of {sample.reason!r}"
            for seq, sample in enumerate(given, start=1) if came.get(seq) != sample.reason
        ]
        self.assertEqual(wrong, [])
        self.assertEqual(len(came), len(given))

    def test_events_of_proxies(self):
        given = [sample for path in FILES if not path.stem.startswith("ledger.") for sample in samples(path)] + RAW
        self.check(given, [sample.text for sample in given])

    def test_entries_of_the_ledger(self):
        given = [sample for path in FILES if path.stem.startswith("ledger.") for sample in samples(path)]
        self.check(given, [
            b'{"source":"ledger","epoch":1,"seq":%d,"event":%s}' % (seq, sample.text)
            for seq, sample in enumerate(given, start=1)])


if __name__ == "__main__":
    unittest.main()
