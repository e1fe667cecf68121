/* SPDX-License-Identifier: MIT */
/* fuzz-event-stream.c - any bytes as server-sent events. The first byte picks how they are cut. */

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/event-stream.h"

#define MAX_EVENT 300

/* All that is read of a stream, so that two readings can be compared. */
struct reading {
    struct sp_buffer text;
    int result;
};

static void note(struct reading *reading, const char *text, size_t size) {
    sp_assert(sp_buffer_append(&reading->text, text, size, SIZE_MAX / 2) == 0);
    sp_assert(sp_buffer_append(&reading->text, "|", 1, SIZE_MAX / 2) == 0);
}

static void note_event(struct reading *reading, const struct sp_event *event) {
    sp_assert(event->data[event->n_data] == '\0' && event->n_data < MAX_EVENT);
    sp_assert(event->type[0] != '\0');
    note(reading, event->type, strlen(event->type));
    note(reading, event->data, event->n_data);
    note(reading, event->id, strlen(event->id));
}

static struct reading read_in_pieces(const char *data, size_t size, size_t step) {
    struct sp_event_reader reader = {.max_size = MAX_EVENT};
    struct reading reading = {0};
    size_t at = 0;

    while (at < size && reading.result >= 0) {
        size_t n = size - at < step ? size - at : step, used;
        struct sp_event event;

        reading.result = sp_event_read(&reader, data + at, n, &used, &event);
        sp_assert(used <= n && (reading.result != 0 || used == n));
        at += used;
        if (reading.result == 1) {
            note_event(&reading, &event);
        }
    }
    note(&reading, reader.has_retry ? (const char *)&reader.retry_ms : "",
         reader.has_retry ? sizeof(reader.retry_ms) : 0);
    sp_event_reader_deinit(&reader);
    return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reading whole, cut;

    if (size == 0) {
        return 0;
    }
    whole = read_in_pieces((const char *)data + 1, size - 1, size);
    cut = read_in_pieces((const char *)data + 1, size - 1, 1 + data[0] % 16);
    sp_assert((whole.result < 0) == (cut.result < 0));
    sp_assert(sp_buffer_size(&whole.text) == sp_buffer_size(&cut.text));
    sp_assert(memcmp(sp_buffer_bytes(&whole.text), sp_buffer_bytes(&cut.text),
                     sp_buffer_size(&whole.text)) == 0);
    sp_buffer_deinit(&whole.text);
    sp_buffer_deinit(&cut.text);
    return 0;
}
