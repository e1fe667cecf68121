/* SPDX-License-Identifier: MIT */
/* http-client-request.c - what is asked: checks the caller's words, writes head and body. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "client/http-client.h"
#include "client/http-form.h"
#include "wire/content-coding.h"

static void request_freep(struct sunpath_http_request **request) {
    *request = sp_http_request_free(*request);
}

/* What goes into a head, gathered and checked before a byte of it is written. */
struct plan {
    const char *method;
    const char *target;
    const char *protocol;
    char host[SUNPATH_NAME_MAX + 16];
    const char *const *headers;
    bool has_host, has_user_agent, has_accept, has_codings, has_body, has_own_framing;
    bool decodes;
    const char *form_type; /* the Content-Type of a form, or NULL */
    int64_t length;        /* of the body; -1: sent chunked */
    size_t n_headers;
};

static bool is_named(const char *name, const char *expected) {
    return strcasecmp(name, expected) == 0;
}

/* Is `token` one of a comma-separated list (RFC 9110 5.6.1)? */
static bool has_token(const char *list, const char *token) {
    size_t n = strlen(token);

    while (*list) {
        size_t n_item;

        list += strspn(list, ", \t");
        n_item = strcspn(list, ", \t");
        if (n_item == n && strncasecmp(list, token, n) == 0) {
            return true;
        }
        list += n_item;
    }
    return false;
}

static int invalid(struct sunpath_error *error, const char *what, const char *text,
                   const char *why) {
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "request", "%s '%s': %s", what,
                   sp_show(&(struct sp_shown){0}, text, strlen(text)), why);
}

static int check_target(const struct plan *plan, struct sunpath_error *error) {
    const char *target = plan->target;

    if (!sp_http_is_token(plan->method, strlen(plan->method))) {
        return invalid(error, "method", plan->method, "not a word a method can be");
    }
    if (target[0] != '/' && strcmp(target, "*") != 0 && !strstr(target, "://") &&
        strcmp(plan->method, "CONNECT") != 0) {
        return invalid(error, "target", target, "it must begin with '/'");
    }
    if (!sp_http_is_target(target, strlen(target))) {
        return invalid(error, "target", target,
                       "blanks, control and other special bytes must be percent-encoded");
    }
    return 0;
}

/*
 * Content-Length and Transfer-Encoding decide where the message ends, so the caller may only say
 * what is true: a wrong one would let the body be read as another request.
 */
static int plan_framing(struct plan *plan, const char *name, const char *value,
                        const struct sunpath_http_request_options *options,
                        struct sunpath_error *error) {
    uint64_t length;

    if (plan->has_own_framing) {
        return invalid(error, "header", name, "only one header can say how long the body is");
    }
    plan->has_own_framing = true;
    if (value[0] == '\0' && !plan->has_body) {
        return 0;
    }
    if (is_named(name, "Transfer-Encoding")) {
        if (!plan->has_body || !is_named(value, "chunked")) {
            return invalid(error, "Transfer-Encoding", value, "only 'chunked', with a body");
        }
        plan->length = -1;
        return 0;
    }
    if (!sp_parse_number(&length, value, strlen(value), INT64_MAX) ||
        (options->read_body ? options->body_length > 0 && (int64_t)length != options->body_length
                            : (int64_t)length != plan->length)) {
        return invalid(error, "Content-Length", value, "not the length of the body");
    }
    plan->length = (int64_t)length;
    return 0;
}

static int plan_header(struct plan *plan, struct sunpath_http_request *request, const char *name,
                       const char *value, struct sunpath_error *error) {
    if (!sp_http_is_token(name, strlen(name))) {
        return invalid(error, "header", name, "not a word a header's name can be");
    }
    if (!sp_http_is_value(value, strlen(value))) {
        return invalid(error, "value of a header", value, "a line end or control byte in it");
    }
    if (is_named(name, "Content-Length") || is_named(name, "Transfer-Encoding")) {
        return plan_framing(plan, name, value, &request->options, error);
    }
    if (is_named(name, "Host")) {
        if (plan->has_host) {
            return invalid(error, "Host", value, "there can be only one");
        }
        plan->has_host = true;
    }
    if (is_named(name, "Content-Type") && plan->form_type) {
        return invalid(error, "Content-Type", value, "a form has its own");
    }
    plan->has_user_agent |= is_named(name, "User-Agent");
    plan->has_accept |= is_named(name, "Accept");
    plan->has_codings |= is_named(name, "Accept-Encoding");
    request->expects_continue |=
        is_named(name, "Expect") && is_named(value, "100-continue") && plan->has_body;
    request->closes |= is_named(name, "Connection") && has_token(value, "close");
    return 0;
}

