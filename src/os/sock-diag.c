/* SPDX-License-Identifier: MIT */
/* sock-diag.c - ask the kernel about Unix sockets without touching them: sock_diag(7). */

#include "os/sock-diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "os/fd.h"

#ifndef UDIAG_SHOW_UID /* Linux 5.3; older kernels ignore the bit and leave the attribute out */
#define UDIAG_SHOW_UID 0x00000040
#define UNIX_DIAG_UID  (UNIX_DIAG_SHUTDOWN + 1)
#endif

enum {
    PIECE = 32768, /* what the kernel puts into one message at most: netlink_dump() */
    MAX_TRIES = 5  /* of a dump the kernel says is inconsistent, or had no memory for */
};

/* All of the kernel's answer, so that a dump which must be repeated has called nobody yet. */
struct dump {
    char *data;
    size_t size, room;
};

int sp_diag_open(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    return fd < 0 ? -errno : fd;
}

static int request(int fd, uint32_t states) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } ask = {
        .header = {.nlmsg_len = sizeof(ask),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = states ? states : UINT32_MAX,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
                               UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t n;

    do {
        n = sendto(fd, &ask, sizeof(ask), 0, (struct sockaddr *)&kernel, sizeof(kernel));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int make_room(struct dump *dump) {
    size_t room = dump->room ? dump->room * 2 : (size_t)PIECE * 2;
    char *data;

    if (dump->room - dump->size >= PIECE) {
        return 0;
    }
    data = realloc(dump->data, room);
    if (!data) {
        return -ENOMEM;
    }
    dump->data = data;
    dump->room = room;
    return 0;
}

/* Receives one message behind what is there. Returns its size. */
static ssize_t receive_piece(int fd, struct dump *dump) {
    ssize_t n;
    int error = make_room(dump);

    if (error < 0) {
        return error;
    }
    do {
        n = recv(fd, dump->data + dump->size, dump->room - dump->size, MSG_TRUNC);
    } while (n < 0 && errno == EINTR);

    if (n < 0) {
        return -errno;
    }
    return (size_t)n > dump->room - dump->size ? -EMSGSIZE : n;
}

/* The error in an NLMSG_ERROR or NLMSG_DONE message: 0 when there is none. */
static int error_of(const struct nlmsghdr *header) {
    int code = 0;

    if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(code))) {
        memcpy(&code, NLMSG_DATA(header), sizeof(code));
    }
    return code > 0 ? 0 : code;
}

/* Looks whether the `n` bytes at `piece` end the dump: 1 yes, 0 no, -EINTR inconsistent. */
static int check_piece(const char *piece, ssize_t n) {
    const struct nlmsghdr *header = (const void *)piece;

    for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
        int error;

        if (header->nlmsg_flags & NLM_F_DUMP_INTR) {
            return -EINTR;
        }
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
            error = error_of(header);
            return error < 0 ? error : 1;
        }
    }
    return 0;
}

static int read_once(int fd, uint32_t states, struct dump *dump) {
    int done = request(fd, states);

    if (done < 0) {
        return done;
    }
    dump->size = 0;
    while (done == 0) {
        ssize_t n = receive_piece(fd, dump);

        if (n < 0) {
            return (int)n;
        }
        done = check_piece(dump->data + dump->size, n);
        dump->size += NLMSG_ALIGN((size_t)n);
    }
    return done < 0 ? done : 0;
}

/* What is left of a dump that is given up: the next request must not read it as its answer. */
static void drain(int fd) {
    char piece[64];

    while (recv(fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS) {
    }
}

static int read_all(int fd, uint32_t states, struct dump *dump) {
    int error = 0;

    for (int i = 0; i < MAX_TRIES; i++) {
        error = read_once(fd, states, dump);
        if (error != -EINTR && error != -ENOBUFS && error != -EBUSY) {
            break;
        }
        drain(fd);
    }
    return error == -EINTR || error == -EBUSY ? -EAGAIN : error;
}

static void read_name(struct sp_diag_socket *socket, const char *name, size_t size) {
    if (size > 0 && name[0] != '\0') {
        size = strnlen(name, size);
    }
    if (size > 0) {
        socket->name = name;
        socket->n_name = size;
    }
}

/* The kernel's dev_t has the minor number in its low 20 bits; stat() packs it otherwise. */
static uint64_t user_dev(uint32_t kernel_dev) {
    return makedev(kernel_dev >> 20, kernel_dev & 0xfffff);
}

static void read_attribute(struct sp_diag_socket *socket, const struct rtattr *attribute) {
    const void *data = RTA_DATA(attribute);
    size_t size = RTA_PAYLOAD(attribute);
    struct unix_diag_vfs vfs;
    struct unix_diag_rqlen queue;
    uint32_t number;

    if (attribute->rta_type == UNIX_DIAG_NAME) {
        read_name(socket, data, size);
    } else if (attribute->rta_type == UNIX_DIAG_VFS && size >= sizeof(vfs)) {
        memcpy(&vfs, data, sizeof(vfs));
        socket->has_file = true;
        socket->file_dev = user_dev(vfs.udiag_vfs_dev);
        socket->file_inode = vfs.udiag_vfs_ino;
    } else if (attribute->rta_type == UNIX_DIAG_PEER && size >= sizeof(number)) {
        memcpy(&number, data, sizeof(number));
        socket->peer = number;
    } else if (attribute->rta_type == UNIX_DIAG_RQLEN && size >= sizeof(queue)) {
        memcpy(&queue, data, sizeof(queue));
        socket->rqueue = queue.udiag_rqueue;
        socket->wqueue = queue.udiag_wqueue;
    } else if (attribute->rta_type == UNIX_DIAG_SHUTDOWN && size >= 1) {
        socket->is_read_shut = *(const unsigned char *)data & 1;
        socket->is_write_shut = *(const unsigned char *)data & 2;
    } else if (attribute->rta_type == UNIX_DIAG_UID && size >= sizeof(number)) {
        memcpy(&number, data, sizeof(number));
        socket->has_uid = true;
        socket->uid = number;
    }
}

/* False when the message is not about a Unix socket. */
static bool read_socket(struct sp_diag_socket *ret, const struct nlmsghdr *header) {
    const struct unix_diag_msg *message = NLMSG_DATA(header);
    const struct rtattr *attribute;
    int n; /* signed: the last step may go below 0 */

    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) || message->udiag_family != AF_UNIX) {
        return false;
    }

    *ret = (struct sp_diag_socket){
        .inode = message->udiag_ino, .type = message->udiag_type, .state = message->udiag_state};
    n = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*message)));
    attribute = (const void *)((const char *)message + NLMSG_ALIGN(sizeof(*message)));
    for (; RTA_OK(attribute, n); attribute = RTA_NEXT(attribute, n)) {
        read_attribute(ret, attribute);
    }
    return true;
}

