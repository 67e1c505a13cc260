"""Each code of the audit on calls that have it and on calls that just do not: what the oracle finds, and what
the program finds in one ledger that holds all these calls, must be the findings that were written down by
hand, all of them and no others, with severity, time, positions and detail. TOLLBOOK names the program, else
it is the one in .build/release.
"""

import collections
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import audit_case  # noqa: E402
import audit_cases_ends  # noqa: E402, F401
import audit_cases_headers  # noqa: E402, F401
import audit_cases_rejections  # noqa: E402, F401
import audit_cases_sessions  # noqa: E402, F401
from audit import audit  # noqa: E402
from cdrs import Policy  # noqa: E402
from log import Log, read_entry  # noqa: E402

TOLLBOOK = os.environ.get("TOLLBOOK") or os.path.join(HERE, "..", "..", ".build", "release", "tollbook")
PAGE = os.path.join(HERE, "..", "..", "schemas", "audit.md")
CASES = audit_case.CASES
# Codes that no number decides; every other one is tried from both sides of its limit.
WITHOUT_LIMIT = {"refresher_overridden", "require_timer_missing", "proxy_changed_refresher",
                 "answered_without_ack"}


def codes_of_the_page():
    """The severity of each code that schemas/audit.md has a row for."""
    with open(PAGE, encoding="utf-8") as page:
        return dict(re.findall(r"^\| `([a-z_]+)` \| (error|warning|info) \|", page.read(), re.MULTILINE))


def lines_of(case, ledger_numbers):
    """The case's events as lines to import, in names of its own; (source, epoch, seq) of each."""
    counts = collections.Counter()
    lines, identities = [], []
    for source, epoch, seq, fields in case.events:
        fields = dict(fields)
        for name in ("gap_source", "of_source"):
            if name in fields:
                fields[name] = f"{case.id}/{fields[name]}"
        if "callid" in fields:
            fields["callid"] = case.id
        if source == "ledger":  # one for all cases
            seq = next(ledger_numbers)
        else:
            source = f"{case.id}/{source}"
            counts[source, epoch] += 1
            seq = seq or counts[source, epoch]
        identities.append((source, epoch, seq))
        lines.append(json.dumps({"source": source, "epoch": epoch, "seq": seq,
                                 "event": fields}).encode("utf-8"))
    return lines, identities


def findings_in(rows):
    """Rows of an audit as the cases have them, in the order that they came in."""
    return [audit_case.Finding(row["code"], row["severity"], row["at"], row["to_tag"], row["positions"],
                               row["detail"]) for row in rows]


def named(case):
    return f"{case.id}, {case.code} {case.side}: {case.what}"


class Cases(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        numbers = iter(range(1, 1_000_000))
        cls.told = {case.id: lines_of(case, numbers) for case in CASES}


class Table(unittest.TestCase):
    def test_every_code_is_found_and_not_found(self):
        codes = codes_of_the_page()
        self.assertEqual(len(codes), 29)
        for side in ("has", "lacks"):
            self.assertEqual({case.code for case in CASES if case.side == side}, set(codes))

    def test_every_code_that_a_number_decides_is_tried_on_both_sides_of_it(self):
        limits = {case.code for case in CASES if case.pair[0] == "limit"}
        self.assertEqual(limits, set(codes_of_the_page()) - WITHOUT_LIMIT)
        paired = {case.code for case in CASES if case.pair[0] != "alone"}
        self.assertEqual(paired, set(codes_of_the_page()))

    def test_a_case_expects_what_it_is_about(self):
        for case in CASES:
            with self.subTest(named(case)):
                self.assertEqual(case.code in {finding.code for finding in case.findings}, case.side == "has")

    def test_a_limit_is_one_number_that_differs_by_one(self):
        pairs = collections.defaultdict(list)
        for case in CASES:
            if case.pair[0] == "limit":
                pairs[case.pair].append(case)
        for has, lacks in pairs.values():
            with self.subTest(named(has)):
                apart = [(one, other) for one,
                         other in zip(leaves(has), leaves(lacks), strict=True) if one != other]
                self.assertEqual([abs(one - other) for one, other in apart], [1])

    def test_severities_are_those_of_the_page(self):
        codes = codes_of_the_page()
        for case in CASES:
            for finding in case.findings:
                self.assertEqual(finding.severity, codes[finding.code], named(case))


def leaves(case):
    """What was told, value by value."""
    values = [case.as_of]
    for source, epoch, seq, fields in case.events:
        values += [source, epoch, seq]
        for name, value in fields.items():
            values += [name, value]
    return values


class Oracle(Cases):
    def test_findings_are_those_written_down(self):
        for case in CASES:
            log = Log([read_entry(line, number) for number,
                       line in enumerate(self.told[case.id][0], start=1)])
            with self.subTest(named(case)):
                self.assertEqual(findings_in(audit(log, Policy(), case.as_of)), case.findings)


class Program(Cases):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(prefix="tollbook-audit-")
        cls.addClassCleanup(cls.folder.cleanup)
        path = os.path.join(cls.folder.name, "lines.ndjson")
        with open(path, "wb") as file:
            for lines, _ in cls.told.values():
                file.writelines(line + b"\n" for line in lines)
        cls.run_program("import", path)
        cls.log = cls.run_program("events")
        cls.rows = {when: cls.run_program("audit", "--as-of",
                                          str(when)) for when in {case.as_of for case in CASES}}

    @classmethod
    def run_program(cls, *arguments):
        """The rows that it prints."""
        prints = arguments[0] != "import"
        command = [*shlex.split(TOLLBOOK), *arguments, "--data", os.path.join(cls.folder.name, "data")]
        done = subprocess.run(command + ["--format", "ndjson"] * prints,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command}: exit status {done.returncode}: {done.stderr.decode()}")
        return [json.loads(line) for line in done.stdout.splitlines()] if prints else []

    def test_everything_was_taken(self):
        told = [identity for _, identities in self.told.values() for identity in identities]
        taken = [(entry["source"], entry["epoch"], entry["seq"]) for entry in self.log]
        self.assertEqual(sorted(taken), sorted(told))

    def test_findings_are_those_written_down(self):
        """The number 0 stands for an event of another case."""
        positions = {(entry["source"], entry["epoch"], entry["seq"]): entry["position"] for entry in self.log}
        for case in CASES:
            number_of = {positions[identity]: number
                         for number, identity in enumerate(self.told[case.id][1], start=1)}
            rows = [row for row in self.rows[case.as_of] if row["callid"] == case.id]
            with self.subTest(named(case)):
                for row in rows:
                    self.assertEqual((row["from_tag"], row["positions"]), ("f", sorted(row["positions"])))
                # Where a position lies among others is the import's affair; which event it is, is not.
                numbered = [dict(row,
                                 positions=sorted(number_of.get(position,
                                                                0) for position in row["positions"]))
                            for row in rows]
                self.assertEqual(findings_in(numbered), case.findings)

    def test_nothing_is_found_elsewhere(self):
        calls = {row["callid"] for rows in self.rows.values() for row in rows}
        self.assertEqual(calls - {case.id for case in CASES}, set())


if __name__ == "__main__":
    unittest.main()
