/* SPDX-License-Identifier: MIT */
/* router-dispatch.c - a request on its way through middleware to its route, or to an error. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/router.h"

enum state {
    RUNNING, /* the middleware at `step` is in its callback */
    WAITING, /* it will decide later */
    PASSED,  /* it called next() */
    OVER,
};

/* A request that has middleware before it; in the exchange's arena. */
struct sp_chain {
    struct sp_routing routing;
    struct sunpath_http_exchange *exchange;
    const struct sp_scope *scope; /* whose steps these are */
    size_t step;
    enum state state;
    bool is_inside; /* in that callback */
    bool is_late;   /* a middleware has waited: the exchange is deferred, the hook in place */
    bool folds;
    struct sp_task task;
    struct sp_http_hook hook;
    void (*on_finish)(struct sunpath_http_exchange *exchange, int error, void *data);
    void *data;
    int status;        /* the answer when there is no target */
    const char *allow; /* for it */
    const char *path;  /* as looked up, when some middleware is for some paths only */
    size_t n_path;
    char separator;
};

/* ---- where it ends --------------------------------------------------------------------------- */

/* "Not Found" or a sentence that says more. */
static const char *reason(int status) {
    return status == 400   ? "the path has a malformed escape"
           : status == 501 ? "there are no tunnels here"
                           : NULL;
}

static void answer(struct sunpath_http_exchange *exchange, int status, const char *allow) {
    if (allow && *allow && sunpath_http_add_header(exchange, "Allow", allow) < 0) {
        status = 500;
    }
    if (status == 204) {
        (void)sunpath_http_respond(exchange, 204, NULL, NULL, 0);
    } else {
        (void)sunpath_http_fail(exchange, status, reason(status));
    }
}

static void hand_over(struct sunpath_http_exchange *exchange, const struct sp_target *target) {
    const struct sp_route *route = target->route;

    if (sunpath_http_set_handler(exchange, route->handler, route->user) < 0) {
        (void)sunpath_http_fail(exchange, 500, NULL);
    } else if (route->handler->on_head) {
        route->handler->on_head(exchange, route->user);
    }
}

/* ---- middleware ------------------------------------------------------------------------------ */

static bool concerns(const struct sp_chain *chain, const struct sp_step *step) {
    const struct sp_pattern *each = step->middleware->alternatives;

    for (; each; each = each->next) {
        if (sp_pattern_begins(each, chain->path, chain->n_path, chain->separator,
                              step->scope->mark.n_segments, chain->folds)) {
            return true;
        }
    }
    return !step->middleware->alternatives;
}

/* The exchange is no longer held back. */
static void let_go(struct sp_chain *chain) {
    chain->state = OVER;
    if (chain->is_late) {
        chain->is_late = false;
        sp_http_exchange_remove_hook(chain->exchange, &chain->hook);
        sp_http_exchange_admit(chain->exchange);
    }
}

static void conclude(struct sp_chain *chain) {
    chain->routing.scope = chain->scope;
    let_go(chain);
    if (chain->routing.target) {
        hand_over(chain->exchange, chain->routing.target);
    } else {
        answer(chain->exchange, chain->status, chain->allow);
    }
}

/* Runs one and returns whether the request goes on at once. */
static bool run_step(struct sp_chain *chain, const struct sp_step *step) {
    struct sunpath_http_exchange *exchange = chain->exchange;
    const struct sp_http_connection *connection = exchange->connection;
    const struct sunpath_http_handler *before = exchange->handler;

    chain->routing.scope = step->scope;
    chain->state = RUNNING;
    chain->is_inside = true;
    step->middleware->run(exchange, step->middleware->user);
    chain->is_inside = false;
    if (connection->is_dead || exchange->is_started) {
        return false;
    }
    if (exchange->handler != before) {
        let_go(chain);
        return false;
    }
    if (chain->state == RUNNING) {
        chain->state = OVER;
        (void)sp_http_exchange_fault(
            exchange, 0, "a middleware neither answered nor passed the request on nor waits");
        (void)sunpath_http_fail(exchange, 500, NULL);
    }
    return chain->state == PASSED;
}

