"""What the ledger has not acknowledged yet, numbered, on disk.

One `Backlog` holds one epoch: runs of consecutive events, and `skip`s for numbers whose event was lost for
good. New events are written to a segment file before they are sent, so that a proxy that dies leaves them to
the one after it. A segment opens with a line of JSON that says whose it is; every other line is an event,
`\\n` at its end, or `#skip COUNT REASON`. Events never begin with `#`. Files are written without fsync: they
outlive the process, not a power cut.

Nothing here knows Kamailio or ZeroMQ.
"""

import collections
import fcntl
import json
import os
import re

RUN_EVENTS_MAX = 256  # events in one run, and so in one batch
RUN_BYTES_MAX = 256 * 1024  # bytes in one run
SEGMENT_BYTES_MAX = 8 * 1024 * 1024
MEMORY_BYTES_MAX = 16 * 1024 * 1024  # lines kept in memory beside the disk; the rest is read back when sent
SKIP = re.compile(rb"#skip (\d+) (.+)\n")
SUFFIX = ".spool"
REFUSED_SUFFIX = ".refused"

Batch = collections.namedtuple("Batch", "first lines")
Skip = collections.namedtuple("Skip", "first last reason")


class Segment:
    """One file of the spool."""

    def __init__(self, path):
        self.path = path
        self.size = 0
        self.last = 0  # last number that stands in it
        self.fd = -1  # open for writing while it is the newest

    def create(self, header):
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self.write(json.dumps(header, separators=(",", ":")).encode() + b"\n")

    def write(self, data):
        """Appends all of `data` or nothing of it; OSError when the disk is full or gone."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self.fd, data[done:])
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += len(data)

    def cut(self, offset):
        """Takes everything from `offset` on away, while it is open; how many bytes that were."""
        if self.fd < 0:
            return 0
        gone = self.size - offset
        os.ftruncate(self.fd, offset)
        self.size = offset
        return gone

    def read(self, offset, length):
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def delete(self):
        self.close()
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass


class Run:
    """Consecutive numbers that travel together: up to RUN_EVENTS_MAX events, or one skip of any size."""

    __slots__ = ("first", "count", "bytes", "lines", "segment", "offset", "reason", "frozen")

    def __init__(self, first, segment, offset, reason=None):
        self.first, self.count, self.bytes = first, 0, 0
        self.segment, self.offset = segment, offset  # segment None: could not be written, memory alone has it
        self.lines = None if reason else []  # None: on disk alone
        self.reason = reason  # set for a skip
        self.frozen = False  # handed out: may not grow any more

    @property
    def last(self):
        return self.first + self.count - 1


class Backlog:
    """The unacknowledged numbers of one epoch of one source, in order."""

    def __init__(self, spool, source, epoch):
        self.spool, self.source, self.epoch = spool, source, epoch
        self.runs = collections.deque()
        self.by_first = {}
        self.segments = collections.deque()
        self.last_seq = 0
        self.first_held = 1  # numbers below it are acknowledged

    @property
    def empty(self):
        return self.first_held > self.last_seq

    # -- growing

    def append(self, lines):
        """Numbers `lines` (bytes, no newline) and keeps them; returns how many did not fit and became a
        skip."""
        start = 0
        while start < len(lines):
            end, size = start, 0
            while end < len(lines) and end - start < RUN_EVENTS_MAX and (size == 0 or size < RUN_BYTES_MAX):
                size += len(lines[end]) + 1
                end += 1
            if not self._keep(lines[start:end], size):
                self.skip(len(lines) - start, "the spool is full")
                return len(lines) - start
            start = end
        return 0

    def skip(self, count, reason):
        """Gives `count` numbers to events that are lost for good."""
        run = self.runs[-1] if self.runs else None
        if run is None or run.reason != reason or run.frozen:
            run = self._new_run(self._segment(), reason)
        elif run.segment:
            self.spool.bytes -= run.segment.cut(run.offset)  # one line for all of it, however long this lasts
        self._write(run, b"#skip %d %s\n" % (run.count + count, reason.encode()))
        self._grow(run, count, 0)

    def _keep(self, lines, size):
        """Appends lines that fit into one run; False if there is no room."""
        if self.spool.full(size):
            return False
        run = self.runs[-1] if self.runs else None
        if (
            run is None
            or run.frozen
            or run.reason
            or run.segment is None
            or run.segment.fd < 0
            or run.count + len(lines) > RUN_EVENTS_MAX
            or run.bytes + size > RUN_BYTES_MAX
        ):
            run = self._new_run(self._segment())
        room = self.spool.memory + size <= MEMORY_BYTES_MAX
        if not self._write(run, b"\n".join(lines) + b"\n"):
            if not run.count:
                self._drop_last()
            if not room:
                return False
            run = self._new_run(None)
        if run.lines is not None and room:
            run.lines.extend(lines)
            self.spool.memory += size
        elif run.lines is not None:
            self.spool.memory -= run.bytes
            run.lines = None
        self._grow(run, len(lines), size)
        return True

    def _grow(self, run, count, size):
        run.count += count
        run.bytes += size
        self.last_seq += count
        if run.segment:
            run.segment.last = self.last_seq

    def _new_run(self, segment, reason=None):
        run = Run(self.last_seq + 1, segment, segment.size if segment else 0, reason)
        self.runs.append(run)
        self.by_first[run.first] = run
        return run

    def _drop_last(self):
        del self.by_first[self.runs.pop().first]

    def _segment(self):
        """The file to write to, a new one if there is none or it is full; None if none can be made."""
        newest = self.segments[-1] if self.segments else None
        if newest is None or newest.fd < 0 or newest.size >= self.spool.segment_max:
            if newest:
                newest.close()
            newest = self.spool.new_segment(self.source, self.epoch, self.last_seq + 1)
            if newest:
                self.segments.append(newest)
        return newest

    def _write(self, run, data):
        """Whether `data` is on disk. A file that can't be written gets nothing more: its lines count the
        numbers."""
        segment = run.segment
        if segment is None:
            return False
        try:
            segment.write(data)
        except OSError as error:
            self.spool.complain("can't write %s: %s" % (segment.path, error))
            segment.close()
            if segment.last == 0:
                self._delete(self.segments.pop())
            if not run.count:
                run.segment = None
            return False
        self.spool.bytes += len(data)
        return True

    # -- giving out

    def item(self, seq, events_max):
        """The Batch or Skip that begins at `seq`, at most `events_max` events of it; None if there is
        nothing."""
        run = self.by_first.get(seq)
        if run is None:
            run = next((r for r in self.runs if r.first <= seq <= r.last), None)
        if run is None or run.count == 0:
            return None
        run.frozen = True
        if run.reason:
            return Skip(seq, run.last, run.reason)
        lines = run.lines
        if lines is None:
            lines = run.segment.read(run.offset, run.bytes).split(b"\n")[: run.count]
        start = seq - run.first
        return Batch(seq, lines[start : start + events_max])

    # -- shrinking

    def acknowledged(self, through):
        """The ledger has every number up to `through` on its disk."""
        while self.runs and self.runs[0].last <= through:
            run = self.runs.popleft()
            del self.by_first[run.first]
            if run.lines is not None:
                self.spool.memory -= run.bytes
        self.first_held = max(self.first_held, through + 1)
        while len(self.segments) > 1 and self.segments[0].last <= through:
            self._delete(self.segments.popleft())
        if self.empty and self.segments and self.segments[0].size > self.spool.segment_max // 8:
            self._delete(self.segments.popleft())

    def close(self):
        """Deletes the files if everything is acknowledged, leaves them to the next process if not."""
        while self.segments:
            segment = self.segments.popleft()
            if self.empty:
                self._delete(segment)
            else:
                segment.close()

    def refuse(self):
        """Puts the files aside: the ledger will not take this epoch."""
        while self.segments:
            segment = self.segments.popleft()
            segment.close()
            self.spool.bytes -= segment.size
            os.rename(segment.path, segment.path[: -len(SUFFIX)] + REFUSED_SUFFIX)
        self.runs.clear()
        self.by_first.clear()
        self.first_held = self.last_seq + 1

    def _delete(self, segment):
        self.spool.bytes -= segment.size
        segment.delete()

    # -- coming back

    def load(self, path, first):
        """Takes over a segment that another process has left; a torn last line was never sent and is
        dropped."""
        segment = Segment(path)
        if not self.segments:
            self.first_held, self.last_seq = first, first - 1
        run, offset = None, 0
        with open(path, "rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                if number == 0:
                    pass
                elif line.startswith(b"#"):
                    skip = SKIP.fullmatch(line)
                    if not skip:
                        self.spool.complain("%s, line %d: no skip; the rest is left out" % (path, number + 1))
                        break
                    run = Run(self.last_seq + 1, segment, offset, skip[2].decode("utf-8", "replace"))
                    self._adopt(run)
                    run.count = int(skip[1])
                    self.last_seq += run.count
                else:
                    if (
                        run is None
                        or run.reason
                        or run.count >= RUN_EVENTS_MAX
                        or run.bytes + len(line) > RUN_BYTES_MAX
                    ):
                        run = Run(self.last_seq + 1, segment, offset)
                        run.lines = None
                        self._adopt(run)
                    run.count += 1
                    run.bytes += len(line)
                    self.last_seq += 1
                offset += len(line)
        segment.size, segment.last = offset, self.last_seq
        self.segments.append(segment)
        self.spool.bytes += offset

    def _adopt(self, run):
        self.runs.append(run)
        self.by_first[run.first] = run


class Spool:
    """The directory. `path` None keeps everything in memory: a restart of the proxy then loses what waits."""

    def __init__(self, path, bytes_max, complain):
        self.path, self.bytes_max, self.complain = path, bytes_max, complain
        self.segment_max = min(SEGMENT_BYTES_MAX, bytes_max // 8)  # room comes back file by file
        self.bytes = 0  # on disk
        self.memory = 0  # of those, and of what could not be written, in memory
        self.lock = -1
        if not path:
            return
        try:
            os.makedirs(path, mode=0o750, exist_ok=True)
            self.lock = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            complain(
                "no spool at %s (%s): what is not acknowledged will not survive a restart" % (path, error)
            )
            self.path = None

    def full(self, size):
        if self.path:
            return self.bytes + size > self.bytes_max
        return self.memory + size > MEMORY_BYTES_MAX

    def new_segment(self, source, epoch, first):
        if not self.path:
            return None
        segment = Segment(os.path.join(self.path, "%020d-%020d%s" % (epoch, first, SUFFIX)))
        try:
            segment.create({"spool": 1, "source": source, "epoch": epoch, "first_seq": first})
        except OSError as error:
            self.complain("can't create %s: %s" % (segment.path, error))
            return None
        self.bytes += segment.size
        return segment

    def left_over(self):
        """The backlogs that earlier processes have left, oldest epoch first."""
        backlogs = {}
        if not self.path:
            return []
        for name in sorted(n for n in os.listdir(self.path) if n.endswith(SUFFIX)):
            path = os.path.join(self.path, name)
            try:
                with open(path, "rb") as file:
                    header = json.loads(file.readline())
                key = (header["epoch"], header["source"])
                first = header["first_seq"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.complain("%s is no spool file (%s): left alone" % (path, error))
                continue
            backlog = backlogs.setdefault(key, Backlog(self, header["source"], header["epoch"]))
            if backlog.segments and first != backlog.last_seq + 1:
                backlog.skip(first - backlog.last_seq - 1, "a spool file is gone")
            backlog.load(path, first)
        return [backlogs[key] for key in sorted(backlogs)]
