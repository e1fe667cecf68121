/* SPDX-License-Identifier: MIT */
/* value.h - JavaScript values and C ones: arguments, options, bytes, and errors that are thrown. */

#ifndef SN_VALUE_H
#define SN_VALUE_H

#include <node_api.h>

#include <sunpath/base.h>

#define SN_ARGS_MAX      8
#define SN_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f)     __attribute__((cleanup(f)))

/* lib/ checks every argument and says best what is wrong. Here nothing is trusted, all the same. */

/*
 * What a call was given. Getters named sn_get_x and sn_option_x return true, or false with a
 * TypeError or RangeError of Node's codes pending: return NULL to JavaScript at once.
 */
struct sn_args {
    napi_env env;
    napi_value this_value;
    const void *data; /* what the function was made with */
    size_t n;
    napi_value v[SN_ARGS_MAX]; /* undefined from n on */
};

void sn_args_read(struct sn_args *ret, napi_env env, napi_callback_info info);
/* Those of a constructor; false with an error thrown when it was called without `new`. */
bool sn_args_read_new(struct sn_args *ret, napi_env env, napi_callback_info info);

/* For _cleanup_(sn_freep): strings that sn_get_string() made. */
void sn_freep(void *pointer);

/* undefined and null are the same here: not given. */
bool sn_is_given(napi_env env, napi_value value);
bool sn_is_function(napi_env env, napi_value value);

/* *ret is malloc'd UTF-8, without a NUL inside. */
bool sn_get_string(napi_env env, napi_value value, const char *name, char **ret);
bool sn_get_int(napi_env env, napi_value value, const char *name, int64_t min, int64_t max,
                int64_t *ret);
bool sn_get_bool(napi_env env, napi_value value, const char *name, bool *ret);
/* A Buffer, any other typed array or a DataView; the bytes are JavaScript's. */
bool sn_get_bytes(napi_env env, napi_value value, const char *name, const void **ret_data,
                  size_t *ret_size);

/* Holds the value by *ref, in place of what that held. */
bool sn_value_hold(napi_env env, napi_value value, napi_ref *ref);

/* The option `name` of the object `options` (or undefined); *ret is untouched when not given. */
bool sn_option(napi_env env, napi_value options, const char *name, napi_value *ret);
bool sn_option_string(napi_env env, napi_value options, const char *name, char **ret);
bool sn_option_int(napi_env env, napi_value options, const char *name, int64_t min, int64_t max,
                   int64_t *ret);
bool sn_option_bool(napi_env env, napi_value options, const char *name, bool *ret);

/* ---- values made ----------------------------------------------------------------------------- */

napi_value sn_undefined(napi_env env);
napi_value sn_int(napi_env env, int64_t value);
napi_value sn_bool(napi_env env, bool value);
napi_value sn_string(napi_env env, const char *text);
napi_value sn_string_n(napi_env env, const char *text, size_t size);
napi_value sn_object(napi_env env);
void sn_set(napi_env env, napi_value object, const char *name, napi_value value);

/* ---- errors ---------------------------------------------------------------------------------- */

/* "ECONNREFUSED" for -ECONNREFUSED. */
const char *sn_errno_name(int code, char buffer[static 32]);

/*
 * The Error for the negative errno `code`: code, errno, syscall and, unless NULL, path or address
 * (which of the two the text itself tells). With `error` its sentence is the message, its step the
 * syscall and its reason the hint.
 */
napi_value sn_make_error(napi_env env, int code, const char *syscall, const char *address,
                         const struct sunpath_error *error);

/* Throws it. Return NULL to JavaScript: `return sn_fail(...)`. */
napi_value sn_fail(napi_env env, int code, const char *syscall, const char *address,
                   const struct sunpath_error *error);

/* Throw with one of Node's codes; false, so that getters can return it. */
bool sn_fail_type(napi_env env, const char *name, const char *expected);
bool sn_fail_range(napi_env env, const char *name, const char *expected);
bool sn_fail_value(napi_env env, const char *name, const char *why);

#endif
