"""The sender without Kamailio: the conversation with the ledger, a state machine, and the spool, files.

    /usr/bin/python3 -m unittest discover -v -s Tests/Kamailio -p test_protocol.py

TOLLBOOK_SEED gives the random walk another seed.
"""

import json
import os
import random
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "kamailio"))

import tollbook_protocol as protocol  # noqa: E402
import tollbook_spool  # noqa: E402
from tollbook_protocol import Conversation  # noqa: E402
from tollbook_spool import Backlog, Batch, Skip, Spool  # noqa: E402


def lines(first, count, size=20):
    return [(b'{"n":%d,"pad":"' % number).ljust(size, b".") + b'"}' for number in range(first, first + count)]


class Quiet:
    def __init__(self):
        self.said = []

    def __call__(self, *words):
        self.said.append(words)


def memory_backlog(count=0):
    backlog = Backlog(Spool(None, 1 << 20, Quiet()), "proxy", 7)
    backlog.append(lines(1, count))
    return backlog


class ConversationTests(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.log = Quiet()

    def talk(self, backlog, greet=True, next_seq=1, credit=1000):
        conversation = Conversation(backlog, self.log)
        if greet:
            conversation.connected(self.now)
            self.assertEqual(self.say(conversation)["op"], "hello")
            self.hear(conversation, "welcome", next_seq=next_seq, credit=credit)
        return conversation

    def say(self, conversation):
        """The header of what is sent now, None if nothing is."""
        message = conversation.peek(self.now, 1)
        if message is None:
            return None
        conversation.sent(message, self.now)
        return message[0]

    def hear(self, conversation, op, **fields):
        conversation.receive({"v": 1, "op": op, "source": "proxy", "epoch": 7, **fields}, self.now)

    def test_nothing_is_said_without_a_connection_and_hello_comes_first(self):
        conversation = self.talk(memory_backlog(3), greet=False)
        self.assertIsNone(self.say(conversation))
        conversation.connected(self.now)
        self.assertEqual(self.say(conversation), {"v": 1, "op": "hello", "source": "proxy", "epoch": 7})
        self.assertIsNone(self.say(conversation), "no batch before the welcome, no second hello at once")

    def test_a_batch_says_what_it_holds(self):
        conversation = self.talk(memory_backlog(3))
        header, payload = conversation.peek(self.now, 1)
        self.assertEqual(
            header, {"v": 1, "op": "batch", "source": "proxy", "epoch": 7, "first_seq": 1, "count": 3}
        )
        self.assertEqual(payload, b"\n".join(lines(1, 3)) + b"\n")

    def test_an_unanswered_peek_says_the_same_again(self):
        conversation = self.talk(memory_backlog(3))
        self.assertEqual(conversation.peek(self.now, 1), conversation.peek(self.now, 1))

    def test_credit_bounds_what_is_unacknowledged_on_both_sides_of_the_boundary(self):
        conversation = self.talk(memory_backlog(10), credit=4)
        self.assertEqual(self.say(conversation)["count"], 4)
        self.assertIsNone(self.say(conversation))
        self.hear(conversation, "ack", through=1, credit=4)
        self.assertEqual(self.say(conversation)["count"], 1)
        self.assertIsNone(self.say(conversation))

    def test_credit_0_waits_until_the_ledger_says_otherwise(self):
        conversation = self.talk(memory_backlog(10), credit=0)
        self.assertIsNone(self.say(conversation))
        self.hear(conversation, "credit", credit=2)
        self.assertEqual(self.say(conversation)["count"], 2)

    def test_credit_that_an_ack_takes_away_is_gone(self):
        conversation = self.talk(memory_backlog(10), credit=4)
        self.say(conversation)
        self.hear(conversation, "ack", through=4, credit=0)
        self.assertIsNone(self.say(conversation))

    def test_the_window_bounds_it_too(self):
        backlog = memory_backlog(protocol.WINDOW_EVENTS + 10)
        conversation = self.talk(backlog, credit=10**9)
        said = 0
        while (header := self.say(conversation)) is not None:
            said += header["count"]
        self.assertEqual(said, protocol.WINDOW_EVENTS)

    def test_an_ack_is_cumulative_and_frees_what_it_covers(self):
        backlog = memory_backlog(10)
        conversation = self.talk(backlog)
        self.say(conversation)
        self.hear(conversation, "ack", through=6, credit=1000)
        self.assertEqual((conversation.acked_seq, backlog.first_held, backlog.empty), (6, 7, False))
        self.hear(conversation, "ack", through=10, credit=1000)
        self.assertTrue(backlog.empty)

    def test_a_welcome_is_no_ack(self):
        backlog = memory_backlog(10)
        conversation = self.talk(backlog, next_seq=11)
        self.assertEqual(backlog.first_held, 1, "what the ledger has taken may not be on its disk")
        self.assertEqual(self.say(conversation)["op"], "heartbeat", "which brings the ack")
        self.hear(conversation, "ack", through=10, credit=5)
        self.assertTrue(backlog.empty)

    def test_a_welcome_in_the_middle_goes_on_from_there(self):
        conversation = self.talk(memory_backlog(10), next_seq=5)
        self.assertEqual(self.say(conversation)["op"], "heartbeat")
        self.assertEqual(self.say(conversation)["first_seq"], 5)

    def test_a_nack_goes_back_once_however_often_it_comes(self):
        backlog = memory_backlog(10)
        conversation = self.talk(backlog)
        self.say(conversation)
        for _ in range(3):
            self.hear(conversation, "nack", expected=4)
        self.assertEqual(self.say(conversation)["first_seq"], 4)
        self.hear(conversation, "nack", expected=4)
        self.assertIsNone(self.say(conversation))
        self.assertEqual(backlog.first_held, 1, "a nack is no ack")

    def test_the_same_nack_counts_again_later(self):
        conversation = self.talk(memory_backlog(10))
        self.say(conversation)
        self.hear(conversation, "nack", expected=4)
        self.say(conversation)
        self.now += protocol.NACK_SECONDS
        self.hear(conversation, "nack", expected=4)
        self.assertEqual(self.say(conversation)["first_seq"], 4)

    def test_no_ack_leads_to_a_hello_and_patience_grows(self):
        conversation = self.talk(memory_backlog(10))
        self.say(conversation)
        self.now += protocol.ACK_SECONDS - 0.1
        self.assertNotEqual((self.say(conversation) or {}).get("op"), "hello")
        self.now += 0.2
        self.assertEqual(self.say(conversation)["op"], "hello")
        self.hear(conversation, "welcome", next_seq=1, credit=1000)
        self.assertEqual(self.say(conversation)["first_seq"], 1)
        self.assertEqual(conversation.ack_seconds, 2 * protocol.ACK_SECONDS)

    def test_a_connection_that_never_answers_is_dead(self):
        conversation = self.talk(memory_backlog(1), greet=False)
        conversation.connected(self.now)
        for _ in range(protocol.HELLO_TRIES):
            self.assertFalse(conversation.dead(self.now))
            self.assertEqual(self.say(conversation)["op"], "hello")
            self.now += protocol.HELLO_SECONDS
        self.assertTrue(conversation.dead(self.now))

    def test_heartbeats_when_idle_and_silence_is_death(self):
        conversation = self.talk(memory_backlog(0))
        self.assertIsNone(self.say(conversation))
        self.now += protocol.HEARTBEAT_SECONDS
        self.assertEqual(
            self.say(conversation),
            {"v": 1, "op": "heartbeat", "source": "proxy", "epoch": 7, "last_seq": 0, "time": 1},
        )
        self.hear(conversation, "ack", through=0, credit=5)
        for _ in range(4):
            self.now += protocol.HEARTBEAT_SECONDS
            self.say(conversation)
        self.assertTrue(conversation.dead(self.now))

    def test_an_error_is_loud_and_waits_longer_each_time(self):
        conversation = self.talk(memory_backlog(1))
        waits = []
        for _ in range(3):
            self.hear(conversation, "error", code="source", reason="not yours")
            start = self.now
            while self.say(conversation) is None:
                self.now += 0.25
            waits.append(self.now - start)
        self.assertEqual(waits, [1.0, 2.0, 4.0])
        self.assertTrue(all(level == "error" and "not yours" in text for level, text in self.log.said))

    def test_an_epoch_that_is_refused_over_and_over_is_given_up(self):
        conversation = self.talk(memory_backlog(1))
        for _ in range(protocol.REFUSALS_MAX):
            self.assertFalse(conversation.refused)
            self.hear(conversation, "error", code="source", reason="not yours")
        self.assertTrue(conversation.refused)

    def test_what_is_lost_is_skipped_in_its_place(self):
        backlog = memory_backlog(2)
        backlog.skip(5, "the spool is full")
        backlog.append(lines(8, 1))
        conversation = self.talk(backlog)
        said = [self.say(conversation) for _ in range(3)]
        self.assertEqual([header["op"] for header in said], ["batch", "skip", "batch"])
        self.assertEqual(
            {name: said[1][name] for name in ("from_seq", "to_seq", "reason")},
            {"from_seq": 3, "to_seq": 7, "reason": "the spool is full"},
        )
        self.assertEqual(said[2]["first_seq"], 8)

    def test_a_ledger_that_lost_what_it_had_acknowledged_gets_a_skip(self):
        backlog = memory_backlog(10)
        conversation = self.talk(backlog)
        self.say(conversation)
        self.hear(conversation, "ack", through=6, credit=1000)
        conversation.connected(self.now)
        self.say(conversation)
        self.hear(conversation, "welcome", next_seq=3, credit=1000)
        header = self.say(conversation)
        self.assertEqual((header["op"], header["from_seq"], header["to_seq"]), ("skip", 3, 6))
        self.assertEqual(self.say(conversation)["first_seq"], 7)

    def test_answers_for_another_epoch_or_of_no_sense_change_nothing(self):
        backlog = memory_backlog(5)
        conversation = self.talk(backlog)
        self.say(conversation)
        conversation.receive(
            {"v": 1, "op": "ack", "source": "proxy", "epoch": 8, "through": 5, "credit": 1}, self.now
        )
        conversation.receive({"v": 1, "op": "ack", "source": "proxy", "epoch": 7}, self.now)
        conversation.receive({"v": 1, "op": "sing", "source": "proxy", "epoch": 7}, self.now)
        self.assertEqual(backlog.first_held, 1)

    def test_a_random_walk_delivers_everything_once_and_in_order(self):
        """A ledger that forgets answers, refuses, changes its credit and is killed; a link that breaks at any
        moment."""
        seed = int(os.environ.get("TOLLBOOK_SEED", "20261"))
        for walk in range(50):
            with self.subTest(seed=seed, walk=walk):
                self.walk(random.Random(seed + walk))

    def walk(self, dice):
        backlog = memory_backlog(0)
        conversation = Conversation(backlog, self.log)
        disk, taken, made = [], [], 0  # acknowledged and on disk; taken but not synced; made by the proxy
        answers = []
        for _ in range(3000):
            self.now += dice.choice((0.0, 0.01, 0.3, 2.0))
            roll = dice.random()
            if roll < 0.3 and made < 400:
                count = dice.randrange(1, 40)
                backlog.append(lines(made + 1, count))
                made += count
            elif roll < 0.35:
                conversation.disconnected()
                answers.clear()
                taken.clear()  # killed: what was not synced is gone
            elif roll < 0.5 and conversation.state == protocol.AWAY or conversation.dead(self.now):
                conversation.connected(self.now)
            elif roll < 0.6 and answers:
                conversation.receive(answers.pop(0), self.now)
            elif roll < 0.63 and answers:
                answers.pop(dice.randrange(len(answers)))
            else:
                message = conversation.peek(self.now, 1)
                if message is not None and dice.random() < 0.8:
                    conversation.sent(message, self.now)
                    if dice.random() < 0.9:
                        answers.append(self.answer(message, disk, taken, dice))
        while len(disk) < made or not backlog.empty:
            self.now += 1.0
            if conversation.state == protocol.AWAY or conversation.dead(self.now):
                conversation.connected(self.now)
            message = conversation.peek(self.now, 1)
            if message is not None:
                conversation.sent(message, self.now)
                conversation.receive(self.answer(message, disk, taken, None), self.now)
        self.assertEqual(disk, lines(1, made))

    def answer(self, message, disk, taken, dice):
        header, payload = message
        about = {"v": 1, "source": "proxy", "epoch": 7}
        credit = dice.choice((0, 3, 50, 500)) if dice else 500
        expected = len(disk) + len(taken) + 1
        if header["op"] == "hello":
            return dict(about, op="welcome", next_seq=expected, credit=credit)
        if header["op"] == "batch":
            if header["first_seq"] > expected:
                return dict(about, op="nack", expected=expected)
            taken += payload.split(b"\n")[:-1][expected - header["first_seq"] :]
        if dice is None or dice.random() < 0.7:
            disk += taken
            taken.clear()
        return dict(about, op="ack", through=len(disk), credit=credit)


class SpoolTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tollbook-spool-")
        self.path = os.path.join(self.directory.name, "spool")
        self.log = Quiet()

    def tearDown(self):
        self.directory.cleanup()

    def spool(self, bytes_max=1 << 20):
        return Spool(self.path, bytes_max, self.log)

    def files(self):
        return sorted(name for name in os.listdir(self.path) if name != "lock")

    def everything(self, backlog):
        """Each number from first_held on with its line, None for a skipped one."""
        found, seq = {}, backlog.first_held
        while (item := backlog.item(seq, 1000)) is not None:
            if isinstance(item, Skip):
                found.update({number: None for number in range(item.first, item.last + 1)})
                seq = item.last + 1
            else:
                found.update(enumerate(item.lines, item.first))
                seq = item.first + len(item.lines)
        return found

    def reopen(self, spool):
        os.close(spool.lock)  # as the end of the process does
        return self.spool()

    def test_what_is_unacknowledged_comes_back_under_its_epoch(self):
        spool = self.spool()
        backlog = Backlog(spool, "proxy", 7)
        backlog.append(lines(1, 600))
        backlog.skip(1, "the queue was full")
        backlog.skip(2, "the queue was full")
        backlog.append(lines(604, 5))
        backlog.acknowledged(300)
        backlog.close()
        (back,) = self.reopen(spool).left_over()
        self.assertEqual((back.source, back.epoch, back.last_seq), ("proxy", 7, 608))
        whole = self.everything(back)
        self.assertEqual([whole[n] for n in range(301, 601)], lines(301, 300))
        self.assertEqual([whole[n] for n in (601, 602, 603)], [None] * 3)
        self.assertEqual([whole[n] for n in range(604, 609)], lines(604, 5))

    def test_what_is_acknowledged_leaves_no_file(self):
        backlog = Backlog(self.spool(), "proxy", 7)
        backlog.append(lines(1, 10))
        backlog.acknowledged(10)
        backlog.close()
        self.assertEqual(self.files(), [])

    def test_a_torn_last_line_is_dropped(self):
        spool = self.spool()
        backlog = Backlog(spool, "proxy", 7)
        backlog.append(lines(1, 3))
        with open(os.path.join(self.path, self.files()[0]), "ab") as file:
            file.write(b'{"n":4,"pa')
        (back,) = self.reopen(spool).left_over()
        self.assertEqual(list(self.everything(back).values()), lines(1, 3))

    def test_a_damaged_skip_ends_what_is_read_and_is_told(self):
        spool = self.spool()
        Backlog(spool, "proxy", 7).append(lines(1, 3))
        with open(os.path.join(self.path, self.files()[0]), "ab") as file:
            file.write(b"#skip many\n" + lines(5, 1)[0] + b"\n")
        (back,) = self.reopen(spool).left_over()
        self.assertEqual(list(self.everything(back).values()), lines(1, 3))
        self.assertIn("no skip", self.log.said[0][0])

    def test_epochs_come_back_oldest_first(self):
        spool = self.spool()
        for epoch in (9, 7, 10**15):
            Backlog(spool, "proxy", epoch).append(lines(1, 1))
        self.assertEqual([back.epoch for back in self.reopen(spool).left_over()], [7, 9, 10**15])

    def test_a_full_spool_turns_the_newest_into_a_skip(self):
        spool = self.spool(bytes_max=2000)
        backlog = Backlog(spool, "proxy", 7)
        self.assertEqual(backlog.append(lines(1, 60, size=20)), 0)
        self.assertEqual(backlog.append(lines(61, 60, size=20)), 60)
        self.assertEqual(backlog.append(lines(121, 60, size=20)), 60)
        self.assertEqual(backlog.last_seq, 180)
        self.assertEqual(backlog.item(61, 1000), Skip(61, 180, "the spool is full"))
        backlog.append(lines(1, 60))
        size = spool.bytes
        for _ in range(99):
            backlog.append(lines(1, 60))
        self.assertLessEqual(spool.bytes, size + 4, "the skip is one line, however long the spool stays full")
        self.assertEqual(self.everything(backlog)[6180], None)
        backlog.acknowledged(180)
        self.assertEqual(backlog.item(181, 1), Skip(181, 6180, "the spool is full"))
        backlog.acknowledged(6180)
        self.assertEqual(backlog.append(lines(6181, 1)), 0, "acknowledging makes room")
        self.assertEqual(backlog.item(6181, 1000), Batch(6181, lines(6181, 1)))

    def test_segments_are_deleted_one_by_one(self):
        spool = self.spool(bytes_max=32000)
        backlog = Backlog(spool, "proxy", 7)
        for first in range(1, 1001, 50):
            backlog.append(lines(first, 50))
        count = len(self.files())
        self.assertGreater(count, 3)
        backlog.acknowledged(500)
        self.assertTrue(1 < len(self.files()) < count)
        self.assertEqual([self.everything(backlog)[n] for n in range(501, 1001)], lines(501, 500))
        backlog.acknowledged(1000)
        self.assertLess(spool.bytes, 4000)
        backlog.close()
        self.assertEqual((self.files(), spool.bytes), ([], 0))

    def test_what_memory_does_not_hold_is_read_back(self):
        maximum, tollbook_spool.MEMORY_BYTES_MAX = tollbook_spool.MEMORY_BYTES_MAX, 1000
        try:
            backlog = Backlog(self.spool(), "proxy", 7)
            for first in range(1, 1001, 10):
                backlog.append(lines(first, 10))
            self.assertLessEqual(backlog.spool.memory, 1000)
            self.assertEqual(list(self.everything(backlog).values()), lines(1, 1000))
        finally:
            tollbook_spool.MEMORY_BYTES_MAX = maximum

    def test_a_refused_epoch_is_put_aside_and_not_offered_again(self):
        spool = self.spool()
        backlog = Backlog(spool, "proxy", 7)
        backlog.append(lines(1, 3))
        backlog.refuse()
        self.assertTrue(self.files()[0].endswith(tollbook_spool.REFUSED_SUFFIX))
        self.assertEqual(self.reopen(spool).left_over(), [])

    def test_a_spool_that_another_process_has_is_not_touched(self):
        first = self.spool()
        second = self.spool()
        self.assertIsNotNone(first.path)
        self.assertIsNone(second.path)
        self.assertIn("will not survive", self.log.said[0][0])

    def test_without_a_directory_memory_is_bounded(self):
        maximum, tollbook_spool.MEMORY_BYTES_MAX = tollbook_spool.MEMORY_BYTES_MAX, 1000
        try:
            backlog = Backlog(Spool(None, 1 << 20, self.log), "proxy", 7)
            lost = sum(backlog.append(lines(first, 10)) for first in range(1, 1001, 10))
            self.assertEqual(backlog.last_seq, 1000)
            self.assertGreater(lost, 900)
        finally:
            tollbook_spool.MEMORY_BYTES_MAX = maximum

    def test_a_full_disk_keeps_events_in_memory(self):
        spool = self.spool()
        backlog = Backlog(spool, "proxy", 7)
        backlog.append(lines(1, 3))

        def full(_):
            raise OSError(28, "No space left on device")

        backlog.segments[-1].write = full
        self.assertEqual(backlog.append(lines(4, 3)), 0)
        self.assertEqual(backlog.append(lines(7, 3)), 0)
        self.assertEqual(list(self.everything(backlog).values()), lines(1, 9))
        self.assertIn("No space left", self.log.said[0][0])
        # What came before and after the hole comes back under its own numbers, the hole itself as a skip.
        (back,) = self.reopen(spool).left_over()
        self.assertEqual(list(self.everything(back).values()), lines(1, 3) + [None] * 3 + lines(7, 3))

    def test_a_file_of_something_else_is_left_alone(self):
        spool = self.spool()
        with open(os.path.join(self.path, "x.spool"), "w", encoding="utf-8") as file:
            json.dump([1], file)
        self.assertEqual(spool.left_over(), [])
        self.assertEqual(self.files(), ["x.spool"])


if __name__ == "__main__":
    unittest.main()
