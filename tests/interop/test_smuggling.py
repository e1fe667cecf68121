# SPDX-License-Identifier: MIT
"""Request smuggling (RFC 9112 section 11): whatever two readers of one stream could read differently is refused,
with the reason in the log, and nothing behind it is answered. By itself and behind nginx, Caddy and haproxy."""

import os, sys; sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib")); from http_test import *

from test_fronts import CADDY, HAPROXY, NGINX

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"


def post(fields, body=b""):
    return b"POST / HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body


def get(fields=b"", target=b"/", host=b"Host: x\r\n", version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


def chunked(body):
    return post(CHUNKED, body)


# What is sent, the status it gets and what the log says of it. SMUGGLED follows each.
ATTACKS = {
    # Content-Length (RFC 9112 6.3, 8.6 of RFC 9110)
    "length twice, different": (post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"), 400, "more than one Content-Length"),
    "length twice, same": (post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400, "more than one Content-Length"),
    "length twice, other case": (post(b"Content-Length: 3\r\ncontent-length: 0\r\n", b"abc"), 400, "more than one Content-Length"),
    "length list, same": (post(b"Content-Length: 5, 5\r\n", b"hello"), 400, "is no number"),
    "length list, different": (post(b"Content-Length: 5, 0\r\n", b"hello"), 400, "is no number"),
    "length with a plus": (post(b"Content-Length: +5\r\n", b"hello"), 400, "is no number"),
    "length with a minus": (post(b"Content-Length: -5\r\n", b"hello"), 400, "is no number"),
    "length minus nothing": (post(b"Content-Length: -0\r\n"), 400, "is no number"),
    "length hexadecimal": (post(b"Content-Length: 0x5\r\n", b"hello"), 400, "is no number"),
    "length hexadecimal digits": (post(b"Content-Length: 5a\r\n", b"hello"), 400, "is no number"),
    "length with a fraction": (post(b"Content-Length: 5.0\r\n", b"hello"), 400, "is no number"),
    "length with an exponent": (post(b"Content-Length: 1e1\r\n", b"hello"), 400, "is no number"),
    "length with a space": (post(b"Content-Length: 1 5\r\n", b"hello"), 400, "is no number"),
    "length with a separator": (post(b"Content-Length: 1_0\r\n", b"hello"), 400, "is no number"),
    "length quoted": (post(b"Content-Length: \"5\"\r\n", b"hello"), 400, "is no number"),
    "length with a comma": (post(b"Content-Length: 5,\r\n", b"hello"), 400, "is no number"),
    "length in another script": (post("Content-Length: \u0665\r\n".encode(), b"hello"), 400, "is no number"),
    "length behind a form feed": (post(b"Content-Length: \x0c5\r\n", b"hello"), 400, "may not stand there"),
    "length empty": (post(b"Content-Length:\r\n"), 400, "an empty Content-Length"),
    "length of blanks": (post(b"Content-Length: \t \r\n"), 400, "an empty Content-Length"),
    "length 2^63": (post(b"Content-Length: 9223372036854775808\r\n"), 400, "too large"),
    "length 2^64 and 5": (post(b"Content-Length: 18446744073709551621\r\n", b"hello"), 400, "too large"),
    "length 2^32 and 5": (post(b"Content-Length: 4294967301\r\n", b"hello"), 413, "the body is too large"),
    "length endless": (post(b"Content-Length: " + b"9" * 1000 + b"\r\n"), 400, "too large"),
    "length folded": (post(b"Content-Length:\r\n 5\r\n", b"hello"), 400, "begins with white space"),
    "length with GET and a sign": (get(b"Content-Length: +0\r\n"), 400, "is no number"),
    # Transfer-Encoding (RFC 9112 6.1, 7)
    "both": (post(b"Content-Length: 6\r\n" + CHUNKED, END), 400, "both Content-Length and Transfer-Encoding"),
    "both, the other way": (post(CHUNKED + b"Content-Length: 6\r\n", END), 400, "both Content-Length and Transfer-Encoding"),
    "both, with length 0": (post(CHUNKED + b"Content-Length: 0\r\n", END), 400, "both Content-Length and Transfer-Encoding"),
    "both, with a bad length": (post(CHUNKED + b"Content-Length: x\r\n", END), 400, "is no number"),
    "both, with identity": (post(b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", b"abc"), 400, "both Content-Length and"),
    "both, with a coding nobody knows": (post(b"Transfer-Encoding: x\r\nContent-Length: 3\r\n", b"abc"), 400, "both Content-Length and"),
    "identity": (post(b"Transfer-Encoding: identity\r\n", b"abc"), 400, "does not end in one \"chunked\""),
    "chunked, identity": (post(b"Transfer-Encoding: chunked, identity\r\n", END), 400, "does not end in one \"chunked\""),
    "identity, chunked": (post(b"Transfer-Encoding: identity, chunked\r\n", END), 501, "other than \"chunked\""),
    "gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", END), 501, "other than \"chunked\""),
    "chunked, chunked": (post(b"Transfer-Encoding: chunked, chunked\r\n", END), 400, "does not end in one \"chunked\""),
    "chunked in two lines": (post(CHUNKED + CHUNKED, END), 400, "does not end in one \"chunked\""),
    "chunked, then identity in a line": (post(CHUNKED + b"Transfer-Encoding: identity\r\n", END), 400, "does not end in one"),
    "identity in a line, then chunked": (post(b"Transfer-Encoding: identity\r\n" + CHUNKED, END), 501, "other than"),
    "chunked, then nothing in a line": (post(CHUNKED + b"Transfer-Encoding:\r\n", END), 400, "an empty transfer coding"),
    "xchunked": (post(b"Transfer-Encoding: xchunked\r\n", END), 400, "does not end in one \"chunked\""),
    "chunkedx": (post(b"Transfer-Encoding: chunkedx\r\n", END), 400, "does not end in one \"chunked\""),
    "x chunked": (post(b"Transfer-Encoding: x chunked\r\n", END), 400, "does not end in one \"chunked\""),
    "chunked with a parameter": (post(b"Transfer-Encoding: chunked;q=1\r\n", END), 400, "does not end in one \"chunked\""),
    "chunked quoted": (post(b"Transfer-Encoding: \"chunked\"\r\n", END), 400, "does not end in one \"chunked\""),
    "chunked with a comma before": (post(b"Transfer-Encoding: , chunked\r\n", END), 400, "an empty transfer coding"),
    "chunked with a comma behind": (post(b"Transfer-Encoding: chunked,\r\n", END), 400, "an empty transfer coding"),
    "chunked behind a vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", END), 400, "may not stand there"),
    "chunked before a vertical tab": (post(b"Transfer-Encoding: chunked\x0b\r\n", END), 400, "may not stand there"),
    "chunked behind a form feed": (post(b"Transfer-Encoding:\x0cchunked\r\n", END), 400, "may not stand there"),
    "chunked behind a no-break space": (post(b"Transfer-Encoding: \xa0chunked\r\n", END), 400, "does not end in one"),
    "chunked with a tab inside": (post(b"Transfer-Encoding: chun\tked\r\n", END), 400, "does not end in one"),
    "chunked folded": (post(b"Transfer-Encoding:\r\n chunked\r\n", END), 400, "begins with white space"),
    "chunked folded behind": (post(b"Transfer-Encoding: chunked\r\n , identity\r\n", END), 400, "begins with white space"),
    "chunked in other letters": (post("Transfer-Encoding: chun\u212aed\r\n".encode(), END), 400, "does not end in one"),
    "transfer coding, empty": (post(b"Transfer-Encoding:\r\n", END), 400, "an empty transfer coding"),
    "chunked before the colon": (post(b"Transfer-Encoding : chunked\r\n", END), 400, "before the colon"),
    "chunked tab before the colon": (post(b"Transfer-Encoding\t: chunked\r\n", END), 400, "before the colon"),
    "chunked NUL before the colon": (post(b"Transfer-Encoding\0: chunked\r\n", END), 400, "a NUL byte|may not stand in one"),
    "chunked in a quoted name": (post(b"\"Transfer-Encoding\": chunked\r\n", END), 400, "may not stand in one"),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n" + END, 400, "Transfer-Encoding in HTTP/1.0"),
    "both in HTTP/1.0": (b"POST / HTTP/1.0\r\nContent-Length: 5\r\n" + CHUNKED + b"\r\n" + END, 400, "Transfer-Encoding in HTTP/1.0"),
    "chunked in HTTP/1.0, kept": (b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n" + CHUNKED + b"\r\n" + END, 400, "in HTTP/1.0"),
    # Chunks (RFC 9112 7.1)
    "chunk of 2^64 and 5": (chunked(b"10000000000000005\r\nhello\r\n" + END), 400, "a chunk size that is too large"),
    "chunk of 2^63": (chunked(b"8000000000000000\r\nhello\r\n" + END), 400, "a chunk size that is too large"),
    "chunk of 2^32 and 5": (chunked(b"100000005\r\nhello\r\n" + END), 413, "the body is too large"),
    "chunk size of many digits": (chunked(b"0" * 300 + b"5\r\nhello\r\n" + END), 431, "a chunk-size line that is too long"),
    "chunk size with a plus": (chunked(b"+5\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size with a minus": (chunked(b"-5\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size with 0x": (chunked(b"0x5\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size behind a space": (chunked(b" 5\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size before a space": (chunked(b"5 \r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "chunk size before a tab": (chunked(b"5\t\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "chunk size with a space": (chunked(b"1 0\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "chunk size with a separator": (chunked(b"0_5\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size of letters": (chunked(b"zz\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size empty": (chunked(b"\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk size with NUL": (chunked(b"5\0\r\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk line with LF": (chunked(b"5\nhello\r\n" + END), 400, "no hexadecimal number"),
    "chunk line with CR": (chunked(b"5\rhello\r\n" + END), 400, "a carriage return without a line feed"),
    "chunk line with CR CR LF": (chunked(b"5\r\r\nhello\r\n" + END), 400, "a carriage return without a line feed"),
    "chunk end missing": (chunked(b"5\r\nhello" + END), 400, "not followed by CRLF"),
    "chunk end with LF": (chunked(b"5\r\nhello\n" + END), 400, "not followed by CRLF"),
    "chunk end with CR": (chunked(b"5\r\nhello\r" + END), 400, "not followed by CRLF"),
    "chunk longer than it says": (chunked(b"4\r\nhello\r\n" + END), 400, "not followed by CRLF"),
    "chunk shorter than it says": (chunked(b"6\r\nhello\r\n" + END), 400, "not followed by CRLF"),
    "last chunk with LF": (chunked(b"5\r\nhello\r\n0\n\n"), 400, "no hexadecimal number"),
    "last line with LF": (chunked(b"0\r\n\n"), 400, "a line feed without a carriage return"),
    "extension without a name": (chunked(b"5;\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension without a value": (chunked(b"5;a=\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension with LF": (chunked(b"5;a\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension with LF inside": (chunked(b"5;a=b\nc\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension with CR": (chunked(b"5;a\rb\r\nhello\r\n" + END), 400, "a carriage return without a line feed"),
    "extension with NUL": (chunked(b"5;a=\0\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension with an open quote": (chunked(b"5;a=\"b\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension with LF in a quote": (chunked(b"5;a=\"\n\"\r\nhello\r\n" + END), 400, "a malformed chunk extension"),
    "extension too long": (chunked(b"5;" + b"a" * 300 + b"\r\nhello\r\n" + END), 431, "a chunk-size line that is too long"),
    "extensions too many": (chunked(b"1;a=" + b"b" * 200 + b"\r\nx\r\n" + (b"1;a=" + b"b" * 200 + b"\r\nx\r\n") * 200 + END), 431,
                            "chunk extensions that are too long"),
    "trailer with framing": (chunked(b"0\r\nContent-Length: 5\r\n\r\n"), 400, "belongs into the head"),
    "trailer with coding": (chunked(b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "belongs into the head"),
    "trailer with Host": (chunked(b"0\r\nHost: y\r\n\r\n"), 400, "belongs into the head"),
    "trailer folded": (chunked(b"0\r\nA: b\r\n c\r\n\r\n"), 400, "begins with white space"),
    "trailer with LF": (chunked(b"0\r\nA: b\nC: d\r\n\r\n"), 400, "a line feed without a carriage return"),
    "trailer without a colon": (chunked(b"0\r\nGET / HTTP/1.1\r\n\r\n"), 400, "may not stand in one|before the colon"),
    "trailer too large": (chunked(b"0\r\n" + b"A: b\r\n" * 2000 + b"\r\n"), 431, "a trailer section that is too large"),
    # Line ends (RFC 9112 2.2)
    "LF only": (b"GET / HTTP/1.1\nHost: x\n\n", 400, "a line feed without a carriage return"),
    "LF behind the request line": (b"GET / HTTP/1.1\nHost: x\r\n\r\n", 400, "a line feed without a carriage return"),
    "LF behind a field": (get(b"A: b\nC: d\r\n"), 400, "a line feed without a carriage return"),
    "LF before the end": (b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400, "may not stand in one|a line feed"),
    "LF, then a hidden length": (post(b"A: b\nContent-Length: 5\r\n", b"hello"), 400, "a line feed without a carriage return"),
    "CR behind the request line": (b"GET / HTTP/1.1\rHost: x\r\n\r\n", 400, "a carriage return without a line feed"),
    "CR behind a field": (get(b"A: b\rC: d\r\n"), 400, "a carriage return without a line feed"),
    "CR, then a hidden length": (post(b"A: b\rContent-Length: 5\r\n", b"hello"), 400, "a carriage return without a line feed"),
    "CR before a name": (get(b"\rA: b\r\n"), 400, "a carriage return without a line feed"),
    "CR in a name": (get(b"A\rB: b\r\n"), 400, "may not stand in one"),
    "CR LF the other way": (get(b"A: b\n\rC: d\r\n"), 400, "a line feed without a carriage return"),
    "CR CR LF": (get(b"A: b\r\r\n"), 400, "a carriage return without a line feed"),
    "CR before the end": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\r\n", 400, "a carriage return without a line feed"),
    "two empty lines before": (b"\r\n\r\n" + get(), 400, "a malformed method"),
    "LF before": (b"\n" + get(), 400, "a malformed method|line feed"),
    "fold": (get(b"A: b\r\n c\r\n"), 400, "begins with white space"),
    "fold by a tab": (get(b"A: b\r\n\tc\r\n"), 400, "begins with white space"),
    "fold of nothing": (get(b"A: b\r\n \r\n"), 400, "begins with white space"),
    "fold of the first": (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "begins with white space"),
    "fold hides a coding": (get(b"A: b\r\n Transfer-Encoding: chunked\r\n"), 400, "begins with white space"),
    # Names and values (RFC 9112 5.1, RFC 9110 5.5)
    "space before the colon": (get(b"A : b\r\n"), 400, "white space before the colon"),
    "space before the colon of a length": (post(b"Content-Length : 5\r\n", b"hello"), 400, "white space before the colon"),
    "tab before the colon": (get(b"A\t: b\r\n"), 400, "white space before the colon"),
    "space in a name": (get(b"A B: c\r\n"), 400, "white space before the colon"),
    "no name": (get(b": b\r\n"), 400, "a field without a name"),
    "no colon": (get(b"A\r\n"), 400, "may not stand in one"),
    "NUL in a name": (get(b"A\0: b\r\n"), 400, "may not stand in one"),
    "obs-text in a name": (get(b"A\xe9: b\r\n"), 400, "may not stand in one"),
    "NUL in a value": (get(b"A: b\0c\r\n"), 400, "a NUL byte"),
    "NUL behind a length": (post(b"Content-Length: 5\0\r\n", b"hello"), 400, "a NUL byte"),
    **{f"control byte {byte} in a value": (get(b"A: b%cc\r\n" % byte), 400, "may not stand there")
       for byte in (1, 7, 8, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f)},
    "a line of names": (get(b"A" * 17000 + b": b\r\n"), 431, "a head that is too large"),
    "a line of values": (get(b"A: " + b"b" * 17000 + b"\r\n"), 431, "a head that is too large"),
    "many fields": (get(b"A: b\r\n" * 200), 431, "too many fields"),
    # The request line (RFC 9112 3)
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "two spaces before the version": (b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400, "does not name HTTP"),
    "a tab": (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed method"),
    "a tab before the version": (b"GET /\tHTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "a space before": (b" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed method"),
    "a space behind": (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400, "may not stand there"),
    "no method": (b"/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed method"),
    "a bad method": (b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed method"),
    "no target": (b"GET HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "a space in a target": (get(target=b"/a b"), 400, "does not name HTTP"),
    "a version in a target": (get(target=b"/ HTTP/1.1"), 400, "may not stand there"),
    "a NUL in a target": (get(target=b"/\0"), 400, "a malformed request target"),
    "a control byte in a target": (get(target=b"/\x1f"), 400, "a malformed request target"),
    "obs-text in a target": (get(target=b"/\xc3\xa9"), 400, "a malformed request target"),
    "a fragment": (get(target=b"/#a"), 400, "a malformed request target"),
    "no slash": (get(target=b"a"), 400, "a malformed request target"),
    "a query only": (get(target=b"?a"), 400, "a malformed request target"),
    "a backslash first": (get(target=b"\\a"), 400, "a malformed request target"),
    "authority-form without CONNECT": (get(target=b"x:80"), 400, "a host:port target without CONNECT"),
    "CONNECT to a path": (b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target|not host:port|CONNECT"),
    "CONNECT to a URL": (b"CONNECT http://x:80/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a CONNECT target that is not host:port"),
    "CONNECT without a port": (b"CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "CONNECT to port 0": (b"CONNECT x:0 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "CONNECT to port 65536": (b"CONNECT x:65536 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "CONNECT as somebody": (b"CONNECT u@x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "a malformed request target"),
    "CONNECT with a body": (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 5\r\n\r\nhello", 400, "a CONNECT with content"),
    "asterisk without OPTIONS": (get(target=b"*"), 400, "the target .* without OPTIONS"),
    "absolute-form without a host": (get(target=b"http:///a"), 400, "a malformed request target"),
    "absolute-form with a port only": (get(target=b"http://:80/a"), 400, "a malformed request target"),
    "absolute-form, host with a space": (get(target=b"http://x y/"), 400, "does not name HTTP"),
    "absolute-form, host with a comma behind a port": (get(target=b"http://x:80,y/"), 400, "a malformed request target"),
    "absolute-form, a port of letters": (get(target=b"http://x:y/"), 400, "a malformed request target"),
    "absolute-form, an open bracket": (get(target=b"http://[::1/"), 400, "a malformed request target"),
    "absolute-form, a backslash": (get(target=b"http:\\\\x/"), 400, "a malformed request target"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, "a malformed request target"),
    "HTTP/0.9 said": (get(version=b"HTTP/0.9"), 505, "a version of HTTP other than"),
    "HTTP/1.2": (get(version=b"HTTP/1.2"), 505, "a version of HTTP other than"),
    "HTTP/2.0": (get(version=b"HTTP/2.0"), 505, "a version of HTTP other than"),
    "HTTP/1.10": (get(version=b"HTTP/1.10"), 400, "may not stand there"),
    "HTTP/1.": (get(version=b"HTTP/1."), 400, "does not name HTTP"),
    "http/1.1": (get(version=b"http/1.1"), 400, "does not name HTTP"),
    "HTTP/+1.1": (get(version=b"HTTP/+1.1"), 400, "does not name HTTP"),
    "an endless target": (get(target=b"/" + b"a" * 17000), 414, "a request line that is too long"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "a version of HTTP other than"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100, 400, "a malformed method"),
    # Host (RFC 9112 3.2)
    "no Host": (get(host=b""), 400, "no Host"),
    "no Host with absolute-form": (get(host=b"", target=b"http://x/"), 400, "no Host"),
    "Host twice, different": (get(b"Host: y\r\n"), 400, "more than one Host"),
    "Host twice, same": (get(b"Host: x\r\n"), 400, "more than one Host"),
    "Host twice, in HTTP/1.0": (get(b"Host: y\r\n", version=b"HTTP/1.0"), 400, "more than one Host"),
    "Host list": (get(host=b"Host: x, y\r\n"), 400, "a malformed Host"),
    "Host as somebody": (get(host=b"Host: u@x\r\n"), 400, "a malformed Host"),
    "Host with a password": (get(host=b"Host: u:p@x:80\r\n"), 400, "a malformed Host"),
    "Host with a path": (get(host=b"Host: x/y\r\n"), 400, "a malformed Host"),
    "Host with a query": (get(host=b"Host: x?y\r\n"), 400, "a malformed Host"),
    "Host with a fragment": (get(host=b"Host: x#y\r\n"), 400, "a malformed Host"),
    "Host with a backslash": (get(host=b"Host: x\\y\r\n"), 400, "a malformed Host"),
    "Host with a space": (get(host=b"Host: x y\r\n"), 400, "a malformed Host"),
    "Host with two ports": (get(host=b"Host: x:80:81\r\n"), 400, "a malformed Host"),
    "Host with a port of letters": (get(host=b"Host: x:y\r\n"), 400, "a malformed Host"),
    "Host with obs-text": (get(host=b"Host: \xe9\r\n"), 400, "a malformed Host"),
    "Host with a bad escape": (get(host=b"Host: x%zz\r\n"), 400, "a malformed Host"),
    "Host with an open bracket": (get(host=b"Host: [::1\r\n"), 400, "a malformed Host"),
    "Host with a URL": (get(host=b"Host: http://x/\r\n"), 400, "a malformed Host"),
}

# What looks like one and is none: it is answered, and so is what follows it.
HARMLESS = {
    "length with blanks around": post(b"Content-Length: \t5 \r\n", b"hello"),
    "length with zeros": post(b"Content-Length: 005\r\n", b"hello"),
    "chunked in capitals": post(b"TRANSFER-ENCODING:CHUNKED\r\n", b"5\r\nhello\r\n" + END),
    "chunked with blanks around": post(b"Transfer-Encoding: \tchunked \r\n", b"5\r\nhello\r\n" + END),
    "chunk size in capitals": chunked(b"A\r\nhellohello\r\n" + END),
    "chunk size with zeros": chunked(b"0005\r\nhello\r\n000\r\n\r\n"),
    "chunk extensions": chunked(b"5;a;b=c ; d = \"e\\\"\"\r\nhello\r\n0;f\r\n\r\n"),
    "a trailer": chunked(b"5\r\nhello\r\n0\r\nA: b\r\n\r\n"),
    "an empty line before": b"\r\n" + get(),
    "a name nearly known": post(b"Content_Length: 5\r\nContent-Lengt: 7\r\nX-Transfer-Encoding: chunked\r\n"),
    "absolute-form": get(target=b"http://x/a?b"),
    "absolute-form, another Host": get(target=b"http://y/a", host=b"Host: x\r\n"),
    "absolute-form, as somebody": get(target=b"http://u:p@x:80/a"),
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "Host empty": get(host=b"Host:\r\n"),
    "Host of a socket": get(host=b"Host: %2Frun%2Fa.sock\r\n"),
    "a length with GET": get(b"Content-Length: 5\r\n") + b"hello",
    "obs-text in a value": get(b"A: \xe9\xff\r\n"),
    "a method nobody knows": b"SMUGGLE / HTTP/1.1\r\nHost: x\r\n\r\n",
}


def pieces_of(data, n):
    return [data[i:i + n] for i in range(0, len(data), n)]


class Mirrored(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("back.sock")
        self.server = self.start(MIRROR, self.socket)
        self.server.wait_for_socket(self.socket)
        self.n_log = len(self.server.output())

    def tearDown(self):
        try:
            self.assertEqual(self.server.stop(), 0, self.server.output())
        finally:
            super().tearDown()

    def records(self, n=1):
        """What the server has logged since this was asked last, `n` records at least: (status, by, request, why)
        each; by is "front" when the proxy marked it, else "-"."""
        def enough():
            lines = self.server.output()[self.n_log:].rpartition("\n")[0]
            found = re.findall(r"^record (\d+) (\S+) (\S* .*?): (.*)$", lines, re.M)
            return (found, len(lines)) if len(found) >= n else None
        found, n_read = until(enough, "the log")
        self.n_log += n_read
        return [(int(status), by, request, why) for status, by, request, why in found]


class Smuggling(Mirrored):
    def check(self, pieces, status, why):
        responses = read_responses(exchange(self.socket, pieces, half_close=NEVER))
        records = self.records()
        self.assertEqual([response.status for response in responses], [status])
        self.assertTrue(responses[0].closes)
        self.assertIsNone(responses[0].request)
        self.assertEqual([record[0] for record in records], [status])
        self.assertRegex(records[0][3], why)

    def test_attacks_are_refused_and_nothing_behind_them_is_read(self):
        for name, (attack, status, why) in ATTACKS.items():
            with self.subTest(name):
                self.check([attack + SMUGGLED], status, why)

    def test_attacks_in_pieces(self):
        for name, (attack, status, why) in ATTACKS.items():
            for n in (1, 7) if len(attack) < 400 else (1024,):
                with self.subTest(f"{name}, {n} bytes at a time"):
                    # the byte is found before the line it makes wrong has ended, so why can be said another way
                    self.check(pieces_of(attack, n) + [SMUGGLED], status, ".")

    def test_attacks_behind_a_good_request(self):
        for name, (attack, status, why) in ATTACKS.items():
            with self.subTest(name):
                responses = read_responses(exchange(self.socket, [get(target=b"/good") + attack + SMUGGLED], half_close=NEVER))
                self.assertEqual([response.status for response in responses], [200, status])
                self.assertEqual(responses[0].request, "GET /good")
                whys = {record[0]: record[3] for record in self.records(2)}
                self.assertRegex(whys[status], why)

    def test_what_looks_like_an_attack_and_is_none(self):
        for name, request in HARMLESS.items():
            with self.subTest(name):
                for pieces in [request + SMUGGLED], pieces_of(request, 1) + [SMUGGLED]:
                    responses = read_responses(exchange(self.socket, pieces))
                    self.assertEqual([response.status for response in responses], [200, 200])
                    self.assertEqual(responses[1].request, "GET /smuggled")


class Fronts(Mirrored):
    """A front may take what we would not, and make something of it: what counts is that it and we agree on where
    each request ends. It marks what it forwards, so a request without the mark came in inside of another."""

    def setUp(self):
        super().setUp()
        self.front = self.path("front.sock")

    def start_front(self, program, config, *argv):
        if not shutil.which(program):
            self.skipTest(f"{program} is not here")
        file = self.path(f"{program}.conf")
        with open(file, "w") as out:
            out.write(config.format(dir=self.dir, front=self.front, back=self.socket,
                                    user="user root;" if os.geteuid() == 0 else ""))
        environment = {**os.environ, "HOME": self.dir, "XDG_DATA_HOME": self.dir, "XDG_CONFIG_HOME": self.dir}
        self.start(*argv, file, env=environment).wait_for_socket(self.front)

    def check_all(self):
        n_answered = 0
        for name, (attack, _, _) in ATTACKS.items():
            if "2^" in name:
                continue  # a front waits for all of it
            with self.subTest(name):
                heard = exchange(self.front, [attack + SMUGGLED], half_close=AFTER_ANSWER)
                n_answered += len(re.findall(rb"\r\nx-request: ", heard, re.I))
        self.assertGreater(n_answered, 0)
        self.assertEqual([request for _, by, request, _ in self.records(n_answered)
                          if by != "front" and request.strip()], [])

    def test_nginx(self):
        config = NGINX.replace("proxy_http_version", "proxy_set_header X-Front 1; proxy_http_version")
        self.start_front("nginx", config, "nginx", "-p", self.dir, "-c")
        self.check_all()

    def test_caddy(self):
        config = CADDY.replace("unix/{back}", "unix/{back} {{\n header_up X-Front 1\n }}")
        self.start_front("caddy", config, "caddy", "run", "--adapter", "caddyfile", "--config")
        self.check_all()

    def test_haproxy(self):
        config = HAPROXY.replace("default_backend", "http-request set-header X-Front 1\n    default_backend")
        self.start_front("haproxy", config, "haproxy", "-db", "-f")
        self.check_all()


if __name__ == "__main__":
    main()
