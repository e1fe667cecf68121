/* SPDX-License-Identifier: MIT */
/* namespaces.c - sock_diag in every network namespace this process may enter. */

#include "inspect/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/mounts.h"
#include "os/proc.h"
#include "os/sock-diag.h"

/*
 * A netlink socket belongs to the namespace it was made in, wherever it is used. So a child of ours
 * goes from namespace to namespace and sends one back from each; nothing of the program itself ever
 * moves. Entering with setns(2) and coming back on a thread would do, but coming back can fail (it
 * takes CAP_SYS_ADMIN over the namespace we came from, which entering the other does not prove),
 * and would leave a thread of the program in a foreign network.
 */

enum {
    PATH_ROOM = 256
};

/* A namespace and one way to it. */
struct place {
    uint64_t mark;        /* of its /proc/PID/net, 0: not known */
    uint64_t inode;       /* 0: not known, and no way into it */
    char path[PATH_ROOM]; /* "": none */
};

struct places {
    struct place *items;
    size_t n, room;
    struct place own;
    struct sp_netns_blind blind;
};

static struct place *add_place(struct places *places) {
    if (places->n == places->room) {
        size_t room = places->room ? places->room * 2 : 16;
        struct place *items = realloc(places->items, room * sizeof(*items));

        if (!items) {
            return NULL;
        }
        places->items = items;
        places->room = room;
    }
    places->items[places->n] = (struct place){0};
    return &places->items[places->n++];
}

static bool is_same(const struct place *place, uint64_t mark, uint64_t inode) {
    return (mark != 0 && place->mark == mark) || (inode != 0 && place->inode == inode);
}

static struct place *find_place(struct places *places, uint64_t mark, uint64_t inode) {
    if (is_same(&places->own, mark, inode)) {
        return &places->own;
    }
    for (size_t i = places->n; i > 0; i--) { /* the newest first: siblings come together */
        if (is_same(&places->items[i - 1], mark, inode)) {
            return &places->items[i - 1];
        }
    }
    return NULL;
}

/*
 * Which namespace a process is in, anybody may know: the files below /proc/PID/net exist once for
 * each namespace, with inode numbers of their own. Going there takes /proc/PID/ns/net.
 */
static int note_process(pid_t pid, int proc, void *user) {
    struct places *places = user;
    struct place *place;
    char name[64];
    struct stat mark = {0}, st = {0};

    snprintf(name, sizeof(name), "%d/net/unix", (int)pid);
    if (fstatat(proc, name, &mark, 0) < 0) {
        mark.st_ino = 0;
    }
    if (mark.st_ino != 0 && mark.st_ino == places->own.mark) {
        return 0;
    }
    snprintf(name, sizeof(name), "%d/ns/net", (int)pid);
    if (fstatat(proc, name, &st, 0) < 0) {
        if (errno != EACCES && errno != EPERM) {
            return 0; /* it is gone, or nearly */
        }
        st.st_ino = 0;
    }
    if (mark.st_ino == 0 && st.st_ino == 0) {
        places->blind.n_processes++;
        return 0;
    }

    place = find_place(places, mark.st_ino, st.st_ino);
    if (!place && !(place = add_place(places))) {
        return -ENOMEM;
    }
    if (mark.st_ino != 0) {
        place->mark = mark.st_ino;
    }
    if (place->inode == 0 && st.st_ino != 0) {
        place->inode = st.st_ino;
        snprintf(place->path, sizeof(place->path), "/proc/%d/ns/net", (int)pid);
    }
    return 0;
}

/* "ip netns add" keeps a namespace that nobody is in by mounting it. */
static int note_mount(const struct sp_mount *mount, void *user) {
    struct places *places = user;
    struct place *place;
    struct stat st;

    if (strcmp(mount->type, "nsfs") != 0 || strncmp(mount->root, "net:[", 5) != 0 ||
        strlen(mount->point) >= PATH_ROOM || stat(mount->point, &st) < 0 ||
        find_place(places, 0, st.st_ino)) {
        return 0;
    }
    place = add_place(places);
    if (!place) {
        return -ENOMEM;
    }
    place->inode = st.st_ino;
    snprintf(place->path, sizeof(place->path), "%s", mount->point);
    return 0;
}

static int find_places(struct places *places) {
    struct stat st;
    int error;

    if (!sp_proc_is_there()) {
        places->blind.n_processes++; /* there may be anybody, anywhere */
        return 0;
    }
    if (stat("/proc/thread-self/ns/net", &st) == 0) {
        places->own.inode = st.st_ino;
    }
    if (stat("/proc/thread-self/net/unix", &st) == 0) {
        places->own.mark = st.st_ino;
    }
    error = sp_proc_each(note_process, places);
    return error < 0 ? error : sp_mounts_each(note_mount, places);
}

