/* SPDX-License-Identifier: MIT */
/* object.h - a C object behind a JavaScript one: its life, and what keeps the process alive. */

#ifndef SN_OBJECT_H
#define SN_OBJECT_H

#include "env.h"
#include "value.h"

/*
 * First member of every object that a class of ours wraps. While it is active (it reads, listens,
 * has output to send) it holds its JavaScript object; else that may be collected, and what the
 * object owns is closed then. An active object also keeps the process alive, unless it was unref'd.
 */
struct sn_object {
    const struct sn_class *class;
    struct sn_env *own; /* NULL once the environment has ended */
    napi_ref self;
    napi_async_context context; /* that in which it was made: AsyncLocalStorage, async_hooks */
    struct sn_object *next, *previous; /* those of the environment */
    bool is_active, is_unrefd, is_closed;
};

struct sn_class {
    const char *name;
    /* Called once: by sn_object_close(), when it is collected, or when its environment ends. */
    void (*close)(struct sn_object *object);
};

/*
 * For a constructor: ties `object` (all zero beyond its own fields, malloc'd, and owned from here
 * on) to the `this` of the call. False with an error thrown, and `object` closed.
 */
bool sn_object_wrap(struct sn_object *object, const struct sn_class *class,
                    const struct sn_args *args);

/* The object behind `this`, or NULL with a TypeError thrown when it is none of that class. */
void *sn_object_of(const struct sn_args *args, const struct sn_class *class);

void sn_object_set_active(struct sn_object *object, bool is_active);
void sn_object_set_ref(struct sn_object *object, bool is_refd);
void sn_object_close(struct sn_object *object);

/* The JavaScript object; NULL when it is gone. */
napi_value sn_object_value(const struct sn_object *object);

/* Calls one of lib/'s functions with the object as `this`: see sn_env_call(). */
napi_value sn_object_tell(struct sn_object *object, enum sn_callback callback, size_t n,
                          const napi_value *arguments);

struct sn_method {
    const char *name;
    napi_callback call;
};

/* What many classes have: close(), and setRef(isRefd), whether it keeps the process alive. */
napi_value sn_object_call_close(napi_env env, napi_callback_info info);
napi_value sn_object_call_set_ref(napi_env env, napi_callback_info info);

/* Adds the class, which sn_args.data of its methods points to; false with an error thrown. */
bool sn_object_define(napi_env env, napi_value exports, const struct sn_class *class,
                      napi_callback constructor, const struct sn_method *methods, size_t n);

#endif
