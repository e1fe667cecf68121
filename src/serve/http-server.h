/* SPDX-License-Identifier: MIT */
/* http-server.h - what the parts of the HTTP server know of each other. */

#ifndef SP_SERVE_HTTP_SERVER_H
#define SP_SERVE_HTTP_SERVER_H

#include <sunpath/http-server.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/list.h"
#include "flow/acceptor.h"
#include "loop/loop.h"
#include "wire/content-coding.h"
#include "wire/http1.h"

/*
 * A server owns listeners, connections and a pool of exchanges.
 *
 * A connection is small, so that ten thousand idle ones cost little; everything about a request
 * lives in an exchange, which a connection borrows from the pool for as long as a request is under
 * way. Its life is one loop, sp_http_connection_pump():
 *
 *     no exchange --head complete--> reading the body --body complete--> awaiting the answer
 *          ^                                                                    |
 *          +------------------------ response ended ----------------------------+
 *
 * The head stays where the stream put it, at the beginning of its input, while on_head and
 * on_request run; only a request that is not answered by then, or has a body still to come, is
 * copied into the exchange ("kept"). Spans are offsets, so both cases read alike.
 *
 * With on_finish an exchange whose response is written waits in `finishing` until its last byte is
 * with the kernel.
 *
 * Callbacks may close or free anything. So whoever calls one holds the server
 * (sp_http_server_enter), dead connections wait in the graveyard until the last holder leaves, and
 * after each callback the caller looks at `is_dead`.
 */

#define SP_HTTP_HIGH_MARK         (256 * 1024)
#define SP_HTTP_LOW_MARK          (64 * 1024)
#define SP_HTTP_SMALL_FILE        (8 * 1024)    /* is copied, and leaves with the head */
#define SP_HTTP_FILE_CHUNK        (1024 * 1024) /* of a larger one in a chunked response */
#define SP_HTTP_MAX_FINISHING     64            /* pipelined responses that wait for the kernel */
#define SP_HTTP_POOL              64            /* unused exchanges kept */
#define SP_HTTP_LINGER_MS         2000
#define SP_HTTP_LINGER_BYTES      (4 * 1024 * 1024)
#define SP_HTTP_GRACE_MS          500 /* drain: a connection used so recently may be sending */

#define SP_HTTP_MEMORIES          8    /* heads that are remembered, each ... */
#define SP_HTTP_MAX_MEMORY        2048 /* ... of no more bytes */

#define SP_HTTP_MAX_OBSERVERS     8
#define SP_HTTP_MAX_IDLE_ENCODERS 4

struct sp_http_connection;
struct sp_http_note;

struct sp_http_idle_encoder {
    struct sp_encoder *encoder;
    int level;
};

/*
 * What lives with an exchange beside its handler: an event stream, a decision that is waited for.
 * Embedded in its owner; any part may be NULL.
 */
struct sp_http_hook {
    struct sp_http_hook *next;
    /* As the handler's, before it. */
    void (*on_drain)(struct sp_http_hook *hook, struct sunpath_http_exchange *exchange);
    /* The same. The hook is off the exchange already, so its owner may free it. */
    void (*on_finish)(struct sp_http_hook *hook, int error);
    /*
     * The response's head is about to be written: the last time to change its headers. Only that;
     * asked again when the head could not be written.
     */
    int (*on_start)(struct sp_http_hook *hook, struct sunpath_http_exchange *exchange);
    /*
     * The server drains: a response that has no end of its own should come to one. Calls nothing of
     * the program's and kills no connection.
     */
    void (*on_leave)(struct sp_http_hook *hook);
};

/* Where a router leads a request to by no more than its head, which leads there whenever it comes.
 */
struct sp_http_way {
    const struct sunpath_http_handler *handler;
    void *user;
    const char *route;
    void *routing;
};

struct sunpath_http_exchange {
    /* Memory that goes from one request to the next. */
    struct sp_buffer kept;      /* the head, once it has left the stream's input */
    struct sp_buffer collected; /* the body, unless it is in the stream's input */
    struct sp_buffer trailers;  /* name NUL value NUL ... */
    struct sp_buffer fields;    /* added headers or trailers of the response, as they go out */
    struct sp_buffer remains;   /* the input of a connection that was cut off in a callback */
    struct sp_arena arena;      /* what accessors and handlers need until it is over */
    struct sunpath_http_exchange *next; /* in the pool, or in `finishing` */

