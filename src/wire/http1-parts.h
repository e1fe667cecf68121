/* SPDX-License-Identifier: MIT */
/* http1-parts.h - what the pieces of the HTTP/1 parser share among themselves. */

#ifndef SP_WIRE_HTTP1_PARTS_H
#define SP_WIRE_HTTP1_PARTS_H

#include <errno.h>

#include "base/cleanup.h"
#include "wire/http1.h"

/* The bytes given, and how far they are read. */
struct sp_http_cursor {
    const char *data;
    const char *at;
    const char *end;
};

static inline struct sp_span sp_http_span(const struct sp_http_cursor *cursor, const char *from,
                                          const char *to) {
    return (struct sp_span){(uint32_t)(from - cursor->data), (uint32_t)(to - from)};
}

/* The white space around fields and within them (OWS, RFC 9110 5.6.3). */
static inline bool sp_http_is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

/* Fails with the status a server answers with. */
static inline int sp_http_refuse(struct sp_http_head *head, int status, const char *why) {
    head->error_status = status;
    head->why = why;
    return -EBADMSG;
}

/* Steps of the parser return 1 when they are done, 0 when bytes are missing, or a negative errno.
 */

/* What stands at the cursor is not CRLF: 0 when it may become that, or -EBADMSG and why. */
int sp_http_no_crlf(const struct sp_http_cursor *cursor, const char **ret_why);

/* Reads CRLF. `*ret_why` is set with -EBADMSG. */
static inline int sp_http_read_crlf(struct sp_http_cursor *cursor, const char **ret_why) {
    const char *at = cursor->at;

    if (sp_unlikely(cursor->end - at < 2 || at[0] != '\r' || at[1] != '\n')) {
        return sp_http_no_crlf(cursor, ret_why);
    }
    cursor->at += 2;
    return 1;
}

/* Reads one field line with its CRLF. `*ret_why` is set with -EBADMSG. */
int sp_http_read_field(struct sp_http_cursor *cursor, struct sp_http_field *ret,
                       const char **ret_why);

/* What the fields say that the protocol itself acts on. */
struct sp_http_facts {
    uint64_t content_length;
    const char *wrong;      /* why the framing fields cannot be right */
    const char *wrong_host; /* why Host cannot be right */
    uint32_t n_host;
    uint32_t n_content_length;
    uint32_t n_transfer_encoding; /* lines */
    uint32_t n_codings;           /* transfer codings in them */
    bool chunked_before;          /* chunked, and something behind it */
    bool chunked_last;
    bool close;
    bool keep_alive;
    bool upgrade_option; /* Connection: upgrade */
    bool upgrade_field;
    bool expects_continue;
};

/*
 * Reads field lines and the empty line behind them into head->fields and takes note of those the
 * protocol acts on. head->why is set with an error.
 */
int sp_http_read_fields(struct sp_http_head *head, struct sp_http_facts *facts, size_t max_fields,
                        struct sp_http_cursor *cursor);

/* The same without the instructions that not every processor has: what tests compare with. */
int sp_http_read_fields_plainly(struct sp_http_head *head, struct sp_http_facts *facts,
                                size_t max_fields, struct sp_http_cursor *cursor);

/* Takes note of a field if the protocol acts on it. Never fails: _settle() judges the whole. */
void sp_http_note_field(struct sp_http_facts *facts, const char *name, size_t n_name,
                        const char *value, size_t n_value);

/* Fills in what the fields decide, or says why they cannot be obeyed: 0 or -EBADMSG. */
int sp_http_settle_request(struct sp_http_head *head, const struct sp_http_facts *facts,
                           const char *data);
int sp_http_settle_response(struct sp_http_head *head, const struct sp_http_facts *facts,
                            const char *method);

/* May a field of that name stand in a trailer section? */
bool sp_http_may_trail(const char *name, size_t n_name);

enum sp_http_target_form {
    SP_HTTP_TARGET_BAD = 0,
    SP_HTTP_ORIGIN_FORM,    /* /path?query */
    SP_HTTP_ABSOLUTE_FORM,  /* http://host/path?query */
    SP_HTTP_AUTHORITY_FORM, /* host:port */
    SP_HTTP_ASTERISK_FORM   /* * */
};

/* RFC 9112 3.2, for text all of SP_CHAR_TARGET. */
enum sp_http_target_form sp_http_target_form(const char *target, size_t size);

/* uri-host [ ":" port ], or nothing (RFC 9112 3.2). */
bool sp_http_is_host(const char *text, size_t size);

#endif
