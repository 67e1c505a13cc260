"""The one process that talks to the ledger: takes events from the mqueue, numbers them, keeps them in the
spool, sends them over a DEALER socket until they are acknowledged.

`turn` is called over and over from an event route and returns within some 20 ms. It is never part of a SIP
worker.
"""

import json
import os
import re
import signal
import socket
import time

import KSR
from tollbook_protocol import AWAY, Conversation, encode
from tollbook_spool import Backlog, Spool

QUEUE = "tollbook"  # the mqueue of the workers, and the htable of the counters
FETCH_EVENTS_MAX = 2000  # taken from the mqueue in one turn
BURST_MESSAGES_MAX = 64  # sent in one turn
BUSY_MILLISECONDS = 5  # waiting for the socket while there is something to do, and
IDLE_MILLISECONDS = 20  # while there is not
STOP_SECONDS = 2.0  # for the last acks; what is unacknowledged then stays in the spool
STOP_DRAIN_SECONDS = 0.2  # for what the workers still had in their hands
ANSWER_BYTES_MAX = 65536
LOG_SECONDS = 10.0  # between two lines of the same kind
SOURCE = re.compile(r"[A-Za-z0-9._:/-]{1,64}\Z")
LOOPBACK = re.compile(r"tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+\Z|ipc://|inproc://")


def setting(name, fallback):
    """A `#!define` of the configuration, without the quotes that `-A` leaves on it."""
    value = KSR.pv.get("$def(TOLLBOOK_%s)" % name)
    return fallback if value in (None, "") else str(value).strip('"')


def key_in(path, name):
    """A key in a certificate file as ZeroMQ's tools write it: `public-key = "…"`."""
    with open(path, encoding="utf-8") as file:
        found = re.search(r"^\s*%s\s*=\s*\"(\S{40})\"" % name, file.read(), re.MULTILINE)
    if not found:
        raise ValueError("%s has no %s" % (path, name))
    return found[1].encode()


def microseconds():
    return time.time_ns() // 1000


class Log:
    """Kamailio's log, one line of a kind in LOG_SECONDS."""

    def __init__(self):
        self.last = {}

    def __call__(self, level, text):
        kind = (level, text[:24])
        now = time.monotonic()
        if now - self.last.get(kind, -LOG_SECONDS) < LOG_SECONDS:
            return
        self.last[kind] = now
        write = {"error": KSR.err, "warning": KSR.warn, "notice": KSR.notice}[level]
        write("tollbook: %s\n" % text.replace("\n", " "))


