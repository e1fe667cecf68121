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

/* Who sent a message, when the kernel said so; else who is at the other end. */
static void set_sender_environment(const struct sunpath_channel_message *message, int fd) {
    const struct sunpath_credentials *sender = message->credentials;

    set_peer_environment(fd);
    if (sender && sender->pid != 0) {
        set_number("SUNPATH_PEER_PID", sender->pid);
    }
    if (sender) {
        set_number("SUNPATH_PEER_UID", sender->uid);
        set_number("SUNPATH_PEER_GID", sender->gid);
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

/* Sends all of it, waiting for room. A negative errno when it cannot. */
static int send_all(int fd, const char *data, size_t size) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    while (size > 0) {
        ssize_t n = sunpath_send(fd, data, size, NULL);

        if (n == -EAGAIN) {
            poll(&room, 1, -1);
        } else if (n < 0) {
            return (int)n;
        } else {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int echo(int fd, void *user) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char data[65536];
    struct sunpath_message message = {.data = data, .n_data = sizeof(data)};
    int r;

    (void)user;
    do {
        r = sunpath_receive(fd, &message);
        if (r == -EAGAIN) {
            poll(&ready, 1, -1);
        } else if (r == 1 || r == -ETOOMANYREFS) {
            r = send_all(fd, data, message.size) < 0 ? -EPIPE : 1;
        }
    } while (r == 1 || r == -EAGAIN);
    return r < 0 ? CLI_FAILED : CLI_OK;
}

pid_t child_start_function(int fd, int (*serve)(int fd, void *user), void *user) {
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
        _exit(serve(3, user));
    }
    return pid;
}

pid_t child_start_echo(int fd) {
    return child_start_function(fd, echo, NULL);
}

/* The message as a file in memory: a pipe would block on a large one. */
static int memory_file(const void *data, size_t size) {
    int fd = memfd_create("message", MFD_CLOEXEC);
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

/* Makes them 3 and up, open in the command; none of them is in the way of another. */
static void hand_over_fds(const struct sunpath_channel_message *message) {
    int n = (int)message->n_fds;
    int copies[SUNPATH_FDS_MAX];

    for (int i = 0; i < n; i++) {
        copies[i] = fcntl(message->fds[i], F_DUPFD_CLOEXEC, 3 + n);
    }
    for (int i = 0; i < n; i++) {
        if (copies[i] < 0 || dup2(copies[i], 3 + i) < 0) {
            _exit(126);
        }
    }
    set_number("SUNPATH_FDS", n);
}

/* Waits for the answer of the command. Its length, or -EMSGSIZE. */
static ssize_t collect(pid_t pid, int out, char *reply, size_t n_reply, int signals,
                       int *ret_signal) {
    size_t n = read_reply(out, reply, n_reply, signals, ret_signal);
    int ignored;

    close(out);
    if (*ret_signal != 0) {
        kill(pid, *ret_signal);
    }
    child_wait(pid, signals, *ret_signal != 0 ? &ignored : ret_signal);
    return n > n_reply ? -EMSGSIZE : (ssize_t)n;
}

ssize_t child_answer(const char *command, const struct sunpath_channel_message *question, int fd,
                     char *reply, size_t n_reply, int signals, int *ret_signal) {
    int in = memory_file(question->data, question->size);
    int code = in < 0 ? in : 0;
    int out[2];
    pid_t pid;

    if (code == 0 && pipe2(out, O_CLOEXEC) < 0) {
        code = -errno;
        close(in);
    }
    if (code < 0) {
        return code;
    }

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        /* above those that the descriptors are to become */
        in = fcntl(in, F_DUPFD_CLOEXEC, 3 + SUNPATH_FDS_MAX);
        out[1] = fcntl(out[1], F_DUPFD_CLOEXEC, 3 + SUNPATH_FDS_MAX);
        set_sender_environment(question, fd);
        hand_over_fds(question);
        become(command, in, out[1]);
    }
    close(in);
    close(out[1]);
    if (pid < 0) {
        close(out[0]);
        return -EAGAIN;
    }
    return collect(pid, out[0], reply, n_reply, signals, ret_signal);
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
