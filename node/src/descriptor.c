/* SPDX-License-Identifier: MIT */
/* descriptor.c - a file descriptor that JavaScript owns: closed when asked, or when forgotten. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "addon.h"
#include "descriptor.h"
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

    if (!sn_args_read_new(&args, env, info) ||
        !sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return NULL;
    }
    descriptor = calloc(1, sizeof(*descriptor));
    if (!descriptor) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    descriptor->fd = (int)fd;
    sn_env_of(env)->fd_to_hold = -1;
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

bool sn_descriptor_read(napi_env env, napi_value value, struct sn_given_fd *ret) {
    struct sn_args args = {.env = env, .this_value = value};
    napi_valuetype type = napi_undefined;
    int64_t fd;

    napi_typeof(env, value, &type);
    ret->holder = NULL;
    if (type != napi_object) {
        if (!sn_get_int(env, value, "fd", 0, INT32_MAX, &fd)) {
            return false;
        }
        ret->fd = (int)fd;
        return true;
    }
    ret->holder = sn_object_of(&args, &class);
    if (!ret->holder) {
        return false;
    }
    ret->fd = ret->holder->fd;
    return ret->fd >= 0 || sn_fail_value(env, "fd", "is a Descriptor that is closed");
}

void sn_descriptor_taken(const struct sn_given_fd *given) {
    if (given->holder) {
        given->holder->fd = -1;
        sn_object_close(&given->holder->object);
    }
}

napi_value sn_descriptor_new(struct sn_env *own, int fd) {
    napi_value constructor = NULL, number = sn_int(own->env, fd), made = NULL;

    own->fd_to_hold = fd;
    napi_get_reference_value(own->env, own->descriptor_class, &constructor);
    if (constructor && napi_new_instance(own->env, constructor, 1, &number, &made) == napi_ok) {
        return made;
    }
    if (own->fd_to_hold >= 0) {
        close(own->fd_to_hold); /* else a Descriptor had it already when this failed */
    }
    own->fd_to_hold = -1;
    return NULL;
}

bool sn_descriptor_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"get", get}, {"take", take}, {"close", sn_object_call_close}};
    napi_value constructor;

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods)) &&
           napi_get_named_property(env, exports, class.name, &constructor) == napi_ok &&
           napi_create_reference(env, constructor, 1, &sn_env_of(env)->descriptor_class) == napi_ok;
}