static int plan_headers(struct plan *plan, struct sunpath_http_request *request,
                        struct sunpath_error *error) {
    static const char *const none[] = {NULL};
    int r;

    plan->headers = request->options.headers ? request->options.headers : none;
    for (const char *const *header = plan->headers; header[0]; header += 2) {
        if (!header[1]) {
            return invalid(error, "header", header[0], "it has no value");
        }
        r = plan_header(plan, request, header[0], header[1], error);
        if (r < 0) {
            return r;
        }
        plan->n_headers++;
    }
    return 0;
}

/* "localhost" is what everybody sends over Unix sockets, and what servers know how to take. */
static int plan_host(struct plan *plan, const struct sunpath_address *address,
                     struct sunpath_error *error) {
    const char *format = strchr(address->name, ':') ? "[%s]:%d" : "%s:%d";

    if (address->kind != SUNPATH_ADDRESS_TCP) {
        strcpy(plan->host, "localhost");
        return 0;
    }
    snprintf(plan->host, sizeof(plan->host), format, address->name, address->number);
    if (!sp_http_is_target(plan->host, strlen(plan->host))) {
        return invalid(error, "host", address->name, "not a name a host can have");
    }
    return 0;
}

static int plan_body(struct plan *plan, const struct sunpath_http_request_options *options,
                     struct sunpath_error *error) {
    int n_bodies = !!options->body + !!options->read_body + !!options->form;

    if (options->body_length < 0 || (options->n_body > 0 && !options->body) || n_bodies > 1) {
        return sp_fail(
            error, -EINVAL, SUNPATH_REASON_INVALID, "request",
            "options: body, n_body, read_body, body_length and form contradict each other");
    }
    plan->has_body = n_bodies > 0;
    plan->length =
        options->form ? sunpath_http_form_length(options->form) : (int64_t)options->n_body;
    if (options->read_body) {
        plan->length = options->body_length > 0 ? options->body_length : -1;
    }
    return 0;
}

/* Methods that ask for a body say so when it is empty (RFC 9110 8.6). */
static bool wants_length(const struct plan *plan) {
    return plan->has_body || strcmp(plan->method, "POST") == 0 ||
           strcmp(plan->method, "PUT") == 0 || strcmp(plan->method, "PATCH") == 0;
}

static size_t head_room(const struct plan *plan) {
    size_t room = strlen(plan->method) + strlen(plan->target) + strlen(plan->host) + 512 +
                  (plan->protocol ? strlen(plan->protocol) : 0);

    for (size_t i = 0; i < plan->n_headers; i++) {
        room += strlen(plan->headers[2 * i]) + strlen(plan->headers[2 * i + 1]) + 4;
    }
    return room;
}

static char *put(char *at, const char *text) {
    return stpcpy(at, text);
}

static char *put_field(char *at, const char *name, const char *value) {
    return sp_http_put_field(at, name, strlen(name), value, strlen(value));
}

static char *put_codings(char *at) {
    const char *before = "Accept-Encoding: ";

    for (const struct sp_coding *coding = sp_codings; coding->name; coding++) {
        at = put(put(at, before), coding->name);
        before = ", ";
    }
    return put(at, "\r\n");
}

static char *put_defaults(char *at, const struct plan *plan) {
    if (!plan->has_host) {
        at = put_field(at, "Host", plan->host);
    }
    if (!plan->has_user_agent) {
        at = put_field(at, "User-Agent", "sunpath/" SUNPATH_VERSION);
    }
    if (!plan->has_accept) {
        at = put_field(at, "Accept", "*/*");
    }
    if (plan->form_type) {
        at = put_field(at, "Content-Type", plan->form_type);
    }
    if (plan->decodes && !plan->has_codings) {
        at = put_codings(at);
    }
    if (plan->protocol) {
        at = put_field(at, "Connection", "Upgrade");
        at = put_field(at, "Upgrade", plan->protocol);
    }
    return at;
}

static char *put_headers(char *at, const struct plan *plan) {
    for (size_t i = 0; i < plan->n_headers; i++) {
        const char *name = plan->headers[2 * i];
        const char *value = plan->headers[2 * i + 1];
        bool is_framing = is_named(name, "Content-Length") || is_named(name, "Transfer-Encoding");

        if (value[0] != '\0' && !is_framing) {
            at = put_field(at, name, value);
        }
    }
    return at;
}

static int write_head(struct sunpath_http_request *request, const struct plan *plan) {
    char *at = malloc(head_room(plan));

    if (!at) {
        return -ENOMEM;
    }
    request->base = request->head = at;
    at = put(put(at, plan->method), " ");
    request->target.at = (uint32_t)(at - request->head);
    request->target.size = (uint32_t)strlen(plan->target);
    at = put(put(at, plan->target), " HTTP/1.1\r\n");
    at = put_headers(put_defaults(at, plan), plan);
    if (plan->has_body && plan->length < 0) {
        request->is_chunked = true;
        at = put_field(at, "Transfer-Encoding", "chunked");
    } else if (wants_length(plan)) {
        at = sp_http_put_length(at, (uint64_t)plan->length);
    }
    at = put(at, "\r\n");
    request->n_base = request->n_head = (size_t)(at - request->head);
    return 0;
}

