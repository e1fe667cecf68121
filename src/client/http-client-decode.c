/* SPDX-License-Identifier: MIT */
/* http-client-decode.c - undoes the content coding of an answer's body, at the reader's pace. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"
#include "client/http-client.h"
#include "wire/content-coding.h"

#define ROOM (16 * 1024) /* decoded at a time */

static void refuse_coding(struct sp_client_connection *connection, const char *coding) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, -EBADMSG, SUNPATH_REASON_PROTOCOL,
                         "the answer's body is in the coding '%.60s', which cannot be decoded here",
                         sp_show(&(struct sp_shown){0}, coding, strlen(coding)));
    sp_client_finish(connection, -EBADMSG, &error);
}

/* The codings are one list, however many fields it is sent in (RFC 9110 5.3); NULL: several. */
static const char *find_coding(const struct sunpath_http_response *response) {
    const char *coding = "";

    for (size_t i = 0; i < response->n_headers; i++) {
        if (strcasecmp(response->fields[i].name, "Content-Encoding") == 0) {
            if (coding[0]) {
                return NULL;
            }
            coding = response->fields[i].value;
        }
    }
    return coding;
}

bool sp_client_prepare_decoding(struct sp_client_connection *connection) {
    struct sunpath_http_response *response = connection->response;
    const char *name = find_coding(response);
    const struct sp_decoder_limits limits = {0};
    const struct sp_coding *coding;

    /* a part of a coded body cannot be decoded alone */
    if (!connection->request->options.decode || response->status == 206 ||
        connection->body.framing == SP_HTTP_NO_BODY ||
        (name && (!name[0] || strcasecmp(name, "identity") == 0))) {
        return true;
    }
    coding = name ? sp_coding_find(name, strlen(name)) : NULL;
    if (!coding) {
        refuse_coding(connection, name ? name : "more than one");
        return false;
    }
    if (sp_decoder_new(&connection->decoder, coding, &limits) < 0) {
        sp_client_fail(connection, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory", "");
        return false;
    }
    response->is_decoded = true;
    return true;
}

static void refuse_body(struct sp_client_connection *connection, int code) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, SUNPATH_REASON_PROTOCOL,
                         "the answer's body cannot be decoded, after %llu bytes: %s",
                         (unsigned long long)connection->n_received,
                         sp_decoder_why(connection->decoder));
    sp_client_finish(connection, code, &error);
}

/* The reader wants no more for now: keeps the rest, and how to go on with it. */
static bool keep(struct sp_client_connection *connection, const struct sp_coder_io *io,
                 enum sp_coder_mode mode) {
    struct sp_buffer rest = {0};
    int r = sp_buffer_append(&rest, io->in, io->n_in, SIZE_MAX / 2);

    connection->undecoded = rest;
    connection->is_decoding = true;
    connection->ends_decoding = mode == SP_CODER_FINISH;
    if (r < 0) {
        sp_client_fail(connection, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
    }
    return r == 0;
}

/* Returns false when the request is over. It may be paused; then the rest is kept. */
static bool decode(struct sp_client_connection *connection, const char *data, size_t size,
                   enum sp_coder_mode mode) {
    const struct sunpath_http_request *request = connection->request;
    struct sp_coder_io io = {.in = data, .n_in = size};
    char room[ROOM];
    int r;

    do {
        io.out = room;
        io.n_out = sizeof(room);
        r = sp_decoder_step(connection->decoder, &io, mode);
        if (r < 0) {
            refuse_body(connection, r);
            return false;
        }
        if (io.n_out < sizeof(room) &&
            !sp_client_give_body(connection, room, sizeof(room) - io.n_out)) {
            return false;
        }
        if (request->is_paused && (r > 0 || mode == SP_CODER_FINISH)) {
            return keep(connection, &io, mode);
        }
    } while (r > 0);
    if (mode == SP_CODER_FINISH) {
        sp_client_complete(connection);
    }
    return connection->request == request;
}

bool sp_client_decode(struct sp_client_connection *connection, const char *data, size_t size) {
    return decode(connection, data, size, SP_CODER_RUN);
}

void sp_client_end_body(struct sp_client_connection *connection) {
    if (!connection->decoder || connection->request->location) {
        sp_client_complete(connection);
    } else if (!connection->is_decoding) {
        (void)decode(connection, "", 0, SP_CODER_FINISH);
    }
}

bool sp_client_go_on_decoding(struct sp_client_connection *connection) {
    struct sp_buffer rest = connection->undecoded;
    enum sp_coder_mode mode = connection->ends_decoding ? SP_CODER_FINISH : SP_CODER_RUN;
    bool goes_on;

    connection->undecoded = (struct sp_buffer){0};
    connection->is_decoding = false;
    goes_on =
        decode(connection, rest.data ? sp_buffer_bytes(&rest) : "", sp_buffer_size(&rest), mode);
    sp_buffer_deinit(&rest);
    return goes_on;
}

void sp_client_stop_decoding(struct sp_client_connection *connection) {
    connection->decoder = sp_decoder_free(connection->decoder);
    sp_buffer_deinit(&connection->undecoded);
    connection->is_decoding = connection->ends_decoding = false;
}
