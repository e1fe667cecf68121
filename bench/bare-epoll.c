/* SPDX-License-Identifier: MIT */
/* bare-epoll.c - the limit: servers that make only the system calls their job cannot do without. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/*
 * One level-triggered epoll, one read() per event, one write() per read(): as little as these jobs
 * can be done with. Echo and HTTP keep nothing for a connection but how much of a reply the kernel
 * would not take yet, or how much of an empty line was read. http-parse keeps the beginning of a
 * head whose rest is to come, and takes each head apart; but it obeys nothing of what it finds, and
 * is no HTTP server: it asks for no Host, knows no bodies (Content-Length, Transfer-Encoding), no
 * Connection and no HTTP/1.0, lets any byte into a value, sends the same reply to every method and
 * target, copied from a block of replies whose Date (RFC 9110 6.6.1 wants one) is renewed once a
 * second, and never ends a connection that stands still.
 */

#define MAX_FDS     65536
#define BEFORE_DATE "HTTP/1.1 200 OK\r\nDate: "
#define REPLY                                                    \
    BEFORE_DATE "Sun, 06 Nov 1994 08:49:37 GMT\r\n"              \
                "Content-Type: text/plain\r\nContent-Length: 13" \
                "\r\n\r\nhello, world\n"
#define N_REPLY   (sizeof(REPLY) - 1)
#define N_REPLIES 256

/* By descriptor. */
static struct connection {
    unsigned n_matched; /* http: bytes of CR LF CR LF at the end of what was read */
    size_t n_unsent;
    char *unsent; /* echo: bytes; http: NULL, they are replies */
    size_t n_held;
    char *held; /* http-parse: the beginning of a head whose rest is to come */
} connections[MAX_FDS];

#define N_BUFFER (64 * 1024)
#define N_HELD   (16 * 1024) /* http-parse: of a head that is not complete */

static char buffer[N_HELD + N_BUFFER];
static char *const input = buffer + N_HELD;
static char replies[N_REPLIES * N_REPLY];
static int epoll_fd;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int fd, unsigned events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void drop(int fd) {
    free(connections[fd].unsent);
    free(connections[fd].held);
    connections[fd] = (struct connection){0};
    close(fd);
}

static void accept_all(int listener) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FDS) {
            close(fd);
            continue;
        }
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* Writes what it can of `data`; the number of bytes taken, or -1 when the connection is lost. */
static ssize_t write_some(int fd, const char *data, size_t size) {
    ssize_t n = write(fd, data, size);

    return n >= 0 ? n : errno == EAGAIN ? 0 : -1;
}

/* ---- the jobs: each handles `n` bytes in `input` and returns -1 when the connection is lost ----
 */

static int echo(int fd, size_t n) {
    struct connection *connection = &connections[fd];
    ssize_t n_written = write_some(fd, input, n);

    if (n_written < 0) {
        return -1;
    }
    if ((size_t)n_written < n) {
        connection->n_unsent = n - (size_t)n_written;
        connection->unsent = malloc(connection->n_unsent);
        if (!connection->unsent) {
            return -1;
        }
        memcpy(connection->unsent, input + n_written, connection->n_unsent);
        watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
    }
    return 0;
}

/* A reply that was cut goes on with the new one. */
static void renew_date(void) {
    static time_t last;
    time_t now = time(NULL);
    char date[30];
    struct tm tm;

    if (now == last) {
        return;
    }
    last = now;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    for (size_t i = 0; i < N_REPLIES; i++) {
        memcpy(replies + i * N_REPLY + sizeof(BEFORE_DATE) - 1, date, sizeof(date) - 1);
    }
}

static int write_replies(int fd) {
    struct connection *connection = &connections[fd];

    while (connection->n_unsent > 0) {
        /* a reply that was cut goes on where it was: whole replies fill the block from its end */
        size_t n = connection->n_unsent < sizeof(replies) ? connection->n_unsent : sizeof(replies);
        size_t from = (N_REPLY - connection->n_unsent % N_REPLY) % N_REPLY;
        ssize_t n_written;

        n = n < sizeof(replies) - from ? n : sizeof(replies) - from;
        n_written = write_some(fd, replies + from, n);
        if (n_written < 0) {
            return -1;
        }
        connection->n_unsent -= (size_t)n_written;
        if ((size_t)n_written < n) {
            return 0;
        }
    }
    return 0;
}

/* Writes what is unsent, and waits for room when it is not all taken. */
static int send_replies(int fd) {
    struct connection *connection = &connections[fd];

    if (connection->n_unsent == 0) {
        return 0;
    }
    if (write_replies(fd) < 0) {
        return -1;
    }
    if (connection->n_unsent > 0) {
        watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
    }
    return 0;
}

/* A request ends with an empty line; nothing else of it is looked at. */
static int http(int fd, size_t n) {
    static const char empty_line[] = "\r\n\r\n";
    struct connection *connection = &connections[fd];
    const char *at = input, *end = input + n;

    while (connection->n_matched > 0 && at < end) {
        if (*at != empty_line[connection->n_matched]) {
            connection->n_matched = 0;
            break;
        }
        at++;
        if (++connection->n_matched == 4) {
            connection->n_matched = 0;
            connection->n_unsent += N_REPLY;
        }
    }
    for (const char *found; (found = memmem(at, (size_t)(end - at), empty_line, 4));
         at = found + 4) {
        connection->n_unsent += N_REPLY;
    }
    for (unsigned n_tail = end - at < 3 ? (unsigned)(end - at) : 3; n_tail > 0; n_tail--) {
        if (memcmp(end - n_tail, empty_line, n_tail) == 0) {
            connection->n_matched = n_tail;
            break;
        }
    }
    return send_replies(fd);
}