/* May be sent twice with the effect of once (RFC 9110 9.2.2). */
static bool is_idempotent(const char *method) {
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(methods); i++) {
        if (strcmp(method, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int set_source(struct sunpath_http_request *request, struct plan *plan,
                      struct sunpath_error *error) {
    const struct sunpath_http_request_options *options = &request->options;

    request->source =
        (struct sp_http_source){options->read_body, options->rewind_body, options->user};
    if (!options->form) {
        return 0;
    }
    plan->form_type = sp_http_form_type(options->form);
    request->source =
        (struct sp_http_source){sp_http_form_read, sp_http_form_rewind, options->form};
    if (sp_http_form_rewind(options->form) != 0) {
        return sp_fail(error, -ESPIPE, SUNPATH_REASON_INVALID, "request",
                       "options: the form was sent before, and has a part that can be read once");
    }
    return 0;
}

static int make_plan(struct plan *plan, struct sunpath_http_request *request,
                     const struct sunpath_address *address, struct sunpath_error *error) {
    int r;

    r = check_target(plan, error);
    if (r < 0) {
        return r;
    }
    if (plan->protocol &&
        (!plan->protocol[0] || !sp_http_is_value(plan->protocol, strlen(plan->protocol)))) {
        return invalid(error, "protocol", plan->protocol, "not a name a protocol can have");
    }
    r = plan_host(plan, address, error);
    if (r < 0) {
        return r;
    }
    r = plan_body(plan, &request->options, error);
    if (r >= 0) {
        r = set_source(request, plan, error);
    }
    if (r < 0) {
        return r;
    }
    return plan_headers(plan, request, error);
}

int sp_http_request_new(struct sunpath_http_request **ret, const struct sunpath_address *address,
                        const char *method, const char *uri, const char *protocol,
                        const struct sunpath_http_request_options *options,
                        struct sunpath_error *error) {
    _cleanup_(request_freep) struct sunpath_http_request *request = NULL;
    struct plan plan = {.method = method, .protocol = protocol, .decodes = options->decode};
    int r;

    if (options->decode && !sp_codings[0].name) {
        return sp_fail(error, -EOPNOTSUPP, SUNPATH_REASON_INVALID, "request",
                       "options: nothing can be decoded, the library was built without zlib");
    }

    request = calloc(1, sizeof(*request));
    if (!request) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "request", "out of memory");
    }
    request->options = *options;
    request->address = address;
    plan.target = uri && uri[0] ? uri : options->uri && options->uri[0] ? options->uri : "/";
    r = make_plan(&plan, request, address, error);
    if (r < 0) {
        return r;
    }

    request->method = strdup(method);
    request->protocol = protocol ? strdup(protocol) : NULL;
    r = write_head(request, &plan);
    if (r < 0 || !request->method || (protocol && !request->protocol)) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "request", "out of memory");
    }
    request->options.body_length = plan.length;
    request->is_idempotent = is_idempotent(method);
    *ret = sp_take_ptr(&request);
    return 0;
}

struct sunpath_http_request *sp_http_request_free(struct sunpath_http_request *request) {
    if (!request) {
        return NULL;
    }
    free(request->method);
    free(request->protocol);
    if (request->head != request->base) {
        free(request->head);
    }
    free(request->base);
    free(request->location);
    sunpath_http_response_free(request->response);
    free(request);
    return NULL;
}

void sp_http_request_rewind(struct sunpath_http_request *request) {
    request->sending = SP_HTTP_SEND_HEAD;
    request->n_sent = 0;
}

int sp_http_request_read_options(struct sunpath_http_request_options *ret,
                                 const struct sunpath_http_request_options *options,
                                 struct sunpath_error *error) {
    if (sp_options_read(ret, sizeof(*ret), options) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "request",
                       "options: their size is not set, or of a newer library");
    }
    ret->size = sizeof(*ret);
    ret->timeout_ms = ret->timeout_ms == 0 ? 30000 : ret->timeout_ms;
    ret->max_body = ret->max_body == 0 ? 64 * 1024 * 1024 : ret->max_body;
    return 0;
}

int sp_http_request_fail(const struct sunpath_http_request *request, struct sunpath_error *error,
                         int code, enum sunpath_reason reason, const char *format, ...) {
    struct sp_shown target, address;
    char sentence[320];
    va_list args;

    if (!error) {
        return code;
    }
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    sp_show(&target, request->head + request->target.at, request->target.size);
    sp_show_address(&address, request->address);
    return sp_fail(error, code, reason, "request", "%s '%.100s' on '%s': %s", request->method,
                   target.text, address.text, sentence);
}