    /* What is written before it is read: in the pool this is still as the last request left it. */
    const struct sunpath_http_handler *handler; /* who hears of it */
    void *handler_user;
    struct sp_http_head head;
    size_t n_head;
    size_t n_repeats; /* so many times the same bytes come behind the head */
    bool is_head_request;
    uint64_t memory;                 /* the number under which the head is remembered, or 0 */
    bool may_follow;                 /* another request, after this one */
    const struct sp_http_way *way;   /* the head leads to, if a router has said so */
    struct sp_http_body body;        /* while is_reading */
    uint64_t max_body;               /* bytes, decoded */
    int64_t left;                    /* of the announced length; -1: none was announced */
    uint64_t end_at;                 /* finishing: the response's end in the connection's output */
    int file_fd;                     /* sunpath_http_send_file(); -1: none */
    uint64_t file_offset, file_left; /* with file_fd */
    uint64_t file_chunk_left;        /* with file_fd in a chunked response */
    const struct sp_http_file_part *file_parts; /* with file_fd: what comes after that */
    size_t n_file_parts;
    uint64_t began_ns; /* when the head was complete */
    uint64_t ended_ns; /* when the response was written; 0: it is not, or nobody observes */
    uint64_t begin_at; /* the connection's output when the head was complete */

    /* All zero in the pool, from here on: 16 bytes at a time. */
    _Alignas(16) struct sp_http_connection *connection; /* NULL in the pool */
    void *user;
    struct sp_http_hook *hooks;
    void *routing;             /* the router's note of it, in the arena */
    const char *path;          /* in the arena, once somebody asked */
    struct sp_slice rewritten; /* in the arena, with a NUL: the target as routes see it */
    size_t query_index;        /* of the pair behind the one that was asked for last */
    size_t query_at;           /* where it begins in the query */
    const char *route;         /* the pattern of the route it took: the router's */
    const char *why;           /* what was wrong: in the arena, or constant */
    struct sp_http_note *notes;
    struct sp_encoder *encoder; /* of the response's body */
    struct sp_decoder *decoder; /* of the request's */
    struct sp_buffer undecoded; /* what came of it while the request was held back */
    size_t encoding_min;        /* with may_encode */
    uint64_t n_body_sent;
    int status;        /* of the response, once it is begun */
    size_t n_in_place; /* bytes of the body in the stream's input behind the head */
    uint64_t n_body;   /* bytes of the body so far */
    int error;         /* for on_finish */

    bool is_kept;         /* the head is in `kept`, else at the beginning of the stream's input */
    bool is_announced;    /* the program has heard of it, so it hears of its end too */
    bool is_reading;      /* a part of the body is still to come */
    bool is_asked;        /* on_request was called */
    bool is_paused;       /* by sunpath_http_pause() */
    bool is_deferred;     /* by what sunpath_http_resume() does not end */
    bool is_continued;    /* "100 Continue" was sent, or is not wanted */
    bool is_failing;      /* on_error is asked */
    bool may_decode;      /* the body, when it is read */
    bool is_decoder_full; /* it has more to give */
    bool may_encode;      /* the response */
    bool encodes_events;  /* also if it is an event stream */
    uint8_t encoding_level;

    bool is_started;  /* the response's head is written */
    bool is_ended;    /* all of the response is written, or given up */
    bool is_chunked;  /* the response is */
    bool is_bodyless; /* HEAD, 204, 304: what is written of the body is dropped */
    bool is_cut;      /* the response is not whole: the connection must go */
    bool wants_drain; /* a write returned 1 */
    bool keep_alive;  /* the connection goes on after this response */

    _Alignas(16) struct sp_http_field room[]; /* for head.fields */
};

enum sp_http_closing {
    SP_HTTP_OPEN = 0,
    SP_HTTP_FLUSHING, /* closes when everything is sent */
    SP_HTTP_LINGERING /* has said end of file and waits for the client's, discarding its input */
};

struct sp_http_connection {
    struct sunpath_http_server *server;
    struct sp_list node;           /* in the server's connections, later in its graveyard */
    struct sunpath_stream *stream; /* NULL when dead */
    struct sp_timer timer;
    struct sp_task task;                    /* goes on when an answer came from outside */
    struct sunpath_http_exchange *exchange; /* the one under way */
    struct sunpath_http_exchange *finishing, *last_finishing;

