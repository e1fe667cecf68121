/* SPDX-License-Identifier: MIT */
/* form-parts.c - what a form in memory is made of: its parts, and what they may cost. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "web/form.h"

/* ---- what can be wrong ----------------------------------------------------------------------- */

int sp_form_malformed(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "form", "%s", why);
}

int sp_form_too_large(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EMSGSIZE, SUNPATH_REASON_PROTOCOL, "form", "%s", why);
}

int sp_form_no_memory(struct sunpath_error *error) {
    return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "form", "out of memory");
}

int sp_form_failed(struct sunpath_error *error, int code, const char *why) {
    return code == -EMSGSIZE ? sp_form_too_large(error, why) : sp_form_malformed(error, why);
}

static int file_failed(struct sunpath_error *error, int code) {
    return sp_fail(error, code, SUNPATH_REASON_SYSTEM, "form", "a file cannot be written: %s",
                   strerror(-code));
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct sunpath_form *sp_form_new(struct sunpath_http_exchange *exchange,
                                 const struct sunpath_form_options *options) {
    struct sunpath_form *form = sunpath_http_alloc(exchange, sizeof(*form));

    if (form) {
        *form =
            (struct sunpath_form){.exchange = exchange, .options = *options, .directory_fd = -1};
    }
    return form;
}

void sp_form_release(struct sunpath_form *form) {
    for (size_t i = 0; i < form->n_entries; i++) {
        sp_form_file_close(form, &form->entries[i]);
    }
    sp_buffer_deinit(&form->gathered);
}

bool sp_form_count(struct sunpath_form *form, size_t size) {
    if (size > form->options.max_memory - form->n_memory) {
        return false;
    }
    form->n_memory += size;
    return true;
}

/* At least doubles; the arena keeps the old ones, which are fewer together. */
static int make_room(struct sunpath_form *form) {
    size_t n = form->n_room ? form->n_room * 2 : 8;
    struct sp_form_entry *grown;

    if (form->n_entries < form->n_room) {
        return 0;
    }
    grown = sunpath_http_alloc(form->exchange, n * sizeof(*grown));
    if (!grown) {
        return -ENOMEM;
    }
    if (form->n_entries > 0) {
        memcpy(grown, form->entries, form->n_entries * sizeof(*grown));
    }
    form->entries = grown;
    form->n_room = n;
    return 0;
}

static struct sp_form_entry *last(struct sunpath_form *form) {
    return &form->entries[form->n_entries - 1];
}

static int add(struct sunpath_form *form, const struct sunpath_form_part *part,
               struct sunpath_error *error) {
    if (form->n_entries == form->options.max_parts) {
        return sp_form_too_large(error, "it has too many parts");
    }
    if (make_room(form) < 0) {
        return sp_form_no_memory(error);
    }
    form->entries[form->n_entries++] = (struct sp_form_entry){.part = *part};
    return 0;
}

/* ---- parts ----------------------------------------------------------------------------------- */

int sp_form_add_field(struct sunpath_form *form, const char *name, const char *value,
                      struct sunpath_error *error) {
    const struct sunpath_form_part part = {
        .name = name, .data = value, .size = strlen(value), .fd = -1};

    if (part.size > form->options.max_part) {
        return sp_form_too_large(error, "a part of it is too large");
    }
    return add(form, &part, error);
}

static size_t length(const char *text) {
    return text ? strlen(text) : 0;
}

static const char *copy(struct sunpath_form *form, const char *text) {
    return text ? sp_arena_copy(&form->exchange->arena, text, strlen(text)) : NULL;
}

int sp_form_add(struct sunpath_form *form, const char *name, const char *filename, const char *type,
                struct sunpath_error *error) {
    const struct sunpath_form_part part = {.name = copy(form, name),
                                           .filename = copy(form, filename),
                                           .type = copy(form, type),
                                           .fd = -1};
    int r;

    if (!sp_form_count(form, length(name) + length(filename) + length(type))) {
        return sp_form_too_large(error, "its names and values are too large");
    }
    if (!part.name || (filename && !part.filename) || (type && !part.type)) {
        return sp_form_no_memory(error);
    }
    r = add(form, &part, error);
    if (r < 0 || !filename || form->directory_fd < 0) {
        return r;
    }
    if (form->n_files == form->options.max_files) {
        return sp_form_too_large(error, "it has too many files");
    }
    r = sp_form_file_open(form, last(form));
    if (r < 0) {
        return file_failed(error, r);
    }
    form->n_files++;
    return 0;
}

int sp_form_take(struct sunpath_form *form, const char *data, size_t size,
                 struct sunpath_error *error) {
    struct sp_form_entry *entry = last(form);
    int r;

    if (size > form->options.max_part - entry->part.size) {
        return sp_form_too_large(error, "a part of it is too large");
    }
    if (entry->part.fd >= 0) {
        r = sp_form_file_write(entry, data, size);
        if (r < 0) {
            return file_failed(error, r);
        }
    } else {
        if (!sp_form_count(form, size)) {
            return sp_form_too_large(error, "its names and values are too large");
        }
        if (sp_buffer_append(&form->gathered, data, size, SIZE_MAX) < 0) {
            return sp_form_no_memory(error);
        }
    }
    entry->part.size += size;
    return 0;
}

int sp_form_end_part(struct sunpath_form *form, struct sunpath_error *error) {
    struct sunpath_form_part *part = &last(form)->part;
    size_t size = sp_buffer_size(&form->gathered);

    if (part->fd >= 0) {
        return 0;
    }
    part->data = sp_arena_copy(&form->exchange->arena,
                               size > 0 ? sp_buffer_bytes(&form->gathered) : "", size);
    form->gathered.begin = form->gathered.end = 0;
    return part->data ? 0 : sp_form_no_memory(error);
}

/* ---- asking ---------------------------------------------------------------------------------- */

size_t sunpath_form_n_parts(const struct sunpath_form *form) {
    return form->n_entries;
}

bool sunpath_form_at(const struct sunpath_form *form, size_t index, struct sunpath_form_part *ret) {
    if (index >= form->n_entries) {
        return false;
    }
    *ret = form->entries[index].part;
    return true;
}

const char *sunpath_form_value(const struct sunpath_form *form, const char *name) {
    for (size_t i = 0; i < form->n_entries; i++) {
        const struct sunpath_form_part *part = &form->entries[i].part;

        if (!part->filename && strcmp(part->name, name) == 0) {
            return part->data;
        }
    }
    return NULL;
}
