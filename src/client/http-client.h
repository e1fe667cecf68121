/* SPDX-License-Identifier: MIT */
/* http-client.h - the parts of the HTTP client: response, request, client, connection. */

#ifndef SP_CLIENT_HTTP_CLIENT_H
#define SP_CLIENT_HTTP_CLIENT_H

#include <sunpath/http-client.h>
#include <sunpath/stream.h>

#include "base/buffer.h"
#include "base/list.h"
#include "loop/loop.h"
#include "wire/content-range.h"
#include "wire/http1.h"
#include "wire/uri.h"

/* A head from a server we chose to talk to may be larger than what a server takes from anyone. */
#define SP_HTTP_CLIENT_MAX_HEAD    (64 * 1024)
#define SP_HTTP_CLIENT_MAX_FIELDS  256
#define SP_HTTP_CLIENT_MAX_INTERIM 100 /* responses (1xx) before the one that is asked for */
#define SP_HTTP_CLIENT_PIECE       (64 * 1024) /* bytes of a request body handled at a time */

/* ---- http-client-response.c: what a server answered ------------------------------------------ */

struct sp_client_connection;

struct sp_http_pair {
    const char *name;
    const char *value;
};

struct sunpath_http_response {
    int status;
    int version;
    int64_t content_length;
    const char *reason;
    bool is_decoded;
    const char *unfollowed; /* why a redirect was not followed, or NULL */
    char *text;             /* a copy of the head with NULs behind its names and values */
    struct sp_http_pair *fields;
    size_t n_fields; /* headers and those trailers that may be seen */
    size_t n_headers;
    size_t n_stored; /* with the trailers that have come so far; each has memory of its own */
    char *body;
    size_t n_body;
    size_t n_body_room;
};

int sp_http_response_new(struct sunpath_http_response **ret, const struct sp_http_head *head,
                         const char *data, size_t size);
/* -EMSGSIZE when the body would be larger than `max`. */
int sp_http_response_append(struct sunpath_http_response *response, const char *data, size_t size,
                            uint64_t max);
int sp_http_response_add_trailer(struct sunpath_http_response *response, const char *line,
                                 size_t size);
/* The body is whole: its trailers may be seen. */
void sp_http_response_complete(struct sunpath_http_response *response);

/* ---- http-client-request.c: what is asked ---------------------------------------------------- */

enum sp_http_sending {
    SP_HTTP_SEND_HEAD = 0,
    SP_HTTP_SEND_WAIT, /* for "100 Continue", or for a source that has nothing yet */
    SP_HTTP_SEND_BODY,
    SP_HTTP_SENT,
    SP_HTTP_SEND_GIVEN_UP /* the answer made it pointless; the connection cannot be used again */
};

/* Where a body comes from that is not in memory: read_body of the options, or a form. */
struct sp_http_source {
    ssize_t (*read)(void *user, void *buffer, size_t n_buffer); /* NULL: there is none */
    int (*rewind)(void *user);                                  /* NULL: it can be read once */
    void *user;
};

struct sunpath_http_request {
    struct sp_list node; /* in the client's queue, or among the spent */
    struct sunpath_http_client *client;
    struct sp_client_connection *connection; /* that it is on; NULL: it waits in the queue */
    const struct sunpath_address *address;
    struct sunpath_http_request_options options; /* body and callbacks; the rest is stale */
    struct sp_http_source source;
    struct sp_timer deadline;
    void (*on_done)(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user);
    void *done_user;
    /* instead of on_done, with `protocol` or for CONNECT */
    void (*on_upgrade)(struct sunpath_stream *stream, const struct sunpath_http_response *response,
                       int result, const struct sunpath_error *error, void *user);
    const struct sunpath_stream_events *stream_events;
    struct sunpath_stream *upgraded;
    char *protocol;
    struct sunpath_http_response **ret_response; /* takes the response over instead of freeing it */
    char *base;                                  /* the head that was asked for */
    size_t n_base;
    char *head; /* the one that is sent: the base, or a copy of it with more fields */
    size_t n_head;
    char *method;
    struct sp_span target; /* in either */
    char *location;        /* where the present answer leads; NULL: it is the one to deliver */
    int n_redirects;
    int n_resumes;
    bool is_idempotent;
    bool is_chunked;
    bool expects_continue;
    bool closes; /* it says "Connection: close" */
    bool is_paused;
    bool is_over;                           /* on_done was called */
    struct sunpath_http_response *response; /* that is freed with it; NULL: it is not over */

    /* the state of one attempt: sp_http_request_rewind() */
    enum sp_http_sending sending;
    uint64_t n_sent; /* bytes of the body given to the connection */
    bool is_read;    /* read_body() was called: the body cannot be sent again */
};

