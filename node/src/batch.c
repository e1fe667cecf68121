/* SPDX-License-Identifier: MIT */
/* batch.c - the input of many streams told with one call, and their output taken with none. */

#include "batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "env.h"
#include "value.h"

/* Of `words`; lib/batch.js has the same numbers. */
enum {
    N_EVENTS,      /* input that waits, or is being told */
    NEXT,          /* the event that JavaScript looks at next */
    N_OUT,         /* what it has written: so many entries */
    N_OUT_BYTES,   /* in so many bytes of the outbox */
    IS_COLLECTING, /* 1: it may write there */
    EVENTS = 8,    /* slot, offset, size of each */
    MAX_EVENTS = 256,
    OUT = EVENTS + 3 * MAX_EVENTS, /* slot, size of each */
    MAX_OUT = 256,
    N_WORDS = OUT + 2 * MAX_OUT
};

#define OUTBOX 65536
#define INPUT  16384 /* as much as a chunk that is kept may hold on to */

/* ---- slots ----------------------------------------------------------------------------------- */

void sn_batch_init(struct sn_batch *batch) {
    batch->free = SN_NO_SLOT;
}

void sn_batch_deinit(struct sn_batch *batch) {
    free(batch->slots);
    free(batch->input);
    batch->slots = NULL;
    batch->input = NULL;
    batch->n_slots = batch->n_made = 0;
}

static bool grow(struct sn_batch *batch) {
    uint32_t n = batch->n_slots ? 2 * batch->n_slots : 64;
    struct sn_batch_slot *slots;

    if (batch->n_made < batch->n_slots) {
        return true;
    }
    slots = n <= INT32_MAX / sizeof(*slots) ? realloc(batch->slots, n * sizeof(*slots)) : NULL;
    if (!slots) {
        return false;
    }
    batch->slots = slots;
    batch->n_slots = n;
    return true;
}

uint32_t sn_batch_take_slot(struct sn_env *own, struct sn_stream *stream) {
    struct sn_batch *batch = &own->batch;
    uint32_t slot = batch->free;

    if (slot != SN_NO_SLOT) {
        batch->free = batch->slots[slot].next;
    } else if (grow(batch)) {
        slot = batch->n_made++;
    } else {
        return SN_NO_SLOT;
    }
    batch->slots[slot].stream = stream;
    sn_batch_set_detour(own, slot, false);
    return slot;
}

void sn_batch_free_slot(struct sn_env *own, uint32_t slot) {
    struct sn_batch *batch = &own->batch;

    for (uint32_t i = 0; i < batch->n_events; i++) {
        if (batch->words[EVENTS + 3 * i] == slot) {
            batch->words[EVENTS + 3 * i] = SN_NO_SLOT;
        }
    }
    batch->slots[slot] = (struct sn_batch_slot){.next = batch->free};
    batch->free = slot;
}

void sn_batch_set_detour(struct sn_env *own, uint32_t slot, bool is_set) {
    if (slot < own->batch.n_detours) {
        own->batch.detours[slot] = is_set;
    }
}

/* ---- input ----------------------------------------------------------------------------------- */

/*
 * Calls JavaScript until it has seen every event: what one of them throws becomes an
 * uncaughtException, and the others follow. What is written meanwhile leaves at the end.
 */
static void tell(struct sn_env *own, napi_value buffer, size_t offset) {
    struct sn_batch *batch = &own->batch;
    uint32_t n = batch->n_events, next;
    napi_value arguments[] = {buffer, sn_int(own->env, (int64_t)offset), sn_int(own->env, n)};
    napi_value function = NULL, words = NULL;

    napi_get_reference_value(own->env, own->callbacks[SN_STREAM_DATA], &function);
    napi_get_reference_value(own->env, batch->words_ref, &words);
    batch->words[N_EVENTS] = n;
    batch->words[NEXT] = 0;
    do {
        next = batch->words[NEXT];
        batch->words[IS_COLLECTING] = 1;
        sn_env_call(own, batch->context, words, function, 3, arguments);
        batch->words[IS_COLLECTING] = 0;
        sn_batch_send(own);
    } while (batch->words[NEXT] < n && batch->words[NEXT] > next && !own->is_ending);
    batch->words[N_EVENTS] = batch->words[NEXT] = batch->n_events = 0;
}

void sn_batch_deliver(struct sn_env *own) {
    struct sn_batch *batch = &own->batch;
    napi_value buffer;
    size_t offset;

    if (batch->n_events == 0) {
        return;
    }
    if (sn_env_store(own, batch->input, batch->n_input, &buffer, &offset)) {
        tell(own, buffer, offset);
    } else {
        batch->words[N_EVENTS] = batch->n_events = 0; /* no memory: nothing can be told of it */
    }
    batch->n_input = 0;
}

static void note(struct sn_batch *batch, uint32_t slot, size_t offset, size_t size) {
    uint32_t *event = &batch->words[EVENTS + 3 * batch->n_events++];

    event[0] = slot;
    event[1] = (uint32_t)offset;
    event[2] = (uint32_t)size;
    batch->words[N_EVENTS] = batch->n_events;
}

