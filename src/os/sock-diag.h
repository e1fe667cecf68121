/* SPDX-License-Identifier: MIT */
/* sock-diag.h - ask the kernel about Unix sockets without touching them: sock_diag(7). */

#ifndef SP_OS_SOCK_DIAG_H
#define SP_OS_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The states of unix sockets as sock_diag reports them: TCP's numbers. */
enum sp_diag_state {
    SP_DIAG_CONNECTED = 1, /* also a datagram socket that is connected or merely bound */
    SP_DIAG_UNCONNECTED = 7,
    SP_DIAG_LISTEN = 10
};

/*
 * One socket. `name` is valid during the callback only. The inodes of waiting connections
 * (UNIX_DIAG_ICONS) are not asked for: a listener whose list does not fit into one netlink message
 * ends the kernel's dump early, and silently.
 */
struct sp_diag_socket {
    uint64_t inode;      /* of the socket itself, as in /proc/PID/fd; the kernel gives 32 bits */
    int type;            /* SOCK_STREAM ... */
    int state;           /* enum sp_diag_state */
    const char *name;    /* as given to bind(), first byte NUL when abstract; NULL when unnamed */
    size_t n_name;       /* the NUL that ends a path does not count */
    bool has_file;       /* file_dev and file_inode are set */
    uint64_t file_dev;   /* as stat() gives st_dev */
    uint32_t file_inode; /* the low 32 bits of st_ino */
    uint64_t peer;       /* inode of the other end, 0: none */
    uint32_t rqueue;     /* listening: pending connections; else unread bytes */
    uint32_t wqueue;     /* listening: the backlog limit; else memory queued to send */
    bool is_read_shut, is_write_shut;
    bool has_uid;
    uint32_t uid; /* of the socket's creator (Linux 5.3) */
};

/*
 * Calls `on_socket` for every Unix socket of the calling thread's network namespace whose state is
 * in `states` (1 << enum sp_diag_state; 0 = all). Ends early when it returns non-zero, and returns
 * that. Other errors: -EPROTONOSUPPORT, -ENOENT (the kernel has no unix_diag), -EACCES, -EMFILE,
 * -ENOMEM, -EAGAIN (the kernel gave no consistent answer, several times).
 */
int sp_diag_each(uint32_t states, int (*on_socket)(const struct sp_diag_socket *socket, void *user),
                 void *user);

/*
 * The same on a descriptor of sp_diag_open(), which speaks of the network namespace it was opened
 * in, wherever it is used.
 */
int sp_diag_open(void);
int sp_diag_each_on(int fd, uint32_t states,
                    int (*on_socket)(const struct sp_diag_socket *socket, void *user), void *user);

/*
 * Is this socket the one whose file is `file`? The kernel gives 32 bits of the inode number, and
 * the device of the whole file system: sp_stat_whole() in mounts.h is to be called before.
 */
static inline bool sp_diag_is_file(const struct sp_diag_socket *socket, const struct stat *file) {
    return socket->has_file && socket->file_dev == (uint64_t)file->st_dev &&
           socket->file_inode == (uint32_t)file->st_ino;
}

/* What this network namespace knows about the socket file `file`. */
enum sp_diag_life {
    SP_DIAG_DEAD = 0, /* nobody here has it; perhaps somebody in another namespace does */
    SP_DIAG_BOUND,    /* bound and not listening (stream, seqpacket), so perhaps about to */
    SP_DIAG_ALIVE     /* listening, or a bound datagram socket */
};

struct sp_diag_server {
    enum sp_diag_life life;
    uint64_t inode; /* of the socket, to find its process */
    int type;
    uint32_t n_waiting, backlog;
    bool is_shut;  /* the listener shut its reading side down: every connect is refused */
    uint64_t peer; /* a datagram socket that takes messages from this one only; 0: from anyone */
    bool has_uid;
    uint32_t uid; /* of the socket's creator */
};

/* Finds who serves the socket file `file`, see sp_diag_is_file(). Errors as sp_diag_each(). */
int sp_diag_find_file(struct sp_diag_server *ret, const struct stat *file);
int sp_diag_find_file_on(int fd, struct sp_diag_server *ret, const struct stat *file);

/* The same for an abstract name (without the leading NUL). */
int sp_diag_find_abstract(struct sp_diag_server *ret, const char *name, size_t n_name);
int sp_diag_find_abstract_on(int fd, struct sp_diag_server *ret, const char *name, size_t n_name);

#endif
