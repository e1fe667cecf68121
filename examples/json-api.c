/* SPDX-License-Identifier: MIT */
/* json-api.c - a JSON API with routes, middleware and an error stage: tasks that are to be done.
 *
 *     curl --unix-socket /tmp/tasks.sock http://x/tasks --json '{"title":"write it down"}'
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <unistd.h>

struct app {
    json_t *tasks;
    json_int_t last_id;
};

/* ---- tasks ----------------------------------------------------------------------------------- */

/* Where the task of the path is, or -1; then it is answered. */
static int find(struct sunpath_http_exchange *exchange, const struct app *app) {
    json_int_t id = atoll(sunpath_http_param(exchange, "id"));
    size_t i;
    json_t *task;

    json_array_foreach(app->tasks, i, task) {
        if (json_integer_value(json_object_get(task, "id")) == id) {
            return (int)i;
        }
    }
    sunpath_http_fail(exchange, 404, "there is no such task");
    return -1;
}

/* The body as a task, or NULL; then it is answered. */
static json_t *read_task(struct sunpath_http_exchange *exchange, json_int_t id) {
    struct sunpath_error error;
    json_t *body, *task;
    const char *title;
    int is_done = 0;

    if (sunpath_http_json(exchange, &body, &error) < 0) {
        sunpath_http_fail_error(exchange, &error);
        return NULL;
    }
    if (json_unpack(body, "{s:s, s?:b}", "title", &title, "done", &is_done) < 0) {
        sunpath_http_fail(exchange, 422, "a task has a title, and may be done");
        task = NULL;
    } else {
        task = json_pack("{s:I, s:s, s:b}", "id", id, "title", title, "done", is_done);
    }
    json_decref(body);
    return task;
}

static void list_tasks(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;

    sunpath_http_respond_json(exchange, 200, app->tasks);
}

static void add_task(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;
    json_t *task = read_task(exchange, app->last_id + 1);
    char location[64];

    if (task) {
        app->last_id++;
        json_array_append_new(app->tasks, task);
        snprintf(location, sizeof(location), "/tasks/%lld", (long long)app->last_id);
        sunpath_http_add_header(exchange, "Location", location);
        sunpath_http_respond_json(exchange, 201, task);
    }
}

static void show_task(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;
    int i = find(exchange, app);

    if (i >= 0) {
        sunpath_http_respond_json(exchange, 200, json_array_get(app->tasks, (size_t)i));
    }
}

static void replace_task(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;
    int i = find(exchange, app);
    json_t *task = i < 0 ? NULL : read_task(exchange, atoll(sunpath_http_param(exchange, "id")));

    if (task) {
        json_array_set_new(app->tasks, (size_t)i, task);
        sunpath_http_respond_json(exchange, 200, task);
    }
}

static void remove_task(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;
    int i = find(exchange, app);

    if (i >= 0) {
        json_array_remove(app->tasks, (size_t)i);
        sunpath_http_respond(exchange, 204, NULL, NULL, 0);
    }
}

static void remove_all(struct sunpath_http_exchange *exchange, void *user) {
    struct app *app = user;

    json_array_clear(app->tasks);
    sunpath_http_respond(exchange, 204, NULL, NULL, 0);
}

/* ---- what comes before and behind ------------------------------------------------------------ */

static void forbid_caching(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_add_header(exchange, "Cache-Control", "no-store");
    sunpath_router_next(exchange);
}

/* Every error is JSON: what handlers fail with, 404, 405 and the server's own. */
static void answer_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                         void *user) {
    json_t *error = json_pack("{s:{s:i, s:s}}", "error", "status", status, "message", why);

    (void)user;
    sunpath_http_respond_json(exchange, status, error);
    json_decref(error);
}

/* For whoever runs this program, by the kernel's word; for nobody else. */
static struct sunpath_access *only_me(void) {
    struct sunpath_access *access = NULL;
    char rule[32];

    snprintf(rule, sizeof(rule), "uid=%u", geteuid());
    if (sunpath_access_new(&access) == 0 && sunpath_access_allow(access, rule, NULL) < 0) {
        access = sunpath_access_free(access);
    }
    return access;
}

/* Mistakes in here are told when the router is compiled. */
static void add_routes(struct sunpath_router *router, struct app *app,
                       const struct sunpath_access *admins) {
    struct sunpath_router_match match = SUNPATH_OPTIONS(struct sunpath_router_match);
    struct sunpath_router *admin = NULL;

    sunpath_router_on_error(router, answer_error, NULL);
    sunpath_router_use(router, NULL, forbid_caching, NULL);
    sunpath_router_on(router, "GET /tasks", list_tasks, app);
    sunpath_router_on(router, "POST /tasks", add_task, app);
    sunpath_router_on(router, "GET /tasks/:id[0-9]", show_task, app);
    sunpath_router_on(router, "PUT /tasks/:id[0-9]", replace_task, app);
    sunpath_router_on(router, "DELETE /tasks/:id[0-9]", remove_task, app);

    match.access = admins;
    sunpath_router_new(&admin, NULL);
    sunpath_router_on(admin, "DELETE /tasks", remove_all, app);
    sunpath_router_mount(router, "/admin", admin, &match);
}

int main(int argc, char **argv) {
    struct sunpath_http_server_options http = SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_error error = {.text = "out of memory"};
    struct app app = {.tasks = json_array()};
    struct sunpath_access *admins = only_me();
    struct sunpath_http_server *server = NULL;
    struct sunpath_router *router = NULL;
    struct sunpath_loop *loop = NULL;
    int r = -1;

    options.mode = 0666;
    http.decodes_bodies = true;
    if (admins && sunpath_loop_open(&loop) == 0 && sunpath_router_new(&router, NULL) == 0) {
        add_routes(router, &app, admins);
        r = sunpath_router_compile(router, &error);
    }
    if (r == 0) {
        r = sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, &http);
    }
    if (r == 0) {
        r = sunpath_http_server_listen(server, argc > 1 ? argv[1] : "/tmp/tasks.sock", &options,
                                       &error);
    }
    if (r == 0) {
        r = sunpath_loop_run_until_signal(loop);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_http_server_free(server);
    sunpath_router_free(router);
    sunpath_access_free(admins);
    sunpath_loop_close(loop);
    json_decref(app.tasks);
    return r < 0;
}
