/* SPDX-License-Identifier: MIT */
/* load.c - the load generator: as lean as the servers it measures, and it tells what it costs. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "meter.h"

/*
 * echo    N connections with K messages of 64 bytes in flight each; packets: with one
 * http    the same with GET requests; every reply must be a 200 as long as the first one
 * connect a new connection for each GET request, N at a time
 * stream  one connection, 64 KiB writes, one way
 * idle    N connections with one echo or GET behind them, held until standard input ends
 *
 * What is in flight goes out together and is topped up by as much as came back, in one write.
 * One JSON object on standard output tells the result.
 */
enum job {
    ECHO,
    HTTP,
    CONNECT,
    STREAM,
    IDLE
};

#define MAX_IN_FLIGHT 256
#define N_MESSAGE     64
#define N_BLOCK       (64 * 1024)

struct connection {
    int fd;              /* -1: the backlog was full, to be tried again */
    size_t n_part;       /* bytes of a reply that is not complete */
    unsigned n_answered; /* since ever: the oldest in flight is sent_ns[n_answered % K] */
    unsigned n_sent;
    uint64_t *sent_ns;
};

static struct {
    enum job job;
    struct sockaddr_un address;
    unsigned n_connections;
    unsigned n_in_flight;
    double seconds;
    double warmup_seconds;
    bool is_browser; /* the headers that a browser sends */
    int type;        /* of socket */
} options = {
    .type = SOCK_STREAM, .n_connections = 1, .n_in_flight = 1, .seconds = 2, .warmup_seconds = 0.2};

#define N_REQUEST_MAX 1024

static char requests[MAX_IN_FLIGHT * N_REQUEST_MAX]; /* n_in_flight of them, one behind the other */
static size_t n_request;
static size_t n_reply;
static char input[256 * 1024];
static struct connection *connections;
static unsigned n_unconnected;
static int epoll_fd = -1;
static struct histogram times;
static uint64_t n_done;

static void die(const char *what) {
    fprintf(stderr, "bench-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void die_of(const char *why) {
    fprintf(stderr, "bench-load: %s\n", why);
    exit(1);
}

/* ---- a blocking connection, for what comes before and for what is not request and reply ---------
 */

/* Datagrams wait for room in the server's queue; for answers to them the socket needs a name. */
static int open_socket(int flags) {
    const struct sockaddr_un none = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, options.type | SOCK_CLOEXEC | flags, 0);

    if (fd < 0) {
        die("socket");
    }
    if (options.type == SOCK_DGRAM &&
        bind(fd, (const struct sockaddr *)&none, sizeof(none.sun_family)) < 0) {
        die("bind");
    }
    return fd;
}

static int connect_blocking(void) {
    int fd = open_socket(0);

    if (connect(fd, (const struct sockaddr *)&options.address, sizeof(options.address)) < 0) {
        die("connect");
    }
    return fd;
}

static void write_fully(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0) {
            die("write");
        }
        data += n;
        size -= (size_t)n;
    }
}

/* Reads a whole reply; the beginning stays in `input`. Returns its length. */
static size_t read_reply(int fd, bool is_http) {
    size_t size = 0, wanted = is_http ? 0 : N_MESSAGE;

    while (size < wanted || wanted == 0) {
        size_t at = size < sizeof(input) / 2 ? size : sizeof(input) / 2;
        ssize_t n = read(fd, input + at, sizeof(input) - 1 - at);
        const char *end, *length;

        if (n <= 0) {
            die("read the first reply");
        }
        size += (size_t)n;
        if (wanted > 0) {
            continue;
        }
        input[size] = '\0';
        end = strstr(input, "\r\n\r\n");
        length = strcasestr(input, "\r\ncontent-length:");
        if (end && (!length || length > end)) {
            die_of("the reply has no Content-Length");
        }
        if (end) {
            wanted = (size_t)(end + 4 - input) + strtoul(length + 17, NULL, 10);
        }
    }
    if (size != wanted) {
        die_of("more than one reply to the first request");
    }
    return size;
}

/* One request and its reply, checked. The connection stays open. */
static int first_exchange(bool is_http) {
    int fd = connect_blocking();

    write_fully(fd, requests, n_request);
    n_reply = read_reply(fd, is_http);
    if (is_http ? memcmp(input, "HTTP/1.1 200 ", 13) != 0
                : memcmp(input, requests, N_MESSAGE) != 0) {
        die_of("the first reply is wrong");
    }
    return fd;
}

/* ---- requests and replies ----------------------------------------------------------------------
 */

