#!/usr/bin/python3
"""A stand-in for the ledger that records: it speaks the ledger's side of the acknowledged wire protocol,
strictly, and can be told to misbehave.

    recording_ledger.py --endpoint tcp://127.0.0.1:5590 --log events.ndjson [--credit N] [--drop-acks N]
                        [--nack-every N] [--die-after N]

Every event goes into the log as {"position","received_at","source","epoch","seq","event"} and is acknowledged
after fdatasync; a skip goes into a file of its own beside it. A ledger that is killed and started again goes
on from its log. What a source does against the protocol is collected in `complaints` and printed at the end;
the exit status is then 1.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time

import zmq

from event_rules import broken_rule

HEADERS = {
    "hello": {"v", "op", "source", "epoch"},
    "batch": {"v", "op", "source", "epoch", "first_seq", "count"},
    "heartbeat": {"v", "op", "source", "epoch", "last_seq", "time"},
    "skip": {"v", "op", "source", "epoch", "from_seq", "to_seq", "reason"},
}


class RecordingLedger:
    def __init__(self, endpoint, log_path, credit=10000):
        self.endpoint, self.log_path = endpoint, log_path
        self.credit = credit
        self.drop_acks = 0  # every n-th ack is not sent
        self.nack_every = 0  # every n-th batch is answered with a nack and not taken
        self.die_after = 0  # os._exit after so many events
        self.deaf = False  # takes nothing off the socket
        self.curve_secret = None  # of the ledger, if it is to use CURVE
        self.complaints = []
        self.next_seq = {}  # (source, epoch): number that comes next
        self.skips = []  # (source, epoch, from, to, reason)
        self.batches = self.events = self.duplicates = self.acks = self.nacks = self.hellos = 0
        self.greeted = set()  # (peer, source, epoch)
        self.sent_credit = {}  # (peer, source, epoch): highest number allowed
        self.bytes_of = {}  # (source, epoch, seq): the event as it came
        self.position = 0
        self.stopping = threading.Event()
        self.thread = None
        self._open()

    def _open(self):
        if os.path.exists(self.log_path):
            with open(self.log_path, "rb+") as log:
                whole = log.read()
                log.truncate(whole.rfind(b"\n") + 1)  # a torn last line was never acknowledged
            for line in whole[: whole.rfind(b"\n") + 1].splitlines():
                entry = json.loads(line)
                key = (entry["source"], entry["epoch"])
                self.position = entry["position"]
                self.next_seq[key] = max(self.next_seq.get(key, 1), entry["seq"] + 1)
                event = line[line.index(b'"event":') + 8 : -1]
                self.bytes_of[key + (entry["seq"],)] = event
        if os.path.exists(self.log_path + ".skips"):
            with open(self.log_path + ".skips", encoding="utf-8") as skips:
                for source, epoch, first, last, reason in map(json.loads, skips):
                    self.skips.append((source, epoch, first, last, reason))
                    self.next_seq[source, epoch] = max(self.next_seq.get((source, epoch), 1), last + 1)
        self.log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def complain(self, text, *values):
        self.complaints.append(text % values)

    # -- life

    def start(self):
        bound = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(bound,), daemon=True)
        self.thread.start()
        if not bound.wait(5):
            raise RuntimeError("the recording ledger can't bind %s" % self.endpoint)
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def run(self, bound=None):
        context = zmq.Context()
        router = context.socket(zmq.ROUTER)
        router.linger = 0
        router.maxmsgsize = 4 * 1024 * 1024
        router.set_hwm(10000)
        if self.curve_secret:
            router.curve_secretkey, router.curve_server = self.curve_secret, True
        router.bind(self.endpoint)
        if bound:
            bound.set()
        self.router = router
        last_credit = self.credit
        while not self.stopping.is_set():
            if self.credit != last_credit:
                self._offer_credit()
                last_credit = self.credit
            if self.deaf or not router.poll(20):
                if self.deaf:
                    time.sleep(0.02)
                continue
            frames = router.recv_multipart()
            self._receive(frames[0], frames[1:])
        router.close(0)
        context.term()
        os.close(self.log)

    def _answer(self, peer, **header):
        self.router.send_multipart([peer, json.dumps({"v": 1, **header}, separators=(",", ":")).encode()])

    def _offer_credit(self):
        for peer, source, epoch in self.greeted:
            key = (source, epoch)
            self.sent_credit[(peer,) + key] = self.next_seq.get(key, 1) - 1 + self.credit
            if self.credit:
                self._answer(peer, op="credit", source=source, epoch=epoch, credit=self.credit)

    # -- the protocol

    def _receive(self, peer, frames):
        header = self._header(frames)
        if header is None:
            self._answer(peer, op="error", code="header", reason="the header can't be read")
            return
        key = (header["source"], header["epoch"])
        op = header["op"]
        if op == "hello":
            self.hellos += 1
            self.greeted = {g for g in self.greeted if g[0] == peer or g[1:] != key} | {(peer,) + key}
            next_seq = self.next_seq.setdefault(key, 1)
            self.sent_credit[(peer,) + key] = next_seq - 1 + self.credit
            self._answer(
                peer,
                op="welcome",
                log="recording",
                source=key[0],
                epoch=key[1],
                next_seq=next_seq,
                credit=self.credit,
            )
            return
        if (peer,) + key not in self.greeted:
            self.complain("%s without a hello on this connection: %r", op, header)
        if op == "heartbeat":
            self._ack(peer, key, always=True)
        elif op == "skip":
            self._skip(peer, key, header)
        else:
            self._batch(peer, key, header, frames[1])

    def _header(self, frames):
        try:
            header = json.loads(frames[0])
            op = header["op"]
            if header["v"] != 1 or set(header) != HEADERS[op] or len(frames) != (2 if op == "batch" else 1):
                raise ValueError("fields")
            if not isinstance(header["source"], str) or not isinstance(header["epoch"], int):
                raise ValueError("types")
            return header
        except (ValueError, KeyError, TypeError) as error:
            self.complain("a header that breaks the protocol (%r): %r", error, frames[0])
            return None

    def _batch(self, peer, key, header, payload):
        self.batches += 1
        first, count = header["first_seq"], header["count"]
        lines = payload.split(b"\n")
        if lines.pop() != b"" or len(lines) != count or count < 1:
            self.complain("count %d, but %d lines", count, len(lines))
            self._answer(peer, op="error", code="count", reason="%d lines" % len(lines))
            return
        expected = self.next_seq.get(key, 1)
        if first > expected or self.nack_every and self.batches % self.nack_every == 0:
            self.nacks += 1
            self._answer(peer, op="nack", source=key[0], epoch=key[1], expected=expected)
            return
        allowed = self.sent_credit.get((peer,) + key, 0)
        if first + count - 1 > allowed:
            self.complain(
                "%d to %d of %s/%d, but credit went up to %d", first, first + count - 1, *key, allowed
            )
        entries = []
        for seq, line in enumerate(lines, first):
            if seq < expected:
                self.duplicates += 1
                if self.bytes_of[key + (seq,)] != line:
                    self.complain("%s/%d/%d came again with other bytes", *key, seq)
                continue
            broken = broken_rule(line)
            if broken:
                self.complain("%s: %r", broken, line)
            self.position += 1
            self.events += 1
            self.bytes_of[key + (seq,)] = line
            entries.append(
                b'{"position":%d,"received_at":%d,"source":%s,"epoch":%d,"seq":%d,"event":%s}\n'
                % (self.position, time.time_ns() // 1000, json.dumps(key[0]).encode(), key[1], seq, line)
            )
        self.next_seq[key] = max(expected, first + count)
        if entries:
            os.write(self.log, b"".join(entries))
            os.fdatasync(self.log)
        if self.die_after and self.events >= self.die_after:
            os._exit(9)  # on disk, and nobody knows
        self._ack(peer, key)

    def _skip(self, peer, key, header):
        expected = self.next_seq.get(key, 1)
        if header["from_seq"] > expected:
            self.nacks += 1
            self._answer(peer, op="nack", source=key[0], epoch=key[1], expected=expected)
            return
        if header["to_seq"] >= expected:
            self.next_seq[key] = header["to_seq"] + 1
            self.skips.append(key + (header["from_seq"], header["to_seq"], header["reason"]))
            with open(self.log_path + ".skips", "a", encoding="utf-8") as skips:
                skips.write(json.dumps(self.skips[-1]) + "\n")
                skips.flush()
                os.fsync(skips.fileno())
        self._ack(peer, key)

    def _ack(self, peer, key, always=False):
        self.acks += 1
        through = self.next_seq.get(key, 1) - 1
        self.sent_credit[(peer,) + key] = max(self.sent_credit.get((peer,) + key, 0), through + self.credit)
        if not always and self.drop_acks and self.acks % self.drop_acks == 0:
            return
        self._answer(peer, op="ack", source=key[0], epoch=key[1], through=through, credit=self.credit)


def read_log(path):
    """The entries of a recorded log."""
    with open(path, "rb") as log:
        return [json.loads(line) for line in log if line.endswith(b"\n")]


def main():
    parser = argparse.ArgumentParser(description="A stand-in for the ledger that records events.")
    parser.add_argument("--endpoint", default="tcp://127.0.0.1:5590")
    parser.add_argument("--log", required=True)
    parser.add_argument("--credit", type=int, default=10000)
    parser.add_argument("--drop-acks", type=int, default=0, metavar="N", help="keep every N-th ack back")
    parser.add_argument(
        "--nack-every", type=int, default=0, metavar="N", help="answer every N-th batch with a nack"
    )
    parser.add_argument(
        "--die-after", type=int, default=0, metavar="N", help="exit after N events, unacknowledged"
    )
    arguments = parser.parse_args()
    ledger = RecordingLedger(arguments.endpoint, arguments.log, arguments.credit)
    ledger.drop_acks, ledger.nack_every = arguments.drop_acks, arguments.nack_every
    ledger.die_after = arguments.die_after
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ledger.stopping.set())
    ledger.run()
    print("%d events, %d batches, %d duplicates" % (ledger.events, ledger.batches, ledger.duplicates))
    for complaint in ledger.complaints:
        print(complaint, file=sys.stderr)
    return 1 if ledger.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
