"""What must hold: each rule of validity, from both sides of its bound, decides on bytes alone."""

import unittest

import generate_bad
from strict_json import InvalidJson, Number, dump, parse
from validity import REQUIRED, validate

NOW = 1_700_000_000_000_000
DAY = 86_400_000_000


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


class Validity(unittest.TestCase):
    def test_every_bad_event_is_refused(self):
        for name, text in list(generate_bad.invalid_events()) + list(generate_bad.broken_texts()):
            with self.subTest(name):
                self.assertIsNotNone(validate(as_bytes(text), "k", NOW))

    def test_every_edge_is_taken(self):
        for name, text in generate_bad.valid_edges():
            with self.subTest(name):
                self.assertIsNone(validate(as_bytes(text), "k", NOW))

    def test_future_is_more_than_a_day_ahead(self):
        for ahead, reason in ((0, None), (DAY, None), (DAY + 1, "future")):
            event = b'{"type":"source.heartbeat","time":%d}' % (NOW + ahead)
            self.assertEqual(validate(event, "k", NOW), reason)

    def test_without_a_clock_nothing_is_future(self):
        self.assertIsNone(validate(b'{"type":"source.stopped","time":253402300799999999}', "k"))

    def test_ledger_types_are_the_ledgers(self):
        tick = b'{"type":"ledger.tick","time":1}'
        self.assertIsNone(validate(tick, "ledger"))
        self.assertEqual(validate(tick, "ledger2"), "reserved type")

    def test_every_listed_type_is_known(self):
        known = """dialog.trying dialog.early dialog.confirmed dialog.acked dialog.alive dialog.failed
            dialog.terminated refresh.requested refresh.accepted refresh.failed timeout.early timeout.session
            timeout.lifetime timeout.no_ack timeout.ping timeout.media source.started source.heartbeat
            source.stopped ledger.tick ledger.expired ledger.gap ledger.rejected""".split()
        self.assertEqual(sorted(REQUIRED), sorted(known))
        for kind in known:
            self.assertIsNotNone(validate(b'{"type":"%s","time":1,"cseq":-1}' % kind.encode(), "ledger"))

    def test_what_a_gap_and_a_rejection_must_state(self):
        head = b'{"type":"ledger.gap","time":1,"gap_source":"%s","gap_epoch":%d,"from_seq":1'
        good = (b"s" * 64, 2**63 - 1)
        self.assertIsNone(validate(head % good + b',"to_seq":2,"after":null}', "ledger"))
        self.assertEqual(validate(head % good + b"}", "ledger"), "missing: to_seq")
        self.assertIsNotNone(validate(head % (b"s" * 65, 1) + b',"to_seq":2}', "ledger"))
        self.assertIsNotNone(validate(head % (b"s s", 1) + b',"to_seq":2}', "ledger"))
        self.assertIsNotNone(validate(head % (b"s", 2**63) + b',"to_seq":2}', "ledger"))
        self.assertIsNotNone(validate(b'{"type":"ledger.rejected","time":1}', "ledger"))

    def test_a_to_tag_has_128_bytes(self):
        head = b'{"type":"source.started","time":1,"to_tag":"%s"}'
        self.assertIsNone(validate(head % (b"t" * 128), "k"))
        self.assertIsNotNone(validate(head % (b"t" * 129), "k"))

    def test_an_accepted_refresh_has_200_to_299(self):
        head = b'{"type":"refresh.accepted","time":1,"callid":"c","from_tag":"f","to_tag":"t","cseq":1,'
        head += b'"method":"INVITE","by":"caller","sip_code":%d}'
        self.assertEqual([validate(head % code, "k") is None for code in (199, 200, 299, 300)],
                         [False, True, True, False])

    def test_what_the_ledger_must_state(self):
        head = b'{"type":"ledger.expired","time":1,"callid":"c","from_tag":"f"'
        self.assertIsNone(validate(head + b',"deadline":0}', "ledger"))
        self.assertEqual(validate(head + b"}", "ledger"), "missing: deadline")

    def test_a_rejected_entry_may_be_longer_than_an_event(self):
        raw = b'{"type":"ledger.rejected","time":1,"reason":"x","raw":"%s"}' % (b"A" * 90_000)
        self.assertIsNone(validate(raw, "ledger"))

    def test_types_of_fields_that_the_type_does_not_expect(self):
        head = b'{"type":"source.started","time":1,'
        self.assertIsNone(validate(head + b'"bye_sent":true,"cseq":0}', "k"))
        self.assertEqual(validate(head + b'"bye_sent":"true"}', "k"), "field: bye_sent")
        self.assertEqual(validate(head + b'"cseq":-1}', "k"), "field: cseq")
        self.assertIsNone(validate(b'{"type":"source.born","time":1,"cseq":-1}', "k"))

    def test_codes_are_ranged_by_type_and_elsewhere_are_integers(self):
        head = b'{"type":"dialog.acked","time":1,"callid":"c","from_tag":"f","to_tag":"t","sip_code":'
        self.assertIsNone(validate(head + b"5}", "k"))
        self.assertEqual(validate(head + b"5.0}", "k"), "field: sip_code")


class Json(unittest.TestCase):
    def test_numbers_keep_their_text(self):
        for text in ("1.50", "1e5", "-0", "12345678901234567890", "0.0E-7"):
            self.assertEqual(dump(parse(text.encode())), text)

    def test_integers_have_no_fraction_and_no_exponent(self):
        self.assertEqual(Number("-0").integer(), 0)
        self.assertEqual(Number("17").integer(), 17)
        for text in ("1.0", "1e0"):
            self.assertIsNone(Number(text).integer())
        self.assertGreater(Number("9" * 5000).integer(), 2**63)
        self.assertLess(Number("-" + "9" * 5000).integer(), -(2**63))

    def test_escapes(self):
        self.assertEqual(parse(rb'"\u0061\n\/\ud83d\uDE00\u0000"'), "a\n/\U0001f600\0")

    def test_depth_costs_no_stack(self):
        self.assertEqual(len(parse(b"[" * 200_000 + b"]" * 200_000)), 1)
        with self.assertRaises(InvalidJson):
            parse(b"[" * 200_000)

    def test_keys_are_told_apart_as_bytes(self):
        self.assertEqual(len(parse('{"\u00fc":1,"u\u0308":1,"U":1,"u":1}'.encode("utf-8"))), 4)
        with self.assertRaises(InvalidJson):
            parse('{"\u00fc":1,"\\u00fc":1}'.encode("utf-8"))


if __name__ == "__main__":
    unittest.main()