/* ---- http-parse: the same, but every head is taken apart into method, target and fields -------
 */

#define MAX_FIELDS 128

struct piece {
    const char *at;
    size_t size;
};

static struct head {
    struct piece method, target;
    struct {
        struct piece name, value;
    } fields[MAX_FIELDS];
    size_t n_fields;
} head;

static char is_token[256];

static void fill_tokens(void) {
    for (const char *at = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
         *at; at++) {
        is_token[(unsigned char)*at] = 1;
    }
}

/* The piece that ends at the byte `stop`; NULL: that byte is not there. */
static const char *take_until(struct piece *piece, const char *at, const char *end, char stop) {
    const char *mark = memchr(at, stop, (size_t)(end - at));

    *piece = (struct piece){at, mark ? (size_t)(mark - at) : 0};
    return mark ? mark + 1 : NULL;
}

/* One "name: value" and its line end. 0: not complete, -1: malformed. */
static int parse_field(const char **at, const char *end) {
    const char *from = *at, *name = from;
    struct piece value;

    while (from < end && is_token[(unsigned char)*from]) {
        from++;
    }
    if (from == end) {
        return 0;
    }
    if (*from != ':' || from == name || head.n_fields == MAX_FIELDS) {
        return -1;
    }
    head.fields[head.n_fields].name = (struct piece){name, (size_t)(from++ - name)};
    while (from < end && (*from == ' ' || *from == '\t')) {
        from++;
    }
    *at = take_until(&value, from, end, '\r');
    if (!*at || *at == end) {
        return 0;
    }
    head.fields[head.n_fields++].value = value;
    return *(*at)++ == '\n' ? 1 : -1;
}

/* The length of a whole head, 0: not complete, -1: malformed. */
static ssize_t parse_head(const char *data, const char *end) {
    struct piece version;
    const char *at;
    int r;

    head.n_fields = 0;
    if (!(at = take_until(&head.method, data, end, ' ')) ||
        !(at = take_until(&head.target, at, end, ' ')) ||
        !(at = take_until(&version, at, end, '\n'))) {
        return 0;
    }
    if (version.size != 9 || memcmp(version.at, "HTTP/1.", 7) != 0) {
        return -1;
    }
    while (end - at < 2 || at[0] != '\r' || at[1] != '\n') {
        r = parse_field(&at, end);
        if (r <= 0) {
            return r;
        }
    }
    return at + 2 - data;
}

static int hold(struct connection *connection, const char *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    if (size > N_HELD || (!connection->held && !(connection->held = malloc(N_HELD)))) {
        return -1;
    }
    memcpy(connection->held, data, size);
    connection->n_held = size;
    return 0;
}

static int http_parse(int fd, size_t n) {
    struct connection *connection = &connections[fd];
    const char *end = input + n, *at = input - connection->n_held;
    ssize_t n_head;

    if (connection->n_held > 0) {
        memcpy(input - connection->n_held, connection->held, connection->n_held);
        connection->n_held = 0;
    }
    while ((n_head = parse_head(at, end)) > 0) {
        at += n_head;
        connection->n_unsent += N_REPLY;
    }
    if (n_head < 0 || hold(connection, at, (size_t)(end - at)) < 0) {
        return -1;
    }
    return send_replies(fd);
}

static int sink(int fd, size_t n) {
    (void)fd;
    (void)n;
    return 0;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The kernel takes more: the rest, and only then input again. */
static int go_on_writing(int fd) {
    struct connection *connection = &connections[fd];

    if (connection->unsent) {
        ssize_t n = write_some(fd, connection->unsent, connection->n_unsent);

        if (n < 0) {
            return -1;
        }
        connection->n_unsent -= (size_t)n;
        memmove(connection->unsent, connection->unsent + n, connection->n_unsent);
    } else if (write_replies(fd) < 0) {
        return -1;
    }
    if (connection->n_unsent == 0) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    }
    return 0;
}

static void serve(int listener, int (*job)(int fd, size_t n)) {
    struct epoll_event events[256];

    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 256, -1);

        renew_date();
        for (int i = 0; i < n_events; i++) {
            int fd = events[i].data.fd;
            ssize_t n;

            if (fd == listener) {
                accept_all(listener);
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                if (go_on_writing(fd) < 0) {
                    drop(fd);
                }
                continue;
            }
            n = read(fd, input, N_BUFFER);
            if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && job(fd, (size_t)n) < 0)) {
                drop(fd);
            }
        }
    }
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 4096) < 0) {
        die(path);
    }
    return fd;
}

int main(int argc, char **argv) {
    int (*job)(int fd, size_t n) = NULL;
    int listener;

    if (argc == 3) {
        job = strcmp(argv[1], "echo") == 0         ? echo
              : strcmp(argv[1], "http") == 0       ? http
              : strcmp(argv[1], "sink") == 0       ? sink
              : strcmp(argv[1], "http-parse") == 0 ? http_parse
                                                   : NULL;
    }
    if (!job) {
        fprintf(stderr, "usage: bench-bare-epoll echo|http|http-parse|sink SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    fill_tokens();
    for (size_t i = 0; i < N_REPLIES; i++) {
        memcpy(replies + i * N_REPLY, REPLY, N_REPLY);
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        die("epoll_create1");
    }
    listener = listen_at(argv[2]);
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    serve(listener, job);
}
