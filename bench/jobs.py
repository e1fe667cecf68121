# SPDX-License-Identifier: MIT
"""What is measured, with which programs, and what we want to reach."""


LARGE = 16 << 20


class Job:
    """What is measured: the generator's arguments, the servers' job, and the goal we have set ourselves. A job
    of the kinds in MESSAGES has no `load`: each program drives itself. `n_bytes` of an operation: shown as MB/s.
    `without`: a server of this kind that cannot do it."""

    def __init__(self, name, kind, load=None, *load_options, goal=None, one_core=False, n_bytes=None,
                 without=None):
        self.name, self.kind, self.load, self.load_options, self.goal = name, kind, load, load_options, goal or {}
        self.one_core, self.n_bytes, self.without = one_core, n_bytes, without
        self.is_idle = bool(load) and load.startswith("idle")


JOBS = [
    Job("echo-1", "echo", "echo", "-c1", goal={"libuv": 1.0}),
    Job("echo-64", "echo", "echo", "-c64", goal={"bare": 0.95, "libuv": 1.0}),
    Job("echo-1000", "echo", "echo", "-c1000", goal={"libuv": 1.0}),
    Job("echo-64x16", "echo", "echo", "-c64", "-k16", goal={"libuv": 1.0}),
    Job("node-echo-64", "node-echo", "echo", "-c64", goal={"node": 1.8}),
    Job("node-echo-1000", "node-echo", "echo", "-c1000"),
    Job("node-http-64", "node-http", "http", "-c64", goal={"node": 3.0}),
    Job("node-express-64", "node-express", "http", "-c64", goal={"node": 0.97}),  # httpListen() costs nothing
    Job("node-stream-64k", "node-sink", "stream", n_bytes=1),
    Job("node-seqpacket-64", "node-seqpacket", "echo", "-c64", "-tseqpacket", goal={"node-unix-socket": 4.0}),
    Job("http-16", "http", "http", "-c16"),
    Job("http-128", "http", "http", "-c128", goal={"bare": 0.9, "nginx": 1.5, "node": 4.0, "httplib": 4.0, "go": 3.0}),
    Job("http-browser", "http-parse", "http", "-c64", "-b", goal={"bare": 0.9}),
    Job("http-128x16", "http-parse", "http", "-c128", "-k16", goal={"bare": 0.9, "nginx": 8.0}),
    Job("http-connect", "http", "connect", "-c16", goal={"nginx": 1.0}),
    Job("file-4k", "file-4k", "http", "-c16"),
    Job("file-64k", "file-64k", "http", "-c16"),
    Job("file-1m", "file-1m", "http", "-c16", goal={"nginx": 1.0}),
    Job("stream-64k", "sink", "stream", goal={"bare": 0.95}, n_bytes=1),
    Job("ping-seqpacket", "ping-seqpacket", goal={"bare": 1 / 1.15, "zeromq": 3.0, "nng": 5.0}, one_core=True),
    Job("ping-frame", "ping-frame", goal={"bare": 1 / 1.15, "zeromq": 3.0, "nng": 5.0}, one_core=True),
    Job("ping-seqpacket-2", "ping-seqpacket"),  # across two cores waking up is most of it, and not ours
    Job("ping-frame-2", "ping-frame"),
    Job("seqpacket-64", "seqpacket", "echo", "-c64", "-tseqpacket", goal={"bare": 0.95}),
    Job("dgram-64", "dgram", "echo", "-c64", "-tdgram", goal={"bare": 0.95}),
    Job("push", "push", goal={"zeromq": 5.0}),
    Job("push-batch", "push-batch", goal={"bare": 0.8}),
    Job("large", "large", n_bytes=LARGE),
    Job("large-pool", "pool", goal={"bare": 2.0}, n_bytes=LARGE),
    Job("large-in-place", "in-place", goal={"bare": 4.0}, n_bytes=LARGE),
    Job("idle-echo", "echo", "idle-echo", goal={"bytes": 1024}),
    Job("idle-http", "http", "idle-http", goal={"bytes": 1024}, without="httplib"),  # it keeps a thread for each connection
]

# Which programs do which kind of job; the first is ours, the last the limit.
SERVERS = {
    "echo": ["ours", "libuv", "node", "bare"],
    "sink": ["ours", "libuv", "node", "bare"],
    "node-echo": ["ours", "node"],  # ours: the Node.js package
    "node-http": ["ours", "node"],
    "node-express": ["ours", "node"],
    "node-sink": ["ours", "node"],
    "node-seqpacket": ["ours", "node-unix-socket"],
    "http": ["ours", "nginx", "haproxy", "node", "go", "httplib", "bare"],
    "http-parse": ["ours", "nginx", "haproxy", "node", "go", "bare"],  # cpp-httplib hangs on pipelined requests
    "file-4k": ["ours", "nginx", "bare"],
    "file-64k": ["ours", "nginx", "bare"],
    "file-1m": ["ours", "nginx", "bare"],
}

# Messages: what each program, ours and the others, calls its part in it. Blocking is bare without epoll.
MESSAGES = {
    "ping-seqpacket": {"ours": "seqpacket", "zeromq": "ping", "nng": "ping", "blocking": "blocking-seqpacket",
                       "bare": "seqpacket"},
    "ping-frame": {"ours": "frame", "zeromq": "ping", "nng": "ping", "blocking": "blocking-frame", "bare": "frame"},
    "seqpacket": {"ours": "seqpacket", "bare": "seqpacket"},
    "dgram": {"ours": "dgram", "bare": "dgram"},
    "push": {"ours": "push", "zeromq": "push", "nng": "push", "bare": "push"},
    "push-batch": {"ours": "push-batch", "bare": "push"},
    "large": {"ours": "large", "bare": "large"},
    "pool": {"ours": "pool", "bare": "large"},
    "in-place": {"ours": "in-place", "bare": "large"},
}
SERVERS.update((kind, list(parts)) for kind, parts in MESSAGES.items())
COLUMNS = ["libuv", "nginx", "haproxy", "node", "go", "httplib", "zeromq", "nng", "blocking", "node-unix-socket"]
