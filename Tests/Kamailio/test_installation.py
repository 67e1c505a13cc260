"""What the README promises an operator: the configuration that Debian ships, changed as debian.patch says,
tells of its calls; and `play` leaves nothing behind, however it ends.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_installation.py
"""

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

import expectations  # noqa: E402
from recording_ledger import RecordingLedger, read_log  # noqa: E402

sys.path.insert(0, expectations.KAMAILIO)
import player  # noqa: E402

STOCK = "/etc/kamailio/kamailio.cfg"
INSTALLED = (
    "tollbook.cfg",
    "tollbook_emitter.py",
    "tollbook_sender.py",
    "tollbook_protocol.py",
    "tollbook_spool.py",
)


class StockKamailio(player.Kamailio):
    """Debian's configuration with the patch, in a directory of its own instead of /etc/kamailio."""

    def install(self):
        directory = os.path.join(self.run_dir, "etc")
        os.makedirs(os.path.join(directory, "tollbook"))
        shutil.copy(STOCK, directory)
        subprocess.run(
            ["git", "apply", os.path.join(expectations.KAMAILIO, "debian.patch")],
            cwd=directory,
            check=True,
            env=dict(os.environ, GIT_CEILING_DIRECTORIES=self.run_dir),
        )
        for name in INSTALLED:
            shutil.copy(os.path.join(expectations.KAMAILIO, name), os.path.join(directory, "tollbook"))
        return directory

    def command(self):
        directory = self.install()
        self.control = "unix:" + os.path.join(self.run_dir, "kamailio_ctl")
        defines = {
            "TOLLBOOK_ENDPOINT": self.endpoint,
            "TOLLBOOK_SOURCE": self.source,
            "TOLLBOOK_SPOOL": os.path.join(self.run_dir, "spool"),
            "TOLLBOOK_EMITTER": os.path.join(directory, "tollbook", "tollbook_emitter.py"),
        }
        command = [
            "kamailio",
            "-f",
            os.path.join(directory, "kamailio.cfg"),
            "-l",
            "udp:127.0.0.1:%d" % self.port,
            "-T",
            "-DD",
            "-E",
            "-m",
            "256",
            "-Y",
            self.run_dir,
            "-w",
            self.run_dir,
        ]
        for name, value in defines.items():
            command += ["-A", '%s="%s"' % (name, value)]
        return command


class StockConfiguration(unittest.TestCase):
    names = (
        "callee_hangs_up",
        "refresh_by_update",
        "refresh_refused",
        "compact_headers",
        "callee_without_timers",
        "interval_refused_by_callee",
        "unauthorized",
        "cancelled",
        "busy",
        "refused_statefully",
    )

    def test_the_patched_configuration_tells_of_calls(self):
        with tempfile.TemporaryDirectory(prefix="tollbook-stock-") as directory:
            log = os.path.join(directory, "events.ndjson")
            ledger = RecordingLedger("ipc://" + os.path.join(directory, "ledger"), log).start()
            try:
                with player.Player(
                    ledger.endpoint, os.path.join(directory, "run"), proxy=StockKamailio
                ) as played:
                    reports = self.play(played)
                    self.assertTrue(played.kamailio.drain(), played.kamailio.counters())
                    self.assertEqual(played.kamailio.stop(), 0)
            finally:
                ledger.stop()
            self.assertEqual(ledger.complaints, [])
            entries = read_log(log)
        expected = expectations.expected_calls()
        for name in self.names:
            with self.subTest(name):
                self.assertEqual(set(reports[name]["sipp"].values()), {0}, reports[name])
                events = [
                    entry["event"]
                    for entry in entries
                    if entry["event"].get("callid") == reports[name]["callids"][0]
                ]
                self.assertEqual(expectations.differences_of_events(expected[name]["events"], events), [])

    def play(self, played):
        """The callees are registered users of the proxy; the caller knows the proxy alone."""
        batch = []
        first = player.free_ports(player.PORTS * len(self.names))
        for number, name in enumerate(self.names):
            one = player.Played(
                name,
                player.MAKERS[name](),
                played.run_dir,
                played.kamailio.port,
                first + player.PORTS * number,
            )
            one.target = played.kamailio.port
            one.made.proxy = name
            if one.made.callee is not None:
                contact = "sip:bob@127.0.0.1:%d" % (one.port + 1)
                added = played.kamailio.rpc("ul.add", "location", name, contact, 3600, 1.0, "s:0", 0, 0, 8191)
                self.assertIsNotNone(added)
            batch.append(one)
        return played.run(batch)


class Play(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="tollbook-play-")
        self.addCleanup(shutil.rmtree, self.directory, True)

    def start(self):
        process = subprocess.Popen(
            [
                os.path.join(expectations.KAMAILIO, "play"),
                "--endpoint",
                "ipc://" + os.path.join(self.directory, "none"),
                "--scenario",
                "hung",
                "--run-dir",
                os.path.join(self.directory, "run"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(process.stdout.close)
        self.wait_for(lambda: len([line for line in self.running() if "sipp " in line]) == 4)
        return process

    def running(self):
        """The command lines that name our directory: Kamailio's processes, SIPp's, and `timeout`s."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as file:
                    line = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if self.directory in line and "/play" not in line.split("--")[0]:
                found.append(line)
        return found

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.running())
            time.sleep(0.05)

    def test_a_signal_leaves_nothing_running(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            with self.subTest(number):
                process = self.start()
                process.send_signal(number)
                process.wait(20)
                self.wait_for(lambda: not self.running())


if __name__ == "__main__":
    unittest.main()
