/* SPDX-License-Identifier: MIT */
/* peer.c - who is at the other end of a connected socket. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <sunpath/peer.h>

#include "addon.h"
#include "value.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static bool read_fd(napi_env env, napi_callback_info info, int *ret) {
    struct sn_args args;
    int64_t fd;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return false;
    }
    *ret = (int)fd;
    return true;
}

/* peerRead(fd): { pid, uid, gid, isOutsidePidNamespace, isUnmapped } */
napi_value sn_peer_read(napi_env env, napi_callback_info info) {
    struct sunpath_peer peer;
    napi_value made;
    int fd, r;

    if (!read_fd(env, info, &fd)) {
        return NULL;
    }
    r = sunpath_peer_read(&peer, fd);
    if (r < 0) {
        return sn_fail(env, r, "getsockopt", NULL, NULL);
    }
    made = sn_object(env);
    sn_set(env, made, "pid", sn_int(env, peer.pid));
    sn_set(env, made, "uid", sn_int(env, peer.uid));
    sn_set(env, made, "gid", sn_int(env, peer.gid));
    sn_set(env, made, "isOutsidePidNamespace", sn_bool(env, peer.is_outside_pid_namespace));
    sn_set(env, made, "isUnmapped", sn_bool(env, peer.is_unmapped));
    return made;
}

/* The whole list; *ret is malloc'd. */
static int read_groups(int fd, gid_t **ret) {
    int n = sunpath_peer_groups(fd, NULL, 0);
    int r;

    if (n < 0 || n > GROUPS_MAX) {
        return n < 0 ? n : -E2BIG;
    }
    *ret = calloc((size_t)n + 1, sizeof(**ret));
    if (!*ret) {
        return -ENOMEM;
    }
    r = sunpath_peer_groups(fd, *ret, (size_t)n);
    return r < n ? r : n;
}

/* peerGroups(fd): [gid ...] */
napi_value sn_peer_groups(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) gid_t *groups = NULL;
    napi_value made = NULL;
    int fd, n;

    if (!read_fd(env, info, &fd)) {
        return NULL;
    }
    n = read_groups(fd, &groups);
    if (n < 0) {
        return sn_fail(env, n, "getsockopt", NULL, NULL);
    }
    napi_create_array_with_length(env, (size_t)n, &made);
    for (int i = 0; i < n; i++) {
        napi_set_element(env, made, (uint32_t)i, sn_int(env, groups[i]));
    }
    return made;
}

static napi_value read_text(napi_env env, napi_callback_info info, const char *syscall,
                            int (*read)(int fd, char *buffer, size_t n_buffer)) {
    char buffer[PATH_MAX + 1];
    int fd, r;

    if (!read_fd(env, info, &fd)) {
        return NULL;
    }
    r = read(fd, buffer, sizeof(buffer));
    return r < 0 ? sn_fail(env, r, syscall, NULL, NULL) : sn_string_n(env, buffer, (size_t)r);
}

/* peerExecutable(fd): the path of the program that the peer runs now */
napi_value sn_peer_executable(napi_env env, napi_callback_info info) {
    return read_text(env, info, "readlink", sunpath_peer_executable);
}

/* peerLabel(fd): the security label */
napi_value sn_peer_label(napi_env env, napi_callback_info info) {
    return read_text(env, info, "getsockopt", sunpath_peer_label);
}

/* peerPidfd(fd): { fd, isRacy }; the caller closes fd */
napi_value sn_peer_pidfd(napi_env env, napi_callback_info info) {
    napi_value made;
    bool is_racy;
    int fd, pidfd, r;

    if (!read_fd(env, info, &fd)) {
        return NULL;
    }
    r = sunpath_peer_pidfd(&pidfd, &is_racy, fd);
    if (r < 0) {
        return sn_fail(env, r, "getsockopt", NULL, NULL);
    }
    made = sn_object(env);
    sn_set(env, made, "fd", sn_int(env, pidfd));
    sn_set(env, made, "isRacy", sn_bool(env, is_racy));
    return made;
}
