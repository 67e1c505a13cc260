"""`schemas/read-model.sql` is what the program makes its read model with. It is written by

    tollbook schema read-model > schemas/read-model.sql

and never by hand; a reviewer reads the difference.
"""

import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOLLBOOK") or TOP / ".build" / "release" / "tollbook")
FILE = TOP / "schemas" / "read-model.sql"


class ReadModelSchema(unittest.TestCase):
    maxDiff = None

    def test_the_file_is_what_the_program_prints(self):
        printed = subprocess.run([PROGRAM, "schema", "read-model"], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(FILE.read_bytes().decode(), printed.decode(),
                         "stale: tollbook schema read-model > schemas/read-model.sql")

    def test_a_plain_sqlite_takes_it(self):
        with sqlite3.connect(":memory:") as database:
            database.executescript(FILE.read_text("utf-8"))
            names = [name for name, in database.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')") if not name.startswith("sqlite_")]
            self.assertIn("cdrs", names)
            for name in names:
                self.assertEqual(database.execute(f"SELECT * FROM {name}").fetchall(), [])

    def test_a_plain_sqlite_looks_into_each_part_for_a_call_or_a_time(self):
        with sqlite3.connect(":memory:") as database:
            database.executescript(FILE.read_text("utf-8"))
            for table in ("cdrs", "cdr_revisions", "findings"):
                plan = database.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE callid = 'a'").fetchall()
                self.assertRegex(plan[0][3], rf"SEARCH {table} USING (COVERING )?INDEX {table}_by_call \(ANY\(")
            plan = database.execute("EXPLAIN QUERY PLAN SELECT * FROM cdrs WHERE started_at BETWEEN 1 AND 2").fetchall()
            self.assertRegex(plan[0][3], r"SEARCH cdrs USING INDEX cdrs_by_start \(ANY\(")

    def test_records_have_the_columns_of_the_record_rules_in_their_order(self):
        """The names in the first column of the table in `records.md`, "The record"."""
        text = (TOP / "schemas" / "records.md").read_text("utf-8")
        table = text[text.index("\n## The record\n"):text.index("`clock_skew`:")]
        named = [name for row in re.findall(r"(?m)^\| (`[^|]*)\|", table) for name in re.findall(r"`(\w+)`", row)]
        with sqlite3.connect(":memory:") as database:
            database.executescript(FILE.read_text("utf-8"))
            columns = [row[1] for row in database.execute("PRAGMA table_info(cdrs)")]
        self.assertEqual(columns[:len(named)], named)


if __name__ == "__main__":
    unittest.main()
