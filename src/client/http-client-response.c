/* SPDX-License-Identifier: MIT */
/* http-client-response.c - what a server answered: status, fields, collected body. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/http-client.h"

static void response_freep(struct sunpath_http_response **response) {
    *response = sunpath_http_response_free(*response);
}

/* A response without a body may still announce the length it would have (RFC 9110 8.6). */
static int64_t announced_length(const struct sp_http_head *head, const char *data) {
    const char *value;
    uint64_t length;
    size_t n_value;

    if (head->framing == SP_HTTP_LENGTH && head->content_length <= INT64_MAX) {
        return (int64_t)head->content_length;
    }
    value = sp_http_find_field(head, data, "Content-Length", &n_value);
    if (!value || !sp_parse_number(&length, value, n_value, INT64_MAX)) {
        return -1;
    }
    return (int64_t)length;
}

/* Ends a piece of the copied head with a NUL, in the place of the colon, blank or CR behind it. */
static const char *cut(char *text, struct sp_span span) {
    text[span.at + span.size] = '\0';
    return text + span.at;
}

int sp_http_response_new(struct sunpath_http_response **ret, const struct sp_http_head *head,
                         const char *data, size_t size) {
    _cleanup_(response_freep) struct sunpath_http_response *response = NULL;

    response = calloc(1, sizeof(*response));
    if (!response) {
        return -ENOMEM;
    }
    response->text = malloc(size + 1);
    response->fields = calloc(head->n_fields + 1, sizeof(*response->fields));
    if (!response->text || !response->fields) {
        return -ENOMEM;
    }

    memcpy(response->text, data, size);
    response->text[size] = '\0';
    response->status = head->status;
    response->version = head->version;
    response->content_length = announced_length(head, data);
    response->reason = cut(response->text, head->reason);
    for (size_t i = 0; i < head->n_fields; i++) {
        response->fields[i].name = cut(response->text, head->fields[i].name);
        response->fields[i].value = cut(response->text, head->fields[i].value);
    }
    response->n_fields = response->n_headers = response->n_stored = head->n_fields;
    *ret = sp_take_ptr(&response);
    return 0;
}

int sp_http_response_append(struct sunpath_http_response *response, const char *data, size_t size,
                            uint64_t max) {
    size_t needed = response->n_body + size + 1;
    size_t room = response->n_body_room;
    char *body;

    if (response->n_body + size > max) {
        return -EMSGSIZE;
    }
    if (needed > room) {
        /* the announced length is only a hint: memory grows with what has really arrived */
        room = room * 2 > needed ? room * 2 : needed;
        if (response->content_length >= (int64_t)needed - 1 &&
            response->content_length < (int64_t)(1024 * 1024)) {
            room = (size_t)response->content_length + 1;
        }
        body = realloc(response->body, room);
        if (!body) {
            return -ENOMEM;
        }
        response->body = body;
        response->n_body_room = room;
    }

    memcpy(response->body + response->n_body, data, size);
    response->n_body += size;
    response->body[response->n_body] = '\0';
    return 0;
}

int sp_http_response_add_trailer(struct sunpath_http_response *response, const char *line,
                                 size_t size) {
    struct sp_http_field field = {0};
    struct sp_http_pair *fields;
    char *text;

    fields = reallocarray(response->fields, response->n_stored + 1, sizeof(*fields));
    if (!fields) {
        return -ENOMEM;
    }
    response->fields = fields;
    text = malloc(size + 2);
    if (!text) {
        return -ENOMEM;
    }

    /* name and value each get a NUL; the name begins the memory, so it can be freed by it */
    sp_http_split_field(&field, line, size);
    memcpy(text, line + field.name.at, field.name.size);
    text[field.name.size] = '\0';
    memcpy(text + field.name.size + 1, line + field.value.at, field.value.size);
    text[field.name.size + 1 + field.value.size] = '\0';
    fields[response->n_stored++] =
        (struct sp_http_pair){.name = text, .value = text + field.name.size + 1};
    return 0;
}

void sp_http_response_complete(struct sunpath_http_response *response) {
    response->n_fields = response->n_stored;
}

struct sunpath_http_response *sunpath_http_response_free(struct sunpath_http_response *response) {
    if (!response) {
        return NULL;
    }
    for (size_t i = response->n_headers; i < response->n_stored; i++) {
        free((char *)(uintptr_t)response->fields[i].name);
    }
    free(response->fields);
    free(response->text);
    free(response->body);
    free(response);
    return NULL;
}

int sunpath_http_response_status(const struct sunpath_http_response *response) {
    return response->status;
}

int sunpath_http_response_version(const struct sunpath_http_response *response) {
    return response->version;
}

const char *sunpath_http_response_reason(const struct sunpath_http_response *response) {
    return response->reason;
}

const char *sunpath_http_response_header(const struct sunpath_http_response *response,
                                         const char *name) {
    for (size_t i = 0; i < response->n_fields; i++) {
        if (strcasecmp(response->fields[i].name, name) == 0) {
            return response->fields[i].value;
        }
    }
    return NULL;
}

bool sunpath_http_response_header_at(const struct sunpath_http_response *response, size_t index,
                                     const char **ret_name, const char **ret_value) {
    if (index >= response->n_fields) {
        return false;
    }
    *ret_name = response->fields[index].name;
    *ret_value = response->fields[index].value;
    return true;
}

const void *sunpath_http_response_body(const struct sunpath_http_response *response,
                                       size_t *ret_size) {
    if (ret_size) {
        *ret_size = response->n_body;
    }
    return response->body ? response->body : "";
}

int64_t sunpath_http_response_content_length(const struct sunpath_http_response *response) {
    return response->content_length;
}

const char *sunpath_http_response_unfollowed(const struct sunpath_http_response *response) {
    return response->unfollowed;
}

bool sunpath_http_response_is_decoded(const struct sunpath_http_response *response) {
    return response->is_decoded;
}
