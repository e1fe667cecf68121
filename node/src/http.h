/* SPDX-License-Identifier: MIT */
/* http.h - what the two halves of the HTTP server know of each other. */

#ifndef SN_HTTP_H
#define SN_HTTP_H

#include <sunpath/access-log.h>
#include <sunpath/http-server.h>

#include "object.h"

struct sn_http_server {
    struct sn_object object;
    struct sunpath_http_server *server; /* NULL once it is closed */
    struct sunpath_access **rules;      /* of its listeners */
    size_t n_rules;
    struct sunpath_access_log *log;
    uint64_t max_body;
    bool is_closing;
};

/* How the body of a request comes to JavaScript: lib/http-request.js has the same numbers. */
enum sn_http_body {
    SN_HTTP_NO_BODY = 0,
    SN_HTTP_COLLECTED, /* httpBody() has it whole */
    SN_HTTP_STREAMED   /* in events, after httpResume() */
};

/* What is told of an exchange later on: lib/http-exchange.js has the same numbers. */
enum sn_http_event {
    SN_HTTP_PIECE = 1, /* of the body: a Buffer */
    SN_HTTP_BODY_END,
    SN_HTTP_DRAIN,
    SN_HTTP_FINISH, /* 0, or the negative errno that ended it before its response was given */
    SN_HTTP_CLOSED, /* the server (exchange 0): close() is done */
    SN_HTTP_LOST    /* what the handler returned did not come through */
};

/* The handler of a server; `user` is its struct sn_http_server. */
extern const struct sunpath_http_handler sn_http_handler;

/* Tells SN_HTTP_EVENT; `value` may be NULL. */
void sn_http_tell(struct sn_http_server *server, uint32_t number, enum sn_http_event event,
                  napi_value value);

/* Exchanges are numbers to JavaScript, which this table knows: a wrong or old one finds nothing. */
struct sn_http_table;
void sn_http_table_free(struct sn_http_table *table);

#endif