bool sn_batch_add(struct sn_env *own, uint32_t slot, const void *data, size_t size) {
    struct sn_batch *batch = &own->batch;

    if (!batch->input) {
        batch->input = batch->words ? malloc(INPUT) : NULL;
    }
    if (!batch->input) {
        return false;
    }
    memcpy(batch->input + batch->n_input, data, size);
    note(batch, slot, batch->n_input, size);
    batch->n_input += (size + 7) & ~(size_t)7; /* a multiple of 8 can be any typed array */
    return true;
}

void sn_batch_deliver_full(struct sn_env *own) {
    const struct sn_batch *batch = &own->batch;

    if (batch->n_events == MAX_EVENTS || INPUT - batch->n_input < SN_BATCH_PIECE) {
        sn_batch_deliver(own);
    }
}

bool sn_batch_has_input(struct sn_env *own, uint32_t slot) {
    const struct sn_batch *batch = &own->batch;
    uint32_t i = batch->n_events > 0 ? batch->words[NEXT] : 0;

    while (i < batch->n_events && batch->words[EVENTS + 3 * i] != slot) {
        i++;
    }
    return i < batch->n_events;
}

void sn_batch_tell(struct sn_env *own, uint32_t slot, napi_value buffer, size_t offset,
                   size_t size) {
    sn_batch_deliver(own);
    if (own->batch.words) {
        note(&own->batch, slot, 0, size);
        tell(own, buffer, offset);
    }
}

napi_value sn_batch_input(napi_env env, napi_callback_info info) {
    const struct sn_batch *batch = &sn_env_of(env)->batch;
    napi_value buffer = NULL;

    (void)info;
    napi_create_buffer_copy(env, batch->n_input, batch->input, NULL, &buffer);
    return buffer;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void give(struct sn_batch *batch, struct sn_stream *stream, const char *data, size_t size) {
    ssize_t n = sn_stream_give(stream, data, size);

    if (n < 0) {
        sn_stream_fail(stream, (int)n);
        batch->has_failed = true;
    }
}

void sn_batch_send(struct sn_env *own) {
    struct sn_batch *batch = &own->batch;
    const char *at = batch->outbox;
    size_t left = OUTBOX;
    uint32_t n;

    if (!batch->words || batch->words[N_OUT] == 0) {
        return;
    }
    n = batch->words[N_OUT] < MAX_OUT ? batch->words[N_OUT] : MAX_OUT;
    batch->words[N_OUT] = batch->words[N_OUT_BYTES] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = batch->words[OUT + 2 * i], size = batch->words[OUT + 2 * i + 1];

        if (size > left) {
            return;
        }
        if (slot < batch->n_made && batch->slots[slot].stream) {
            give(batch, batch->slots[slot].stream, at, size);
        }
        at += size;
        left -= size;
    }
}

void sn_batch_report(struct sn_env *own) {
    struct sn_batch *batch = &own->batch;
    bool has_failed = batch->has_failed;

    batch->has_failed = false;
    for (uint32_t i = 0; has_failed && i < batch->n_made; i++) {
        if (batch->slots[i].stream) {
            sn_stream_report(batch->slots[i].stream);
        }
    }
}

napi_value sn_batch_send_now(napi_env env, napi_callback_info info) {
    (void)info;
    sn_batch_send(sn_env_of(env));
    return NULL;
}

/* ---- what is shared -------------------------------------------------------------------------- */

napi_value sn_batch_set(napi_env env, napi_callback_info info) {
    struct sn_batch *batch = &sn_env_of(env)->batch;
    const void *words, *outbox, *detours;
    size_t n_words, n_outbox, n_detours;
    struct sn_args args;

    sn_args_read(&args, env, info);
    if (!sn_get_bytes(env, args.v[0], "words", &words, &n_words) ||
        !sn_get_bytes(env, args.v[1], "outbox", &outbox, &n_outbox) ||
        !sn_get_bytes(env, args.v[2], "detours", &detours, &n_detours)) {
        return NULL;
    }
    if (n_words < N_WORDS * sizeof(uint32_t) || n_outbox < OUTBOX) {
        sn_fail_range(env, "words", "as large as batch.c says");
        return NULL;
    }
    if (!batch->context &&
        napi_async_init(env, NULL, sn_string(env, "SUNPATHBATCH"), &batch->context) != napi_ok) {
        return NULL;
    }
    if (sn_value_hold(env, args.v[0], &batch->words_ref) &&
        sn_value_hold(env, args.v[1], &batch->outbox_ref) &&
        sn_value_hold(env, args.v[2], &batch->detours_ref)) {
        batch->words = (uint32_t *)words;
        batch->outbox = (char *)outbox;
        batch->detours = (unsigned char *)detours;
        batch->n_detours = n_detours;
    }
    return NULL;
}
