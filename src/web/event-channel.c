/* SPDX-License-Identifier: MIT */
/* event-channel.c - server-sent events to many clients, with a memory for those who come back. */

#include "web/event-stream.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/text.h"
#include "wire/event-stream.h"

#define ID_ROOM 48

/* One event, as it goes out. */
struct published {
    struct sp_list node;
    uint64_t number;
    size_t size;
    char text[];
};

struct sunpath_event_channel {
    struct sp_list subscribers; /* struct sunpath_event_stream */
    size_t max_history, max_history_bytes;
    struct sp_list history; /* struct published, the oldest first */
    size_t n_history, n_history_bytes;
    uint64_t n_published;
    /* In every id, so that what another process has numbered is not taken for ours. */
    uint64_t origin;
};

/* ---- history --------------------------------------------------------------------------------- */

static void forget(struct sunpath_event_channel *channel, size_t max, size_t max_bytes) {
    while (channel->n_history > max || channel->n_history_bytes > max_bytes) {
        struct published *oldest =
            sp_container_of(sp_list_pop(&channel->history), struct published, node);

        channel->n_history--;
        channel->n_history_bytes -= oldest->size;
        free(oldest);
    }
}

/* Takes `event`, or frees it when nothing is to be remembered. */
static void remember(struct sunpath_event_channel *channel, struct published *event) {
    sp_list_append(&channel->history, &event->node);
    channel->n_history++;
    channel->n_history_bytes += event->size;
    forget(channel, channel->max_history, channel->max_history_bytes);
}

/* The number in an id of ours. */
static bool read_id(const struct sunpath_event_channel *channel, const char *id, uint64_t *ret) {
    char origin[ID_ROOM];
    int n = snprintf(origin, sizeof(origin), "%" PRIx64 "-", channel->origin);

    return strncmp(id, origin, (size_t)n) == 0 &&
           sp_parse_number(ret, id + n, strlen(id + n), channel->n_published);
}

/* Is every event behind this number remembered? */
static bool is_complete_from(const struct sunpath_event_channel *channel, uint64_t number) {
    return number + channel->n_history >= channel->n_published;
}

static int replay(const struct sunpath_event_channel *channel, struct sunpath_event_stream *stream,
                  uint64_t after) {
    const struct sp_list *each;
    int r = 0;

    for (each = channel->history.next; r >= 0 && each != &channel->history; each = each->next) {
        const struct published *event = sp_container_of(each, struct published, node);

        if (event->number > after) {
            r = sp_event_stream_send_text(stream, event->text, event->size);
        }
    }
    return r < 0 ? r : 0;
}

/* ---- subscribing and publishing -------------------------------------------------------------- */

int sunpath_event_channel_subscribe(struct sunpath_event_channel *channel,
                                    struct sunpath_event_stream *stream) {
    const char *id = sunpath_event_last_id(stream->exchange);
    bool has_gap = false;
    int r;

    if (!sp_list_is_empty(&stream->node)) {
        return -EALREADY;
    }
    if (id && *id) {
        uint64_t seen = 0;

        has_gap = !read_id(channel, id, &seen) || !is_complete_from(channel, seen);
        r = replay(channel, stream, has_gap ? 0 : seen);
        if (r < 0) {
            return r;
        }
    }
    sp_list_append(&channel->subscribers, &stream->node);
    return has_gap;
}

static struct published *format(const struct sunpath_event_channel *channel, const char *name,
                                const void *data, size_t size) {
    struct sp_event_text event = {.name = name, .data = data ? data : "", .n_data = size};
    uint64_t number = channel->n_published + 1;
    struct published *published;
    char id[ID_ROOM];

    snprintf(id, sizeof(id), "%" PRIx64 "-%" PRIu64, channel->origin, number);
    event.id = id;
    if (size > SIZE_MAX / 16) { /* each byte may become a line of its own */
        return NULL;
    }
    published = malloc(sizeof(*published) + sp_event_size(&event));
    if (published) {
        published->number = number;
        published->size = (size_t)(sp_event_put(published->text, &event) - published->text);
        sp_list_init(&published->node);
    }
    return published;
}

/* Moves who did not take it to `slow`. Nothing is called back here. Returns how many took it. */
static size_t send_to_all(struct sunpath_event_channel *channel, const struct published *event,
                          struct sp_list *slow) {
    struct sp_list *each, *next;
    size_t n_sent = 0;

    for (each = channel->subscribers.next; each != &channel->subscribers; each = next) {
        struct sunpath_event_stream *stream =
            sp_container_of(each, struct sunpath_event_stream, node);

        next = each->next;
        if (stream->is_muted) {
            continue;
        }
        if (sp_event_stream_send_text(stream, event->text, event->size) >= 0) {
            n_sent++;
            continue;
        }
        sp_list_remove(each);
        sp_list_append(slow, each);
    }
    return n_sent;
}

int sunpath_event_channel_publish(struct sunpath_event_channel *channel, const char *name,
                                  const void *data, size_t size) {
    struct published *event;
    struct sp_list slow, *each;
    size_t n_sent;

    if ((size > 0 && !data) || (name && !sp_event_is_field(name, strlen(name)))) {
        return -EINVAL;
    }
    event = format(channel, name, data, size);
    if (!event) {
        return -ENOMEM;
    }
    channel->n_published++;
    sp_list_init(&slow);
    n_sent = send_to_all(channel, event, &slow);
    remember(channel, event);
    /* From here on callbacks run, which may publish, and free the channel. */
    while ((each = sp_list_pop(&slow))) {
        sunpath_event_stream_drop(sp_container_of(each, struct sunpath_event_stream, node));
    }
    return n_sent > INT_MAX ? INT_MAX : (int)n_sent;
}

size_t sunpath_event_channel_n_subscribers(const struct sunpath_event_channel *channel) {
    const struct sp_list *each;
    size_t n = 0;

    for (each = channel->subscribers.next; each != &channel->subscribers; each = each->next) {
        n += !sp_container_of(each, const struct sunpath_event_stream, node)->is_muted;
    }
    return n;
}

/* ---- life ------------------------------------------------------------------------------------ */

int sunpath_event_channel_new(struct sunpath_event_channel **ret,
                              const struct sunpath_event_channel_options *given) {
    struct sunpath_event_channel_options options;
    struct sunpath_event_channel *channel;
    struct timespec now;
    int r;

    if (!ret) {
        return -EINVAL;
    }
    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0) {
        return r;
    }
    channel = calloc(1, sizeof(*channel));
    if (!channel) {
        return -ENOMEM;
    }
    sp_list_init(&channel->subscribers);
    sp_list_init(&channel->history);
    channel->max_history = options.max_history ? options.max_history : 256;
    channel->max_history = options.max_history == SIZE_MAX ? 0 : channel->max_history;
    channel->max_history_bytes = options.max_history_bytes ? options.max_history_bytes : 512 * 1024;
    clock_gettime(CLOCK_REALTIME, &now);
    channel->origin = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    *ret = channel;
    return 0;
}

struct sunpath_event_channel *sunpath_event_channel_free(struct sunpath_event_channel *channel) {
    struct sp_list *each;

    if (!channel) {
        return NULL;
    }
    while ((each = sp_list_pop(&channel->subscribers))) {
        sunpath_event_stream_close(sp_container_of(each, struct sunpath_event_stream, node));
    }
    forget(channel, 0, 0);
    free(channel);
    return NULL;
}