static int tell(const struct dump *dump,
                int (*on_socket)(const struct sp_diag_socket *socket, void *user), void *user) {
    const struct nlmsghdr *header = (const void *)dump->data;
    ssize_t n = (ssize_t)dump->size; /* signed: the last step may go below 0 */

    for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
        struct sp_diag_socket socket;
        int stop = read_socket(&socket, header) ? on_socket(&socket, user) : 0;

        if (stop != 0) {
            return stop;
        }
    }
    return 0;
}

int sp_diag_each_on(int fd, uint32_t states,
                    int (*on_socket)(const struct sp_diag_socket *socket, void *user), void *user) {
    struct dump dump = {0};
    int error = read_all(fd, states, &dump);

    if (error == 0) {
        error = tell(&dump, on_socket, user);
    }
    free(dump.data);
    return error;
}

int sp_diag_each(uint32_t states, int (*on_socket)(const struct sp_diag_socket *socket, void *user),
                 void *user) {
    _cleanup_(sp_closep) int fd = sp_diag_open();

    return fd < 0 ? fd : sp_diag_each_on(fd, states, on_socket, user);
}

/* What a search looks for: a file, or an abstract name. */
struct search {
    struct sp_diag_server *found;
    const struct stat *file;
    const char *name;
    size_t n_name;
};

static bool is_wanted(const struct search *search, const struct sp_diag_socket *socket) {
    if (search->file) {
        return sp_diag_is_file(socket, search->file);
    }
    return socket->name && socket->n_name == search->n_name + 1 && socket->name[0] == '\0' &&
           memcmp(socket->name + 1, search->name, search->n_name) == 0;
}

/*
 * A connection that was accepted bears its listener's name and file, so among streams only a
 * listener, and what may become one, counts.
 */
static enum sp_diag_life life_of(const struct sp_diag_socket *socket) {
    if (socket->type == SOCK_DGRAM || socket->state == SP_DIAG_LISTEN) {
        return SP_DIAG_ALIVE;
    }
    return socket->state == SP_DIAG_UNCONNECTED ? SP_DIAG_BOUND : SP_DIAG_DEAD;
}

static int on_candidate(const struct sp_diag_socket *socket, void *user) {
    struct search *search = user;
    enum sp_diag_life life = life_of(socket);
    bool is_listening = socket->state == SP_DIAG_LISTEN;

    if (life <= search->found->life || !is_wanted(search, socket)) {
        return 0;
    }
    *search->found = (struct sp_diag_server){.life = life,
                                             .inode = socket->inode,
                                             .type = socket->type,
                                             .n_waiting = is_listening ? socket->rqueue : 0,
                                             .backlog = is_listening ? socket->wqueue : 0,
                                             .is_shut = socket->is_read_shut,
                                             .peer = socket->peer,
                                             .has_uid = socket->has_uid,
                                             .uid = socket->uid};
    return life == SP_DIAG_ALIVE;
}

/*
 * Listeners first: there are few, and nearly always one is meant. Only then everything, listeners
 * included: one may have begun to listen, and a dump can miss a socket when others close meanwhile
 * (the kernel goes on by position), so nothing counts as dead that was not missed twice.
 */
static int search_on(int fd, struct sp_diag_server *ret, struct search *search) {
    struct sp_diag_server found = {0};
    int done;

    search->found = &found;
    done = sp_diag_each_on(fd, 1 << SP_DIAG_LISTEN, on_candidate, search);
    if (done == 0) {
        done = sp_diag_each_on(fd, 0, on_candidate, search);
    }
    if (done < 0) {
        return done;
    }
    *ret = found;
    return 0;
}

int sp_diag_find_file_on(int fd, struct sp_diag_server *ret, const struct stat *file) {
    return search_on(fd, ret, &(struct search){.file = file});
}

int sp_diag_find_file(struct sp_diag_server *ret, const struct stat *file) {
    _cleanup_(sp_closep) int fd = sp_diag_open();

    return fd < 0 ? fd : sp_diag_find_file_on(fd, ret, file);
}

int sp_diag_find_abstract_on(int fd, struct sp_diag_server *ret, const char *name, size_t n_name) {
    return search_on(fd, ret, &(struct search){.name = name, .n_name = n_name});
}

int sp_diag_find_abstract(struct sp_diag_server *ret, const char *name, size_t n_name) {
    _cleanup_(sp_closep) int fd = sp_diag_open();

    return fd < 0 ? fd : sp_diag_find_abstract_on(fd, ret, name, n_name);
}
