/* SPDX-License-Identifier: MIT */
/* http1-facts.c - the few fields that the protocol itself acts on, and what they decide. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

/* ---- fields that matter ---------------------------------------------------------------------- */

/* Steps through a comma-separated list (RFC 9110 5.6.1); empty elements are stepped over. */
static bool next_element(const char **at, const char *end, const char **ret, size_t *ret_size) {
    const char *from = *at, *to;

    while (from < end && (*from == ',' || sp_http_is_blank(*from))) {
        from++;
    }
    for (to = from; to < end && *to != ','; to++) {
    }
    *at = to;
    while (to > from && sp_http_is_blank(to[-1])) {
        to--;
    }
    *ret = from;
    *ret_size = (size_t)(to - from);
    return to > from;
}

static void note_connection(struct sp_http_facts *facts, const char *value, size_t size) {
    const char *end = value + size;
    const char *option;
    size_t n_option;

    while (next_element(&value, end, &option, &n_option)) {
        if (n_option == 5 && sp_equals_lower(option, "close", 5)) {
            facts->close = true;
        } else if (n_option == 10 && sp_equals_lower(option, "keep-alive", 10)) {
            facts->keep_alive = true;
        } else if (n_option == 7 && sp_equals_lower(option, "upgrade", 7)) {
            facts->upgrade_option = true;
        }
    }
}

static void note_transfer_encoding(struct sp_http_facts *facts, const char *value, size_t size) {
    const char *end = value + size;
    const char *coding;
    size_t n_coding;

    facts->n_transfer_encoding++;
    if (size == 0 || *value == ',' || end[-1] == ',') {
        facts->wrong = "an empty transfer coding";
    }
    while (next_element(&value, end, &coding, &n_coding)) {
        if (facts->chunked_last) {
            facts->chunked_before = true;
        }
        facts->chunked_last = n_coding == 7 && sp_equals_lower(coding, "chunked", 7);
        facts->n_codings++;
    }
}

/* One decimal number that fits an int64_t, which is how the API shows it. */
static void note_content_length(struct sp_http_facts *facts, const char *value, size_t size) {
    uint64_t length = 0;

    if (facts->n_content_length++ > 0) {
        facts->wrong = "more than one Content-Length";
        return;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(value[i] - '0');

        if (digit > 9 || length > ((uint64_t)INT64_MAX - digit) / 10) {
            facts->wrong = digit > 9 ? "a Content-Length that is no number"
                                     : "a Content-Length that is too large";
            return;
        }
        length = length * 10 + digit;
    }
    if (size == 0) {
        facts->wrong = "an empty Content-Length";
    }
    facts->content_length = length;
}

/* "/run/app.sock": what clients who know no better send over a Unix socket. */
static bool is_socket_path(const char *value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = value[i];
        bool is_letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');

        if (!is_letter && (c == '\0' || !strchr("/._-~%+", c))) {
            return false;
        }
    }
    return size > 0 && value[0] == '/';
}

static void note_host(struct sp_http_facts *facts, const char *value, size_t size) {
    if (facts->n_host++ > 0) {
        facts->wrong_host = "more than one Host";
    } else if (!sp_http_is_host(value, size) && !is_socket_path(value, size)) {
        facts->wrong_host = "a malformed Host";
    }
}

void sp_http_note_field(struct sp_http_facts *facts, const char *name, size_t n_name,
                        const char *value, size_t n_value) {
    switch (n_name) {
    case 4:
        if (sp_equals_lower(name, "host", 4)) {
            note_host(facts, value, n_value);
        }
        break;
    case 6:
        if (sp_equals_lower(name, "expect", 6)) {
            facts->expects_continue |= n_value == 12 && sp_equals_lower(value, "100-continue", 12);
        }
        break;
    case 7:
        if (sp_equals_lower(name, "upgrade", 7)) {
            facts->upgrade_field |= n_value > 0;
        }
        break;
    case 10:
        if (sp_equals_lower(name, "connection", 10)) {
            note_connection(facts, value, n_value);
        }
        break;
    case 14:
        if (sp_equals_lower(name, "content-length", 14)) {
            note_content_length(facts, value, n_value);
        }
        break;
    case 17:
        if (sp_equals_lower(name, "transfer-encoding", 17)) {
            note_transfer_encoding(facts, value, n_value);
        }
        break;
    }
}

