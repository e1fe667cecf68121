/* SPDX-License-Identifier: MIT */
/* form.c - forms out of a collected body: urlencoded, and small multipart ones. */

#include "web/form.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "wire/media-type.h"
#include "wire/multipart.h"
#include "wire/uri.h"

int sp_form_read_options(struct sunpath_form_options *ret, const struct sunpath_form_options *given,
                         struct sunpath_error *error) {
    if (sp_options_read(ret, sizeof(*ret), given) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "form", "options of no known size");
    }
    ret->max_parts = ret->max_parts ? ret->max_parts : 1000;
    ret->max_files = ret->max_files ? ret->max_files : 64;
    ret->max_headers = ret->max_headers ? ret->max_headers : 8 * 1024;
    ret->max_memory = ret->max_memory ? ret->max_memory : 1024 * 1024;
    ret->max_part = ret->max_part ? ret->max_part : UINT64_MAX;
    return 0;
}

/* ---- what it is ------------------------------------------------------------------------------ */

static const char *content_type(struct sunpath_http_exchange *exchange) {
    const char *type = sunpath_http_header(exchange, "Content-Type");

    return type ? type : "";
}

static int unknown(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EMEDIUMTYPE, SUNPATH_REASON_PROTOCOL, "form", "%s", why);
}

/* Compressed bytes may well look like a form. */
static int check_coding(struct sunpath_http_exchange *exchange, struct sunpath_error *error) {
    return sp_http_exchange_is_encoded(exchange)
               ? unknown(error, "the body is compressed, which is not taken here")
               : 0;
}

int sp_form_kind(struct sunpath_http_exchange *exchange, struct sunpath_error *error) {
    const char *type = content_type(exchange);
    size_t size = strlen(type);
    int r = check_coding(exchange, error);

    if (r < 0) {
        return r;
    }
    if (sp_media_type_is(type, size, "multipart/form-data")) {
        return SP_FORM_MULTIPART;
    }
    if (!sp_media_type_is(type, size, "application/x-www-form-urlencoded")) {
        return unknown(error, "the body is neither application/x-www-form-urlencoded nor "
                              "multipart/form-data");
    }
    r = sp_media_is_utf8(type, size);
    if (r < 0) {
        return sp_form_malformed(error, "the Content-Type is malformed");
    }
    return r == 0 ? unknown(error, "the charset is not UTF-8") : SP_FORM_URLENCODED;
}

int sp_form_boundary(char *ret, struct sunpath_http_exchange *exchange,
                     struct sunpath_error *error) {
    const char *type = content_type(exchange);
    int r = check_coding(exchange, error);

    if (r < 0) {
        return r;
    }
    r = sp_multipart_boundary(ret, type, strlen(type));
    if (r == -EMEDIUMTYPE) {
        return unknown(error, "the body is not multipart/form-data");
    }
    return r < 0 ? sp_form_malformed(error, "the Content-Type names no valid boundary") : r;
}

/* ---- urlencoded ------------------------------------------------------------------------------ */

/* In place: where the NUL goes there was a separator, or the NUL behind the body. */
static const char *decode(struct sp_slice slice) {
    char *text = (char *)(uintptr_t)slice.data;

    (void)sp_uri_decode(text, text, slice.size, SP_URI_LENIENT | SP_URI_PLUS_SPACE);
    return text;
}

static int read_urlencoded(struct sunpath_form *form, const char *body, size_t size,
                           struct sunpath_error *error) {
    char *text = sp_arena_copy(&form->exchange->arena, body, size);
    const char *at = text, *end = text + size;
    struct sp_uri_pair pair;
    int r = 0;

    if (!text) {
        return sp_form_no_memory(error);
    }
    if (memchr(body, '\0', size)) {
        return sp_form_malformed(error, "there is a NUL in it");
    }
    if (!sp_form_count(form, size)) {
        return sp_form_too_large(error, "its names and values are too large");
    }
    while (r == 0 && sp_uri_next_pair(&pair, &at, end)) {
        const char *value = decode(pair.value);

        r = sp_form_add_field(form, decode(pair.name), value, error);
    }
    return r;
}

/* ---- multipart ------------------------------------------------------------------------------- */

static int take_event(struct sunpath_form *form, int event, const struct sp_multipart_part *part,
                      struct sp_slice piece, struct sunpath_error *error) {
    switch (event) {
    case SP_MULTIPART_PART:
        return sp_form_add(form, part->name, part->filename, part->type, error);
    case SP_MULTIPART_DATA:
        return sp_form_take(form, piece.data, piece.size, error);
    case SP_MULTIPART_PART_END:
        return sp_form_end_part(form, error);
    default:
        return 0;
    }
}

static int step_all(struct sunpath_form *form, struct sp_multipart *multipart, const char *body,
                    size_t size, struct sunpath_error *error) {
    size_t at = 0, consumed;
    struct sp_slice piece = {0};
    int r, event;

    do {
        event = sp_multipart_step(multipart, body + at, size - at, &consumed, &piece);
        if (event < 0) {
            return sp_form_failed(error, event, multipart->why);
        }
        at += consumed;
        r = take_event(form, event, &multipart->part, piece, error);
        if (r < 0) {
            return r;
        }
    } while (event > 0);
    return sp_multipart_finish(multipart) < 0 ? sp_form_malformed(error, multipart->why) : 0;
}

static int read_multipart(struct sunpath_form *form, const char *body, size_t size,
                          struct sunpath_error *error) {
    char boundary[SP_MULTIPART_MAX_BOUNDARY], *room;
    struct sp_multipart multipart;
    int r;

    r = sp_form_boundary(boundary, form->exchange, error);
    if (r < 0) {
        return r;
    }
    room = sunpath_http_alloc(form->exchange, form->options.max_headers);
    if (!room) {
        return sp_form_no_memory(error);
    }
    sp_multipart_init(&multipart, boundary, (size_t)r, room, form->options.max_headers,
                      form->options.max_parts);
    r = step_all(form, &multipart, body, size, error);
    sp_form_release(form);
    return r;
}

/* ---- the calls ------------------------------------------------------------------------------- */

int sp_form_read_body(struct sunpath_form *form, enum sp_form_kind kind,
                      struct sunpath_error *error) {
    size_t size;
    const char *body = sunpath_http_body(form->exchange, &size);

    return kind == SP_FORM_URLENCODED ? read_urlencoded(form, body, size, error)
                                      : read_multipart(form, body, size, error);
}

int sunpath_http_form(struct sunpath_http_exchange *exchange, struct sunpath_form **ret,
                      const struct sunpath_form_options *given, struct sunpath_error *error) {
    struct sunpath_form_options options;
    struct sunpath_form *form;
    int r, kind;

    r = sp_form_read_options(&options, given, error);
    if (r < 0) {
        return r;
    }
    kind = sp_form_kind(exchange, error);
    if (kind < 0) {
        return kind;
    }
    form = sp_form_new(exchange, &options);
    if (!form) {
        return sp_form_no_memory(error);
    }
    r = sp_form_read_body(form, (enum sp_form_kind)kind, error);
    if (r == 0) {
        *ret = form;
    }
    return r;
}
