"""Starts a Kamailio with Tollbook's configuration, plays calls through it with SIPp, and leaves nothing
running."""

import ctypes
import datetime
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "scenarios"))

import calls  # noqa: E402
import misbehaving  # noqa: E402

PORTS = 12  # of a call: each side one for SIP, one for control and four for media it never uses
START_SECONDS_MAX = 15  # for Kamailio and for SIPp to listen
STAGGER_SECONDS = 0.04  # between two callers, so that starting them does not delay what they measure
STOP_SECONDS_MAX = 15  # for Kamailio to end in good order
DRAIN_SECONDS_MAX = 10  # for the last events to be acknowledged
REFUSALS = tuple("SIP/2.0 %d" % first for first in (3, 4, 5, 6))
PR_SET_PDEATHSIG = 1
MAKERS = {**calls.CALLS, **calls.SLOW, **misbehaving.CALLS}
PINGS = ["TOLLBOOK_PING=30", "TOLLBOOK_PING_FAILURES=1"]  # what the slow ones want of the proxy
REAL_MINIMUM = ["TOLLBOOK_MIN_SE=90"]  # what those of misbehaving.py want of it


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def bound_ports():
    """The UDP ports that somebody on this machine listens on."""
    with open("/proc/net/udp", encoding="ascii") as table:
        return {int(line.split()[1].rpartition(":")[2], 16) for line in table.readlines()[1:]}


