# SPDX-License-Identifier: MIT
"""The same 2,000 generated streams of requests, good and bad, to our server and to Node's http: how many answers,
their status, what was understood of each request, and whether the connection went on. Each difference falls under a
rule that says why, or the test fails."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from http_test import *

import collections

from http_grammar import Generator

N_STREAMS = 2000
SEED = 2027
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\n\r\n"  # is answered when the connection goes on and both know where they are

# What we answer, what Node answers ("200", "400 WHY", or "end": nothing, it has closed), a pattern in the stream,
# and why that is right as it is.
RULES = [
    # We refuse what Node takes.
    ("400 a malformed Host", "200", None,
     "RFC 9112 3.2 wants 400 for a Host that is no uri-host[:port]; Node leaves that to the program"),
    ("400 more than one Host", "200", None, "RFC 9112 3.2 wants 400; Node takes the first"),
    ("400 Transfer-Encoding in HTTP/1.0", "200|400", None,
     "RFC 9112 6.1: such a message is faulty, however it is framed; Node decodes it"),
    ("400 an empty transfer coding", "200", None, "there is nothing in the grammar that an empty coding could be"),
    ("501 a transfer coding other than", "200|400|417", None,
     "RFC 9112 6.1: 501 for a coding that is not understood; Node takes any before chunked, undecoded"),
    ("505 a version of HTTP", "200|400|417", None,
     "505 (RFC 9110 15.6.6) for all but 1.0 and 1.1; Node takes 0.9 and 2.0, and refuses the others by 400"),
    ("400 a start line that does not name HTTP", "200", rb" (RTSP|ICE)/", "Node's parser also speaks RTSP and ICE"),
    ("400 a malformed request target", "200", None,
     "Node does not judge the form of a target (RFC 9112 3.2), only its bytes, and takes a fragment and obs-text"),
    ("400 (a host:port target|the target \"\\*\") without", "200", None, "the same: these forms belong to CONNECT and OPTIONS"),
    ("400 (a malformed request target|a CONNECT target)", "end", rb"CONNECT ", "Node closes a CONNECT that nobody listens for"),
    ("400 a malformed method", "200", rb"\n\r\n\r\n", "Node skips any number of empty lines before a request, we skip one (RFC 9112 2.2)"),
    ("400 a malformed chunk extension", "200", rb";a=\r\n", "RFC 9112 7.1.1: an extension has a value behind its \"=\""),
    ("400 a malformed chunk extension", "200", rb";\r\n", "RFC 9112 7.1.1: an extension has a name"),
    ("400 a trailer field that belongs into the head", "200", None,
     "RFC 9110 6.5.1: who merges such trailers into the head would be fooled; Node keeps them apart"),
    ("431 a trailer section that is too large", "200", None, "we bound trailers by 8 KiB, Node by 16 KiB"),
    ("431 too many fields", "200", None, "our default is 128 fields, Node's is 2000"),
    # Node refuses what we take.
    ("200", "400 HPE_INVALID_METHOD", None, "Node knows a list of methods; any token is one (RFC 9110 9.1)"),
    ("200", "400 HPE_INVALID_VERSION Expected HTTP/2", rb"PRI ", "Node answers nothing that begins as the preface of HTTP/2 does"),
    ("200", "417", rb"Expect: 200-ok", "RFC 9110 10.1.1: 417 is allowed for an expectation nobody knows, so is to ignore it"),
    ("200", "400 HPE_(STRICT|INVALID_CHUNK_SIZE) Invalid character in chunk", rb"; a=b| ;a",
     "the grammar has white space around the \";\" and \"=\" of an extension (RFC 9112 7.1.1)"),
    # What comes next.
    ("200|400", "end", rb"(?i)Proxy-Connection: close", "Node takes Proxy-Connection for Connection; no RFC knows it"),
    ("200|400", "end", rb"(?i)Connection: *upgrade", "Node stops reading behind an Upgrade that nobody listens for"),
    ("end", "200|400", rb"(?i)Connection: close, keep-alive|Connection: close\r\n(.*\r\n)*Connection: keep-alive",
     "RFC 9112 9.3: close wins; Node lets keep-alive win in HTTP/1.0"),
    ("end", "400 HPE_CLOSED_CONNECTION", None, "RFC 9112 9.6: what follows a close is not looked at; Node says that something does"),
]


def understood(data):
    """What a server has answered: "200 <what it understood>" and "STATUS WHY" each."""
    answers = []
    for response in read_responses(data):
        why = re.search(rb"\r\nX-Why: ([^\r]*)\r\n", response.head)
        text = why[1] if why else response.body.strip()
        answers.append(f"{response.status} {text.decode('latin1')}")
    return answers


def first_difference(ours, theirs):
    """The first two answers that are not the same, or None. Errors of one class are the same, and the end."""
    for i in range(max(len(ours), len(theirs))):
        a = ours[i] if i < len(ours) else "end"
        b = theirs[i] if i < len(theirs) else "end"
        if a[0] == b[0] == "4":
            return None
        if a != b:
            return a, b
    return None


def rule_for(ours, theirs, data):
    for rule in RULES:
        if (re.match(rule[0], ours) and re.match(rule[1], theirs) and (not rule[2] or re.search(rule[2], data))
                and not (ours[0] == theirs[0] == "2")):
            return rule
    return None


class Differential(TestCase):
    def setUp(self):
        super().setUp()
        self.ours, self.node = self.path("ours.sock"), self.path("node.sock")
        self.server = self.start(MIRROR, self.ours)
        self.server.wait_for_socket(self.ours)
        self.start_node("http-mirror.js", self.node).wait_for_socket(self.node)

    def test_each_difference_has_its_reason(self):
        generator = Generator(SEED)
        counts = collections.Counter()
        for i in range(N_STREAMS):
            pieces = generator.stream()
            pieces = pieces + [LAST] if len(pieces) > 1 else [pieces[0] + LAST]
            data = b"".join(pieces)
            ours, theirs = (understood(exchange(path, pieces)) for path in (self.ours, self.node))
            difference = first_difference(ours, theirs)
            if not difference:
                counts[f"the same, {'refused' if ours and ours[-1][0] != '2' else 'answered'}"] += 1
                continue
            rule = rule_for(*difference, data)
            with self.subTest(i):
                self.assertIsNotNone(rule, f"{difference} in {pieces}: {ours}, {theirs}")
            counts[rule and f"{rule[0]} / {rule[1]}: {rule[3]}"] += 1
        self.assertEqual(self.server.stop(), 0, self.server.output())
        # The generator makes both kinds in earnest, and what differs is the exception.
        self.assertGreater(counts["the same, answered"], N_STREAMS / 4)
        self.assertGreater(counts["the same, refused"], N_STREAMS / 4)
        print(*(f"{n:5} {what}" for what, n in counts.most_common()), sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
