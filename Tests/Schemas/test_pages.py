"""The pages in `schemas/` name what the sources name: every type and field of an event, every code of the audit with
its severity, every name in a finding's detail, every word that a record may hold.
"""

import json
import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = TOP / "Sources"


def texts(*paths):
    """The string literals of Swift files that are one word of ours."""
    return {word for path in paths for word in re.findall(r'"([a-z][a-z0-9_]*)"', path.read_text("utf-8"))}


def page(name):
    return (TOP / "schemas" / name).read_text("utf-8")


def quoted(text):
    """The words that stand in backquotes, several side by side too."""
    return set(re.findall(r"[a-z][a-z0-9_]*", " ".join(re.findall(r"`([^`\n]*)`", text))))


class Pages(unittest.TestCase):
    def test_event_types(self):
        source = (SOURCES / "Events" / "Vocabulary" / "EventType.swift").read_text("utf-8")
        named = set(re.findall(r': "([a-z]+\.[a-z_]+)"', source))
        self.assertEqual(named, set(json.loads(page("events.schema.json"))["$defs"]["types"]))

    def test_event_fields(self):
        schema = json.loads(page("events.schema.json"))["$defs"]
        listed = set(schema["listed"]["properties"]) | set(schema["ledgers"]["properties"]) | {"time"}
        source = (SOURCES / "Events" / "Vocabulary" / "Field.swift").read_text("utf-8")
        words = {"caller", "callee", "proxy", "admin", "uac", "uas"}
        named = set(re.findall(r'case \.\w+: "([a-z_]+)"', source)) - words
        self.assertEqual(named, listed)

    def test_codes_and_severities(self):
        source = (SOURCES / "Projections" / "Audit" / "Finding.swift").read_text("utf-8")
        codes = dict(re.findall(r'case (\w+) = "(\w+)"', source))
        by_severity = source[source.index("package var severity"):source.index("/// A judgement")]
        severity = dict.fromkeys(codes.values(), "error")
        for names, word in re.findall(r"case ([^:]*):\s*\.(\w+)", by_severity):
            severity.update((codes[name], word) for name in re.findall(r"\.(\w+)", names))
        rows = re.findall(r"(?m)^\| `(\w+)` \| (error|warning|info) \|", page("audit.md"))
        self.assertEqual(dict(rows), severity)
        self.assertEqual(len(rows), len(codes))

    def test_names_in_details(self):
        folder = SOURCES / "Projections" / "Audit"
        named = texts(*folder.glob("*.swift")) - {"null"}
        self.assertGreater(len(named), 40)
        self.assertEqual(sorted(named - quoted(page("audit.md"))), [])

    def test_words_of_records(self):
        folder = SOURCES / "Projections" / "CallRecords"
        words = quoted(page("records.md"))
        for name in ("CallRecord.swift", "CallFold+Record.swift", "BillingPolicy.swift"):
            with self.subTest(name):
                self.assertEqual(sorted(texts(folder / name) - words), [])
        statistics = SOURCES / "Projections" / "SessionTimers" / "TimerStatistics.swift"
        self.assertEqual(sorted(texts(statistics) - words), [])


if __name__ == "__main__":
    unittest.main()