def free_ports(count):
    """The first of `count` UDP ports in a row that nobody uses."""
    for _ in range(200):
        first = random.randrange(20000, 32000 - count)
        held = []
        try:
            for port in range(first, first + count):
                held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                held[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise RuntimeError("no %d free UDP ports in a row" % count)


class Kamailio:
    """One proxy with a run directory of its own."""

    def __init__(
        self, run_dir, endpoint, port=None, source="kamailio/test", defines=(), memory=512, dialog_db=False
    ):
        self.run_dir, self.endpoint, self.source = run_dir, endpoint, source
        self.port = port or free_ports(1)
        self.defines, self.memory, self.dialog_db = list(defines), memory, dialog_db
        self.process = None
        self.log_path = os.path.join(run_dir, "kamailio.log")
        self.control = "unix:" + os.path.join(run_dir, "ctl.sock")

    def command(self):
        quoted = {
            "TOLLBOOK_ENDPOINT": self.endpoint,
            "TOLLBOOK_SOURCE": self.source,
            "CTL_SOCKET": self.control,
            "TOLLBOOK_EMITTER": os.path.join(HERE, "tollbook_emitter.py"),
            "TOLLBOOK_SPOOL": os.path.join(self.run_dir, "spool"),
        }
        if self.dialog_db:
            quoted["DIALOG_DB"] = "sqlite:///" + self._database()
        defines = ['%s="%s"' % pair for pair in quoted.items()]
        defines += ["LISTEN=udp:127.0.0.1:%d" % self.port, "WITH_SCENARIOS"]
        given = {define.partition("=")[0] for define in self.defines}
        usual = ["TOLLBOOK_MIN_SE=4", "FR_TIMER=1500", "FR_INV_TIMER=2000"]
        defines += [define for define in usual if define.partition("=")[0] not in given] + self.defines
        command = [
            "kamailio",
            "-f",
            os.path.join(HERE, "kamailio.cfg"),
            "-DD",
            "-E",
            "-m",
            str(self.memory),
            "-M",
            "16",
            "-Y",
            self.run_dir,
            "-w",
            self.run_dir,
        ]
        for define in defines:
            command += ["-A", define]
        return command

    def _database(self):
        path = os.path.join(self.run_dir, "dialogs.sqlite")
        if not os.path.exists(path):
            import sqlite3

            with sqlite3.connect(path) as database:
                for name in ("standard", "dialog"):
                    with open(
                        "/usr/share/kamailio/db_sqlite/%s-create.sql" % name, encoding="utf-8"
                    ) as schema:
                        database.executescript(schema.read())
        return path

    def start(self):
        os.makedirs(self.run_dir, exist_ok=True)
        # As an init system starts it: its Python takes packages from beside the first python3 on PATH.
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
                env=environment,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.rpc("htable.get", "tollbook", "state") is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("Kamailio does not start, see %s:\n%s" % (self.log_path, self.tail()))
            time.sleep(0.05)
        return self

    def tail(self, lines=15):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def rpc(self, *words):
        """What kamcmd answers, or None."""
        done = subprocess.run(
            ["kamcmd", "-s", self.control, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=10,
            check=False,
        )
        text = done.stdout.decode("utf-8", "replace")
        return (
            None if done.returncode != 0 or text.startswith("error") or "could not connect" in text else text
        )

    def counters(self):
        """The sender's counters, by name."""
        counters = {}
        name = None
        for line in (self.rpc("htable.dump", "tollbook") or "").splitlines():
            word, _, value = line.strip().partition(": ")
            if word == "name":
                name = value
            elif word == "value":
                counters[name] = int(value) if value.lstrip("-").isdigit() else value
        return counters

    def drain(self, seconds=DRAIN_SECONDS_MAX):
        """Waits until everything stated is acknowledged; whether it came to that."""
        deadline = time.monotonic() + seconds
        made_before = None
        while time.monotonic() < deadline:
            counters = self.counters()
            made = counters.get("made", 0)
            if counters.get("waiting") == 0 and made == made_before and counters.get("numbered", 0) >= made:
                return True
            made_before = made
            time.sleep(1.1)  # the counters are written once a second
        return False

    def stop(self):
        """SIGTERM, as an init system does it; SIGKILL to the whole group if that does not help. The exit
        status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass
        status = self.process.poll()
        self.kill()
        return status

    def kill(self):
        """SIGKILL to every process of it, as a crash would."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None


class Played:
    """A call in the making: SIPp as its caller and its callee."""

    def __init__(self, name, made, run_dir, proxy_port, port, count=1, rate=None, limit=None):
        self.name, self.made, self.count = name, made, count
        self.target = port + 1  # the port in the Request-URI; the request goes to the proxy in any case
        self.run_dir, self.proxy_port, self.port = os.path.join(run_dir, "sipp"), proxy_port, port
        self.rate, self.limit = rate, limit
        self.processes = {}
        self.hang_up_at = None
        os.makedirs(self.run_dir, exist_ok=True)

    def callid(self, number=1):
        return "%s-%d@%d" % (self.name, number, self.port)

    def start_callee(self):
        if self.made.callee is not None:
            extra = ["-m", str(self.count)]
            self._start("callee", self.made.callee, 1, extra)

    def wait_for_callee(self):
        """SIPp says nothing when it has bound its port, but the kernel does."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.made.callee is not None and self.port + 1 not in bound_ports():
            if time.monotonic() > deadline or self.processes["callee"].poll() is not None:
                raise RuntimeError("SIPp does not listen on %d, see %s" % (self.port + 1, self.run_dir))
            time.sleep(0.02)

    def start_caller(self):
        target = [
            "-s",
            self.made.proxy,
            "-rsa",
            "127.0.0.1:%d" % self.proxy_port,
            "127.0.0.1:%d" % self.target,
            "-cid_str",
            "%s-%%u@%d" % (self.name, self.port),
            "-m",
            str(self.count),
        ]
        if self.rate:
            target += ["-r", str(self.rate), "-l", str(self.limit or self.count)]
        self._start("caller", self.made.caller, 0, target)
        if self.made.hang_up_after:
            self.hang_up_at = time.monotonic() + self.made.hang_up_after / 1000

    def _start(self, side, script, index, extra):
        path = os.path.join(self.run_dir, "%s_%s" % (self.name, side))
        with open(path + ".xml", "w", encoding="latin-1") as file:
            file.write(script.xml(self.name))
        seconds = self.made.seconds_max + (self.count / self.rate if self.rate else 0)
        command = [
            "timeout",
            "-k",
            "2",
            str(int(seconds)),
            "sipp",
            "-sf",
            path + ".xml",
            "-i",
            "127.0.0.1",
            "-p",
            str(self.port + index),
            "-cp",
            str(self.port + 2 + index),
            "-mp",
            str(self.port + 4 + 4 * index),
            "-nostdin",
            "-nd",
            "-trace_err",
            "-error_file",
            path + ".err",
        ]
        if self.count == 1:
            command += ["-trace_shortmsg", "-shortmessage_file", path + ".msg"]
        with open(path + ".out", "wb") as out:
            self.processes[side] = subprocess.Popen(
                command + extra,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.run_dir,
                preexec_fn=die_with_parent,
            )

    def running(self):
        return any(process.poll() is None for process in self.processes.values())

    def kill(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()  # `timeout` passes it on
        for process in self.processes.values():
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()

    def report(self):
        report = {
            "callids": [self.callid(n) for n in range(1, self.count + 1)]
            if self.count == 1
            else {"first": self.callid(), "count": self.count},
            "sipp": {side: process.returncode for side, process in self.processes.items()},
        }
        if self.count == 1:
            report["times"] = self.times()
        errors = {}
        for side in self.processes:
            path = os.path.join(self.run_dir, "%s_%s.err" % (self.name, side))
            if os.path.exists(path) and os.path.getsize(path):
                with open(path, encoding="latin-1") as file:
                    errors[side] = file.read(2000)
        if errors:
            report["errors"] = errors
        return report

    def times(self):
        """When the caller's SIPp saw the call begin, be answered or refused, and end: microseconds since
        1970."""
        times = {}
        path = os.path.join(self.run_dir, self.name + "_caller.msg")
        if not os.path.exists(path):
            return times
        with open(path, encoding="latin-1") as file:
            for line in file:
                columns = line.rstrip("\n").split("\t")
                if len(columns) < 7:
                    continue
                moment = datetime.datetime.strptime(" ".join(columns[:2]), "%Y-%m-%d %H:%M:%S.%f")
                at = int(moment.timestamp() * 1000000)
                cseq, start = columns[5], columns[6]
                if start.startswith("INVITE"):
                    times.setdefault("invite", at)
                elif start.startswith("SIP/2.0 200") and cseq.endswith("INVITE"):
                    times.setdefault("answer", at)
                elif start.startswith(REFUSALS) and cseq.endswith("INVITE") and "answer" not in times:
                    times["refused"] = at
                elif start.startswith("BYE"):
                    times.setdefault("bye", at)
        return times


class Player:
    """Plays calls through a Kamailio. Use it in a `with`: it ends what it has started, whatever happens."""

    def __init__(self, endpoint, run_dir=None, keep=False, proxy=Kamailio, **options):
        self.run_dir = run_dir or tempfile.mkdtemp(prefix="tollbook-kamailio-")
        self.keep = keep or run_dir is not None
        self.kamailio = proxy(self.run_dir, endpoint, **options)
        self.played = []

    def __enter__(self):
        try:
            self.kamailio.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_):
        try:
            for one in self.played:
                one.kill()
            self.kamailio.stop()
        finally:
            self.kamailio.kill()
            if not self.keep:
                shutil.rmtree(self.run_dir, ignore_errors=True)

    def play(self, names):
        """Plays the calls of these names, all at once; their reports by name."""
        first = free_ports(PORTS * len(names))
        batch = [
            Played(name, MAKERS[name](), self.run_dir, self.kamailio.port, first + PORTS * i)
            for i, name in enumerate(names)
        ]
        return self.run(batch)

    def start_silent_call(self):
        """Begins a call with a session interval of 5 s that falls silent once it is answered."""
        one = Played(
            "hung_silent", calls.CALLS["hung_silent"](), self.run_dir, self.kamailio.port, free_ports(PORTS)
        )
        self.played.append(one)
        one.start_callee()
        one.wait_for_callee()
        one.start_caller()

    def start_load(self, count, rate):
        """Begins `count` calls, `rate` of them a second."""
        load = Played("load", calls.load(), self.run_dir, self.kamailio.port, free_ports(PORTS), count, rate)
        self.played.append(load)
        load.start_callee()
        load.wait_for_callee()
        load.start_caller()
        return load

    def load(self, count, rate):
        one = self.start_load(count, rate)
        while one.running():
            time.sleep(0.05)
        return {"load": one.report()}

    def run(self, batch):
        """Plays these calls, all at once; their reports by name."""
        self.played += batch
        for one in batch:
            one.start_callee()
        for one in batch:
            one.wait_for_callee()
        for one in batch:
            one.start_caller()
            time.sleep(STAGGER_SECONDS)
        while any(one.running() for one in batch):
            for one in batch:
                if one.hang_up_at and time.monotonic() >= one.hang_up_at:
                    one.hang_up_at = None
                    self.kamailio.rpc("dlg.terminate_dlg", one.callid(), "a1", "b1")
            time.sleep(0.02)
        return {one.name: one.report() for one in batch}


def raise_on_signals():
    """Lets a signal end the program by an exception, so that every `with` is left in good order."""

    def leave(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)


def main(arguments):
    raise_on_signals()
    names = sorted(calls.CALLS) if arguments.all else arguments.scenario
    wanted = PINGS if set(names) & set(calls.SLOW) else []
    if set(names) & set(misbehaving.CALLS):
        if not set(names) <= set(misbehaving.CALLS):
            sys.exit("the calls of misbehaving.py want another proxy: play them by themselves")
        wanted = REAL_MINIMUM
    options = {
        "source": arguments.source,
        "defines": arguments.define + wanted,
        "dialog_db": arguments.dialog_db,
        "memory": 1024 if arguments.load else 512,
    }
    if arguments.port:
        options["port"] = arguments.port
    started = time.time()
    with Player(arguments.endpoint, arguments.run_dir, arguments.keep, **options) as player:
        reports = player.play(names) if names else {}
        if arguments.load:
            reports.update(player.load(arguments.load, arguments.rate))
        drained = player.kamailio.drain(arguments.drain)
        counters = player.kamailio.counters()
        status = player.kamailio.stop()
    failed = [name for name, report in reports.items() if any(report["sipp"].values())]
    print(
        json.dumps(
            {
                "scenarios": reports,
                "failed": failed,
                "seconds": round(time.time() - started, 1),
                "kamailio": {
                    "source": arguments.source,
                    "exit_status": status,
                    "all_acknowledged": drained,
                    "counters": counters,
                },
                "run_dir": player.run_dir if player.keep else None,
            },
            indent=1,
        )
    )
    return 1 if failed or status else 0
