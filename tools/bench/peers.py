"""The programs that are measured: Tollbook, and what it is held against. Each call is one run of one of them, and gives
what that run said of itself."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
DUCKDB = "2.0.0"


class Failure(Exception):
    """Something that is needed is not there, or did not do what it had to."""


class Peers:
    def __init__(self, program, made, scratch):
        self.program, self.made, self.scratch = program, made, scratch
        self.count = 0

    # What is made once

    def make(self, duck):
        self.made.mkdir(parents=True, exist_ok=True)
        for name, libraries in (("ceiling", ["-lzmq"]), ("redis_stream", [])):
            run(["cc", "-O2", "-o", self.made / name, HERE / f"{name}.c", *libraries])
        if duck and not self.duck_version():
            run([sys.executable, "-m", "venv", self.made / "venv"])
            run([self.made / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check",
                 f"duckdb=={DUCKDB}"])

    def duck_version(self):
        python = self.made / "venv/bin/python"
        if not python.exists():
            return None
        done = subprocess.run([python, "-c", "import duckdb; print(duckdb.__version__)"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def corpus(self):
        path = self.scratch / "corpus.ndjson"
        if not path.exists():
            run([self.program, "bench", "corpus", path])
        return path

    def fresh(self, name):
        self.count += 1
        return self.scratch / f"{name}-{self.count}"

    # Tollbook

    def bench(self, *words):
        """The rows of a `tollbook bench`, without their medians."""
        rows = lines(run([self.program, "bench", *words, "--format", "ndjson"]))
        return [row for row in rows if row["run"] != "median"]

    def tollbook_ingest(self, batch, window, batches):
        data = self.fresh("ingest")
        receiver = Listener([self.program, "bench", "receive", "--data", data, "--credit", str(batch * window)])
        try:
            seen = self.send(receiver.endpoint, batch, window, batches)
            account = json.loads(receiver.stop())
        finally:
            receiver.kill()
            shutil.rmtree(data, ignore_errors=True)
        if account["events"] != seen["events"]:
            raise Failure(f"{seen['events']} events were acknowledged, and the log has {account['events']}")
        seen["cpu_ns"] = account["cpu_ns"] // seen["events"]
        return seen

    # The ceiling

    def ceiling(self, batch, window, batches, acknowledge_every=32):
        receiver = Listener([self.made / "ceiling", "receive", str(batch), str(acknowledge_every)])
        try:
            return self.send(receiver.endpoint, batch, window, batches, acknowledge_every)
        finally:
            receiver.kill()

    def send(self, endpoint, batch, window, batches, acknowledge_every=32):
        words = [endpoint, str(batch), str(window), str(batches), self.corpus(), str(acknowledge_every)]
        return lines(run([self.made / "ceiling", "send", *words]))[0]

    # Redis

    def redis(self, window, events):
        data = self.fresh("redis")
        data.mkdir()
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))
            port = place.getsockname()[1]
        server = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
             "--daemonize", "no"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: can_connect(port), "redis-server listens")
            return lines(run([self.made / "redis_stream", str(port), str(window), str(events), self.corpus()]))[0]
        finally:
            server.terminate()
            server.wait()
            shutil.rmtree(data, ignore_errors=True)

    def redis_version(self):
        words = run(["redis-server", "--version"]).split()
        return next((word[2:] for word in words if word.startswith("v=")), "?")

    # DuckDB

    def duck(self, how, events, target=None):
        path = target or self.fresh("duck")
        try:
            text = run([self.made / "venv/bin/python", HERE / "duck.py", how, events, path])
            return lines(text)[0] if how != "parquet" else None
        finally:
            if not target:
                for left in self.scratch.glob(path.name + "*"):
                    left.unlink()


class Listener:
    """A program that says `listening router ENDPOINT` and serves until it is ended."""

    def __init__(self, words):
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        if "listening router " not in line:
            self.kill()
            raise Failure(f"{pathlib.Path(words[0]).name} does not listen; it said “{line.strip()}”")
        self.endpoint = line.split("listening router ")[1].strip()

    def stop(self):
        """Ends it in good order; its last line."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.stdout.read().decode().splitlines()
        if self.process.wait() != 0 or not said:
            raise Failure(f"the service under test ended with status {self.process.returncode}")
        return said[-1]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def run(words):
    done = subprocess.run([str(word) for word in words], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failure(f"`{' '.join(map(str, words))}` ended with status {done.returncode}: "
                      f"{done.stderr.decode(errors='replace').strip()[-600:]}")
    return done.stdout.decode()


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def can_connect(port):
    with socket.socket() as place:
        return place.connect_ex(("127.0.0.1", port)) == 0


def until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} seconds")
        time.sleep(0.05)