    uint64_t since_ns;  /* idle, or the last piece of input, or the head's first byte */
    uint64_t sent_ns;   /* the last time the client was seen to take output */
    uint64_t n_written; /* bytes of output ever */
    uint64_t n_sent;    /* of these, taken at `sent_ns` */
    uint64_t n_requests;
    size_t n_seen; /* bytes of an incomplete head */
    size_t n_lingered;
    struct sunpath_peer peer;
    char *executable;              /* the peer's, once somebody asked: "" when it is not known */
    struct sp_http_user *uid_user; /* whom it counts for, with limits per uid */
    uint8_t n_finishing;
    enum sp_http_closing closing : 8;
    enum {
        SP_HTTP_PEER_UNKNOWN = 0,
        SP_HTTP_PEER_KNOWN,
        SP_HTTP_PEER_NONE
    } peer_state : 8;
    bool is_pumping : 1;
    bool is_input_ended : 1; /* the client said end of file */
    bool is_held : 1;        /* reading is paused */
    bool is_dead : 1;
};

struct sp_http_listener {
    struct sunpath_http_server *server;
    struct sp_acceptor acceptor;
};

/* How the last response began: status line and date. */
struct sp_http_start {
    int status; /* 0: of no use any more */
    size_t size;
    char text[SP_HTTP_STATUS_ROOM + SP_HTTP_DATE_ROOM];
};

/* The last Content-Type that was not too long. */
struct sp_http_type {
    size_t n_name, n_line; /* both 0: there was none */
    char name[64];
    char line[16 + 64]; /* "Content-Type: " and CRLF */
};

/* A head that was parsed, for the connections that share this place. */
struct sp_http_memory {
    uint64_t print;                         /* of the last one that was parsed */
    struct sunpath_http_exchange *exchange; /* in no use but to have a head; `kept`: its bytes */
};

struct sunpath_http_server {
    struct sunpath_loop *loop;
    const struct sunpath_http_handler *handler;
    void *user;
    struct sunpath_http_server_options options; /* with the defaults filled in */
    struct sp_http_limits limits;
    char *server_line; /* "Server: name" and CRLF, or NULL */
    size_t n_server_line;

    struct sp_http_listener **listeners;
    size_t n_listeners;

    struct sp_list connections;
    size_t n_connections;
    struct sunpath_http_stats stats; /* without what is counted elsewhere */
    struct sp_http_users *users;     /* with limits per uid */
    struct sp_http_idle_encoder encoders[SP_HTTP_MAX_IDLE_ENCODERS];
    size_t n_encoders;
    struct sp_buffer encoded; /* what sp_http_exchange_encode() gave last */
    struct sp_list graveyard;
    struct sunpath_http_exchange *pool;
    size_t n_pool;
    struct sp_http_memory memories[SP_HTTP_MEMORIES];
    uint64_t n_memories; /* ever */

    struct {
        const struct sunpath_http_observer *observer;
        void *user;
    } observers[SP_HTTP_MAX_OBSERVERS];
    size_t n_observers;

    struct sp_timer drain_timer;
    void (*on_drained)(struct sunpath_http_server *server, void *user);
    void *drain_user;
    bool is_draining;
    bool is_drained; /* on_drained was called, or there is none */

    unsigned n_inside; /* who is in a callback of ours */
    bool is_freed;     /* inside a callback: the last one out frees the memory */

    uint64_t date_ns; /* the loop's time when the date was looked at */
    int64_t date_s;
    char date[SP_HTTP_DATE_ROOM]; /* the line */
    size_t n_date;
    struct sp_http_start start;
    struct sp_http_type type;
};

/* http-server.c */
void sp_http_server_enter(struct sunpath_http_server *server);
void sp_http_server_leave(struct sunpath_http_server *server);
/* A connection is gone: perhaps one more can be accepted, perhaps the server is drained. */
void sp_http_server_lost_connection(struct sunpath_http_server *server);

/* http-pool.c */
struct sunpath_http_exchange *sp_http_exchange_take(struct sunpath_http_server *server);
/* Another one that has the same head. NULL: out of memory. */
struct sunpath_http_exchange *sp_http_exchange_take_like(struct sunpath_http_server *server,
                                                         const struct sunpath_http_exchange *model);