/* What the child answers: 0 with a descriptor, or a negative errno. */
static void send_answer(int fd, int error, int diag_fd) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec data = {.iov_base = &error, .iov_len = sizeof(error)};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

    if (error == 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.header), &diag_fd, sizeof(diag_fd));
    }
    sendmsg(fd, &message, MSG_NOSIGNAL);
}

static int enter_and_open(const char *path) {
    _cleanup_(sp_closep) int ns = open(path, O_RDONLY | O_CLOEXEC);

    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) {
        return -errno;
    }
    return sp_diag_open();
}

/*
 * The child: for each path it is sent, enters there and sends a netlink socket back. It gives up
 * its copy of our end: without us it must end, and with it what else of ours it has open.
 */
static int guide(void *user) {
    const int *ends = user;
    int fd = ends[1];
    char path[PATH_ROOM];

    close(ends[0]);
    while (recv(fd, path, sizeof(path), 0) > 0) {
        int diag_fd = enter_and_open(path);

        send_answer(fd, diag_fd < 0 ? diag_fd : 0, diag_fd);
        sp_close(diag_fd);
    }
    return 0;
}

static int receive_answer(int fd) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    int error, diag_fd = -1;
    struct iovec data = {.iov_base = &error, .iov_len = sizeof(error)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t n;

    do {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof(error)) {
        return n < 0 ? -errno : -EIO;
    }
    if (error < 0) {
        return error;
    }
    if (message.msg_flags & MSG_CTRUNC || !CMSG_FIRSTHDR(&message)) {
        return -EMFILE; /* no descriptor was left for it */
    }
    memcpy(&diag_fd, CMSG_DATA(&control.header), sizeof(diag_fd));
    return diag_fd;
}

static int visit(int fd, struct places *places, const struct place *place,
                 int (*on_netns)(const struct sp_netns *netns, void *user), void *user) {
    _cleanup_(sp_closep) int diag_fd = -1;

    if (!place->path[0]) {
        places->blind.n_namespaces++;
        return 0;
    }
    if (send(fd, place->path, strlen(place->path) + 1, MSG_NOSIGNAL) < 0) {
        return -errno;
    }
    diag_fd = receive_answer(fd);
    if (diag_fd == -EMFILE || diag_fd == -ENFILE || diag_fd == -EIO) {
        return diag_fd;
    }
    if (diag_fd < 0) {
        places->blind.n_namespaces += diag_fd != -ENOENT; /* its last process left: it is gone */
        return 0;
    }
    return on_netns(&(struct sp_netns){.inode = place->inode, .diag_fd = diag_fd}, user);
}

static int visit_all(struct places *places,
                     int (*on_netns)(const struct sp_netns *netns, void *user), void *user) {
    int ends[2];
    pid_t child;
    int stop = 0;

    if (places->n == 0) {
        return 0;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    child = sp_child_start(guide, ends);
    sp_close(ends[1]);
    if (child < 0) {
        sp_close(ends[0]);
        return child;
    }

    for (size_t i = 0; i < places->n && stop == 0; i++) {
        stop = visit(ends[0], places, &places->items[i], on_netns, user);
    }
    shutdown(ends[0], SHUT_RDWR); /* other processes forked meanwhile may hold a copy of this end */
    sp_close(ends[0]);
    sp_child_wait(child);
    return stop;
}

int sp_netns_own(struct sp_netns *ret) {
    struct stat st = {0};
    int fd = sp_diag_open();

    if (fd < 0) {
        return fd;
    }
    if (stat("/proc/thread-self/ns/net", &st) < 0) {
        st.st_ino = 0;
    }
    *ret = (struct sp_netns){.inode = st.st_ino, .diag_fd = fd, .is_own = true};
    return 0;
}

int sp_netns_each(int (*on_netns)(const struct sp_netns *netns, void *user), void *user,
                  struct sp_netns_blind *ret_blind) {
    struct places places = {0};
    struct sp_netns own;
    int stop = sp_netns_own(&own);

    if (stop < 0) {
        return stop;
    }
    stop = on_netns(&own, user);
    sp_close(own.diag_fd);
    if (stop == 0) {
        stop = find_places(&places);
    }
    if (stop == 0) {
        stop = visit_all(&places, on_netns, user);
    }
    if (ret_blind) {
        *ret_blind = places.blind;
    }
    free(places.items);
    return stop;
}
