"""Writes SIPp scenarios: a `Caller` and a `Callee` are told step by step what to do and become XML.

Tags, Call-IDs and CSeq numbers are fixed, so that what a ledger must make of a call can be written down
beforehand: the caller's tag is a1, a2 … (by call), the callee's b1, b2 …, and each side counts its requests
from 1.
"""

HEAD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="%s">
"""

SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 6000 RTP/AVP 0
"""


def timer(seconds, refresher=None, min_se=None, require=False):
    """The headers of a session timer."""
    lines = ["Supported: timer"]
    if require:
        lines.append("Require: timer")
    if seconds:
        lines.append("Session-Expires: %d%s" % (seconds, ";refresher=" + refresher if refresher else ""))
    if min_se:
        lines.append("Min-SE: %d" % min_se)
    return "\n".join(lines)


class Script:
    """One side of a call."""

    tag = other_tag = contact = None

    def __init__(self):
        self.steps = []
        self.cseq = 0

    def xml(self, name):
        return HEAD % name + "\n".join(self.steps) + "\n</scenario>\n"

    def step(self, text):
        self.steps.append(text)
        return self

    def pause(self, milliseconds):
        return self.step('<pause milliseconds="%d"/>' % milliseconds)

    def receive(self, what, optional=False, routes=False, timeout=None, action=""):
        """`what` is a method or a status code."""
        attributes = ('response="%d"' if isinstance(what, int) else 'request="%s"') % what
        if optional:
            attributes += ' optional="true"'
        if routes:
            attributes += ' rrs="true"'
        if timeout:
            attributes += ' timeout="%d"' % timeout
        return self.step("<recv %s>%s</recv>" % (attributes, action))

    def send(self, lines, sdp=False, retransmit=False, attributes=""):
        lines = [line for line in "\n".join(lines).split("\n") if line]
        if sdp:
            lines += ["Content-Type: application/sdp", "Content-Length: [len]", "", SDP]
        else:
            lines += ["Content-Length: 0", "", ""]
        if retransmit:
            attributes += ' retrans="500"'
        return self.step("<send%s><![CDATA[\n%s]]></send>" % (attributes, "\n".join(lines)))

    # -- requests within the dialog

    def request(self, method, headers="", sdp=False, other=None):
        """`other`: the tag of the other side, if it is not the one that has answered last."""
        if method != "ACK":
            self.cseq += 1
        to = self.other_header("To")
        return self.send(
            [
                "%s [next_url] SIP/2.0" % method,
                "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
                self.own_header("From"),
                to.replace("[peer_tag_param]", ";tag=" + other) if other else to,
                "Call-ID: [call_id]",
                "CSeq: %d %s" % (self.cseq, method),
                "[routes]",
                self.contact,
                "Max-Forwards: 70",
                headers,
            ],
            sdp=sdp,
            retransmit=method != "ACK",
        )

    def bye(self, headers=""):
        return self.request("BYE", headers).receive(200)

    def update(self, headers, code=200):
        return self.request("UPDATE", headers).receive(code)

    def reinvite(self, headers, code=200):
        """A re-INVITE, its answer, and the ACK of that."""
        self.request("INVITE", headers, sdp=True).receive(100, optional=True)
        if code < 300:
            return self.receive(code, routes=True).request("ACK")
        return self.receive(code).acknowledge_refusal()

    def acknowledge_refusal(self):
        """The ACK of a final response above 299: hop by hop, on the branch of its INVITE."""
        return self.send(
            [
                "ACK [next_url] SIP/2.0",
                "[last_Via:]",
                "[last_From:]",
                "[last_To:]",
                "[last_Call-ID:]",
                "CSeq: %d ACK" % self.cseq,
                "Max-Forwards: 70",
            ]
        )

    # -- answers

    def answer(
        self, line, headers="", sdp=False, retransmit=False, record_route=False, contact=False, to=None
    ):
        return self.send(
            [
                "SIP/2.0 " + line,
                "[last_Via:]",
                "[last_From:]",
                to or "[last_To:]",
                "[last_Call-ID:]",
                "[last_CSeq:]",
                "[last_Record-Route:]" if record_route else "",
                self.contact if contact else "",
                headers,
            ],
            sdp=sdp,
            retransmit=retransmit,
        )

    def answer_bye(self, line="200 OK"):
        return self.receive("BYE").answer(line)

    def answer_bye_of_proxy(self, line="200 OK", timeout=20000):
        """Kamailio sends its BYE to the caller first, and forgets the callee's if the answer is faster than
        that."""
        return self.receive("BYE", timeout=timeout).pause(200).answer(line)

    def answer_update(self, headers="", line="200 OK"):
        return self.receive("UPDATE").answer(line, headers, contact=True)

    def answer_reinvite(self, headers="", line="200 OK", retransmit=False):
        accepted = line.startswith("2")
        self.receive("INVITE").answer(
            line, headers, sdp=accepted, retransmit=retransmit, record_route=accepted, contact=accepted
        )
        return self.receive("ACK")