void sp_http_exchange_copy_head(struct sunpath_http_exchange *to,
                                const struct sunpath_http_exchange *from);
/* As if it had been given and taken again, but that it has its head. */
void sp_http_exchange_renew(struct sunpath_http_server *server,
                            struct sunpath_http_exchange *exchange);
void sp_http_exchange_give(struct sunpath_http_server *server,
                           struct sunpath_http_exchange *exchange);
void sp_http_pool_deinit(struct sunpath_http_server *server);

/* http-repeat.c */
/* An exchange with the head that the input begins with, if it is one of the last that were parsed.
 */
struct sunpath_http_exchange *sp_http_recall(struct sp_http_connection *connection,
                                             const char *input, size_t size);
/* The exchange's head was parsed from there. */
void sp_http_remember(struct sp_http_connection *connection, struct sunpath_http_exchange *exchange,
                      const char *input);
void sp_http_forget_all(struct sunpath_http_server *server);
/* How many times the first `n_head` bytes of the input are there once more behind them? */
size_t sp_http_count_repeats(const char *input, size_t n_head, size_t size);
/* Where the head leads to is decided, and by nothing but the head. */
void sp_http_exchange_set_way(struct sunpath_http_exchange *exchange,
                              const struct sp_http_way *way);

/* http-connection.c */
/* Owns `fd` in any case. Observers may be told, so the caller holds the server. */
int sp_http_connection_open(struct sunpath_http_server *server, int fd);
/* Lets go of it at once; on_finish gets `error` for what was under way. */
void sp_http_connection_kill(struct sp_http_connection *connection, int error);
/* Takes the stream out of a connection whose exchange is over, and forgets the connection. */
struct sunpath_stream *sp_http_connection_detach(struct sp_http_connection *connection);
/* Lets an idle connection go, now or when it has not been used for a moment. */
void sp_http_connection_let_go(struct sp_http_connection *connection);
/* Something has changed: its pump goes on, at the end of this turn unless it is running. */
static inline void sp_http_connection_poke(struct sp_http_connection *connection) {
    if (!connection->is_dead && !connection->is_pumping) {
        sp_task_post(&connection->task, connection->server->loop);
    }
}
/* Calls on_finish for the responses whose last byte is with the kernel. */
void sp_http_connection_finish_sent(struct sp_http_connection *connection);
/* Nothing more is coming: sends what is queued and closes, lingering when input may be unread. */
void sp_http_connection_end(struct sp_http_connection *connection, bool linger);

/* http-deadline.c */
void sp_http_connection_arm(struct sp_http_connection *connection);
void sp_http_connection_on_due(struct sp_timer *timer);

/* http-pump.c */
void sp_http_connection_pump(struct sp_http_connection *connection);
/* Pauses or resumes the stream, by what the connection is at. */
void sp_http_connection_hold(struct sp_http_connection *connection);
/* It is no longer in flight. */
void sp_http_exchange_land(struct sunpath_http_exchange *exchange);
/* The exchange is over; on_finish fires when its last byte is with the kernel. */
void sp_http_connection_retire(struct sp_http_connection *connection,
                               struct sunpath_http_exchange *exchange);

/* http-request.c */
/* The bytes that the head's spans point into, or NULL when they are gone with the connection. */
char *sp_http_exchange_head(struct sunpath_http_exchange *exchange);
/* The target that routes go by: the rewritten one, or what was sent. `head` as above. */
static inline struct sp_slice sp_http_exchange_routed(const struct sunpath_http_exchange *exchange,
                                                      const char *head) {
    return sp_unlikely(exchange->rewritten.data != NULL)
               ? exchange->rewritten
               : (struct sp_slice){head + exchange->head.target.at, exchange->head.target.size};
}
const struct sunpath_peer *sp_http_connection_peer(struct sp_http_connection *connection);
/* Copies what the stream's input holds of the request into the exchange. -ENOMEM */
int sp_http_exchange_keep(struct sunpath_http_exchange *exchange);
/* The input is about to go: what on_finish may ask for is copied before, if it was not. */
void sp_http_exchange_keep_head(struct sunpath_http_exchange *exchange);
/*
 * The header at `index`, or false behind the last. What decides anything asks here: proxies that
 * drop or check a header often let a trailer of that name pass (RFC 9110 6.5.1).
 */
