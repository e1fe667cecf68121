/* SPDX-License-Identifier: MIT */
/* send-all.c - send and wait for room, up to a deadline. */

#include "sock/send-all.h"

#include <errno.h>
#include <poll.h>

#include "base/options.h"
#include "os/clock.h"

int sp_wait_until(int fd, short events, uint64_t deadline_ns) {
    struct pollfd watched = {.fd = fd, .events = events};
    int r;

    do {
        r = poll(&watched, 1, sp_left_ms(deadline_ns));
    } while (r < 0 && errno == EINTR);
    return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

int sp_send_all(int fd, const void *data, size_t size, const struct sunpath_send_options *options,
                uint64_t deadline_ns) {
    struct sunpath_send_options now;
    int r = sp_options_read(&now, sizeof(now), options);

    now.size = sizeof(now);
    for (size_t sent = 0; r == 0 && sent < size;) {
        ssize_t n = sunpath_send(fd, (const char *)data + sent, size - sent, &now);

        if (n == -EAGAIN) {
            r = sp_wait_until(fd, POLLOUT, deadline_ns);
        } else if (n < 0) {
            r = (int)n;
        } else {
            sent += (size_t)n;
            now.n_fds = 0;
        }
    }
    return r;
}