class Sender:
    def __init__(self):
        import zmq  # here, in the process that uses it: never before Kamailio has forked

        self.zmq = zmq
        self.log = Log()
        self.source = setting("SOURCE", "kamailio/" + socket.gethostname())
        if not SOURCE.match(self.source):
            self.log("error", "TOLLBOOK_SOURCE %r is no name of a source: using kamailio" % self.source)
            self.source = "kamailio"
        self.endpoint = setting("ENDPOINT", "tcp://127.0.0.1:5590")
        self.curve = self._curve_keys()
        self.heartbeat_seconds = float(setting("HEARTBEAT", "30"))
        bytes_max = int(setting("SPOOL_MAX", str(256 * 1024 * 1024)))
        self.spool = Spool(setting("SPOOL", ""), bytes_max, lambda text: self.log("error", text))
        self.older = self.spool.left_over()
        epoch = max([microseconds()] + [b.epoch + 1 for b in self.older])
        self.backlog = Backlog(self.spool, self.source, epoch)
        self.conversation = Conversation(self.older[0] if self.older else self.backlog, self.log)
        for old in self.older:
            self.log(
                "notice",
                "the spool has %d to %d of %s/%d" % (old.first_held, old.last_seq, old.source, old.epoch),
            )
        self.context = self.dealer = self.monitor = self.poller = None
        self.fetched = self.lost = self.lost_told = 0
        self.made_before = None
        self.stopping_since = None
        self.stopped = False
        self.heartbeat_at = time.monotonic()
        self.counters_at = self.dealer_at = 0.0
        self.totals = {"resent": 0, "nacks": 0, "errors": 0, "connects": 0}
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, self._terminate)
        self._state({"type": "source.started", "user_agent": str(KSR.pv.get("$version(full)")).strip()})

    def _curve_keys(self):
        """The ledger's public key, our own and our secret one; None if there is to be no CURVE."""
        own, ledger = setting("CURVE_KEYS", ""), setting("CURVE_LEDGER", "")
        if not own and not ledger:
            return None
        try:
            return key_in(ledger, "public-key"), key_in(own, "public-key"), key_in(own, "secret-key")
        except (OSError, ValueError) as error:
            self.log("error", "no CURVE keys, so not connecting: %s" % error)
            return ()

    def _terminate(self, *_):
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            # Kamailio's other processes end at the same moment, perhaps inside a lock: don't wait for it for
            # ever.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(STOP_SECONDS) + 3)

    # -- one turn

    def turn(self):
        now = time.monotonic()
        busy = self._fetch()
        if now - self.heartbeat_at >= self.heartbeat_seconds and self.stopping_since is None:
            self.heartbeat_at = now
            self._state({"type": "source.heartbeat", "active": int(KSR.pv.get("$DLG_count") or 0)})
        if now - self.counters_at >= 1.0:
            self.counters_at = now
            self._look_for_losses()
            self._publish()
        self._connection(now)
        busy = self._listen(now) or busy
        busy = self._speak(now) or busy
        if self.stopping_since is not None:
            self._stop(now)
        if self.dealer is None:
            time.sleep(IDLE_MILLISECONDS / 1000)
        else:
            self.poller.poll(BUSY_MILLISECONDS if busy else IDLE_MILLISECONDS)

    def _fetch(self):
        """Moves what the workers have made into the backlog; whether there was anything."""
        lines = []
        while len(lines) < FETCH_EVENTS_MAX and KSR.mqueue.mq_fetch(QUEUE) > 0:
            lines.append(KSR.mqueue.mqv_get(QUEUE).encode())
        if not lines:
            return False
        self.fetched += len(lines)
        self._keep(lines)
        return True

    def _keep(self, lines):
        spilt = self.backlog.append(lines)
        if spilt:
            self.lost += spilt
            self.log("error", "the spool is full: %d events are lost" % spilt)

    def _state(self, event):
        """States something about the source itself."""
        event["time"] = microseconds()
        self._keep([json.dumps(event, separators=(",", ":")).encode()])

    def _look_for_losses(self):
        """Events that a full queue, or full shared memory, has dropped get numbers too, so that the ledger
        sees the gap.

        Workers count an event before they queue it: what was counted a second ago and is neither fetched nor
        queued is gone.
        """
        made = int(KSR.htable.sht_get(QUEUE, "made") or 0)
        if self.made_before is not None and KSR.mqueue.mq_size(QUEUE) == 0:
            missing = self.made_before - self.fetched - self.lost_told
            if missing > 0:
                self.lost_told += missing
                self.lost += missing
                self.backlog.skip(missing, "the queue in shared memory was full")
                self.log("error", "the queue in shared memory was full: %d events are lost" % missing)
        self.made_before = made

    # -- the socket

    def _connection(self, now):
        if self.dealer is not None and self.conversation.dead(now):
            self.log("warning", "%s is silent: connecting anew" % self.endpoint)
            self._hang_up()
        if self.dealer is None and now - self.dealer_at >= 1.0:
            self.dealer_at = now
            self._dial()

    def _dial(self):
        zmq = self.zmq
        if self.curve == ():
            return
        if not self.curve and not LOOPBACK.match(self.endpoint) and setting("INSECURE", "0") != "1":
            self.log("error", "no CURVE keys, and %s is not this machine: not connecting" % self.endpoint)
            return
        if self.context is None:
            self.context = zmq.Context(io_threads=1)
            self.context.set(zmq.MAX_SOCKETS, 8)
            self.context.set(zmq.BLOCKY, 0)
        dealer = self.context.socket(zmq.DEALER)
        # ROUTING_ID is left unset on purpose: the ledger makes one up a connection, so that a reconnect can
        # never be refused because the connection before it has not been noticed dead.
        options = {
            zmq.LINGER: 0,  # the spool holds what is unsent
            zmq.IMMEDIATE: 1,  # nothing is queued for a ledger that is not there
            zmq.SNDHWM: BURST_MESSAGES_MAX,  # messages; send says EAGAIN, and the conversation waits
            zmq.RCVHWM: 1024,
            zmq.SNDTIMEO: 0,
            zmq.RCVTIMEO: 0,
            zmq.MAXMSGSIZE: ANSWER_BYTES_MAX,
            zmq.CONNECT_TIMEOUT: 3000,
            zmq.HANDSHAKE_IVL: 5000,
            zmq.RECONNECT_IVL: 100,
            zmq.RECONNECT_IVL_MAX: 3000,
            zmq.HEARTBEAT_IVL: 2000,  # of ZMTP: notices a peer that vanished without a FIN
            zmq.HEARTBEAT_TIMEOUT: 6000,
            zmq.HEARTBEAT_TTL: 6000,
            zmq.TCP_KEEPALIVE: 1,
            zmq.TCP_MAXRT: 10000,
            zmq.IPV6: 1,
        }
        try:
            for option, value in options.items():
                dealer.setsockopt(option, value)
            if self.curve:
                dealer.curve_serverkey, dealer.curve_publickey, dealer.curve_secretkey = self.curve
            monitor = dealer.get_monitor_socket(
                zmq.EVENT_HANDSHAKE_SUCCEEDED
                | zmq.EVENT_DISCONNECTED
                | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
                | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
                | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            )
            dealer.connect(self.endpoint)
        except (zmq.ZMQError, ValueError) as error:
            self.log("error", "can't use %s: %s" % (self.endpoint, error))
            dealer.close(0)
            return
        self.dealer, self.monitor = dealer, monitor
        self.poller = zmq.Poller()
        self.poller.register(dealer, zmq.POLLIN)
        self.poller.register(monitor, zmq.POLLIN)

    def _hang_up(self):
        self.conversation.disconnected()
        self.dealer.disable_monitor()
        self.monitor.close(0)
        self.dealer.close(0)
        self.dealer = self.monitor = self.poller = None

    def _listen(self, now):
        """Takes what the connection and the ledger have said; whether that was anything."""
        zmq, heard = self.zmq, False
        while self.dealer is not None and self.monitor.poll(0):
            from zmq.utils.monitor import recv_monitor_message

            event = recv_monitor_message(self.monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.totals["connects"] += 1
                self.log("notice", "connected to %s" % self.endpoint)
                self.conversation.connected(now)
            elif event == zmq.EVENT_DISCONNECTED:
                self.log("warning", "%s is gone" % self.endpoint)
                self.conversation.disconnected()
            else:
                self.log("error", "no handshake with %s: CURVE there too? the right keys?" % self.endpoint)
        while self.dealer is not None:
            try:
                frames = self.dealer.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            heard = True
            try:
                header = json.loads(frames[0])
                if not isinstance(header, dict):
                    raise ValueError("no object")
            except ValueError:
                self.log("error", "an answer that is no JSON: %r" % frames[0][:100])
                continue
            self.conversation.receive(header, now)
        return heard

    def _speak(self, now):
        """Sends what is due; whether that was anything."""
        spoken = False
        for _ in range(BURST_MESSAGES_MAX):
            self._next_conversation(now)
            message = self.conversation.peek(now, microseconds())
            if message is None or self.dealer is None:
                break
            header, payload = message
            frames = [encode(header)] if payload is None else [encode(header), payload]
            try:
                self.dealer.send_multipart(frames, self.zmq.NOBLOCK)
            except self.zmq.Again:
                break
            self.conversation.sent(message, now)
            spoken = True
        return spoken

    def _next_conversation(self, now):
        """When an epoch of before is delivered, or will never be, the next one has the word."""
        while self.older and (self.conversation.finished or self.conversation.refused):
            old = self.older.pop(0)
            if old.empty:
                self.log("notice", "the rest of %s/%d is delivered" % (old.source, old.epoch))
                old.close()
            else:
                self.log(
                    "error", "the ledger does not take %s/%d: its rest is put aside" % (old.source, old.epoch)
                )
                old.refuse()
            state = self.conversation.state
            for name, value in self.conversation.totals.items():
                self.totals[name] += value
            self.conversation = Conversation(self.older[0] if self.older else self.backlog, self.log)
            if state != AWAY:
                self.conversation.connected(now)

    # -- the end, and what an operator can see

    def _stop(self, now):
        since = now - self.stopping_since
        if since < STOP_DRAIN_SECONDS:
            return
        if not self.stopped:
            self.stopped = True
            while self._fetch():
                pass
            self._state({"type": "source.stopped"})
            return
        if self.backlog.empty and not self.older or since >= STOP_SECONDS:
            waiting = self.backlog.last_seq - self.backlog.first_held + 1
            KSR.notice("tollbook: stopped, %d events left in the spool\n" % waiting)
            for backlog in self.older + [self.backlog]:
                backlog.close()
            if self.dealer is not None:
                self._hang_up()
            os._exit(0)

    def _publish(self):
        """The counters: `kamcmd htable.dump tollbook`."""
        conversation = self.conversation
        totals = {name: value + conversation.totals.get(name, 0) for name, value in self.totals.items()}
        numbers = {
            "epoch": self.backlog.epoch,
            "numbered": self.backlog.last_seq,
            "acknowledged": self.backlog.first_held - 1,
            "waiting": sum(b.last_seq - b.first_held + 1 for b in self.older + [self.backlog]),
            "older_epochs": len(self.older),
            "lost": self.lost,
            "credit": max(0, conversation.credit_seq - conversation.sent_seq),
            "spool_bytes": self.spool.bytes,
            **totals,
        }
        for name, value in numbers.items():
            KSR.htable.sht_sets(QUEUE, name, str(value))
        KSR.htable.sht_sets(QUEUE, "state", conversation.state)
