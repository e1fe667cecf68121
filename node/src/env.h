/* SPDX-License-Identifier: MIT */
/* env.h - what one JavaScript environment (the main thread, or a worker) has of ours. */

#ifndef SN_ENV_H
#define SN_ENV_H

#include <node_api.h>
#include <uv.h>

#include <sunpath/loop.h>

#include "batch.h"
#include "http-quick.h"

struct sn_http_table;
struct sn_object;

/* The functions of lib/ that the addon calls: setCallbacks(), an array in this order. */
enum sn_callback {
    SN_STREAM_DATA,     /* (buffer, offset, nEvents): batch.h */
    SN_STREAM_END,      /* (), this: the Stream */
    SN_STREAM_DRAIN,    /* () */
    SN_STREAM_ERROR,    /* (error) */
    SN_LISTENER_ACCEPT, /* (fd), this: the Listener */
    SN_HTTP_REQUEST,    /* (head, when it is not in memory), this: the HttpServer; http-quick.h */
    SN_HTTP_EVENT,      /* (exchange, event, value) */
    SN_CHANNEL_MESSAGE, /* (buffer, offset, size[, fds, sender, credentials]), this: the Channel */
    SN_CHANNEL_LOST,    /* (error) */
    SN_CHANNEL_END,     /* () */
    SN_CHANNEL_DRAIN,   /* () */
    SN_CHANNEL_SENT,    /* (errno) */
    SN_CHANNEL_CLOSE,   /* (error or undefined) */
    SN_N_CALLBACKS
};

/*
 * A loop of ours inside the environment's libuv loop, and what is on it. Calls into the library
 * mark the environment dirty: then one turn of our loop runs before libuv sleeps, and everything
 * that JavaScript wrote in one turn of its own leaves together.
 */
struct sn_env {
    napi_env env;
    struct sunpath_loop *loop; /* NULL until sn_env_loop() made it */
    uv_loop_t *uv;
    uv_poll_t poll;
    uv_prepare_t prepare;
    napi_ref descriptor_class;
    int fd_to_hold; /* what sn_descriptor_new() has and no Descriptor owns yet; -1: nothing */
    napi_async_cleanup_hook_handle hook;
    struct sn_object *objects;
    struct sn_http_table *http; /* http-exchange.c's; NULL at first */
    struct sn_batch batch;
    struct sn_http_quick http_quick;
    napi_ref callbacks[SN_N_CALLBACKS];
    napi_ref slab;  /* where the next input is copied: see sn_env_store() */
    napi_ref large; /* a buffer that waits to be used: see sn_env_large() */
    size_t slab_used;
    int n_open; /* what its end must wait for: handles, and work in other threads */
    int n_refs; /* what keeps the process alive */
    bool is_dispatching;
    bool is_ending; /* no JavaScript is called any more */
};

/* Made when the addon is loaded. 0 or a negative errno. */
int sn_env_open(napi_env env);
struct sn_env *sn_env_of(napi_env env);

/* The loop, made with the first call; NULL with an error thrown. */
struct sunpath_loop *sn_env_loop(struct sn_env *own);

/* After every call that may have left work to the loop, unless it was made inside a dispatch. */
void sn_env_touch(struct sn_env *own);

/* Counted: while any is held the process does not end by itself. */
void sn_env_ref(struct sn_env *own);
void sn_env_unref(struct sn_env *own);

void sn_env_add(struct sn_env *own, struct sn_object *object);
void sn_env_remove(struct sn_env *own, struct sn_object *object);

/*
 * Calls into JavaScript from the loop, with the ticks and promises of each call behind it. What it
 * throws becomes an uncaughtException, as with Node's own callbacks. Returns NULL then, and when
 * the environment is ending. `context` may be NULL inside a callback scope.
 */
napi_value sn_env_call(struct sn_env *own, napi_async_context context, napi_value this_value,
                       napi_value function, size_t n, const napi_value *arguments);

/*
 * Copies `size` bytes to where JavaScript can have them: *ret is a Buffer, and they are at
 * *ret_offset. Small ones share it. False when there is no memory.
 */
bool sn_env_store(struct sn_env *own, const void *data, size_t size, napi_value *ret,
                  size_t *ret_offset);

/* A Buffer of `size` bytes to read to; the same again until it is said to be used. */
bool sn_env_large(struct sn_env *own, size_t size, napi_value *ret, void **ret_data);
void sn_env_large_used(struct sn_env *own);

/* Work in another thread begins, and has ended: the environment's end waits for it. */
void sn_env_hold(struct sn_env *own);
void sn_env_release(struct sn_env *own);

#endif