static void run(struct sp_chain *chain) {
    const struct sp_scope *scope = chain->scope;

    while (chain->step < scope->n_steps) {
        const struct sp_step *step = &scope->steps[chain->step];

        if (concerns(chain, step) && !run_step(chain, step)) {
            return;
        }
        chain->step++;
    }
    conclude(chain);
}

/* ---- what a middleware says ------------------------------------------------------------------ */

static int chain_of(struct sunpath_http_exchange *exchange, struct sp_chain **ret) {
    const struct sp_routing *routing = exchange->routing;

    if (!routing) {
        return -EINVAL;
    }
    if (!routing->chain || exchange->is_started || routing->chain->state == PASSED ||
        routing->chain->state == OVER) {
        return sp_http_exchange_fault(exchange, -EALREADY,
                                      "a request that had gone on already was to go on");
    }
    *ret = routing->chain;
    return 0;
}

static void on_pass(struct sp_task *task) {
    struct sp_chain *chain = sp_container_of(task, struct sp_chain, task);
    struct sunpath_http_server *server = chain->exchange->connection->server;

    sp_http_server_enter(server);
    chain->step++;
    run(chain);
    sp_http_server_leave(server);
}

/* Not here and now: then a second call could not be told from one by the next middleware. */
int sunpath_router_next(struct sunpath_http_exchange *exchange) {
    struct sp_chain *chain = NULL;
    int r;

    r = chain_of(exchange, &chain);
    if (r < 0) {
        return r;
    }
    chain->state = PASSED;
    if (!chain->is_inside) {
        sp_task_init(&chain->task, on_pass);
        sp_task_post(&chain->task, exchange->connection->server->loop);
    }
    return 0;
}

static void on_chain_finish(struct sp_http_hook *hook, int error) {
    struct sp_chain *chain = sp_container_of(hook, struct sp_chain, hook);
    bool is_waiting = chain->state == WAITING;

    chain->state = OVER;
    sp_task_cancel(&chain->task);
    if (is_waiting && chain->on_finish) {
        chain->on_finish(chain->exchange, error, chain->data);
    }
}

int sunpath_router_wait(struct sunpath_http_exchange *exchange,
                        void (*on_finish)(struct sunpath_http_exchange *exchange, int error,
                                          void *data),
                        void *data) {
    struct sp_chain *chain = NULL;
    int r;

    r = chain_of(exchange, &chain);
    if (r < 0) {
        return r;
    }
    chain->state = WAITING;
    chain->on_finish = on_finish;
    chain->data = data;
    if (!chain->is_late) {
        chain->is_late = true;
        chain->hook = (struct sp_http_hook){.on_finish = on_chain_finish};
        sp_http_exchange_add_hook(exchange, &chain->hook);
        sp_http_exchange_defer(exchange);
    }
    return 0;
}

/* ---- where it begins ------------------------------------------------------------------------- */

/* The values of the parameters, in one piece of memory. */
static int put_values(struct sp_routing *routing, const struct sp_lookup *lookup) {
    const struct sp_walk *walk = &lookup->walk;
    size_t n = walk->n_values, size = n * sizeof(*routing->values);
    char *at;

    for (size_t i = 0; i < n; i++) {
        size += walk->values[i].size + 1;
    }
    routing->values = sp_arena_alloc(&lookup->exchange->arena, size);
    if (!routing->values) {
        return -ENOMEM;
    }
    at = (char *)(routing->values + n);
    for (size_t i = 0; i < n; i++) {
        struct sp_slice value = walk->values[i];

        memcpy(at, value.data, value.size);
        for (char *nul = at; walk->separator == '\0' &&
                             (nul = memchr(nul, '\0', value.size - (size_t)(nul - at)));) {
            *nul = '/'; /* between the segments that a wildcard takes */
        }
        at[value.size] = '\0';
        routing->values[i] = at;
        at += value.size + 1;
    }
    return 0;
}

