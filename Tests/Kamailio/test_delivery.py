"""What survives when an end of the line breaks: a real Kamailio under real calls, a recording ledger that is
killed, away, slow or contrary, a proxy that is stopped or killed.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_delivery.py
"""

import collections
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import zmq  # noqa: E402

from expectations import KAMAILIO  # noqa: E402
from recording_ledger import RecordingLedger, read_log  # noqa: E402

sys.path.insert(0, KAMAILIO)
import player  # noqa: E402

LOAD_CALLS, LOAD_RATE = 2000, 250
EVENTS_OF_A_LOAD_CALL = collections.Counter(
    {
        "dialog.trying": 1,
        "dialog.early": 1,
        "dialog.confirmed": 1,
        "dialog.acked": 1,
        "refresh.requested": 1,
        "refresh.accepted": 1,
        "dialog.terminated": 1,
    }
)
EVENTS_OF_A_NORMAL_CALL = 5


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not within %s s: %s" % (seconds, what))
        time.sleep(0.02)


class LedgerProcess:
    """A recording ledger that can be killed."""

    def __init__(self, endpoint, log, *arguments):
        self.log = log
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-B",
                os.path.join(HERE, "recording_ledger.py"),
                "--endpoint",
                endpoint,
                "--log",
                log,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=player.die_with_parent,
        )

    def events(self):
        try:
            with open(self.log, "rb") as file:
                return file.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def kill(self):
        if self.process.stdout.closed:
            return
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """Its complaints, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=10)[0].decode(), self.process.returncode


class Delivery(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="tollbook-delivery-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.log = os.path.join(self.directory, "events.ndjson")
        self.endpoint = "ipc://" + os.path.join(self.directory, "ledger")

    def player(self, **options):
        played = player.Player(self.endpoint, os.path.join(self.directory, "run"), **options)
        played.__enter__()
        self.addCleanup(played.__exit__)
        return played

    def ledger(self, **settings):
        ledger = RecordingLedger(self.endpoint, self.log)
        for name, value in settings.items():
            setattr(ledger, name, value)
        ledger.start()
        self.addCleanup(ledger.stopping.set)
        return ledger

    def ledger_process(self, *arguments):
        ledger = LedgerProcess(self.endpoint, self.log, *arguments)
        self.addCleanup(ledger.kill)
        return ledger

    def assert_whole(self, entries, epochs=1):
        """Every epoch's numbers are there from 1 on, each once and in order."""
        numbers = collections.defaultdict(list)
        for entry in entries:
            numbers[entry["epoch"]].append(entry["seq"])
        self.assertEqual(len(numbers), epochs)
        for epoch, found in numbers.items():
            self.assertEqual(found, list(range(1, len(found) + 1)), "epoch %d" % epoch)

    def assert_load_is_told(self, entries, count=LOAD_CALLS):
        calls = collections.defaultdict(collections.Counter)
        for entry in entries:
            if "callid" in entry["event"]:
                calls[entry["event"]["callid"]][entry["event"]["type"]] += 1
        self.assertEqual(len(calls), count)
        wrong = {callid: dict(types) for callid, types in calls.items() if types != EVENTS_OF_A_LOAD_CALL}
        self.assertEqual(wrong, {})

    def assert_sipp_content(self, load):
        report = load.report()
        self.assertEqual(set(report["sipp"].values()), {0}, report)

    def test_a_ledger_killed_twice_under_load_loses_and_doubles_nothing(self):
        played = self.player()
        ledger = self.ledger_process()
        load = played.start_load(LOAD_CALLS, LOAD_RATE)
        for share in (0.25, 0.6):
            wait_until(
                lambda: ledger.events() > share * 7 * LOAD_CALLS, 60, "%d %% of the events" % (100 * share)
            )
            ledger.kill()
            time.sleep(0.7)
            ledger = self.ledger_process()
        wait_until(lambda: not load.running(), 60, "the end of the load")
        self.assert_sipp_content(load)
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        counters = played.kamailio.counters()
        self.assertEqual(played.kamailio.stop(), 0)
        complaints, status = ledger.stop()
        self.assertEqual(status, 0, complaints)
        self.assertGreaterEqual(counters["connects"], 3)
        entries = read_log(self.log)
        self.assert_whole(entries)
        self.assert_load_is_told(entries)

    def test_a_ledger_that_dies_before_it_acknowledges_gets_nothing_twice(self):
        """It has the events on its disk, its source does not know; what it says after a restart counts."""
        played = self.player()
        ledger = self.ledger_process("--die-after", "300")
        load = played.start_load(200, 100)
        wait_until(lambda: ledger.process.poll() is not None, 30, "the end of the ledger")
        ledger = self.ledger_process()
        wait_until(lambda: not load.running(), 60, "the end of the load")
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        played.kamailio.stop()
        complaints, status = ledger.stop()
        self.assertEqual(status, 0, complaints)
        self.assert_whole(read_log(self.log))
        self.assert_load_is_told(read_log(self.log), 200)

    def test_a_contrary_ledger_that_loses_acks_and_sends_nacks_gets_everything_once(self):
        ledger = self.ledger(drop_acks=3, nack_every=5)
        played = self.player()
        load = played.start_load(300, 150)
        wait_until(lambda: not load.running(), 60, "the end of the load")
        self.assertTrue(played.kamailio.drain(30), played.kamailio.counters())
        played.kamailio.stop()
        ledger.stop()
        self.assertEqual(ledger.complaints, [])
        self.assertGreater(ledger.nacks, 10)
        self.assert_whole(read_log(self.log))
        self.assert_load_is_told(read_log(self.log), 300)

    def test_sip_does_not_notice_that_the_ledger_is_away(self):
        """The same load with nobody to tell: all calls succeed as quickly, and everything is told
        afterwards."""
        played = self.player()
        began = time.monotonic()
        load = played.start_load(LOAD_CALLS, LOAD_RATE)
        wait_until(lambda: not load.running(), 60, "the end of the load")
        took = time.monotonic() - began
        self.assert_sipp_content(load)
        self.assertLess(took, LOAD_CALLS / LOAD_RATE + 4)
        counters = played.kamailio.counters()
        self.assertEqual((counters["state"], counters["lost"]), ("away", 0))
        self.ledger()
        self.assertTrue(played.kamailio.drain(20), played.kamailio.counters())
        played.kamailio.stop()
        self.assert_whole(read_log(self.log))
        self.assert_load_is_told(read_log(self.log))

    def test_sip_does_not_notice_a_ledger_that_takes_nothing(self):
        """It has accepted the connection and reads no more: nothing may wait for it."""
        ledger = self.ledger()
        played = self.player()
        wait_until(lambda: ledger.hellos, 10, "a hello")
        ledger.deaf = True
        load = played.start_load(500, LOAD_RATE)
        wait_until(lambda: not load.running(), 30, "the end of the load")
        self.assert_sipp_content(load)
        ledger.deaf = False
        self.assertTrue(played.kamailio.drain(60), played.kamailio.counters())
        played.kamailio.stop()
        self.assert_whole(read_log(self.log))
        self.assert_load_is_told(read_log(self.log), 500)

    def test_credit_0_makes_it_wait(self):
        ledger = self.ledger(credit=0)
        played = self.player()
        played.play(["normal"])
        time.sleep(1.5)
        self.assertEqual((ledger.batches, ledger.events), (0, 0))
        self.assertEqual(played.kamailio.counters()["waiting"], EVENTS_OF_A_NORMAL_CALL + 1)
        ledger.credit = 2
        wait_until(lambda: ledger.events == EVENTS_OF_A_NORMAL_CALL + 1, 10, "the events, two by two")
        self.assertGreaterEqual(ledger.batches, 3)
        self.assertTrue(played.kamailio.drain())
        self.assertEqual(ledger.complaints, [])

    def test_a_proxy_that_stops_leaves_the_rest_to_the_next_one_under_its_epoch(self):
        played = self.player()
        played.play(["normal"])
        self.assertEqual(played.kamailio.stop(), 0)
        ledger = self.ledger()
        played.kamailio.start()
        played.play(["busy"])
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        played.kamailio.stop()
        entries = read_log(self.log)
        self.assertEqual(ledger.complaints, [])
        self.assert_whole(entries, epochs=2)
        first = [entry for entry in entries if entry["epoch"] == entries[0]["epoch"]]
        self.assertEqual(entries[: len(first)], first, "the older epoch comes first")
        self.assertLess(entries[0]["epoch"], entries[-1]["epoch"])
        self.assertEqual(
            [entry["event"]["type"] for entry in first],
            [
                "source.started",
                "dialog.trying",
                "dialog.early",
                "dialog.confirmed",
                "dialog.acked",
                "dialog.terminated",
                "source.stopped",
            ],
        )
        self.assertEqual(
            [name for name in os.listdir(os.path.join(played.run_dir, "spool")) if name != "lock"], []
        )

    def test_a_proxy_that_is_killed_leaves_what_it_has_numbered(self):
        played = self.player()
        played.play(["normal"])
        wait_until(
            lambda: played.kamailio.counters().get("numbered") == EVENTS_OF_A_NORMAL_CALL + 1,
            5,
            "the numbers",
        )
        played.kamailio.kill()
        self.ledger()
        played.kamailio.start()
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        played.kamailio.stop()
        entries = read_log(self.log)
        self.assert_whole(entries, epochs=2)
        types = collections.Counter(entry["event"]["type"] for entry in entries)
        self.assertEqual(
            (types["dialog.terminated"], types["source.started"], types["source.stopped"]), (1, 2, 1)
        )

    def test_what_a_full_spool_has_dropped_is_skipped_and_the_rest_arrives(self):
        played = self.player(defines=["TOLLBOOK_SPOOL_MAX=20000"])
        load = played.start_load(100, 100)
        wait_until(lambda: not load.running(), 30, "the end of the load")
        wait_until(lambda: played.kamailio.counters().get("lost"), 5, "losses")
        ledger = self.ledger()
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        played.play(["normal"])
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        lost = played.kamailio.counters()["lost"]
        played.kamailio.stop()
        ledger.stop()
        self.assertEqual(ledger.complaints, [])
        entries = read_log(self.log)
        skipped = [n for _, _, first, last, reason in ledger.skips for n in range(first, last + 1)]
        self.assertEqual({skip[4] for skip in ledger.skips}, {"the spool is full"})
        self.assertEqual(len(skipped), lost)
        self.assertEqual(
            sorted(skipped + [entry["seq"] for entry in entries]), list(range(1, len(entries) + lost + 1))
        )
        self.assertEqual(len(entries) + lost, 2 + 700 + EVENTS_OF_A_NORMAL_CALL)

    def test_what_a_full_queue_has_dropped_is_skipped(self):
        """The sender is stopped while calls go on: the queue in shared memory is bounded and loses the
        oldest."""
        ledger = self.ledger()
        played = self.player(defines=["TOLLBOOK_QUEUE=50"])
        sender = self.sender_of(played)
        os.kill(sender, signal.SIGSTOP)
        try:
            load = played.start_load(100, 100)
            wait_until(lambda: not load.running(), 30, "the end of the load")
        finally:
            os.kill(sender, signal.SIGCONT)
        self.assert_sipp_content(load)
        wait_until(lambda: ledger.skips, 10, "a skip")
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        played.kamailio.stop()
        ledger.stop()
        entries = read_log(self.log)
        lost = sum(last - first + 1 for _, _, first, last, _ in ledger.skips)
        self.assertEqual(lost, 700 - 50)
        self.assertEqual(len(entries), 2 + 50)

    def sender_of(self, played):
        lines = played.kamailio.rpc("core.psx").splitlines()
        at = next(number for number, line in enumerate(lines) if "tollbook" in line)
        return next(int(line.split(":")[1]) for line in reversed(lines[:at]) if "PID" in line)

    def test_a_dialog_in_the_database_is_told_of_after_a_restart(self):
        ledger = self.ledger()
        played = self.player(dialog_db=True)
        played.start_silent_call()
        wait_until(lambda: ledger.events >= 5, 10, "an answered call")
        self.assertEqual(played.kamailio.stop(), 0)
        played.kamailio.start()
        wait_until(
            lambda: any(entry["event"]["type"] == "timeout.session" for entry in read_log(self.log)),
            15,
            "the timeout",
        )
        played.kamailio.stop()
        entries = read_log(self.log)
        self.assert_whole(entries, epochs=2)
        of_the_call = [entry for entry in entries if "callid" in entry["event"]]
        self.assertEqual(
            [entry["event"]["type"] for entry in of_the_call],
            ["dialog.trying", "dialog.early", "dialog.confirmed", "dialog.acked", "timeout.session"],
        )
        self.assertEqual(
            {(entry["event"]["callid"], entry["event"]["from_tag"]) for entry in of_the_call},
            {(of_the_call[0]["event"]["callid"], "a1")},
        )
        self.assertEqual(of_the_call[-1]["event"]["to_tag"], "b1")

    def certificate(self, name, public, secret):
        path = os.path.join(self.directory, name)
        keys = 'curve\n    public-key = "%s"\n    secret-key = "%s"\n' % (public.decode(), secret.decode())
        with open(path, "w", encoding="utf-8") as file:
            file.write(keys)
        return path

    def test_curve_with_the_right_keys_delivers_and_with_the_wrong_ones_does_not(self):
        ledger_keys, own_keys, other_keys = (zmq.curve_keypair() for _ in range(3))
        ledger = self.ledger(curve_secret=ledger_keys[1])
        own = self.certificate("own", *own_keys)
        for name, keys, delivered in (("wrong", other_keys, False), ("right", ledger_keys, True)):
            server = self.certificate(name, *keys)
            defines = ['TOLLBOOK_CURVE_KEYS="%s"' % own, 'TOLLBOOK_CURVE_LEDGER="%s"' % server]
            played = self.player(defines=defines)
            played.play(["busy"])
            with self.subTest(name):
                self.assertEqual(played.kamailio.drain(3), delivered)
                self.assertEqual(bool(ledger.events), delivered)
            played.kamailio.stop()

    def test_another_machine_is_not_spoken_to_in_the_clear(self):
        self.endpoint = "tcp://192.0.2.1:5590"
        played = self.player()
        played.play(["busy"])
        self.assertEqual(played.kamailio.counters()["state"], "away")
        self.assertIn("is not this machine: not connecting", played.kamailio.tail(100))

    def test_a_reload_of_the_script_keeps_numbers_and_connection(self):
        ledger = self.ledger()
        played = self.player()
        played.play(["normal"])
        self.assertIsNotNone(played.kamailio.rpc("app_python.reload"))
        played.play(["busy"])
        self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
        self.assertEqual((ledger.hellos, ledger.complaints), (1, []))
        played.kamailio.stop()
        self.assert_whole(read_log(self.log))


if __name__ == "__main__":
    unittest.main()
