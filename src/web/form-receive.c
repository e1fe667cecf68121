/* SPDX-License-Identifier: MIT */
/* form-receive.c - a form of either kind, its fields into memory and its files to a directory. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "web/form.h"

/* In the arena of its exchange. */
struct receiving {
    struct sp_http_hook hook; /* files go when the exchange does */
    struct sunpath_form *form;
    void (*on_form)(struct sunpath_http_exchange *exchange, struct sunpath_form *form, void *user);
    void *user;
    /* with an urlencoded form: the handler that the exchange had */
    const struct sunpath_http_handler *handler;
    void *handler_user;
};

static void release(struct sp_http_hook *hook, int error) {
    struct receiving *receiving = sp_container_of(hook, struct receiving, hook);

    (void)error;
    sp_form_release(receiving->form);
}

static void deliver(struct receiving *receiving) {
    receiving->on_form(receiving->form->exchange, receiving->form, receiving->user);
}

/* ---- multipart ------------------------------------------------------------------------------- */

static void check(struct receiving *receiving, int r, const struct sunpath_error *error) {
    if (r < 0) {
        (void)sunpath_http_fail_error(receiving->form->exchange, error);
    }
}

static void on_part(struct sunpath_form_reader *reader, const struct sunpath_form_part *part,
                    void *user) {
    struct receiving *receiving = user;
    struct sunpath_error error;

    (void)reader;
    check(receiving, sp_form_add(receiving->form, part->name, part->filename, part->type, &error),
          &error);
}

static void on_data(struct sunpath_form_reader *reader, const void *data, size_t size, void *user) {
    struct receiving *receiving = user;
    struct sunpath_error error;

    (void)reader;
    check(receiving, sp_form_take(receiving->form, data, size, &error), &error);
}

static void on_part_end(struct sunpath_form_reader *reader, void *user) {
    struct receiving *receiving = user;
    struct sunpath_error error;

    (void)reader;
    check(receiving, sp_form_end_part(receiving->form, &error), &error);
}

static void on_end(struct sunpath_form_reader *reader, void *user) {
    (void)reader;
    deliver(user);
}

static const struct sunpath_form_events events = {
    .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end, .on_end = on_end};

/* ---- urlencoded: the body is collected ------------------------------------------------------- */

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    struct receiving *receiving = user;
    struct sunpath_error error;

    if (sp_form_read_body(receiving->form, SP_FORM_URLENCODED, &error) < 0) {
        (void)sunpath_http_fail_error(exchange, &error);
        return;
    }
    deliver(receiving);
}

static void on_drain(struct sunpath_http_exchange *exchange, void *user) {
    const struct receiving *receiving = user;

    if (receiving->handler->on_drain) {
        receiving->handler->on_drain(exchange, receiving->handler_user);
    }
}

static void on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    const struct receiving *receiving = user;

    if (receiving->handler->on_error) {
        receiving->handler->on_error(exchange, status, why, receiving->handler_user);
    }
}

static void on_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    const struct receiving *receiving = user;

    if (receiving->handler->on_finish) {
        receiving->handler->on_finish(exchange, error, receiving->handler_user);
    }
}

static const struct sunpath_http_handler collecting = {
    .on_request = on_request, .on_drain = on_drain, .on_error = on_error, .on_finish = on_finish};

static int collect(struct receiving *receiving, struct sunpath_error *error) {
    struct sunpath_http_exchange *exchange = receiving->form->exchange;

    receiving->handler = exchange->handler;
    receiving->handler_user = exchange->handler_user;
    if (exchange->is_started || sunpath_http_set_handler(exchange, &collecting, receiving) < 0) {
        return sp_fail(error, -EALREADY, SUNPATH_REASON_INVALID, "form",
                       "the body was read, or the request answered");
    }
    /* what is more would be too large in memory */
    (void)sunpath_http_set_max_body(exchange, receiving->form->options.max_memory);
    return 0;
}

/* ---- the call -------------------------------------------------------------------------------- */

int sunpath_form_receive(struct sunpath_http_exchange *exchange, int directory_fd,
                         const struct sunpath_form_options *given,
                         void (*on_form)(struct sunpath_http_exchange *exchange,
                                         struct sunpath_form *form, void *user),
                         void *user, struct sunpath_error *error) {
    struct sunpath_form_options options;
    struct receiving *receiving;
    int r, kind;

    if (!exchange || !on_form) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "form", "without on_form");
    }
    r = sp_form_read_options(&options, given, error);
    if (r < 0) {
        return r;
    }
    kind = sp_form_kind(exchange, error);
    if (kind < 0) {
        return kind;
    }
    receiving = sunpath_http_alloc(exchange, sizeof(*receiving));
    if (!receiving) {
        return sp_form_no_memory(error);
    }
    *receiving = (struct receiving){.hook = {.on_finish = release},
                                    .form = sp_form_new(exchange, &options),
                                    .on_form = on_form,
                                    .user = user};
    if (!receiving->form) {
        return sp_form_no_memory(error);
    }
    receiving->form->directory_fd = directory_fd;
    r = kind == SP_FORM_URLENCODED
            ? collect(receiving, error)
            : sunpath_form_reader_open(NULL, exchange, &events, receiving, given, error);
    if (r == 0) {
        sp_http_exchange_add_hook(exchange, &receiving->hook);
    }
    return r;
}
