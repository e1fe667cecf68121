/* SPDX-License-Identifier: MIT */
/*
 * fuzz-multipart.c - any bytes as a form. The first line is a Content-Type, the byte behind it says
 * how the rest is cut.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/media-type.h"
#include "wire/multipart.h"

#define ROOM 300

/* What came out: names, content and marks between them. Never more than went in, but for marks. */
struct outcome {
    char *text;
    size_t n_text, n_room;
    int result;
};

static void keep(struct outcome *out, const char *data, size_t size) {
    sp_assert(size <= out->n_room - out->n_text);
    memcpy(out->text + out->n_text, data, size);
    out->n_text += size;
}

static void keep_string(struct outcome *out, const char *text) {
    keep(out, text ? text : "", text ? strlen(text) + 1 : 0);
}

static void keep_event(struct outcome *out, const struct sp_multipart *multipart, int event,
                       struct sp_slice piece) {
    const char mark = (char)event;

    if (event == SP_MULTIPART_DATA) { /* where it was cut does not matter */
        sp_assert(piece.size > 0);
        keep(out, piece.data, piece.size);
        return;
    }
    keep(out, &mark, 1);
    if (event == SP_MULTIPART_PART) {
        sp_assert(multipart->part.name);
        keep_string(out, multipart->part.name);
        keep_string(out, multipart->part.filename);
        keep_string(out, multipart->part.type);
    }
}

static void give(struct outcome *out, struct sp_multipart *multipart, const char *data,
                 size_t size) {
    struct sp_slice piece = {NULL, 0};
    size_t at = 0, consumed;
    int r;

    do {
        r = sp_multipart_step(multipart, data + at, size - at, &consumed, &piece);
        sp_assert(consumed <= size - at);
        at += consumed;
        if (r > 0) {
            keep_event(out, multipart, r, piece);
        }
    } while (r > 0);
    sp_assert(r < 0 ? multipart->why != NULL : at == size);
    out->result = r;
}

/* Reads the form in steps of `n_each` bytes, each time in memory of exactly the size. */
static struct outcome read_form(const char *boundary, size_t n_boundary, const uint8_t *data,
                                size_t size, size_t n_each) {
    struct outcome out = {.n_room = 3 * size + 64};
    struct sp_multipart multipart;
    char *room = malloc(ROOM);

    out.text = malloc(out.n_room);
    sp_assert(out.text && room);
    sp_multipart_init(&multipart, boundary, n_boundary, room, ROOM, 5);
    for (size_t at = 0; at < size && out.result == 0; at += n_each) {
        size_t n = size - at < n_each ? size - at : n_each;
        char *copy = malloc(n);

        sp_assert(copy);
        memcpy(copy, data + at, n);
        give(&out, &multipart, copy, n);
        free(copy);
    }
    if (out.result == 0) {
        out.result = sp_multipart_finish(&multipart);
    }
    free(room);
    return out;
}

static void check_type(const char *type, size_t size) {
    struct sp_parameter parameter;
    const char *at;

    (void)sp_media_value(type, size, &at);
    while (sp_parameter_next(&parameter, &at, type + size) > 0) {
        sp_assert(parameter.value.data + parameter.value.size <= type + size);
    }
    (void)sp_media_is_utf8(type, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *mark = size > 0 ? memchr(data, '\n', size) : NULL, *form;
    char boundary[SP_MULTIPART_MAX_BOUNDARY], *type;
    size_t n_type = mark ? (size_t)(mark - data) : size, n_form;
    struct outcome whole, cut;
    int n_boundary;

    type = malloc(n_type ? n_type : 1);
    sp_assert(type);
    memcpy(type, data, n_type);
    check_type(type, n_type);
    n_boundary = sp_multipart_boundary(boundary, type, n_type);
    free(type);
    if (!mark || mark + 1 == data + size) {
        return 0;
    }
    if (n_boundary <= 0) {
        boundary[0] = 'b';
        n_boundary = 1;
    }
    form = mark + 2;
    n_form = (size_t)(data + size - form);
    whole = read_form(boundary, (size_t)n_boundary, form, n_form, n_form + 1);
    cut = read_form(boundary, (size_t)n_boundary, form, n_form, mark[1] + 1u);
    sp_assert(whole.result == cut.result);
    sp_assert(whole.n_text == cut.n_text);
    sp_assert(memcmp(whole.text, cut.text, cut.n_text) == 0);
    free(whole.text);
    free(cut.text);
    return 0;
}
