/* SPDX-License-Identifier: MIT */
/* http-client-resume.c - a body whose connection broke goes on where it stopped (RFC 9110 14.2). */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "client/http-client.h"
#include "wire/cookie.h"

/* ---- may it go on? --------------------------------------------------------------------------- */

static bool is_strong(const char *etag) {
    return etag && etag[0] == '"';
}

/* A date is strong when the server could not have changed the thing since in the same second. */
static bool has_strong_date(const struct sunpath_http_response *response) {
    const char *date = sunpath_http_response_header(response, "Date");
    const char *modified = sunpath_http_response_header(response, "Last-Modified");
    int64_t date_s, modified_s;

    return date && modified && sp_cookie_date(&date_s, date, strlen(date)) &&
           sp_cookie_date(&modified_s, modified, strlen(modified)) && modified_s < date_s;
}

static const char *validator_of(const struct sunpath_http_response *response) {
    const char *etag = sunpath_http_response_header(response, "ETag");

    if (is_strong(etag)) {
        return etag;
    }
    return has_strong_date(response) ? sunpath_http_response_header(response, "Last-Modified")
                                     : NULL;
}

/* Which part of the whole the answer is. False when that cannot be said. */
static bool read_part(struct sp_content_range *ret, const struct sunpath_http_response *response) {
    const char *range = sunpath_http_response_header(response, "Content-Range");

    if (response->status == 200) {
        bool is_known = response->content_length > 0;

        *ret = (struct sp_content_range){
            .last = is_known ? (uint64_t)response->content_length - 1 : SP_RANGE_UNKNOWN,
            .whole = is_known ? (uint64_t)response->content_length : SP_RANGE_UNKNOWN,
        };
        return true;
    }
    return response->status == 206 && range && sp_content_range_parse(ret, range, strlen(range));
}

bool sp_client_may_resume(const struct sp_client_connection *connection) {
    const struct sunpath_http_response *response = connection->response;
    const struct sunpath_http_request *request = connection->request;
    struct sp_content_range part;
    const char *ranges;

    if (!response || request->n_resumes >= request->options.max_resumes ||
        strcmp(request->method, "GET") != 0) {
        return false;
    }
    ranges = sunpath_http_response_header(response, "Accept-Ranges");
    return (!ranges || strcasecmp(ranges, "none") != 0) && validator_of(response) &&
           read_part(&part, response);
}

void sp_client_resume_body(struct sp_client_connection *connection) {
    connection->request->n_resumes++;
    connection->is_resuming = true;
    sp_client_disconnect(connection);
    sp_client_start(connection);
}

/* ---- asking for the rest --------------------------------------------------------------------- */

int sp_client_put_range(const struct sp_client_connection *connection, struct sp_buffer *lines) {
    const char *validator = validator_of(connection->response);
    size_t room = strlen(validator) + 96;
    struct sp_content_range part;
    char last[24] = "";
    char *at;
    int r;

    (void)read_part(&part, connection->response); /* it was asked before */
    r = sp_buffer_reserve(lines, &at, room, SIZE_MAX / 2);
    if (r < 0) {
        return r;
    }
    if (part.last != SP_RANGE_UNKNOWN) {
        snprintf(last, sizeof(last), "%llu", (unsigned long long)part.last);
    }
    r = snprintf(at, room, "Range: bytes=%llu-%s\r\nIf-Range: %s\r\n",
                 (unsigned long long)(part.first + connection->n_received), last, validator);
    sp_buffer_commit(lines, (size_t)r);
    return 0;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static bool has_same(const struct sunpath_http_response *one,
                     const struct sunpath_http_response *other, const char *name) {
    const char *a = sunpath_http_response_header(one, name);
    const char *b = sunpath_http_response_header(other, name);

    return a && b ? strcmp(a, b) == 0 : a == b;
}

/*
 * A server that does not know If-Range answers 206 whatever has become of the thing, so the
 * validator must come back; what it stands for may be left out (RFC 9110 15.3.7).
 */
static bool is_same_thing(const struct sunpath_http_response *response,
                          const struct sunpath_http_response *rest) {
    if (is_strong(sunpath_http_response_header(response, "ETag"))) {
        return has_same(response, rest, "ETag") &&
               (!sunpath_http_response_header(rest, "Content-Encoding") ||
                has_same(response, rest, "Content-Encoding"));
    }
    return has_same(response, rest, "ETag") && has_same(response, rest, "Last-Modified") &&
           has_same(response, rest, "Content-Encoding");
}

/* One that only ends with the connection could break off again without a sign. */
static bool has_its_length(const struct sp_http_head *head, const struct sp_content_range *part) {
    return head->framing == SP_HTTP_CHUNKED ||
           (head->framing == SP_HTTP_LENGTH &&
            head->content_length == part->last - part->first + 1);
}

/* Of the same length, as far as that was said, and to its end. */
static bool is_last_part(const struct sp_content_range *part, const struct sp_content_range *got) {
    if (part->whole != SP_RANGE_UNKNOWN && got->whole != SP_RANGE_UNKNOWN &&
        part->whole != got->whole) {
        return false;
    }
    return part->last != SP_RANGE_UNKNOWN
               ? got->last == part->last
               : got->whole != SP_RANGE_UNKNOWN && got->last == got->whole - 1;
}

/* Does `rest` begin where the body stopped, and belong to the same thing? Then notes its end. */
static bool is_the_rest(struct sp_client_connection *connection, const struct sp_http_head *head,
                        const struct sunpath_http_response *rest) {
    const struct sunpath_http_response *response = connection->response;
    struct sp_content_range part, got;
    bool is_it;

    is_it = rest->status == 206 && read_part(&part, response) && read_part(&got, rest) &&
            has_its_length(head, &got) && got.first == part.first + connection->n_received &&
            is_last_part(&part, &got) && is_same_thing(response, rest);
    if (is_it) {
        connection->n_promised = got.last + 1 - part.first;
    }
    return is_it;
}

static void refuse_rest(struct sp_client_connection *connection, int status) {
    const char *why = status == 200   ? "it has changed, or is not served in parts"
                      : status == 206 ? "it is another part, or of something else"
                                      : "instead of the rest";
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, -ESTALE, SUNPATH_REASON_PROTOCOL,
                         "the body broke off after %llu bytes and cannot go on: the server "
                         "answered %d, %s",
                         (unsigned long long)connection->n_received, status, why);
    sp_client_finish(connection, -ESTALE, &error);
}

enum sp_client_rest sp_client_take_rest(struct sp_client_connection *connection,
                                        const struct sp_http_head *head,
                                        const struct sunpath_http_response *rest) {
    if (is_the_rest(connection, head, rest)) {
        connection->is_resuming = false;
        sp_http_body_init(&connection->body, head);
        connection->is_keep_alive = head->keep_alive && head->framing != SP_HTTP_UNTIL_CLOSE;
        return SP_CLIENT_REST_GOES_ON;
    }
    if (rest->status == 200 && !connection->request->options.on_body) {
        sp_client_forget_answer(connection); /* nobody has seen what was collected */
        return SP_CLIENT_REST_IS_NEW;
    }
    refuse_rest(connection, rest->status);
    return SP_CLIENT_REST_REFUSED;
}
