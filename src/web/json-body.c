/* SPDX-License-Identifier: MIT */
/* json-body.c - JSON in requests and responses, through Jansson. */

#include <sunpath/json.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "serve/http-server.h"
#include "wire/media-type.h"

#ifdef SP_HAVE_JANSSON
#include <jansson.h>

#define MAX_DEPTH 128 /* Jansson recurses, and so does who reads what it made */

/* ---- what it is ------------------------------------------------------------------------------ */

static int unknown(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EMEDIUMTYPE, SUNPATH_REASON_PROTOCOL, "json", "%s", why);
}

static int malformed(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "json", "%s", why);
}

static bool is_json_type(const char *type, size_t size) {
    const char *at;
    struct sp_slice value = sp_media_value(type, size, &at);

    return sp_media_type_is(type, size, "application/json") ||
           (value.size > 5 && strncasecmp(value.data + value.size - 5, "+json", 5) == 0);
}

static int check_type(struct sunpath_http_exchange *exchange, struct sunpath_error *error) {
    const char *type = sunpath_http_header(exchange, "Content-Type");
    int r;

    if (sp_http_exchange_is_encoded(exchange)) {
        return unknown(error, "the body is compressed, which is not taken here");
    }
    if (!type || !is_json_type(type, strlen(type))) {
        return unknown(error, "the body is not application/json");
    }
    r = sp_media_is_utf8(type, strlen(type));
    if (r < 0) {
        return malformed(error, "the Content-Type is malformed");
    }
    return r == 0 ? unknown(error, "the charset is not UTF-8") : 0;
}

/* How deep brackets are nested; inside of strings they are none. */
static bool is_too_deep(const char *at, size_t size) {
    const char *end = at + size;
    bool is_string = false;
    int depth = 0;

    for (; at < end; at++) {
        if (*at == '"') {
            is_string = !is_string;
        } else if (is_string) {
            at += *at == '\\' && end - at > 1; /* what is escaped ends nothing */
        } else if (*at == '[' || *at == '{') {
            if (++depth > MAX_DEPTH) {
                return true;
            }
        } else if (*at == ']' || *at == '}') {
            depth--;
        }
    }
    return false;
}

/* ---- the calls ------------------------------------------------------------------------------- */

int sunpath_http_json(struct sunpath_http_exchange *exchange, struct json_t **ret,
                      struct sunpath_error *error) {
    struct sp_shown shown;
    json_error_t why;
    const char *body;
    json_t *json;
    size_t size;
    int r;

    r = check_type(exchange, error);
    if (r < 0) {
        return r;
    }
    body = sunpath_http_body(exchange, &size);
    if (size == 0) {
        return malformed(error, "the body is empty");
    }
    if (is_too_deep(body, size)) {
        return malformed(error, "the body has more than 128 levels");
    }
    json = json_loadb(body, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!json && json_error_code(&why) == json_error_out_of_memory) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "json", "out of memory");
    }
    if (!json) {
        return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "json", "line %d, column %d: %s",
                       why.line, why.column, sp_show(&shown, why.text, strlen(why.text)));
    }
    *ret = json;
    return 0;
}

int sunpath_http_respond_json(struct sunpath_http_exchange *exchange, int status,
                              const struct json_t *json) {
    _cleanup_(sp_freep) char *text = NULL;

    if (!json) {
        return -EINVAL;
    }
    text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) {
        return -EINVAL;
    }
    return sunpath_http_respond(exchange, status, "application/json", text, strlen(text));
}

#else

int sunpath_http_json(struct sunpath_http_exchange *exchange, struct json_t **ret,
                      struct sunpath_error *error) {
    (void)exchange;
    (void)ret;
    return sp_fail(error, -EOPNOTSUPP, SUNPATH_REASON_SYSTEM, "json", "built without Jansson");
}

int sunpath_http_respond_json(struct sunpath_http_exchange *exchange, int status,
                              const struct json_t *json) {
    (void)exchange;
    (void)status;
    (void)json;
    return -EOPNOTSUPP;
}

#endif