/* Sends `n` requests in one write. */
static void send_requests(struct connection *connection, unsigned n, uint64_t now) {
    ssize_t n_written;

    for (unsigned i = 0; i < n; i++) {
        connection->sent_ns[connection->n_sent++ % options.n_in_flight] = now;
    }
    n_written = send(connection->fd, requests, n * n_request, 0);
    if (n_written != (ssize_t)(n * n_request)) {
        die("write"); /* what is in flight always fits into the socket's buffer */
    }
}

static void open_connection(struct connection *connection) {
    /* edge-triggered: the generator must not be what holds fast servers back */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = connection};
    int fd = open_socket(options.type == SOCK_DGRAM ? 0 : SOCK_NONBLOCK);

    if (connect(fd, (const struct sockaddr *)&options.address, sizeof(options.address)) < 0) {
        if (errno != EAGAIN) {
            die("connect");
        }
        close(fd);
        connection->fd = -1;
        n_unconnected++;
        return;
    }
    connection->fd = fd;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl");
    }
    send_requests(connection, options.n_in_flight, now_ns());
}

/* Every reply that begins in the `n` bytes of `input` must be a 200, as far as it is there. */
static void check_replies(const struct connection *connection, size_t n) {
    static const char start[] = "HTTP/1.1 200 ";

    for (size_t at = connection->n_part ? n_reply - connection->n_part : 0; at < n; at += n_reply) {
        size_t n_start = n - at < sizeof(start) - 1 ? n - at : sizeof(start) - 1;

        if (memcmp(input + at, start, n_start) != 0) {
            die_of("a reply that is not the first one's length, or no 200");
        }
    }
}

/* What went out together nearly always comes back together. */
static void count_times(struct connection *connection, unsigned n, uint64_t now) {
    while (n > 0) {
        const uint64_t *sent_ns =
            &connection->sent_ns[connection->n_answered % options.n_in_flight];
        unsigned n_left = options.n_in_flight - connection->n_answered % options.n_in_flight;
        unsigned n_same = 1;

        while (n_same < n && n_same < n_left && sent_ns[n_same] == *sent_ns) {
            n_same++;
        }
        histogram_add(&times, now - *sent_ns, n_same);
        connection->n_answered += n_same;
        n -= n_same;
    }
}

/* True when there may be more at once. */
static bool take_replies(struct connection *connection) {
    ssize_t n = recv(connection->fd, input, sizeof(input), 0);
    uint64_t now = now_ns();
    unsigned n_replies;

    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    if (n <= 0) {
        die(n == 0 ? "the server closed a connection" : "recv");
    }
    if (options.job != ECHO) {
        check_replies(connection, (size_t)n);
    }
    n_replies = (unsigned)((connection->n_part + (size_t)n) / n_reply);
    connection->n_part = (connection->n_part + (size_t)n) % n_reply;
    if (n_replies > connection->n_sent - connection->n_answered) {
        die_of("more replies than requests");
    }
    count_times(connection, n_replies, now);
    n_done += n_replies;
    if (n_replies > 0 && options.job == CONNECT) {
        close(connection->fd);
        open_connection(connection);
        return false;
    }
    if (n_replies > 0) {
        send_requests(connection, n_replies, now);
    }
    return n == sizeof(input);
}

static void try_unconnected(void) {
    n_unconnected = 0;
    for (unsigned i = 0; i < options.n_connections; i++) {
        if (connections[i].fd < 0) {
            open_connection(&connections[i]);
        }
    }
}

static void exchange_until(uint64_t end_ns) {
    struct epoll_event events[256];

    while (now_ns() < end_ns) {
        int n_events = epoll_wait(epoll_fd, events, 256, n_unconnected > 0 ? 0 : 100);

        for (int i = 0; i < n_events; i++) {
            while (take_replies(events[i].data.ptr)) {
            }
        }
        if (n_unconnected > 0) {
            try_unconnected();
        }
    }
}

static void start_connections(void) {
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc(options.n_connections, sizeof(*connections));
    if (epoll_fd < 0 || !connections) {
        die("start");
    }
    for (unsigned i = 0; i < options.n_connections; i++) {
        connections[i].sent_ns = calloc(options.n_in_flight, sizeof(uint64_t));
        if (!connections[i].sent_ns) {
            die("start");
        }
        open_connection(&connections[i]);
    }
}

/* ---- the jobs ----------------------------------------------------------------------------------
 */