/*
 * Checks everything and writes the head. `protocol` is what to upgrade to, or NULL. `error` says
 * what is wrong: -EINVAL.
 */
int sp_http_request_new(struct sunpath_http_request **ret, const struct sunpath_address *address,
                        const char *method, const char *uri, const char *protocol,
                        const struct sunpath_http_request_options *options,
                        struct sunpath_error *error);
struct sunpath_http_request *sp_http_request_free(struct sunpath_http_request *request);
void sp_http_request_rewind(struct sunpath_http_request *request);

/* Reads the caller's options, whatever version of the struct they are. -EINVAL. */
int sp_http_request_read_options(struct sunpath_http_request_options *ret,
                                 const struct sunpath_http_request_options *options,
                                 struct sunpath_error *error);

/*
 * The next piece of the body as it goes on the wire, at most SP_HTTP_CLIENT_PIECE and chunk marks.
 * Returns its size and where it is (in `room`, or in the caller's body), or a negative errno:
 * -EAGAIN when the source has nothing yet, else `error` says what went wrong. `sending` becomes
 * SP_HTTP_SENT with the last piece, which may be empty.
 */
#define SP_HTTP_PIECE_ROOM (SP_HTTP_CHUNK_ROOM + SP_HTTP_CLIENT_PIECE + sizeof("\r\n0\r\n\r\n"))
ssize_t sp_http_request_next_piece(struct sunpath_http_request *request, const char **ret_data,
                                   char *room, struct sunpath_error *error);

/* ---- http-client-head.c ------------------------------------------------------------------------
 */

/* The value of the caller's field of that name; NULL data: none. */
struct sp_slice sp_http_request_find(const struct sunpath_http_request *request, const char *name);
/* Makes the head to be sent: the base but its fields `without` (NULL: all), and the lines `more`.
 */
int sp_http_request_dress(struct sunpath_http_request *request, struct sp_slice more,
                          const char *const *without);
/* Asks for something else; `becomes_get` takes the body off. */
int sp_http_request_retarget(struct sunpath_http_request *request, const char *target,
                             bool becomes_get);

/* Fills `error` with "request GET '/x' on '/run/app.sock': <format>" and returns `code`. */
int sp_http_request_fail(const struct sunpath_http_request *request, struct sunpath_error *error,
                         int code, enum sunpath_reason reason, const char *format, ...)
    SUNPATH_PRINTF(5, 6);

/* ---- http-client.c: the client ----------------------------------------------------------------
 */

struct sunpath_http_client {
    struct sunpath_loop *loop;
    struct sunpath_address address;
    struct sunpath_connect_options connect;
    char *expect_user;
    char *bind;
    char *uri; /* from the address, for requests that name none; or NULL */
    size_t max_connections, max_idle, max_queued;
    int idle_ms;
    struct sunpath_http_cookies *cookies; /* the caller's, or NULL */

    struct sp_list queue; /* requests without a connection, the oldest first */
    size_t n_queued;
    struct sp_list spent; /* requests that are over: freed behind the last callback */

    struct sp_list busy; /* connections with a request */
    struct sp_list idle; /* those without; the one that was used last is the first */
    struct sp_list dead; /* freed behind the last callback */
    size_t n_connections, n_idle;

    struct sp_task task; /* what must not be done inside the caller's call */
    char *room;          /* SP_HTTP_PIECE_ROOM, for the body that is being sent */
    unsigned n_inside;   /* callbacks of ours on the stack */
    bool is_freed;
};

/*
 * Around everything that may call back. The last leave gives connections to waiting requests, and
 * frees what is over: until then the memory of requests, connections and the client stays, so that
 * after any callback of the caller's it can be asked what became of them.
 */
void sp_client_enter(struct sunpath_http_client *client);
void sp_client_leave(struct sunpath_http_client *client);

/* The way in: a request as the caller wants it, and into the queue, taking the options' handle. */
int sp_client_new_request(struct sunpath_http_request **ret, struct sunpath_http_client *client,
                          const char *method, const char *uri, const char *protocol,
                          const struct sunpath_http_request_options *options);
int sp_client_queue_or_free(struct sunpath_http_client *client,
                            struct sunpath_http_request *request);

/* ---- http-client-queue.c: requests that wait, and how requests end ----------------------------
 */

/* Queues a request that is complete with on_done; owned only when 0 is returned. */
int sp_client_queue(struct sunpath_http_client *client, struct sunpath_http_request *request);

/* Gives connections to the requests that wait, as far as there may be more of them. */
void sp_client_dispatch(struct sunpath_http_client *client);

/*
 * Ends the request of a connection, and keeps or drops that. Afterwards the connection has no
 * request: whoever called the caller's code compares connection->request with what it was.
 */
