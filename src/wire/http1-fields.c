/* SPDX-License-Identifier: MIT */
/* http1-fields.c - field lines, and the few fields that the protocol itself acts on. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

/* ---- lines ----------------------------------------------------------------------------------- */

int sp_http_no_crlf(const struct sp_http_cursor *cursor, const char **ret_why) {
    const char *at = cursor->at;

    if (at == cursor->end || (*at == '\r' && at + 1 == cursor->end)) {
        return 0;
    }
    *ret_why = *at == '\r'   ? "a carriage return without a line feed"
               : *at == '\n' ? "a line feed without a carriage return"
               : *at == '\0' ? "a NUL byte"
                             : "a byte that may not stand there";
    return -EBADMSG;
}

static const char *why_bad_name(const char *name, const char *at) {
    if (at > name) {
        return sp_http_is_blank(*at) ? "white space before the colon of a field"
                                     : "a field name with a byte that may not stand in one";
    }
    switch (*at) {
    case ' ':
    case '\t':
        return "a line that begins with white space"; /* obs-fold, RFC 9112 5.2 and 2.2 */
    case ':':
        return "a field without a name";
    default:
        return "a field name with a byte that may not stand in one";
    }
}

/* The cursor moves only when the field is there, so it is in registers until then. */
static inline int read_field(struct sp_http_cursor *cursor, struct sp_http_field *ret,
                             const char **ret_why) {
    const char *name = cursor->at, *end = cursor->end;
    const char *colon = sp_scan_token(name, end);
    const char *value, *behind;

    ret->name = sp_http_span(cursor, name, colon);
    if (colon == end) {
        return 0;
    }
    if (sp_unlikely(*colon != ':' || colon == name)) {
        *ret_why = why_bad_name(name, colon);
        return -EBADMSG;
    }
    for (value = colon + 1; value < end && sp_http_is_blank(*value); value++) {
    }
    behind = sp_scan_value(value, end);
    if (sp_unlikely(end - behind < 2 || memcmp(behind, "\r\n", 2) != 0)) {
        return sp_http_no_crlf(&(struct sp_http_cursor){cursor->data, behind, end}, ret_why);
    }
    cursor->at = behind + 2;
    while (behind > value && sp_http_is_blank(behind[-1])) {
        behind--;
    }
    ret->value = sp_http_span(cursor, value, behind);
    return 1;
}

int sp_http_read_field(struct sp_http_cursor *cursor, struct sp_http_field *ret,
                       const char **ret_why) {
    return read_field(cursor, ret, ret_why);
}

void sp_http_split_field(struct sp_http_field *ret, const char *line, size_t size) {
    const char *colon = sp_scan_token(line, line + size);
    const char *value = colon, *end = line + size;

    if (value < end) {
        value++;
    }
    while (value < end && sp_http_is_blank(*value)) {
        value++;
    }
    while (end > value && sp_http_is_blank(end[-1])) {
        end--;
    }
    ret->name = (struct sp_span){0, (uint32_t)(colon - line)};
    ret->value = (struct sp_span){(uint32_t)(value - line), (uint32_t)(end - value)};
}

/* strncasecmp() would ask the locale, in which an I may have no i. */
static bool is_same_name(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bool is_letter = (a[i] | 0x20) >= 'a' && (a[i] | 0x20) <= 'z';

        if (a[i] != b[i] && (!is_letter || (a[i] ^ b[i]) != 0x20)) {
            return false;
        }
    }
    return true;
}

const char *sp_http_find_field(const struct sp_http_head *head, const char *data, const char *name,
                               size_t *ret_size) {
    size_t n_name = strlen(name);

    for (size_t i = 0; i < head->n_fields; i++) {
        const struct sp_http_field *field = &head->fields[i];

        if (field->name.size == n_name && is_same_name(data + field->name.at, name, n_name)) {
            *ret_size = field->value.size;
            return data + field->value.at;
        }
    }
    return NULL;
}

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

static void note_host(struct sp_http_facts *facts, const char *value, size_t size) {
    if (facts->n_host++ > 0) {
        facts->wrong_host = "more than one Host";
    } else if (!sp_http_is_host(value, size)) {
        facts->wrong_host = "a malformed Host";
    }
}

/* Takes note of a field if the protocol acts on it. Never fails: _settle() judges the whole. */
static void note_field(struct sp_http_facts *facts, const char *name, size_t n_name,
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

int sp_http_read_fields(struct sp_http_head *head, struct sp_http_facts *facts, size_t max_fields,
                        struct sp_http_cursor *cursor) {
    int r = 1;

    while (r > 0 && !(cursor->at < cursor->end && *cursor->at == '\r')) {
        struct sp_http_field *field = &head->fields[head->n_fields];

        if (cursor->at == cursor->end) {
            return 0;
        }
        if (head->n_fields == max_fields) {
            head->why = "too many fields";
            return -EMSGSIZE;
        }
        r = read_field(cursor, field, &head->why);
        if (r > 0) {
            head->n_fields++;
            note_field(facts, cursor->data + field->name.at, field->name.size,
                       cursor->data + field->value.at, field->value.size);
        }
    }
    return r > 0 ? sp_http_read_crlf(cursor, &head->why) : r;
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
