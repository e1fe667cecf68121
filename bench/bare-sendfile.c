/* SPDX-License-Identifier: MIT */
/* bare-sendfile.c - the limit for files: epoll, a head, sendfile(2), and nothing else. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Answers whatever it reads from a client with one file, opened anew for each answer as a server
 * has to that does not know whether it has changed. Requests are not parsed, nor pipelined.
 */
#define MAX_FDS 4096

static struct {
    int file_fd; /* -1: no answer is under way */
    off_t at, size;
} connections[MAX_FDS];

static int epoll_fd;
static const char *file_name;

static void watch(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};

    epoll_ctl(epoll_fd, operation, fd, &event);
}

static void drop(int fd) {
    if (connections[fd].file_fd >= 0) {
        close(connections[fd].file_fd);
    }
    close(fd);
}

static void send_on(int fd, uint32_t events) {
    off_t *at = &connections[fd].at, size = connections[fd].size;

    while (*at < size && sendfile(fd, connections[fd].file_fd, at, (size_t)(size - *at)) > 0) {
    }
    if (*at < size && errno != EAGAIN) {
        drop(fd);
    } else if (*at < size) {
        if (events & EPOLLIN) {
            watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
        }
    } else {
        close(connections[fd].file_fd);
        connections[fd].file_fd = -1;
        if (events & EPOLLOUT) {
            watch(fd, EPOLLIN, EPOLL_CTL_MOD);
        }
    }
}

static void answer(int fd) {
    static char input[65536];
    struct stat stat;
    char head[512];
    int n, file_fd;

    if (read(fd, input, sizeof(input)) <= 0) {
        drop(fd);
        return;
    }
    file_fd = open(file_name, O_RDONLY | O_CLOEXEC);
    if (file_fd < 0 || fstat(file_fd, &stat) < 0) {
        exit(1);
    }
    n = snprintf(head, sizeof(head),
                 "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: "
                 "text/html\r\nContent-Length: %lld\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 "
                 "GMT\r\nETag: \"1234567890abcdef\"\r\nAccept-Ranges: bytes\r\n\r\n",
                 (long long)stat.st_size);
    connections[fd].file_fd = file_fd;
    connections[fd].at = 0;
    connections[fd].size = stat.st_size;
    if (send(fd, head, (size_t)n, MSG_MORE) != n) {
        drop(fd);
        return;
    }
    send_on(fd, EPOLLIN);
}

static void accept_all(int listener) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FDS) {
            close(fd);
            continue;
        }
        connections[fd].file_fd = -1;
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 4096) < 0) {
        perror("bench-bare-sendfile");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    struct epoll_event events[256];
    int listener;

    if (argc != 3) {
        fprintf(stderr, "usage: bench-bare-sendfile SOCKET FILE\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    file_name = argv[2];
    listener = listen_at(argv[1]);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 256, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == listener) {
                accept_all(fd);
            } else if (events[i].events & EPOLLOUT) {
                send_on(fd, EPOLLOUT);
            } else {
                answer(fd);
            }
        }
    }
}