bool sp_http_may_trail(const char *name, size_t n_name) {
    static const char *const never[] = {"connection", "content-length", "expect",           "host",
                                        "trailer",    "upgrade",        "transfer-encoding"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(never); i++) {
        if (strlen(never[i]) == n_name && sp_equals_lower(name, never[i], n_name)) {
            return false;
        }
    }
    return true;
}

/* ---- what they decide ------------------------------------------------------------------------ */

/*
 * RFC 9112 6.1 and 6.3. A request whose last coding is not chunked has no certain end: 400. One
 * that is chunked but has codings we do not know below it is understood and not supported: 501.
 */
static int settle_framing(struct sp_http_head *head, const struct sp_http_facts *facts) {
    if (facts->wrong) {
        return sp_http_refuse(head, 400, facts->wrong);
    }
    if (facts->n_transfer_encoding > 0) {
        if (head->version < 11) {
            return sp_http_refuse(head, 400, "Transfer-Encoding in HTTP/1.0");
        }
        if (facts->n_content_length > 0) {
            return sp_http_refuse(head, 400, "both Content-Length and Transfer-Encoding");
        }
        if (!facts->chunked_last || facts->chunked_before) {
            return sp_http_refuse(head, 400,
                                  "a Transfer-Encoding that does not end in one \"chunked\"");
        }
        if (facts->n_codings > 1) {
            return sp_http_refuse(head, 501, "a transfer coding other than \"chunked\"");
        }
        head->framing = SP_HTTP_CHUNKED;
    } else if (facts->n_content_length > 0) {
        head->framing = SP_HTTP_LENGTH;
        head->content_length = facts->content_length;
    }
    return 0;
}

/* RFC 9112 9.3; Upgrade in HTTP/1.0 is to be ignored (RFC 9110 7.8). */
static void settle_connection(struct sp_http_head *head, const struct sp_http_facts *facts) {
    head->keep_alive = !facts->close && (head->version >= 11 || facts->keep_alive);
    head->has_upgrade = head->version >= 11 && facts->upgrade_option && facts->upgrade_field;
}

int sp_http_settle_request(struct sp_http_head *head, const struct sp_http_facts *facts,
                           const char *data) {
    bool has_body;
    int r;

    r = settle_framing(head, facts);
    if (r < 0) {
        return r;
    }

    if (facts->wrong_host) {
        return sp_http_refuse(head, 400, facts->wrong_host);
    }
    if (facts->n_host == 0 && head->version >= 11) {
        return sp_http_refuse(head, 400, "no Host");
    }
    has_body = head->framing == SP_HTTP_CHUNKED || head->content_length > 0;
    if (has_body && head->method.size == 7 && memcmp(data + head->method.at, "CONNECT", 7) == 0) {
        return sp_http_refuse(head, 400, "a CONNECT with content"); /* RFC 9110 9.3.6 */
    }
    settle_connection(head, facts);
    head->expects_continue = facts->expects_continue && has_body && head->version >= 11;
    return 0;
}

int sp_http_settle_response(struct sp_http_head *head, const struct sp_http_facts *facts,
                            const char *method) {
    bool is_tunnel = strcmp(method, "CONNECT") == 0 && head->status / 100 == 2;
    int r;

    settle_connection(head, facts);
    if (strcmp(method, "HEAD") == 0 || is_tunnel || head->status < 200 || head->status == 204 ||
        head->status == 304) {
        return 0;
    }

    head->framing = SP_HTTP_UNTIL_CLOSE;
    r = settle_framing(head, facts);
    if (r < 0) {
        return r;
    }

    head->keep_alive = head->keep_alive && head->framing != SP_HTTP_UNTIL_CLOSE;
    return 0;
}
