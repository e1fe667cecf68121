/* SPDX-License-Identifier: MIT */
/* access.c - class Access: rules about peers, for connections that Node itself accepts. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <sunpath/peer.h>

#include "addon.h"
#include "listener-options.h"
#include "object.h"

struct sn_access {
    struct sn_object object;
    struct sunpath_access *access; /* NULL: everyone may come in */
};

static void close_access(struct sn_object *object) {
    struct sn_access *access = (struct sn_access *)object;

    access->access = sunpath_access_free(access->access);
}

static const struct sn_class class = {.name = "Access", .close = close_access};

/* new Access({ allow, deny }) */
static napi_value construct(napi_env env, napi_callback_info info) {
    struct sunpath_access *rules = NULL;
    struct sn_access *access;
    struct sn_args args;

    if (!sn_args_read_new(&args, env, info) || !sn_access_read(env, args.v[0], &rules)) {
        return NULL;
    }
    access = calloc(1, sizeof(*access));
    if (!access) {
        sunpath_access_free(rules);
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    if (!sn_object_wrap(&access->object, &class, &args)) {
        sunpath_access_free(rules);
        return NULL;
    }
    access->access = rules;
    return args.this_value;
}

/* admits(fd): may the peer of this connected socket come in? */
static napi_value admits(napi_env env, napi_callback_info info) {
    struct sn_access *access;
    struct sn_args args;
    int64_t fd;

    sn_args_read(&args, env, info);
    access = sn_object_of(&args, &class);
    if (!access || !sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return NULL;
    }
    return sn_bool(env, sunpath_access_check(access->access, (int)fd) == 0);
}

bool sn_access_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {{"admits", admits}};

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}

/* duplicateFd(fd): another descriptor of the same thing, close-on-exec, which is the caller's. */
napi_value sn_duplicate_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    int64_t fd;
    int r;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return NULL;
    }
    r = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
    return r < 0 ? sn_fail(env, -errno, "fcntl", NULL, NULL) : sn_int(env, r);
}
