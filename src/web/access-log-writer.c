/* SPDX-License-Identifier: MIT */
/* access-log-writer.c - lines to a descriptor, never waiting for its reader. */

#include "web/access-log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fd.h"
#include "os/quiet-write.h"

/* As many as are written at once, so that those of other processes do not come between. */
static size_t whole_lines(const char *data, size_t size) {
    const char *end;

    if (size <= PIPE_BUF) {
        return size;
    }
    end = memrchr(data, '\n', PIPE_BUF);
    return end ? (size_t)(end - data) + 1 : PIPE_BUF;
}

/*
 * A pipe or terminal was given to us: O_NONBLOCK would change it for everybody who has it. One that
 * is writable takes PIPE_BUF bytes at least (poll(2), pipe(7)).
 */
static ssize_t write_some(const struct sp_log_writer *writer, const char *data, size_t size) {
    struct pollfd writable = {.fd = writer->fd, .events = POLLOUT};

    if (writer->is_file) {
        return write(writer->fd, data, size);
    }
    if (writer->is_socket) {
        return send(writer->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (poll(&writable, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return sp_quiet_write(writer->fd, data, whole_lines(data, size));
}

static void drop_all(struct sp_log_writer *writer) {
    const char *at = sp_buffer_bytes(&writer->pending);
    const char *end = at + sp_buffer_size(&writer->pending);

    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        writer->n_dropped++;
    }
    sp_buffer_deinit(&writer->pending);
}

/* 0: all is written, -EAGAIN: the rest has to wait, else why it was dropped. */
static int flush(struct sp_log_writer *writer) {
    while (sp_buffer_size(&writer->pending) > 0) {
        ssize_t n =
            write_some(writer, sp_buffer_bytes(&writer->pending), sp_buffer_size(&writer->pending));

        if (n >= 0) {
            sp_buffer_consume(&writer->pending, (size_t)n);
        } else if (errno == EAGAIN) {
            return -EAGAIN;
        } else if (errno != EINTR) {
            int r = -errno;

            drop_all(writer);
            return r;
        }
    }
    writer->pending.begin = writer->pending.end = 0;
    return 0;
}

static void on_writable(struct sunpath_watch *watch, unsigned events, void *user) {
    struct sp_log_writer *writer = user;

    (void)watch;
    (void)events;
    if (flush(writer) != -EAGAIN) {
        writer->watch = sunpath_watch_close(writer->watch);
        sp_buffer_trim(&writer->pending);
    }
}

static void on_task(struct sp_task *task) {
    struct sp_log_writer *writer = sp_container_of(task, struct sp_log_writer, task);

    if (writer->watch || flush(writer) != -EAGAIN) {
        return;
    }
    if (sunpath_watch_open(&writer->watch, writer->loop, writer->fd, SUNPATH_WRITABLE, on_writable,
                           writer) < 0) {
        drop_all(writer); /* nobody would tell when it goes on */
    }
}

static void set_fd(struct sp_log_writer *writer, int fd) {
    struct stat st;

    writer->fd = fd;
    writer->is_file = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    writer->is_socket = !writer->is_file && S_ISSOCK(st.st_mode);
}

void sp_log_writer_open(struct sp_log_writer *writer, struct sunpath_loop *loop, int fd,
                        size_t max_pending) {
    *writer = (struct sp_log_writer){.loop = loop, .max_pending = max_pending};
    sp_task_init(&writer->task, on_task);
    set_fd(writer, fd);
}

int sp_log_writer_reserve(struct sp_log_writer *writer, char **ret, size_t size) {
    int r = sp_buffer_reserve(&writer->pending, ret, size, writer->max_pending);

    writer->n_dropped += r < 0;
    return r;
}

void sp_log_writer_commit(struct sp_log_writer *writer, size_t size) {
    sp_buffer_commit(&writer->pending, size);
    sp_task_post(&writer->task, writer->loop);
}

static void let_go(struct sp_log_writer *writer) {
    if (writer->fd < 0) {
        return;
    }
    if (flush(writer) == -EAGAIN) {
        drop_all(writer);
    }
    sp_task_cancel(&writer->task);
    writer->watch = sunpath_watch_close(writer->watch);
    writer->fd = sp_close(writer->fd);
}

void sp_log_writer_switch(struct sp_log_writer *writer, int fd) {
    let_go(writer);
    set_fd(writer, fd);
}

void sp_log_writer_close(struct sp_log_writer *writer) {
    let_go(writer);
    sp_buffer_deinit(&writer->pending);
}