static void run_exchanges(void) {
    uint64_t begin;
    double cpu;

    close(first_exchange(options.job != ECHO));
    start_connections();
    exchange_until(now_ns() + (uint64_t)(options.warmup_seconds * 1e9));
    n_done = 0;
    memset(&times, 0, sizeof(times));
    begin = now_ns();
    cpu = cpu_seconds();
    exchange_until(begin + (uint64_t)(options.seconds * 1e9));
    print_report((double)n_done, (double)(now_ns() - begin) / 1e9, cpu_seconds() - cpu, &times);
}

static uint64_t stream_until(int fd, uint64_t end_ns) {
    uint64_t n = 0;

    while (now_ns() < end_ns) {
        write_fully(fd, input, N_BLOCK);
        n += N_BLOCK;
    }
    return n;
}

static void run_stream(void) {
    int fd = connect_blocking();
    uint64_t begin, n;
    double cpu;

    stream_until(fd, now_ns() + (uint64_t)(options.warmup_seconds * 1e9));
    begin = now_ns();
    cpu = cpu_seconds();
    n = stream_until(fd, begin + (uint64_t)(options.seconds * 1e9));
    print_report((double)n, (double)(now_ns() - begin) / 1e9, cpu_seconds() - cpu, &times);
}

static void run_idle(bool is_http) {
    for (unsigned i = 0; i < options.n_connections; i++) {
        first_exchange(is_http);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

/* ---- the command line -------------------------------------------------------------------------
 */

static void usage(void) {
    fprintf(
        stderr,
        "usage: bench-load echo|http|connect|stream|idle-echo|idle-http SOCKET [-c CONNECTIONS]\n"
        "                  [-k IN-FLIGHT] [-s SECONDS] [-w WARM-UP-SECONDS]\n"
        "                  [-b]  (with the headers a browser sends) [-t stream|seqpacket|dgram]\n");
    exit(2);
}

static void read_options(int argc, char **argv, bool *ret_is_http) {
    static const char *const jobs[] = {"echo",   "http",      "connect",
                                       "stream", "idle-echo", "idle-http"};
    unsigned job = 0;
    int option;

    if (argc < 3) {
        usage();
    }
    while (job < 6 && strcmp(argv[1], jobs[job]) != 0) {
        job++;
    }
    if (job == 6 || strlen(argv[2]) >= sizeof(options.address.sun_path)) {
        usage();
    }
    options.job = job < IDLE ? (enum job)job : IDLE;
    *ret_is_http = job != ECHO && job != 4;
    options.address.sun_family = AF_UNIX;
    memcpy(options.address.sun_path, argv[2], strlen(argv[2]) + 1);
    optind = 3;
    while ((option = getopt(argc, argv, "bc:k:s:t:w:")) >= 0) {
        switch (option) {
        case 'b':
            options.is_browser = true;
            break;
        case 'c':
            options.n_connections = (unsigned)atoi(optarg);
            break;
        case 'k':
            options.n_in_flight = (unsigned)atoi(optarg);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        case 't':
            options.type = optarg[0] == 's' && optarg[1] == 'e' ? SOCK_SEQPACKET
                           : optarg[0] == 'd'                   ? SOCK_DGRAM
                                                                : SOCK_STREAM;
            break;
        case 'w':
            options.warmup_seconds = atof(optarg);
            break;
        default:
            usage();
        }
    }
    if (options.n_connections < 1 || options.n_in_flight < 1 ||
        options.n_in_flight > MAX_IN_FLIGHT ||
        ((options.job == CONNECT || options.type != SOCK_STREAM) && options.n_in_flight > 1)) {
        usage();
    }
}

static void make_requests(bool is_http) {
    static const char plain[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char browser[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n"
        "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
        "sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/130.0.0.0 Safari/537.36\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"
        "q=0.8\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"
        "Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
        "Cookie: session=4f0c2a8d9b1e4c57a6f3d2e1; theme=dark; seen=1\r\n\r\n";
    const char *get = options.is_browser ? browser : plain;

    n_request = is_http ? strlen(get) : N_MESSAGE;
    for (unsigned i = 0; i < options.n_in_flight; i++) {
        if (is_http) {
            memcpy(requests + i * n_request, get, n_request);
        } else {
            memset(requests + i * n_request, 'a', n_request);
        }
    }
}

int main(int argc, char **argv) {
    bool is_http;

    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv, &is_http);
    make_requests(is_http);
    switch (options.job) {
    case STREAM:
        run_stream();
        break;
    case IDLE:
        run_idle(is_http);
        break;
    default:
        run_exchanges();
    }
    return 0;
}