bool sp_http_exchange_field_at(struct sunpath_http_exchange *exchange, size_t index,
                               const char **ret_name, const char **ret_value);
int sp_http_exchange_add_trailer(struct sunpath_http_exchange *exchange, const char *line,
                                 size_t size);

int sp_http_exchange_add_piece(struct sunpath_http_exchange *exchange, const char *data,
                               size_t size);

static inline bool sp_http_exchange_is_paused(const struct sunpath_http_exchange *exchange) {
    return exchange->is_paused || exchange->is_deferred;
}
/* As sunpath_http_pause() and _resume(), for who must be the only one to end it. */
void sp_http_exchange_defer(struct sunpath_http_exchange *exchange);
void sp_http_exchange_admit(struct sunpath_http_exchange *exchange);

/* Is it the program's turn, and has it not begun to answer? */
static inline bool sp_http_exchange_is_unanswered(const struct sunpath_http_exchange *exchange) {
    bool is_undecided = sp_http_exchange_is_paused(exchange) && exchange->n_body == 0;

    return !exchange->is_started && (exchange->is_asked || is_undecided);
}

/* http-observe.c */
static inline bool sp_http_is_observed(const struct sunpath_http_exchange *exchange) {
    return exchange->connection->server->n_observers > 0;
}
void sp_http_exchange_tell_begin(struct sunpath_http_exchange *exchange);
/* Tells the observers how it went. */
void sp_http_exchange_record(struct sunpath_http_exchange *exchange, int error);
/* The program did something wrong. Returns `code`. */
int sp_http_exchange_fault(struct sunpath_http_exchange *exchange, int code, const char *what);
void sp_http_server_tell_drop(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                              const char *why);

/* http-uid-limits.c */
/* -EUSERS when the connection's user has as many as may be. -ENOMEM. */
int sp_http_uid_limits_enter(struct sp_http_connection *connection);
void sp_http_uid_limits_leave(struct sp_http_connection *connection);
/* May its user have one more request now? */
bool sp_http_uid_limits_take(struct sp_http_connection *connection);
void sp_http_uid_limits_deinit(struct sunpath_http_server *server);

/* Does anybody want to hear that it is over? */
static inline bool sp_http_exchange_is_awaited(const struct sunpath_http_exchange *exchange) {
    return (exchange->is_announced && exchange->handler->on_finish) || exchange->hooks ||
           sp_http_is_observed(exchange);
}

/* http-hook.c */
void sp_http_exchange_add_hook(struct sunpath_http_exchange *exchange, struct sp_http_hook *hook);
/* Legal for a hook that is not there. */
void sp_http_exchange_remove_hook(struct sunpath_http_exchange *exchange,
                                  struct sp_http_hook *hook);
/* Before a head is written. Returns what the first hook that fails does. */
int sp_http_exchange_call_start(struct sunpath_http_exchange *exchange);
void sp_http_exchange_call_drain(struct sunpath_http_exchange *exchange);
void sp_http_exchange_call_finish(struct sunpath_http_exchange *exchange, int error);
void sp_http_exchange_call_leave(struct sunpath_http_exchange *exchange);

/* http-accept.c */
/*
 * All headers of that name as one list, valid until the callback returns; NULL when there is none,
 * or no memory: then *ret_error, if that is wanted, becomes -ENOMEM.
 */
struct sp_slice sp_http_exchange_join(struct sunpath_http_exchange *exchange, const char *field,
                                      int *ret_error);

/* http-decode.c */
/* The body is about to be read. -EOPNOTSUPP (a coding that is not known), -ENOMEM. */
int sp_http_exchange_begin_decoding(struct sunpath_http_exchange *exchange);
/* Is what the handler gets of the body encoded, because nobody wanted it decoded? */
bool sp_http_exchange_is_encoded(struct sunpath_http_exchange *exchange);
/* Tells what codings can be decoded, in the answer to one that cannot. */
void sp_http_exchange_offer_codings(struct sunpath_http_exchange *exchange);
/*
 * Decodes `data` and gives the result to `take` until that returns false. What is left when the
 * request is paused there is kept. Errors as sp_decoder_step().
 */
