"""`cdrs --format kamailio` fills the very tables that Debian's kamailio makes in SQLite, and the tables that the
tests of the program load it into have the columns of these.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_exports.py
"""

import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOLLBOOK") or TOP / ".build" / "release" / "tollbook")
SHIPPED = pathlib.Path("/usr/share/kamailio/db_sqlite")
FIXTURES = TOP / "Tests" / "SystemTests" / "Fixtures"
TABLES = ("acc", "acc_cdrs", "missed_calls")


def shipped():
    database = sqlite3.connect(":memory:")
    for name in ("standard-create.sql", "acc-create.sql"):
        database.executescript((SHIPPED / name).read_text("utf-8"))
    return database


class Exports(unittest.TestCase):
    def columns(self, database, table):
        return database.execute(f"PRAGMA table_info({table})").fetchall()

    def test_the_fixture_is_what_kamailio_ships(self):
        fixture = sqlite3.connect(":memory:")
        fixture.executescript((FIXTURES / "kamailio-acc.sql").read_text("utf-8"))
        for table in TABLES:
            self.assertEqual(self.columns(fixture, table), self.columns(shipped(), table))

    def test_the_versions_are_those_that_the_export_names(self):
        versions = dict(shipped().execute("SELECT table_name, table_version FROM version"))
        self.assertEqual([versions[table] for table in TABLES], [5, 2, 4])

    def test_an_export_loads_into_what_kamailio_ships(self):
        with tempfile.TemporaryDirectory(prefix="tollbook-export-") as folder:
            data = ["--data", os.path.join(folder, "data")]
            subprocess.run([PROGRAM, "import", FIXTURES / "calls.ndjson", *data], check=True, capture_output=True)
            export = subprocess.run([PROGRAM, "cdrs", "--format", "kamailio", *data], check=True, capture_output=True)
        database = shipped()
        database.executescript(export.stdout.decode())
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
        self.assertEqual(counts, [3, 3, 1])
        # As Kamailio's own reports would add it up.
        total = "SELECT sum(duration), sum(round((julianday(end_time) - julianday(start_time)) * 86400)) FROM acc_cdrs"
        exact, whole = database.execute(total).fetchone()
        self.assertAlmostEqual(exact, 996.5 + 160 + 87, places=3)
        self.assertLessEqual(abs(exact - whole), 3)


if __name__ == "__main__":
    unittest.main()