void sp_client_finish(struct sp_client_connection *connection, int result,
                      const struct sunpath_error *error);

/* The deadline of a request that waits has passed. */
void sp_client_fail_queued(struct sunpath_http_request *request);

/* Ends all requests with -ECANCELED. */
void sp_client_cancel_all(struct sunpath_http_client *client);

/* ---- http-client-pool.c: the connections there are --------------------------------------------
 */

struct sp_client_connection {
    struct sp_list node;
    struct sunpath_http_client *client;
    struct sunpath_http_request *request; /* NULL: it is idle, or dead */
    struct sp_timer work;     /* connect again, stop waiting for "100 Continue", ask the source */
    struct sp_timer patience; /* http-client-timeout.c */

    uint64_t connect_deadline_ns;
    int retry_ms;      /* the last wait before another attempt */
    int connecting_fd; /* TCP: on its way */
    struct sunpath_watch *connecting;

    struct sunpath_stream *stream; /* NULL: not connected */
    struct sp_buffer input;        /* of a dead one: on_body may be looking at it */
    struct sunpath_peer peer;
    bool is_idle;
    bool has_peer;
    bool is_reused;          /* it has answered a request before */
    bool is_keep_alive;      /* the answer allows another request */
    uint64_t n_taken_before; /* bytes that had left when the request began */
    uint64_t sent_ns;        /* when all of the request had left; SP_NEVER: not yet */
    uint64_t since_ns;       /* when it was the server's turn again, after ours */
    uint64_t idle_ns;        /* since when it is idle */

    struct sunpath_http_response *response;
    struct sp_http_body body;
    uint64_t n_received;        /* bytes of its body, as they came */
    uint64_t n_promised;        /* of these, by the Content-Range of a rest; 0: no rest */
    struct sp_decoder *decoder; /* NULL: the body is given as it comes */
    struct sp_buffer undecoded; /* what came before the reader paused */
    bool is_decoding;           /* there may be more of what came */
    bool ends_decoding;         /* and it is the last */
    size_t n_seen;              /* of a head that is not complete */
    bool has_answered;          /* a byte came of a head, and that was no interim response */
    unsigned n_informed;        /* interim responses that came */
    bool is_resuming;           /* the answer broke off: its head stays, the rest is asked for */
    bool wants_hand_out;        /* the server has switched: the stream is the caller's now */
    bool wants_start;           /* the request is to be sent, to another target */
    bool wants_input;           /* the request was resumed: take what was kept back */
    bool is_lost;               /* the connection, while the reader paused; */
    int lost_error;             /* by this, 0: its end */
    bool is_unsent;             /* the connection was lost before a byte of the request left */
};

static inline void sp_client_set_work(struct sp_client_connection *connection, int delay_ms) {
    sp_timer_set(&connection->work, connection->client->loop, sp_deadline_ns(delay_ms));
}

/* An idle connection, the one used last, or a new one; NULL when there may be no more, or no
 * memory (*ret is -ENOMEM then). It is busy from now on. */
struct sp_client_connection *sp_client_take_connection(struct sunpath_http_client *client,
                                                       int *ret);
/* It has no request any more: idle while it is connected and the pool wants it, else dropped. */
void sp_client_return_connection(struct sp_client_connection *connection);
/* Disconnects; the memory goes with the last callback. */
void sp_client_drop_connection(struct sp_client_connection *connection);
void sp_client_drop_all(struct sunpath_http_client *client);
void sp_client_free_dead(struct sunpath_http_client *client);

/* ---- http-client-connect.c: a connection, without blocking the loop ---------------------------
 */

/* Begins the request on the connection there is, or makes one first. */
void sp_client_start(struct sp_client_connection *connection);
/* The work timer is due while there is no connection: tries again, or gives up. */
void sp_client_continue_connecting(struct sp_client_connection *connection);
void sp_client_disconnect(struct sp_client_connection *connection);
/* The request's time passed: says what connecting was waiting for. */
void sp_client_fail_connecting(struct sp_client_connection *connection, int timeout_ms);

/* ---- http-client-exchange.c: one request and its answer on a connection -----------------------
 */

extern const struct sunpath_stream_events sp_client_stream_events;

/* Ends the request with "<what><where>". */
void sp_client_fail(struct sp_client_connection *connection, int code, enum sunpath_reason reason,
                    const char *what, const char *where);
/* A callback of the caller's ended it. */
void sp_client_stop(struct sp_client_connection *connection, int code, const char *callback);
/* Sends the request once more, its body from the beginning. */
void sp_client_start_again(struct sp_client_connection *connection);
/* Forgets the answer so far; and all else of an attempt. */
void sp_client_forget_answer(struct sp_client_connection *connection);
void sp_client_reset(struct sp_client_connection *connection);
/* Takes what has arrived and was kept back. */
void sp_client_go_on(struct sp_client_connection *connection);

