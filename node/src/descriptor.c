/* SPDX-License-Identifier: MIT */
/* descriptor.c - a file descriptor that JavaScript owns: closed when asked, or when forgotten. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "addon.h"
#include "object.h"

struct sn_descriptor {
    struct sn_object object;
    int fd; /* -1: closed or taken */
};

static void close_descriptor(struct sn_object *object) {
    struct sn_descriptor *descriptor = (struct sn_descriptor *)object;

    if (descriptor->fd >= 0) {
        close(descriptor->fd);
    }
    descriptor->fd = -1;
}

static const struct sn_class class = {.name = "Descriptor", .close = close_descriptor};

/* new Descriptor(fd): owns it from here on. */
static napi_value construct(napi_env env, napi_callback_info info) {
    struct sn_descriptor *descriptor;
    struct sn_args args;
    int64_t fd;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return NULL;
    }
    descriptor = calloc(1, sizeof(*descriptor));
    if (!descriptor) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    descriptor->fd = (int)fd;
    return sn_object_wrap(&descriptor->object, &class, &args) ? args.this_value : NULL;
}

/* get(): the number, -1 when it is closed or was taken. */
static napi_value get(napi_env env, napi_callback_info info) {
    struct sn_descriptor *descriptor;
    struct sn_args args;

    sn_args_read(&args, env, info);
    descriptor = sn_object_of(&args, &class);
    return descriptor ? sn_int(env, descriptor->fd) : NULL;
}

/* take(): the number, which the caller closes from now on. */
static napi_value take(napi_env env, napi_callback_info info) {
    struct sn_descriptor *descriptor;
    struct sn_args args;
    int fd;

    sn_args_read(&args, env, info);
    descriptor = sn_object_of(&args, &class);
    if (!descriptor) {
        return NULL;
    }
    fd = descriptor->fd;
    descriptor->fd = -1;
    sn_object_close(&descriptor->object);
    return sn_int(env, fd);
}

static napi_value close_now(napi_env env, napi_callback_info info) {
    struct sn_descriptor *descriptor;
    struct sn_args args;

    sn_args_read(&args, env, info);
    descriptor = sn_object_of(&args, &class);
    if (descriptor) {
        sn_object_close(&descriptor->object);
    }
    return NULL;
}

bool sn_descriptor_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {{"get", get}, {"take", take}, {"close", close_now}};

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
