/* SPDX-License-Identifier: MIT */
/* message.c - send and receive once, with descriptors and credentials: unix(7), cmsg(3). */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <sunpath/connection.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "os/fd.h"
#include "sock/message.h"
#include "sock/target.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

#define OVERFLOW_ID 65534 /* an id without a name here: user_namespaces(7) */

/* Ancillary data of one message: descriptors and the sender's credentials. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * SUNPATH_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

static int type_of(int fd) {
    socklen_t size = sizeof(int);
    int type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ? -errno : type;
}

static void put_control(struct msghdr *header, int type, const void *data, size_t size) {
    struct cmsghdr *part = (struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);

    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(part), data, size);
    header->msg_controllen += CMSG_SPACE(size);
}

static void attach(struct msghdr *header, union control *control, const struct sp_packet *packet) {
    memset(control, 0, sizeof(*control));
    header->msg_control = control->bytes;
    if (packet->n_fds > 0) {
        put_control(header, SCM_RIGHTS, packet->fds, packet->n_fds * sizeof(int));
    }
    if (packet->credentials) {
        struct ucred own = {.pid = packet->credentials->pid,
                            .uid = packet->credentials->uid,
                            .gid = packet->credentials->gid};

        put_control(header, SCM_CREDENTIALS, &own, sizeof(own));
    }
}

static ssize_t send_with(int fd, const struct sp_packet *packet) {
    struct iovec bytes = {.iov_base = (void *)packet->data, .iov_len = packet->size};
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_name = (void *)packet->name,
                            .msg_namelen = packet->n_name};
    union control control;

    attach(&header, &control, packet);
    return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t sp_send(int fd, const struct sp_packet *packet) {
    ssize_t n;

    do {
        n = packet->n_fds > 0 || packet->credentials
                ? send_with(fd, packet)
                : sendto(fd, packet->data, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL, packet->name,
                         packet->n_name); /* less for the kernel to fetch */
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t sunpath_send(int fd, const void *data, size_t size,
                     const struct sunpath_send_options *options) {
    _cleanup_(sp_target_closep) struct sp_target to = {.via_fd = -1};
    struct sp_packet packet = {.data = data, .size = size};
    struct sunpath_send_options read;
    int r;

    r = sp_options_read(&read, sizeof(read), options);
    if (r < 0) {
        return r;
    }
    if (read.n_fds > SUNPATH_FDS_MAX || (read.n_fds > 0 && !read.fds)) {
        return -EINVAL;
    }
    if (size == 0 && read.n_fds > 0 && type_of(fd) == SOCK_STREAM) {
        return -EINVAL; /* without a byte to travel with, the kernel drops them without a word */
    }
    if (read.to) {
        r = sp_target_reach(&to, read.to);
        if (r < 0) {
            return r;
        }
        packet.name = &to.un;
        packet.n_name = to.length;
    }

    packet.fds = read.fds;
    packet.n_fds = read.n_fds;
    packet.credentials = read.credentials;
    return sp_send(fd, &packet);
}

/* Takes the descriptors of one part; those there is no room for are closed. False when any was. */
static bool take_fds(struct sunpath_message *message, const struct cmsghdr *part) {
    size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    bool have_all = true;

    for (size_t i = 0; i < n; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
        if (message->fds && message->n_fds < message->max_fds) {
            message->fds[message->n_fds++] = fd;
        } else {
            sp_close(fd);
            have_all = false;
        }
    }
    return have_all;
}

/*
 * A message that was sent before the receiver asked carries no credentials (since Linux 6.16): the
 * kernel then says pid 0 and the overflow ids, which must not be taken for the user "nobody".
 */
static bool is_anonymous(const struct ucred *sender) {
    return sender->pid == 0 && sender->uid == OVERFLOW_ID && sender->gid == OVERFLOW_ID;
}

static void take_credentials(struct sunpath_message *message, const struct cmsghdr *part) {
    struct ucred sender;

    memcpy(&sender, CMSG_DATA(part), sizeof(sender));
    if (!is_anonymous(&sender)) {
        message->has_credentials = true;
        message->credentials =
            (struct sunpath_credentials){.pid = sender.pid, .uid = sender.uid, .gid = sender.gid};
    }
}

/* Whoever made this socket asked for it (SO_PASSPIDFD), and nobody takes it. */
static void drop_pidfd(const struct cmsghdr *part) {
    int pidfd;

    memcpy(&pidfd, CMSG_DATA(part), sizeof(pidfd));
    sp_close(pidfd);
}

