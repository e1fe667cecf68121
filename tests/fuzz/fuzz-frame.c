/* SPDX-License-Identifier: MIT */
/* fuzz-frame.c - any bytes as messages. Byte 0 picks the framing, byte 1 the cuts and the limit. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/frame.h>

#include "base/cleanup.h"

/* What came out of a stream: each message, as a frame of eight bytes of length and the message. */
struct outcome {
    char *content;
    size_t n_content;
    uint64_t n_messages;
    int result;
};

static void keep(struct outcome *out, const struct sunpath_frame *frame) {
    out->content = realloc(out->content, out->n_content + 8 + frame->size);
    sp_assert(out->content);
    memcpy(out->content + out->n_content, &frame->size, 8);
    memcpy(out->content + out->n_content + 8, frame->data, frame->size);
    out->n_content += 8 + frame->size;
}

/* Reads all that is whole; returns how much that was. */
static size_t read_all(struct outcome *out, struct sunpath_frame_reader *reader, const char *data,
                       size_t size) {
    struct sunpath_error error = {0};
    struct sunpath_frame frame;
    size_t at = 0;

    while ((out->result = sunpath_frame_read(reader, data + at, size - at, &frame, &error)) > 0) {
        sp_assert(frame.n_frame > 0 && frame.n_frame <= size - at);
        sp_assert(frame.data >= data + at);
        sp_assert(frame.data + frame.size <= data + at + frame.n_frame);
        sp_assert(frame.size <= reader->max_message && !frame.is_unterminated);
        keep(out, &frame);
        at += frame.n_frame;
    }
    sp_assert(out->result == 0 || error.text[0]);
    sp_assert(out->result < 0 || reader->n_wanted == 0 || reader->n_wanted > size - at);
    sp_assert(reader->n_wanted <= reader->max_message + SUNPATH_FRAME_HEADERS_MAX + 1);
    return at;
}

/* Reads the stream in pieces of `n_each` bytes, each time in memory of exactly the size. */
static struct outcome read_stream(struct sunpath_frame_reader reader, const char *data, size_t size,
                                  size_t n_each) {
    struct outcome out = {0};
    size_t at = 0, given = n_each < size ? n_each : size;
    struct sunpath_frame frame;

    for (;;) {
        char *copy = malloc(given - at ? given - at : 1);

        sp_assert(copy);
        memcpy(copy, data + at, given - at);
        at += read_all(&out, &reader, copy, given - at);
        free(copy);
        if (out.result < 0 || given == size) {
            break;
        }
        given = size - given > n_each ? given + n_each : size;
    }
    if (out.result == 0) {
        out.result = sunpath_frame_end(&reader, data + at, size - at, &frame, NULL);
    }
    if (out.result > 0) {
        sp_assert(frame.is_unterminated && frame.size == size - at);
        keep(&out, &frame);
    }
    out.n_messages = reader.n_messages;
    return out;
}

static void check_same(const struct outcome *a, const struct outcome *b) {
    sp_assert(a->result == b->result && a->n_messages == b->n_messages);
    sp_assert(a->n_content == b->n_content);
    sp_assert(a->n_content == 0 || memcmp(a->content, b->content, a->n_content) == 0);
}

static size_t put(char *to, const char *from, size_t size) {
    memcpy(to, from, size);
    return size;
}

/* The messages, written again, read the same. */
static void check_written(const struct sunpath_frame_reader *reader, const struct outcome *got) {
    size_t room = got->n_content + got->n_messages * sizeof(struct sunpath_frame_envelope) + 1;
    char *again = malloc(room);
    struct outcome reread;
    size_t n = 0, size;

    sp_assert(again);
    for (size_t at = 0; at < got->n_content; at += 8 + size) {
        struct sunpath_frame_envelope envelope;
        int r;

        memcpy(&size, got->content + at, 8);
        r = sunpath_frame_wrap(&envelope, reader->framing, got->content + at + 8, size);
        sp_assert(r == 0);
        n += put(again + n, envelope.header, envelope.n_header);
        n += put(again + n, got->content + at + 8, size);
        n += put(again + n, envelope.trailer, envelope.n_trailer);
    }
    reread = read_stream(*reader, again, n, room);
    check_same(got, &reread);
    free(reread.content);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sunpath_frame_reader reader = {0};
    struct outcome whole, cut;

    if (size < 2) {
        return 0;
    }
    reader.framing = (enum sunpath_framing)(data[0] % SUNPATH_FRAME_CONTENT_LENGTH + 1);
    reader.max_message = data[1] % 2 ? 20 : 1 << 16;
    whole = read_stream(reader, (const char *)data + 2, size - 2, size);
    cut = read_stream(reader, (const char *)data + 2, size - 2, data[1] / 2 + 1u);
    check_same(&whole, &cut);
    reader.drop_cr = true;
    free(cut.content);
    cut = read_stream(reader, (const char *)data + 2, size - 2, data[1] / 2 + 1u);
    reader.drop_cr = false;
    if (whole.result == 0) {
        check_written(&reader, &whole);
    }
    free(whole.content);
    free(cut.content);
    return 0;
}