int sp_http_exchange_decode(struct sunpath_http_exchange *exchange, const char *data, size_t size,
                            bool is_end,
                            bool (*take)(struct sunpath_http_exchange *exchange, const char *data,
                                         size_t size));
/* Goes on with what was kept, with is_decoder_full. */
int sp_http_exchange_decode_rest(struct sunpath_http_exchange *exchange,
                                 bool (*take)(struct sunpath_http_exchange *exchange,
                                              const char *data, size_t size));
void sp_http_exchange_drop_decoder(struct sunpath_http_exchange *exchange);

/* http-encode.c */
/*
 * With may_encode: chooses a coding for a response of that status, type (NULL: as in its headers)
 * and size (-1: not known), and gives it the headers that go with it. Sets `encoder`, or not.
 */
int sp_http_exchange_choose_coding(struct sunpath_http_exchange *exchange, int status,
                                   const char *type, int64_t size);
/* The response could not be begun: as if no coding had been chosen. */
void sp_http_exchange_forget_coding(struct sunpath_http_exchange *exchange);
/* Encodes a piece; the result is valid until the next one, of whatever exchange. -ENOMEM */
int sp_http_exchange_encode(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                            enum sp_coder_mode mode, struct sp_slice *ret);
/* All of the body of a whole response: with a coding *body and *size become what it makes of them.
 */
int sp_http_exchange_encode_whole(struct sunpath_http_exchange *exchange, int status,
                                  const char *type, const void **body, size_t *size);
void sp_http_exchange_drop_encoder(struct sunpath_http_server *server,
                                   struct sunpath_http_exchange *exchange);
void sp_http_encoders_deinit(struct sunpath_http_server *server);

/* http-fail.c */
/* Lets on_error answer; when it does not, answers plainly. -ENOBUFS, -ENOMEM. */
int sp_http_exchange_fail(struct sunpath_http_exchange *exchange, int status, const char *why);
/* The server's own answer to a request that is refused. Ends the connection. */
void sp_http_connection_refuse(struct sp_http_connection *connection, int status, const char *why);

/* http-fields.c */
/* May a program add that header? A NULL value is none. */
bool sp_http_may_add_field(const char *name, const char *value);
/* The value of the first header of that name that the response has been given, or NULL. */
const char *sp_http_exchange_find_field(const struct sunpath_http_exchange *exchange,
                                        const char *name, size_t *ret_size);

void sp_http_exchange_drop_field(struct sunpath_http_exchange *exchange, const char *name);

/* http-response.c */
/* Room in the output for `size` bytes; NULL when the client has left. -ENOBUFS, -ENOMEM. */
int sp_http_reserve(char **ret, struct sp_http_connection *connection, size_t size);
/* The same for what must not fail for want of room, within reason. */
int sp_http_reserve_anyway(char **ret, struct sp_http_connection *connection, size_t size);
void sp_http_commit(struct sp_http_connection *connection, size_t size);
/* `size` bytes of output were given to the stream, or by it to the kernel. */
void sp_http_note_written(struct sp_http_connection *connection, size_t size);
/* All of the response is written. */
void sp_http_exchange_end(struct sunpath_http_exchange *exchange);
/* The response cannot be completed: the connection ends, so that nobody takes it for whole. */
void sp_http_exchange_cut(struct sunpath_http_exchange *exchange, int error);
/* A piece of the body, encoded if it is to be. Returns as sunpath_http_write(). */
int sp_http_exchange_put_body(struct sunpath_http_exchange *exchange, const void *data,
                              size_t size);
/* Writes what marks the end of the body. -ENOBUFS, -ENOMEM. */
int sp_http_exchange_put_end(struct sunpath_http_exchange *exchange);

/* http-send-file.c */
struct sp_http_file_part {
    const char *before; /* what goes out in front of it */
    size_t n_before;
    uint64_t offset, size; /* nothing of the file, perhaps, behind the last */
};
/*
 * Lets the rest of the response, which has announced its length, be these parts of a regular file.
 * They and their texts are borrowed until the exchange is over. Else as sunpath_http_send_file().
 */
int sp_http_exchange_send_parts(struct sunpath_http_exchange *exchange, int fd,
                                const struct sp_http_file_part *parts, size_t n_parts);
/* Sends of the file what the client takes. */
void sp_http_exchange_pump_file(struct sunpath_http_exchange *exchange);

#endif
