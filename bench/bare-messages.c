/* SPDX-License-Identifier: MIT */
/* bare-messages.c - the limit for messages: both ends with nothing but their system calls. */

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "pair.h"

/*
 * seqpacket, dgram, frame   whatever comes is sent back; driven, one message at a time
 * blocking-...              the same without epoll: one connection, and both ends just wait
 * push                      small frames, N_BATCH header and payload pairs in one writev()
 * large                     large frames into one buffer
 *
 * One level-triggered epoll and one read() for an event, as in bare-epoll.c.
 */

#define N_HEADER 4 /* of a frame: its length, little-endian */
#define N_FRAME  (N_HEADER + N_MESSAGE)

static char input[256 * 1024];
static int epoll_fd;

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static int type_of_job(void) {
    return strstr(pair.job, "seqpacket") ? SOCK_SEQPACKET
           : strstr(pair.job, "dgram")   ? SOCK_DGRAM
                                         : SOCK_STREAM;
}

static uint32_t length_at(const char *header) {
    uint32_t length;

    memcpy(&length, header, sizeof(length));
    return le32toh(length);
}

static void put_length(char *header, uint32_t length) {
    length = htole32(length);
    memcpy(header, &length, sizeof(length));
}

/* ---- the servers: false when the connection has ended ------------------------------------------
 */

static bool echo(int fd) {
    ssize_t n = read(fd, input, sizeof(input));

    return (n > 0 && write(fd, input, (size_t)n) == n) || (n < 0 && errno == EAGAIN);
}

static bool echo_to_sender(int fd) {
    struct sockaddr_un sender;
    socklen_t n_sender = sizeof(sender);
    ssize_t n = recvfrom(fd, input, sizeof(input), 0, (struct sockaddr *)&sender, &n_sender);

    if (n > 0) {
        sendto(fd, input, (size_t)n, MSG_NOSIGNAL, (const struct sockaddr *)&sender, n_sender);
    }
    return true;
}

/* Walks the whole frames; a part of one waits at the front for its rest. */
static bool take_frames(int fd) {
    static size_t n_held;
    static volatile uint64_t n_frames;
    ssize_t n = read(fd, input + n_held, 65536);
    const char *at = input, *end;

    if (n <= 0) {
        n_held = 0;
        return n < 0 && errno == EAGAIN;
    }
    end = input + n_held + n;
    while (end - at >= N_HEADER && (size_t)(end - at) >= N_HEADER + length_at(at)) {
        at += N_HEADER + length_at(at);
        n_frames++;
    }
    n_held = (size_t)(end - at);
    memmove(input, at, n_held);
    return true;
}

static bool take_large(int fd) {
    static char large[N_HEADER + N_LARGE];
    static size_t n_held;
    ssize_t n = read(fd, large + n_held, sizeof(large) - n_held);

    if (n <= 0) {
        n_held = 0;
        return n < 0 && errno == EAGAIN;
    }
    n_held += (size_t)n;
    if (n_held == sizeof(large)) {
        if (length_at(large) != N_LARGE || large[N_HEADER] != large[n_held - 1]) {
            die("a wrong message");
        }
        n_held = 0;
    }
    return true;
}

static void serve(int listener, bool (*job)(int fd)) {
    bool is_dgram = type_of_job() == SOCK_DGRAM;
    struct epoll_event events[256];

    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 256, -1);

        for (int i = 0; i < n_events; i++) {
            int fd = events[i].data.fd;

            if (fd == listener && !is_dgram) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                    watch(fd);
                }
            } else if (!job(fd)) {
                close(fd);
            }
        }
    }
}

static void serve_blocking(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        while (fd >= 0 && echo(fd)) {
        }
        close(fd);
    }
}

static void serve_job(void) {
    int type = type_of_job();
    bool is_blocking = strncmp(pair.job, "blocking", 8) == 0;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK), 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&pair.address, sizeof(pair.address)) < 0 ||
        (type != SOCK_DGRAM && listen(fd, 4096) < 0)) {
        die(pair.path);
    }
    if (is_blocking) {
        serve_blocking(fd);
    }
    watch(fd);
    serve(fd, is_job("push")                ? take_frames
              : is_job("large")             ? take_large
              : type_of_job() == SOCK_DGRAM ? echo_to_sender
                                            : echo);
}

/* ---- the drivers -------------------------------------------------------------------------------
 */

static void drive_ping(int fd, bool is_blocking) {
    char message[N_FRAME] = {0};
    size_t size = type_of_job() == SOCK_STREAM ? N_FRAME : N_MESSAGE;
    struct epoll_event event;
    uint64_t sent_ns = now_ns();

    put_length(message, N_MESSAGE);
    watch(fd);
    for (;;) {
        if (write(fd, message, size) != (ssize_t)size) {
            die("write");
        }
        if (!is_blocking && epoll_wait(epoll_fd, &event, 1, -1) != 1) {
            die("epoll_wait");
        }
        if (read(fd, input, sizeof(input)) != (ssize_t)size) {
            die("read");
        }
        count_answer(&sent_ns);
    }
}

static void write_fully(int fd, struct iovec *parts, int n_parts) {
    while (n_parts > 0) {
        ssize_t n = writev(fd, parts, n_parts);

        if (n < 0) {
            die("writev");
        }
        for (; n_parts > 0 && (size_t)n >= parts->iov_len; parts++, n_parts--) {
            n -= (ssize_t)parts->iov_len;
        }
        if (n_parts > 0) {
            parts->iov_base = (char *)parts->iov_base + n;
            parts->iov_len -= (size_t)n;
        }
    }
}

static void drive_push(int fd) {
    static char headers[N_BATCH][N_HEADER], messages[N_BATCH][N_MESSAGE];

    for (;;) {
        struct iovec parts[2 * N_BATCH];

        for (size_t i = 0; i < N_BATCH; i++) {
            put_length(headers[i], N_MESSAGE);
            parts[2 * i] = (struct iovec){headers[i], N_HEADER};
            parts[2 * i + 1] = (struct iovec){messages[i], N_MESSAGE};
        }
        write_fully(fd, parts, 2 * N_BATCH);
        count(N_BATCH);
    }
}

static void drive_large(int fd) {
    static char message[N_LARGE];
    char header[N_HEADER];

    memset(message, 'a', sizeof(message));
    put_length(header, N_LARGE);
    for (;;) {
        struct iovec parts[] = {{header, N_HEADER}, {message, N_LARGE}};

        write_fully(fd, parts, 2);
        count(1);
    }
}

static void drive_job(void) {
    int fd = socket(AF_UNIX, type_of_job() | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&pair.address, sizeof(pair.address)) < 0) {
        die("connect");
    }
    if (is_job("push")) {
        drive_push(fd);
    } else if (is_job("large")) {
        drive_large(fd);
    } else {
        drive_ping(fd, strncmp(pair.job, "blocking", 8) == 0);
    }
}

int main(int argc, char **argv) {
    read_pair(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        die("epoll_create1");
    }
    if (pair.is_driver) {
        drive_job();
    } else {
        serve_job();
    }
    return 0;
}
