/* SPDX-License-Identifier: MIT */
/* batch.h - the input of many streams told with one call, and their output taken with none. */

#ifndef SN_BATCH_H
#define SN_BATCH_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SN_BATCH_PIECE 2048       /* bytes: input that is larger gets a buffer of its own */
#define SN_NO_SLOT     UINT32_MAX /* an event whose stream was closed since */

struct sn_env;
struct sn_stream;

/*
 * What lib/batch.js and this side see alike: numbers that say what is in it, which input waits, and
 * what JavaScript has written while it was told of input. Streams are called by number (slot).
 */
struct sn_batch {
    uint32_t *words; /* laid out as batch.c says; NULL until setBatch() */
    char *outbox;
    unsigned char *detours; /* by slot: 1 when output must not go by the outbox */
    size_t n_detours;
    napi_ref words_ref, outbox_ref, detours_ref;
    napi_async_context context;
    uint32_t n_events;
    char *input; /* theirs, until it is told */
    size_t n_input;
    struct sn_batch_slot {
        struct sn_stream *stream; /* NULL: free */
        uint32_t next;            /* then: the next free one */
    } * slots;
    uint32_t n_slots, n_made, free;
    bool has_failed; /* output that was collected, of one at least */
};

void sn_batch_init(struct sn_batch *batch);
void sn_batch_deinit(struct sn_batch *batch);

/* A stream's number; SN_NO_SLOT when there is no memory. */
uint32_t sn_batch_take_slot(struct sn_env *own, struct sn_stream *stream);
/* What waits of it is forgotten. */
void sn_batch_free_slot(struct sn_env *own, uint32_t slot);

/* Whether what is written to the stream next must be handed over at once. */
void sn_batch_set_detour(struct sn_env *own, uint32_t slot, bool is_set);

/*
 * Copies input (at most SN_BATCH_PIECE bytes) to where it waits to be told; then
 * sn_batch_deliver_full() is to be called. False, and nothing was taken, when there is no memory.
 */
bool sn_batch_add(struct sn_env *own, uint32_t slot, const void *data, size_t size);

/* Whether input of it waits to be told. */
bool sn_batch_has_input(struct sn_env *own, uint32_t slot);

/* Tells what waits, if anything does. */
void sn_batch_deliver(struct sn_env *own);
/* The same when there is no room for more. */
void sn_batch_deliver_full(struct sn_env *own);

/* Tells of input at `offset` of a buffer, behind what waits. */
void sn_batch_tell(struct sn_env *own, uint32_t slot, napi_value buffer, size_t offset,
                   size_t size);

/* Hands on what JavaScript has written. Calls nothing of JavaScript's: sn_batch_report() does. */
void sn_batch_send(struct sn_env *own);
/* Tells the streams whose output could not be handed on. */
void sn_batch_report(struct sn_env *own);

/* stream.c: sends or queues; what is queued then, or a negative errno. */
ssize_t sn_stream_give(struct sn_stream *stream, const char *data, size_t size);
/* Output that was collected is lost: with that error the stream fails from here on. */
void sn_stream_fail(struct sn_stream *stream, int error);
/* Tells that, if it did and was not closed since. */
void sn_stream_report(struct sn_stream *stream);

/* batchInput(): a Buffer of the input that is being told, when somebody took its memory away */
napi_value sn_batch_input(napi_env env, napi_callback_info info);
/* setBatch(words, outbox, detours): again with larger `detours` as slots need it. */
napi_value sn_batch_set(napi_env env, napi_callback_info info);
/* sendBatch() */
napi_value sn_batch_send_now(napi_env env, napi_callback_info info);

#endif
