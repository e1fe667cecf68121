/* SPDX-License-Identifier: MIT */
/* child.c - commands on a connection: what --exec and --echo run. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "copy.h"
#include "output.h"

static void set_number(const char *name, long number) {
    char text[24];

    snprintf(text, sizeof(text), "%ld", number);
    setenv(name, text, 1);
}

/* What is not known is not set: not even when we were started with it. */
static void set_peer_environment(int fd) {
    struct sunpath_peer peer;
    bool is_known = sunpath_peer_read(&peer, fd) == 0;

    unsetenv("SUNPATH_PEER_PID");
    unsetenv("SUNPATH_PEER_UID");
    unsetenv("SUNPATH_PEER_GID");
    if (is_known && !peer.is_outside_pid_namespace) {
        set_number("SUNPATH_PEER_PID", peer.pid);
    }
    if (is_known && !peer.is_unmapped) {
        set_number("SUNPATH_PEER_UID", peer.uid);
        set_number("SUNPATH_PEER_GID", peer.gid);
    }
}

/* Becomes the command. `in` and `out` are above 2, since 0 to 2 are always open. */
static _Noreturn void become(const char *command, int in, int out) {
    signals_reset();
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
        _exit(126);
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

pid_t child_start(const char *command, int fd) {
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        /* commands expect to block; nobody else uses this connection */
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        set_peer_environment(fd);
        become(command, fd, fd);
    }
    return pid;
}

int send_all(int fd, const void *data, size_t size, enum sunpath_type type) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;

    do {
        ssize_t n = sunpath_send(fd, (const char *)data + sent, size - sent, NULL);

        if (n == -EAGAIN) {
            poll(&room, 1, -1);
        } else if (n < 0) {
            return (int)n;
        } else {
            sent += (size_t)n;
        }
    } while (type == SUNPATH_STREAM && sent < size);
    return 0;
}

static int echo(int fd) {
    enum sunpath_type type = type_of(fd);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct sunpath_message message = {.n_data = COPY_MESSAGE_MAX};
    int r;

    message.data = malloc(message.n_data);
    if (message.data == NULL) {
        return CLI_FAILED;
    }
    for (;;) {
        r = sunpath_receive(fd, &message);
        if (r == -EAGAIN) {
            poll(&ready, 1, -1);
            continue;
        }
        if (r == 1 || r == -ETOOMANYREFS) {
            r = send_all(fd, message.data, message.size, type);
        } else if (r == 0) {
            break;
        }
        if (r < 0) {
            break;
        }
    }
    free(message.data);
    return r < 0 ? CLI_FAILED : CLI_OK;
}

pid_t child_start_echo(int fd) {
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        /* without exec nothing closes by itself, and the listener must end with its owner */
        if (dup2(fd, 3) < 0) {
            _exit(CLI_FAILED);
        }
        closefrom(4);
        signals_reset();
        signal(SIGPIPE, SIG_IGN);
        _exit(echo(3));
    }
    return pid;
}

/* The datagram as a file in memory: a pipe would block on a large one. */
static int memory_file(const void *data, size_t size) {
    int fd = memfd_create("datagram", MFD_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return -errno;
    }
    n = pwrite(fd, data, size, 0);
    if (n != (ssize_t)size) {
        close(fd);
        return n < 0 ? -errno : -ENOSPC;
    }
    return fd;
}

/*
 * Reads to the end of `fd`; what goes beyond `n_reply` is counted, so that the caller can tell.
 * Ends early with *ret_signal set when we are asked to end.
 */
static size_t read_reply(int fd, char *reply, size_t n_reply, int signals, int *ret_signal) {
    struct pollfd ready[2] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    char rest[4096];
    size_t size = 0;
    ssize_t n = 1;

    while (n > 0) {
        bool has_room = size < n_reply;

        poll(ready, 2, -1);
        *ret_signal = ready[1].revents ? signals_read(signals) : 0;
        if (*ret_signal != 0) {
            break;
        }
        if (ready[0].revents) {
            n = read(fd, has_room ? reply + size : rest, has_room ? n_reply - size : sizeof(rest));
            size += n > 0 ? (size_t)n : 0;
        }
    }
    return size;
}

ssize_t child_answer(const char *command, const struct sunpath_message *question, char *reply,
                     size_t n_reply, int signals, int *ret_signal) {
    int out[2], ignored;
    int in = memory_file(question->data, question->size);
    size_t n = 0;
    pid_t pid;

    if (in < 0) {
        return in;
    }
    if (pipe2(out, O_CLOEXEC) < 0) {
        int code = -errno;

        close(in);
        return code;
    }

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        become(command, in, out[1]);
    }
    close(in);
    close(out[1]);
    if (pid > 0) {
        n = read_reply(out[0], reply, n_reply, signals, ret_signal);
    }
    close(out[0]);
    if (pid < 0) {
        return -EAGAIN;
    }
    if (*ret_signal != 0) {
        kill(pid, *ret_signal);
    }
    child_wait(pid, signals, &ignored);
    return n > n_reply ? -EMSGSIZE : (ssize_t)n;
}

int child_wait(pid_t pid, int signals, int *ret_signal) {
    struct pollfd ready = {.fd = signals, .events = POLLIN};
    int status = 0;

    *ret_signal = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        int signal_number;

        poll(&ready, 1, -1);
        signal_number = signals_read(signals);
        if (signal_number != 0) {
            *ret_signal = signal_number;
            kill(pid, signal_number);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}
