/* SPDX-License-Identifier: MIT */
/* object.c - a C object behind a JavaScript one: its life, and what keeps the process alive. */

#include "object.h"

#include <errno.h>
#include <stdlib.h>

#define METHODS_MAX 24

void sn_object_set_active(struct sn_object *object, bool is_active) {
    if (object->is_active == is_active || !object->own) {
        return;
    }
    object->is_active = is_active;
    if (is_active) {
        napi_reference_ref(object->own->env, object->self, NULL);
    } else {
        napi_reference_unref(object->own->env, object->self, NULL);
    }
    if (!object->is_unrefd) {
        (is_active ? sn_env_ref : sn_env_unref)(object->own);
    }
}

void sn_object_set_ref(struct sn_object *object, bool is_refd) {
    if (object->is_unrefd != is_refd) {
        return;
    }
    object->is_unrefd = !is_refd;
    if (object->is_active && object->own) {
        (is_refd ? sn_env_ref : sn_env_unref)(object->own);
    }
}

void sn_object_close(struct sn_object *object) {
    if (object->is_closed) {
        return;
    }
    object->is_closed = true;
    object->class->close(object);
    if (object->own) {
        sn_env_remove(object->own, object);
    }
    sn_object_set_active(object, false);
}

static void on_collected(napi_env env, void *data, void *hint) {
    struct sn_object *object = data;

    (void)hint;
    sn_object_close(object);
    napi_async_destroy(env, object->context);
    napi_delete_reference(env, object->self);
    free(object);
}

bool sn_object_wrap(struct sn_object *object, const struct sn_class *class,
                    const struct sn_args *args) {
    object->class = class;
    object->own = sn_env_of(args->env);
    if (napi_wrap(args->env, args->this_value, object, on_collected, NULL, &object->self)) {
        class->close(object); /* a worker that is being ended wraps nothing any more */
        free(object);
        return sn_fail_type(args->env, "this", "a new object of the class");
    }
    sn_env_add(object->own, object);
    if (napi_async_init(args->env, args->this_value, sn_string(args->env, class->name),
                        &object->context)) {
        sn_object_close(object); /* and freed when it is collected */
        return sn_fail_type(args->env, "this", "a new object of the class");
    }
    return true;
}

void *sn_object_of(const struct sn_args *args, const struct sn_class *class) {
    void *data = NULL;

    if (napi_unwrap(args->env, args->this_value, &data) != napi_ok || !data ||
        ((struct sn_object *)data)->class != class) {
        sn_fail_type(args->env, "this", class->name);
        return NULL;
    }
    return data;
}

napi_value sn_object_value(const struct sn_object *object) {
    napi_value value = NULL;

    napi_get_reference_value(object->own->env, object->self, &value);
    return value;
}

napi_value sn_object_tell(struct sn_object *object, enum sn_callback callback, size_t n,
                          const napi_value *arguments) {
    struct sn_env *own = object->own;
    napi_value function = NULL;

    if (!own || own->is_ending || !own->callbacks[callback]) {
        return NULL;
    }
    napi_get_reference_value(own->env, own->callbacks[callback], &function);
    return sn_env_call(own, object->context, sn_object_value(object), function, n, arguments);
}

napi_value sn_object_call_close(napi_env env, napi_callback_info info) {
    struct sn_object *object;
    struct sn_args args;

    sn_args_read(&args, env, info);
    object = sn_object_of(&args, args.data);
    if (object) {
        sn_object_close(object);
    }
    return NULL;
}

napi_value sn_object_call_set_ref(napi_env env, napi_callback_info info) {
    struct sn_object *object;
    struct sn_args args;
    bool is_refd;

    sn_args_read(&args, env, info);
    object = sn_object_of(&args, args.data);
    if (object && sn_get_bool(env, args.v[0], "ref", &is_refd)) {
        sn_object_set_ref(object, is_refd);
    }
    return NULL;
}

bool sn_object_define(napi_env env, napi_value exports, const struct sn_class *class,
                      napi_callback constructor, const struct sn_method *methods, size_t n) {
    napi_property_descriptor properties[METHODS_MAX] = {0};
    napi_value made;

    for (size_t i = 0; i < n && i < METHODS_MAX; i++) {
        properties[i].utf8name = methods[i].name;
        properties[i].method = methods[i].call;
        properties[i].attributes = napi_writable | napi_configurable;
        properties[i].data = (void *)class;
    }
    if (napi_define_class(env, class->name, NAPI_AUTO_LENGTH, constructor, NULL, n, properties,
                          &made)) {
        return false;
    }
    sn_set(env, exports, class->name, made);
    return true;
}