/*
 * Reads what came along. False when descriptors were lost. *ret_is_packet: the kernel attached
 * credentials, which it does to messages alone and not to the end of file.
 */
static bool take_control(struct sunpath_message *message, struct msghdr *header,
                         bool *ret_is_packet) {
    bool have_all = !(header->msg_flags & MSG_CTRUNC);

    *ret_is_packet = false;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (part->cmsg_type == SCM_RIGHTS) {
            *ret_is_packet = true;
            have_all = take_fds(message, part) && have_all;
        } else if (part->cmsg_type == SCM_CREDENTIALS &&
                   part->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            *ret_is_packet = true;
            take_credentials(message, part);
        } else if (part->cmsg_type == SCM_PIDFD && part->cmsg_len >= CMSG_LEN(sizeof(int))) {
            drop_pidfd(part);
        }
    }
    return have_all;
}

static void close_fds(struct sunpath_message *message) {
    while (message->n_fds > 0) {
        sp_close(message->fds[--message->n_fds]);
    }
}

/*
 * Nothing was read: end of file, or an empty packet? A stream has no empty packets and a datagram
 * socket has no end. On seqpacket descriptors and credentials come with packets only; without them
 * a peer that has not shut down its side cannot have ended.
 */
static bool is_end(int fd, int type, bool is_packet) {
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};
    int n_left;

    if (type != SOCK_SEQPACKET || is_packet) {
        return type == SOCK_STREAM;
    }
    if (poll(&state, 1, 0) <= 0 || !(state.revents & (POLLRDHUP | POLLHUP))) {
        return false;
    }
    return ioctl(fd, SIOCINQ, &n_left) < 0 || n_left == 0; /* more behind it: it was a packet */
}

/* As much room as the caller takes descriptors, so that the kernel does not even install more. */
static size_t control_room(const struct sunpath_message *message) {
    size_t n = message->fds ? message->max_fds : 0;

    n = n < SUNPATH_FDS_MAX ? n : SUNPATH_FDS_MAX;
    return CMSG_SPACE(sizeof(struct ucred)) + (n > 0 ? CMSG_SPACE(n * sizeof(int)) : 0);
}

static void read_sender(struct sunpath_message *message, const struct sockaddr_un *un,
                        const struct msghdr *header, int type) {
    if (message->sender && header->msg_namelen > 0) {
        message->has_sender =
            sunpath_address_from_sockaddr(message->sender, un, header->msg_namelen,
                                          (enum sunpath_type)type) == 0;
    }
}

int sp_receive(int fd, int type, bool is_waiting, struct sunpath_message *message) {
    struct iovec bytes = {.iov_base = message->data, .iov_len = message->n_data};
    struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};
    int flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    union control control;
    struct sockaddr_un un;
    bool have_all, is_packet;
    ssize_t n;

    message->size = message->n_fds = 0;
    message->has_credentials = message->has_sender = false;
    if (message->n_data == 0 || !message->data) {
        return -EINVAL;
    }
    if (type != SOCK_STREAM) {
        flags |= MSG_TRUNC; /* the true length; on a TCP stream it would throw the bytes away */
        header.msg_name = message->sender ? &un : NULL;
        header.msg_namelen = message->sender ? sizeof(un) : 0;
    }
    header.msg_control = control.bytes;
    header.msg_controllen = control_room(message);

    do {
        n = recvmsg(fd, &header, flags);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }

    message->size = (size_t)n;
    have_all = take_control(message, &header, &is_packet);
    if (!have_all || header.msg_flags & MSG_TRUNC) {
        close_fds(message);
        return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : -ETOOMANYREFS;
    }
    read_sender(message, &un, &header, type);
    return n > 0 || is_waiting || !is_end(fd, type, is_packet);
}

int sunpath_receive(int fd, struct sunpath_message *message) {
    int type = type_of(fd);

    if (type < 0) {
        message->size = message->n_fds = 0;
        message->has_credentials = message->has_sender = false;
        return type;
    }
    return sp_receive(fd, type, false, message);
}

int sunpath_want_credentials(int fd, bool want) {
    int on = want;

    return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

int sunpath_end(int fd) {
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

int sunpath_socketpair(int ret_fds[2], enum sunpath_type type) {
    int fds[2];

    if (socketpair(AF_UNIX, (int)type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        return -errno;
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

int sunpath_adopt(int fd) {
    int type = type_of(fd);
    int flags;

    if (type < 0) {
        return type;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}
