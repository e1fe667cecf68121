# SPDX-License-Identifier: MIT
"""Generates streams of HTTP/1 requests by the grammar of RFC 9112, most of them good, the others with one or two
things wrong. The same seed gives the same streams."""

import random


class Choice:
    """What a part of a request can be: `good` nearly always, else one of `odd`."""

    def __init__(self, good, odd):
        self.good, self.odd = good, odd


METHODS = Choice(
    [b"GET"] * 6 + [b"POST"] * 4 + [b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND", b"M-SEARCH"],
    [b"FOO", b"get", b"GE T", b"G@T", b"", b"GET\t", b"GET\0", b"G" * 100, b"QUERY", b"PRI", b"CONNECT", b"Get", b"\xc9"])
TARGETS = Choice(
    [b"/", b"/", b"/a/b", b"/a?x=1&y=%20", b"/%zz", b"//x", b"/a;b=c", b"/~u/:p", b"/?", b"/a|b", b"http://h/", b"http://h:80/a?b",
     b"/" + b"l" * 300],
    [b"*", b"h:80", b"", b"/a b", b"/\0", b"/\xc3\xa9", b"/#f", b"?q", b"x", b"http://", b"http:///x", b"http://u:p@h/x", b"/[",
     b"/\"<>", b"/\x7f", b"/\t", b"\\x", b"/" + b"l" * 20000, b"urn:a:b", b"https://[::1]:1/", b"http://h:x/"])
VERSIONS = Choice(
    [b"HTTP/1.1"] * 12 + [b"HTTP/1.0"],
    [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1", b"HTTP/1.10", b"http/1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"", b"HTTPS/1.1",
     b"ICE/1.0", b"RTSP/1.0", b"HTTP/01.1", b"HTTP /1.1"])
LINE_ENDS = Choice([b"\r\n"], [b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\0\r\n"])
HOSTS = Choice(
    [b"Host: x\r\n"] * 6 + [b"host:x:80\r\n", b"HOST: \t a.b-c \t\r\n", b"Host:\r\n", b"Host: [::1]\r\n", b"Host: %2Frun%2Fa.sock\r\n"],
    [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nHost: y\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: u@h\r\n",
     b"Host: x:80:80\r\n", b"Host : x\r\n", b"Host: x, y\r\n", b"Host: x:port\r\n", b"Host: \xe9\r\n", b"Hos: x\r\n"])
FIELDS = Choice(
    [b"Accept: */*\r\n", b"Cookie: a=b; c=d\r\n", b"X-Empty:\r\n", b"X-Tab: a\tb\r\n", b"X-Obs: \xe9\xff\r\n", b"x!#$%&'*+-.^_`|~: 1\r\n",
     b"User-Agent: " + b"Mozilla/5.0 " * 8 + b"\r\n", b"A:b\r\n", b"X-Space: \t  b \t \r\n", b"X-Colon: a:b::\r\n", b"Upgrade: h2c\r\n",
     b"X-Long: " + b"v" * 3000 + b"\r\n", b"Content-Type: text/plain\r\n", b"Range: bytes=0-1\r\n", b"Trailer: X-T\r\n"],
    [b"X\r\n", b"X : a\r\n", b": a\r\n", b" X: a\r\n", b"X: a\r\n b\r\n", b"X: a\r\n\tb\r\n", b"X: a\0b\r\n", b"X: a\x01b\r\n",
     b"X: a\x7fb\r\n", b"X: a\rb\r\n", b"X: a\nb\r\n", b"X: a\n", b"X(: a\r\n", b"X\xe9: a\r\n", b"X\0: a\r\n", b"X: a\r\r\n", b"X\t: a\r\n",
     b"X: " + b"v" * 20000 + b"\r\n", b"x: y\r\n" * 300, b"X: a\x0bb\r\n", b"X Y: a\r\n", b"X: \x80\r\n"])
CONNECTIONS = Choice(
    [b""] * 8 + [b"Connection: keep-alive\r\n", b"Connection: close\r\n", b"Connection: x, Close\r\n", b"connection: Keep-Alive, x\r\n"],
    [b"Connection: close, keep-alive\r\n", b"Connection:\r\n", b"Connection: upgrade\r\n", b"Proxy-Connection: close\r\n",
     b"Connection: close\r\nConnection: keep-alive\r\n", b"Connection: clos\r\n", b"Connection: close x\r\n", b"Expect: 100-continue\r\n",
     b"Expect: 200-ok\r\n"])
LENGTHS = Choice(
    [b"Content-Length: %d\r\n", b"content-length:%d\r\n", b"Content-Length: \t%d \r\n", b"Content-Length: 00%d\r\n"],
    [b"Content-Length: +%d\r\n", b"Content-Length: -%d\r\n", b"Content-Length: %d, %d\r\n", b"Content-Length: %d\r\nContent-Length: %d\r\n",
     b"Content-Length: %d\r\nContent-Length: 1%d\r\n", b"Content-Length: 0x%d\r\n", b"Content-Length:\r\n", b"Content-Length: %d.0\r\n",
     b"Content-Length: %d a\r\n", b"Content-Length: 1%d\r\n", b"Content-Length: %d\0\r\n", b"Content-Length : %d\r\n",
     b"Content-Length: 99999999999999999999%d\r\n", b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: %d,\r\n",
     b"Content-Length: \x0b%d\r\n", b"Content-Length: 0\r\n", b""])
CODINGS = Choice(
    [b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:Chunked\r\n", b"Transfer-Encoding: \tchunked \r\n"],
    [b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: identity, chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
     b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: chunkedx\r\n",
     b"Transfer-Encoding: chunked,chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
     b"Transfer-Encoding:\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: chunked;q=1\r\n", b"Transfer-Encoding: ,chunked\r\n",
     b"Transfer-Encoding: chunked,\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"Transfer-Encoding:\r\n chunked\r\n",
     b"Transfer-Encoding: \"chunked\"\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"])
CHUNK_LINES = Choice(
    [b"%x\r\n"] * 6 + [b"%X\r\n", b"00%x\r\n", b"%x;a\r\n", b"%x;a=b;c=\"d e\"\r\n", b"%x;a=\"\\\"\"\r\n"],
    [b"0x%x\r\n", b"+%x\r\n", b"-%x\r\n", b" %x\r\n", b"%x \r\n", b"%x\n", b"%x\r", b"%x;\r\n", b"%x;a=\r\n", b"%x;a=\"b\r\n", b"%x;\0\r\n",
     b"\r\n", b"%xg\r\n", b"1%x\r\n", b"ffffffffffffffff%x\r\n", b"%x\r\r\n", b"%x; a=b\r\n", b"%x ;a\r\n", b"%x\t\r\n", b"%x;a\nb\r\n",
     b"%x;" + b"e" * 20000 + b"\r\n", b"8000000000000000%x\r\n"])
CHUNK_ENDS = Choice([b"\r\n"], [b"\n", b"", b"\r", b"x\r\n", b"\r\n\r\n", b"\n\r"])
TRAILERS = Choice(
    [b""] * 4 + [b"X-T: 1\r\n", b"X-T: 1\r\nx-u:\r\n"],
    [b"X\r\n", b" X: 1\r\n", b"X : 1\r\n", b"X: 1\n", b"X: \0\r\n", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n",
     b"X: " + b"v" * 9000 + b"\r\n", b"X: 1\r\n 2\r\n", b"Connection: close\r\n"])
BODIES = [b"", b"a", b"hello", b"GET /in-body HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n", b"0\r\n\r\n", bytes(range(256)), b"z" * 5000]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, choice, chance=0.015):
        return self.random.choice(choice.odd if self.random.random() < chance else choice.good)

    def fill(self, pattern, number):
        return pattern % ((number,) * pattern.count(b"%"))

    def chunks(self, body):
        text = b""
        while body:
            n = self.random.randint(1, len(body))
            text += self.fill(self.pick(CHUNK_LINES, 0.05), n) + body[:n] + self.pick(CHUNK_ENDS, 0.02)
            body = body[n:]
        return text + self.fill(self.pick(CHUNK_LINES, 0.03), 0) + self.pick(TRAILERS, 0.08) + self.pick(LINE_ENDS)

    def framing(self):
        """Fields that frame a body, and the body."""
        body = self.random.choice(BODIES)
        kind = self.random.random()
        if kind < 0.4:
            return b"", b""
        if kind < 0.7:
            return self.fill(self.pick(LENGTHS, 0.15), len(body)), body
        return self.pick(CODINGS, 0.15), self.chunks(body)

    def request(self):
        method = self.pick(METHODS, 0.04)
        framing, body = self.framing() if method != b"HEAD" else (b"", b"")  # what is wrong with it could not be said
        fields = [self.pick(HOSTS, 0.03), self.pick(CONNECTIONS, 0.04), framing]
        fields += [self.pick(FIELDS, 0.03) for _ in range(self.random.choice([0, 0, 1, 2, 3, 8]))]
        self.random.shuffle(fields)
        head = method + b" " + self.pick(TARGETS, 0.05) + b" " + self.pick(VERSIONS, 0.03)
        return head + self.pick(LINE_ENDS) + b"".join(fields) + self.pick(LINE_ENDS) + body

    def damage(self, data):
        """One byte that is another one, is missing or was not there."""
        at = self.random.randrange(len(data))
        byte = bytes([self.random.choice(b"\0\t\n\r \",:;=0aZ\x7f\x80\xff")])
        return data[:at] + self.random.choice([byte, b"", byte + data[at:at + 1]]) + data[at + 1:]

    def split(self, data):
        """The pieces in which it is sent."""
        kind = self.random.random()
        if kind < 0.7:
            return [data]
        if kind < 0.8 and len(data) < 200:
            return [data[i:i + 1] for i in range(len(data))]
        cuts = sorted(self.random.randrange(len(data) + 1) for _ in range(self.random.randint(1, 4)))
        return [data[i:j] for i, j in zip([0] + cuts, cuts + [len(data)]) if i < j]

    def stream(self):
        """The pieces of one to four requests."""
        data = b"".join(self.request() for _ in range(self.random.choice([1, 1, 1, 2, 2, 3, 4])))
        if self.random.random() < 0.08:
            data = self.damage(data)
        if self.random.random() < 0.03:
            data = data[:self.random.randrange(1, len(data) + 1)]
        return self.split(data)