/* Where the exchange is, for messages: "after 10 of 100 bytes of the body". */
struct sp_client_phase {
    char text[128];
};
const char *sp_client_phase(struct sp_client_phase *phase,
                            const struct sp_client_connection *connection);

/* ---- http-client-dress.c: what a connection adds to a request, and takes from an answer -------
 */

/* Makes the head for this attempt. False when that failed, and the request is over. */
bool sp_client_dress(struct sp_client_connection *connection);
/* An answer's head is there: notes what it asks to be remembered. */
void sp_client_remember(struct sp_client_connection *connection);

/* ---- http-client-send.c, http-client-receive.c ------------------------------------------------
 */

/* Sends the head, and what goes with it. */
void sp_client_begin(struct sp_client_connection *connection);
/* Sends on as far as the stream takes it. */
void sp_client_send_more(struct sp_client_connection *connection);
/* The wait that the work timer stands for is over. */
void sp_client_stop_waiting(struct sp_client_connection *connection);

/* Returns the bytes used of what was received. Afterwards the request may be over. */
size_t sp_client_receive(struct sp_client_connection *connection, const char *data, size_t size);
/* The answer is complete. */
void sp_client_complete(struct sp_client_connection *connection);
/* It has been read: disconnects unless another request may go out on the same connection. */
void sp_client_keep(struct sp_client_connection *connection);

/* Gives a piece of the body to whoever reads it. False when the request is over. */
bool sp_client_give_body(struct sp_client_connection *connection, const char *data, size_t size);

/* ---- http-client-decode.c -----------------------------------------------------------------------
 */

/* The head is there: makes a decoder if one is needed. False when the request is over. */
bool sp_client_prepare_decoding(struct sp_client_connection *connection);
/* A piece of a body that has a decoder. False when the request is over. */
bool sp_client_decode(struct sp_client_connection *connection, const char *data, size_t size);
/* The reader goes on with what had come before it paused. False when the request is over. */
bool sp_client_go_on_decoding(struct sp_client_connection *connection);
/* All of the body has come: completes the answer, when it is decoded, too. */
void sp_client_end_body(struct sp_client_connection *connection);
void sp_client_stop_decoding(struct sp_client_connection *connection);

/* ---- http-client-switch.c -----------------------------------------------------------------------
 */

/* Is an answer of this status the end of HTTP on the connection? */
bool sp_client_is_switch(const struct sunpath_http_request *request, int status);
/* Such an answer, owned from now on: fails, or wants to hand out. */
void sp_client_take_switch(struct sp_client_connection *connection,
                           struct sunpath_http_response *response);
void sp_client_hand_out(struct sp_client_connection *connection);
/* An upgrade was asked for, and the answer, which is complete, is another. */
void sp_client_refuse_switch(struct sp_client_connection *connection);

/* ---- http-client-resume.c -----------------------------------------------------------------------
 */

/* The connection broke in the middle of the body. */
bool sp_client_may_resume(const struct sp_client_connection *connection);
void sp_client_resume_body(struct sp_client_connection *connection);
/* Appends the lines that ask for the rest. -ENOMEM. */
int sp_client_put_range(const struct sp_client_connection *connection, struct sp_buffer *lines);

enum sp_client_rest {
    SP_CLIENT_REST_REFUSED, /* and the request is over */
    SP_CLIENT_REST_GOES_ON, /* the body that follows is what was missing */
    SP_CLIENT_REST_IS_NEW   /* an answer of its own, from the beginning */
};
enum sp_client_rest sp_client_take_rest(struct sp_client_connection *connection,
                                        const struct sp_http_head *head,
                                        const struct sunpath_http_response *rest);

/* ---- http-client-redirect.c --------------------------------------------------------------------
 */

/* The head of an answer is there: decides whether it is followed. False when the request is over.
 */
bool sp_client_consider_redirect(struct sp_client_connection *connection);
/* Of the body of an answer that is followed: false when it is too much, and was left behind. */
bool sp_client_skip_body(struct sp_client_connection *connection);
/* The answer is over: makes the next request of it. */
void sp_client_follow(struct sp_client_connection *connection);

/* ---- http-client-timeout.c: how long the server is waited for ---------------------------------
 */

/* Sets the timer for what is waited for now; to be called when that changes. */
void sp_client_mind(struct sp_client_connection *connection);
/* The same, and what we were waiting for ourselves is over. */
void sp_client_mind_from_now(struct sp_client_connection *connection);
/* The timer is due: waits on when there was traffic, else ends the request, or closes. */
void sp_client_on_patience(struct sp_timer *timer);
/* The total deadline of a request. */
void sp_client_on_deadline(struct sp_timer *timer);

#endif
