/* SPDX-License-Identifier: MIT */
/* inspect.h - who is on a socket, and why it fails; without disturbing anyone. */

#ifndef SUNPATH_INSPECT_H
#define SUNPATH_INSPECT_H

#include <sunpath/address.h>
#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A process that holds a socket. */
struct sunpath_owner {
    pid_t pid;
    int fd;        /* its descriptor of that socket */
    uid_t uid;     /* the process's effective uid */
    char name[16]; /* its comm, not escaped */
};

enum sunpath_socket_state {
    SUNPATH_SOCKET_LISTENING = 1,
    SUNPATH_SOCKET_BOUND, /* has a name, does not listen: a datagram socket, or one not ready yet */
    SUNPATH_SOCKET_STALE, /* a socket file with nobody behind it */
    SUNPATH_SOCKET_UNKNOWN /* a socket file with nobody behind it that we may see: there are network
                              namespaces we may not enter */
};

/* A named Unix socket of this machine: something one can connect or send to, or a file left over.
 */
struct sunpath_socket {
    enum sunpath_socket_state state;
    enum sunpath_type type; /* 0 for a stale file: nobody can know */
    struct sunpath_address
        address;            /* the published path, or the name as bound when no file is found */
    const char *bound_name; /* the path as given to bind(), where that differs, else NULL */
    bool has_file;          /* the path exists and is this very socket; the next three are set */
    mode_t mode;            /* permission bits */
    uid_t file_uid;
    gid_t file_gid;
    bool is_shut;        /* listening, but shut down for reading: every connect is refused */
    bool is_deleted;     /* bound to a path whose file is gone: nobody can connect any more */
    uint64_t inode;      /* of the socket, as ss and /proc/PID/fd show it; 0 when stale */
    uint64_t netns;      /* inode of its network namespace; 0 when stale */
    bool is_other_netns; /* not the namespace of this process */
    const struct sunpath_owner *owners; /* the processes that hold it, as far as we may see */
    size_t n_owners;
    size_t n_connections; /* accepted connections that have this name */
    uint32_t n_waiting;   /* listening: connections in the backlog; else unread bytes */
    uint32_t backlog;     /* listening: the limit */
};

struct sunpath_socket_list;

/* What could not be seen, so that nobody takes a part for the whole. */
struct sunpath_blind_spots {
    size_t n_processes;  /* processes whose descriptors we may not read */
    size_t n_namespaces; /* network namespaces we may not enter */
};

/*
 * Takes a picture of all named Unix sockets: sock_diag(7) in every network namespace this process
 * may enter, owners from /proc, published paths by inode. With `directories` (NULL-terminated) also
 * looks there, not below, for stale socket files; the directories of live sockets are always looked
 * at. Unprivileged callers get everything but other users' processes and namespaces. -ENOMEM,
 * -EMFILE, -EACCES and -EPROTONOSUPPORT when the kernel refuses sock_diag.
 */
SUNPATH_API int sunpath_socket_list_take(struct sunpath_socket_list **ret,
                                         const char *const *directories);
SUNPATH_API struct sunpath_socket_list *sunpath_socket_list_free(struct sunpath_socket_list *list);
SUNPATH_API size_t sunpath_socket_list_count(const struct sunpath_socket_list *list);
/* Borrowed until the list is freed; NULL behind the last. Sorted by address. */
SUNPATH_API const struct sunpath_socket *sunpath_socket_list_at(
    const struct sunpath_socket_list *list, size_t index);
SUNPATH_API const struct sunpath_blind_spots *sunpath_socket_list_blind_spots(
    const struct sunpath_socket_list *list);

/* One thing the doctor looked at. */
struct sunpath_finding {
    enum {
        SUNPATH_FINDING_OK = 1,
        SUNPATH_FINDING_BAD,
        SUNPATH_FINDING_UNKNOWN, /* could not be looked at */
        SUNPATH_FINDING_NOTE
    } grade;
    char subject[512]; /* a component of the path, "listening", ...; escaped */
    char detail[256];  /* "drwxr-xr-x root:root", "dockerd[771], backlog 0/4096"; escaped */
};

struct sunpath_diagnosis;

struct sunpath_doctor_options {
    size_t size;
    const char *user;       /* ask for this user (name or number), which takes root; NULL: for us */
    enum sunpath_type type; /* the type the client would use; 0: what the address says, else any */
};

/*
 * Says whether connecting to `address` would work and, if not, why and what to do. Nothing is
 * connected to: the answer comes from the file system and sock_diag(7), and for permissions from
 * the kernel itself, asked as that user. 0 means there is a diagnosis, good or bad. -EINVAL (not an
 * address), -ENOENT (no such user), -EPERM (`user` takes root), -ENOMEM.
 */
SUNPATH_API int sunpath_doctor(struct sunpath_diagnosis **ret, const char *address,
                               const struct sunpath_doctor_options *options,
                               struct sunpath_error *error);
SUNPATH_API struct sunpath_diagnosis *sunpath_diagnosis_free(struct sunpath_diagnosis *diagnosis);

/* SUNPATH_REASON_NONE when connecting would work. */
SUNPATH_API enum sunpath_reason sunpath_diagnosis_reason(const struct sunpath_diagnosis *diagnosis);
/* The errno connect() would give (positive), or 0. */
SUNPATH_API int sunpath_diagnosis_errno(const struct sunpath_diagnosis *diagnosis);
/* One sentence, escaped: "the file is stale, its server is gone". */
SUNPATH_API const char *sunpath_diagnosis_verdict(const struct sunpath_diagnosis *diagnosis);
/* What to do about it, escaped, or "". */
SUNPATH_API const char *sunpath_diagnosis_fix(const struct sunpath_diagnosis *diagnosis);
SUNPATH_API size_t sunpath_diagnosis_n_findings(const struct sunpath_diagnosis *diagnosis);
SUNPATH_API const struct sunpath_finding *sunpath_diagnosis_finding(
    const struct sunpath_diagnosis *diagnosis, size_t index);

#ifdef __cplusplus
}
#endif

#endif