static int fill(struct sp_routing *routing, const struct sp_lookup *lookup) {
    const struct sp_target *target = lookup->target;

    *routing = (struct sp_routing){
        .target = target,
        .scope = target ? target->scope : lookup->scope,
    };
    return target && target->n_params > 0 ? put_values(routing, lookup) : 0;
}

/* Without middleware. */
static int go_straight(struct sunpath_http_exchange *exchange, const struct sp_lookup *lookup) {
    struct sp_routing *routing = sp_arena_alloc(&exchange->arena, sizeof(*routing));

    if (!routing || fill(routing, lookup) < 0) {
        return -ENOMEM;
    }
    exchange->routing = routing;
    if (lookup->target) {
        hand_over(exchange, lookup->target);
    } else {
        answer(exchange, lookup->status, lookup->allow);
    }
    return 0;
}

static int begin_chain(const struct sunpath_router *router, struct sunpath_http_exchange *exchange,
                       const struct sp_lookup *lookup, const struct sp_scope *scope) {
    struct sp_chain *chain = sp_arena_alloc(&exchange->arena, sizeof(*chain));

    if (!chain) {
        return -ENOMEM;
    }
    *chain = (struct sp_chain){
        .exchange = exchange,
        .scope = scope,
        .status = lookup->status,
        .allow = lookup->allow,
        .separator = lookup->walk.separator,
        .folds = router->options.ignores_case,
    };
    sp_task_init(&chain->task, on_pass);
    if (fill(&chain->routing, lookup) < 0) {
        return -ENOMEM;
    }
    if (scope->has_prefixes && lookup->path) {
        chain->path = sp_arena_copy(&exchange->arena, lookup->path, lookup->n_path);
        chain->n_path = lookup->n_path;
        if (!chain->path) {
            return -ENOMEM;
        }
    }
    chain->routing.chain = chain;
    exchange->routing = chain;
    run(chain);
    return 0;
}

static sp_noinline void look_up(const struct sunpath_router *router,
                                struct sunpath_http_exchange *exchange,
                                const struct sp_target *found) {
    const struct sp_scope *scope;
    struct sp_lookup lookup;
    int r;

    r = sp_router_lookup(router, &lookup, exchange, found);
    if (r == 0) {
        scope = lookup.target ? lookup.target->scope : lookup.scope;
        exchange->route = lookup.target ? lookup.target->pattern : NULL;
        r = scope->n_steps == 0 ? go_straight(exchange, &lookup)
                                : begin_chain(router, exchange, &lookup, scope);
    }
    if (r < 0) {
        (void)sunpath_http_fail(exchange, 503, "out of memory");
    }
}

static sp_noinline bool compile(struct sunpath_router *router,
                                struct sunpath_http_exchange *exchange) {
    struct sunpath_error error;

    if (sunpath_router_compile(router, &error) < 0) {
        (void)sunpath_http_fail(exchange, 500, error.text);
        return false;
    }
    return true;
}

/* Is the router all that has a say in where the request goes? */
static bool is_first(const struct sunpath_router *router,
                     const struct sunpath_http_exchange *exchange) {
    const struct sunpath_http_server *server = exchange->connection->server;

    return server->handler == sunpath_router_handler() && server->user == router &&
           !exchange->rewritten.data;
}

static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_router *router = user;
    const struct sp_target *target;

    if (sp_unlikely(!router->scope || router->error.code < 0) && !compile(router, exchange)) {
        return;
    }
    target = sp_router_find(router, exchange);
    if (sp_likely(target && target->is_plain)) {
        exchange->route = target->pattern;
        exchange->routing = (void *)&target->plain;
        if (is_first(router, exchange)) {
            sp_http_exchange_set_way(exchange, &target->way);
        }
        hand_over(exchange, target);
    } else {
        look_up(router, exchange, target);
    }
}

/* Only of a request that a middleware has begun to answer, or keeps waiting though it resumed it.
 */
static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
}

const struct sunpath_http_handler *sunpath_router_handler(void) {
    static const struct sunpath_http_handler handler = {
        .on_head = on_head,
        .on_request = on_request,
        .on_error = sp_router_on_error,
    };

    return &handler;
}