class Caller(Script):
    contact = "Contact: <sip:alice@[local_ip]:[local_port]>"

    def own_header(self, name):
        return name + ": <sip:alice@[local_ip]:[local_port]>;tag=a[call_number]"

    def other_header(self, name):
        return name + ": <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]"

    def invite(self, headers="", uri="sip:[service]@[remote_ip]:[remote_port]", agent="Alice 1.0"):
        self.cseq += 1
        self.uri = uri
        return self.send(
            [
                "INVITE %s SIP/2.0" % uri,
                "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
                self.own_header("From"),
                "To: <%s>" % uri,
                "Call-ID: [call_id]",
                "CSeq: %d INVITE" % self.cseq,
                self.contact,
                "Max-Forwards: 70",
                "User-Agent: " + agent if agent else "",
                headers,
            ],
            sdp=True,
            retransmit=True,
        )

    def ringing(self):
        return self.receive(100, optional=True).receive(180, optional=True, routes=True)

    def answered(self):
        """The 200 to the INVITE, and its ACK."""
        return self.ringing().receive(200, routes=True).request("ACK")

    def refused(self, code, timeout=None):
        """A final response above 299 to the INVITE, and its ACK."""
        self.receive(100, optional=True).receive(180, optional=True).receive(code, timeout=timeout)
        return self.send(
            [
                "ACK %s SIP/2.0" % self.uri,
                "[last_Via:]",
                "[last_From:]",
                "[last_To:]",
                "[last_Call-ID:]",
                "CSeq: %d ACK" % self.cseq,
                "Max-Forwards: 70",
            ]
        )

    def cancel(self, headers=""):
        return self.send(
            [
                "CANCEL %s SIP/2.0" % self.uri,
                "[last_Via:]",
                self.own_header("From"),
                "To: <%s>" % self.uri,
                "Call-ID: [call_id]",
                "CSeq: %d CANCEL" % self.cseq,
                "Max-Forwards: 70",
                headers,
            ],
            retransmit=True,
        )


class Callee(Script):
    contact = "Contact: <sip:bob@[local_ip]:[local_port]>"
    tagged = "[last_To:];tag=b[call_number]"
    remember = (
        '<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>'
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/></action>'
    )

    def own_header(self, name):
        return name + ":[$callee];tag=b[call_number]"

    def other_header(self, name):
        return name + ":[$caller]"

    def xml(self, name):
        if any('assign_to="caller"' in step for step in self.steps):
            self.step('<Reference variables="caller,callee"/>')  # not every call uses what it remembers
        return super().xml(name)

    def receive_invite(self):
        return self.receive("INVITE", routes=True, action=self.remember)

    def ring(self, line="180 Ringing"):
        return self.answer(line, record_route=True, contact=True, to=self.tagged)

    def accept(self, headers="", ring=100, ack=True):
        """INVITE, 180, 200, ACK; `ring` milliseconds between ringing and answering."""
        self.receive_invite().ring().pause(ring)
        self.answer(
            "200 OK",
            "User-Agent: Bob 2.0\n" + headers,
            sdp=True,
            retransmit=ack,
            record_route=True,
            contact=True,
            to=self.tagged,
        )
        return self.receive("ACK") if ack else self

    def refuse(self, line, headers="", ring=False, contact=False):
        self.receive_invite()
        if ring:
            # Two workers of the proxy may take two answers that come at once, each with a clock of its own.
            self.ring().pause(100)
        return self.answer(line, headers, contact=contact, to=self.tagged).receive("ACK")
