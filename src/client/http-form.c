/* SPDX-License-Identifier: MIT */
/* http-form.c - multipart/form-data, read part by part. */

#include "client/http-form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "base/options.h"
#include "os/fd.h"
#include "wire/http1.h"

#define N_RANDOM 16

struct part {
    struct sp_list node;
    struct sp_buffer head; /* from the boundary to the empty line */
    struct sp_buffer data;
    int fd; /* -1: in memory, or a source */
    ssize_t (*read)(void *user, void *buffer, size_t n_buffer);
    int (*rewind)(void *user);
    void *user;
    int64_t length;   /* of the content; -1: unknown */
    uint64_t n_given; /* of the content */
    bool is_begun;    /* something of a source was read */
};

/* Where in a part reading is. */
enum step {
    STEP_HEAD = 0,
    STEP_CONTENT,
    STEP_END /* the line end behind the content */
};

struct sunpath_http_form {
    struct sp_list parts;
    char boundary[8 + 2 * N_RANDOM + 1];
    char type[32 + 8 + 2 * N_RANDOM + 1];
    char end[8 + 8 + 2 * N_RANDOM + 1]; /* the closing boundary */

    struct sp_list *current; /* the list itself: the closing boundary */
    enum step step;
    size_t n_given; /* of the text that the step is about */

    bool is_inside; /* a source is being called, perhaps */
    bool is_freed;  /* meanwhile */
};

static struct part *part_of(struct sp_list *node) {
    return sp_container_of(node, struct part, node);
}

static void free_part(struct part *part) {
    sp_list_remove(&part->node);
    sp_close(part->fd);
    sp_buffer_deinit(&part->head);
    sp_buffer_deinit(&part->data);
    free(part);
}

static int write_boundary(struct sunpath_http_form *form) {
    static const char digits[] = "0123456789abcdef";
    unsigned char random[N_RANDOM];
    char *at = stpcpy(form->boundary, "sunpath-");

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        return -errno;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        *at++ = digits[random[i] >> 4];
        *at++ = digits[random[i] & 15];
    }
    *at = '\0';
    stpcpy(stpcpy(form->type, "multipart/form-data; boundary="), form->boundary);
    stpcpy(stpcpy(stpcpy(form->end, "--"), form->boundary), "--\r\n");
    return 0;
}

int sunpath_http_form_new(struct sunpath_http_form **ret) {
    _cleanup_(sp_freep) struct sunpath_http_form *form = calloc(1, sizeof(*form));
    int r;

    if (!form) {
        return -ENOMEM;
    }
    r = write_boundary(form);
    if (r < 0) {
        return r;
    }
    sp_list_init(&form->parts);
    form->current = &form->parts;
    *ret = sp_take_ptr(&form);
    return 0;
}

static void release(struct sunpath_http_form *form) {
    while (!sp_list_is_empty(&form->parts)) {
        free_part(part_of(form->parts.next));
    }
    free(form);
}

struct sunpath_http_form *sunpath_http_form_free(struct sunpath_http_form *form) {
    if (form && form->is_inside) {
        form->is_freed = true;
    } else if (form) {
        release(form);
    }
    return NULL;
}

const char *sp_http_form_type(const struct sunpath_http_form *form) {
    return form->type;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static int put(struct sp_buffer *head, const char *text) {
    return sp_buffer_append(head, text, strlen(text), SIZE_MAX / 2);
}

/* ; name="value" with the escapes of the HTML standard (4.10.21.8, multipart/form-data). */
static int put_quoted(struct sp_buffer *head, const char *before, const char *value) {
    int r = put(head, before);

    for (; r == 0 && *value; value++) {
        char byte[] = {*value, '\0'};

        r = put(head, *value == '"'    ? "%22"
                      : *value == '\r' ? "%0D"
                      : *value == '\n' ? "%0A"
                                       : byte);
    }
    return r < 0 ? r : put(head, "\"");
}

static int write_head(struct part *part, const struct sunpath_http_form *form, const char *name,
                      const char *filename, const char *type) {
    struct sp_buffer *head = &part->head;
    int r = put(head, "--");

    r = r < 0 ? r : put(head, form->boundary);
    r = r < 0 ? r : put_quoted(head, "\r\nContent-Disposition: form-data; name=\"", name);
    if (r == 0 && filename) {
        r = put_quoted(head, "; filename=\"", filename);
    }
    if (r == 0 && type) {
        r = put(head, "\r\nContent-Type: ");
        r = r < 0 ? r : put(head, type);
    }
    return r < 0 ? r : put(head, "\r\n\r\n");
}

static int open_file(struct part *part, const char *path) {
    struct stat stat;

    part->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (part->fd < 0 || fstat(part->fd, &stat) < 0) {
        return -errno;
    }
    if (!S_ISREG(stat.st_mode)) {
        return S_ISDIR(stat.st_mode) ? -EISDIR : -ESPIPE;
    }
    part->length = stat.st_size;
    return 0;
}

static int take_content(struct part *part, const struct sunpath_http_form_part *given) {
    if (given->path) {
        return open_file(part, given->path);
    }
    if (given->read) {
        part->read = given->read;
        part->rewind = given->rewind;
        part->user = given->user;
        part->length = given->length > 0 ? given->length : -1;
        return 0;
    }
    part->length = (int64_t)given->n_data;
    return sp_buffer_append(&part->data, given->data, given->n_data, SIZE_MAX / 2);
}

static bool is_well_formed(const struct sunpath_http_form_part *part) {
    int n_contents = !!part->data + !!part->path + !!part->read;

    return part->name && n_contents == 1 && (part->data || part->n_data == 0) &&
           part->length >= 0 && (!part->type || sp_http_is_value(part->type, strlen(part->type)));
}

static int fill_part(struct part *part, const struct sunpath_http_form *form,
                     const struct sunpath_http_form_part *given) {
    const char *filename = given->filename, *type = given->type;
    int r = take_content(part, given);

    if (r < 0) {
        return r;
    }
    if (!filename && given->path) {
        const char *slash = strrchr(given->path, '/');

        filename = slash ? slash + 1 : given->path;
    }
    if (!type && filename) {
        type = "application/octet-stream";
    }
    return write_head(part, form, given->name, filename, type);
}

int sunpath_http_form_add(struct sunpath_http_form *form,
                          const struct sunpath_http_form_part *given) {
    struct sunpath_http_form_part copy;
    struct part *part;
    int r;

    if (!given || sp_options_read(&copy, sizeof(copy), given) < 0 || !is_well_formed(&copy)) {
        return -EINVAL;
    }
    part = calloc(1, sizeof(*part));
    if (!part) {
        return -ENOMEM;
    }
    part->fd = -1;
    sp_list_init(&part->node);
    r = fill_part(part, form, &copy);
    if (r < 0) {
        free_part(part);
        return r;
    }
    sp_list_append(&form->parts, &part->node);
    return 0;
}

int sunpath_http_form_add_field(struct sunpath_http_form *form, const char *name,
                                const char *value) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);

    part.name = name;
    part.data = value;
    part.n_data = value ? strlen(value) : 0;
    return sunpath_http_form_add(form, &part);
}

int sunpath_http_form_add_file(struct sunpath_http_form *form, const char *name, const char *path,
                               const char *type) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);

    part.name = name;
    part.path = path;
    part.type = type;
    return sunpath_http_form_add(form, &part);
}

int64_t sunpath_http_form_length(const struct sunpath_http_form *form) {
    int64_t length = (int64_t)strlen(form->end);

    for (struct sp_list *node = form->parts.next; node != &form->parts; node = node->next) {
        const struct part *part = part_of(node);

        if (part->length < 0 || part->length > INT64_MAX / 2 - length) {
            return -1;
        }
        length += (int64_t)sp_buffer_size(&part->head) + part->length + 2;
    }
    return length;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A source that ends the request gets on_done called, and there the form may be freed. */
static void leave(struct sunpath_http_form *form) {
    form->is_inside = false;
    if (form->is_freed) {
        release(form);
    }
}

static int rewind_part(struct part *part) {
    int r = !part->is_begun ? 0 : part->rewind ? part->rewind(part->user) : -ESPIPE;

    part->is_begun &= r != 0;
    part->n_given = 0;
    return r;
}

int sp_http_form_rewind(void *user) {
    struct sunpath_http_form *form = user;
    int r = 0;

    form->is_inside = true;
    for (struct sp_list *node = form->parts.next; r == 0 && node != &form->parts && !form->is_freed;
         node = node->next) {
        r = rewind_part(part_of(node));
    }
    form->current = form->parts.next;
    form->step = STEP_HEAD;
    form->n_given = 0;
    leave(form);
    return r;
}

/* The next bytes of a text; 0 when it is through. */
static size_t give_text(struct sunpath_http_form *form, char *buffer, size_t room, const char *text,
                        size_t size) {
    size_t left = size - form->n_given;
    size_t n = left < room ? left : room;

    if (n > 0) {
        memcpy(buffer, text + form->n_given, n);
    }
    form->n_given += n;
    return n;
}

static ssize_t give_file(const struct part *part, char *buffer, size_t room) {
    ssize_t n;

    do {
        n = pread(part->fd, buffer, room, (off_t)part->n_given);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n == 0 ? -ENODATA : n; /* it has become shorter */
}

static ssize_t give_source(struct part *part, char *buffer, size_t room) {
    ssize_t n;

    part->is_begun = true;
    n = part->read(part->user, buffer, room);
    if (n > (ssize_t)room) {
        return -EINVAL;
    }
    return n == 0 && part->length >= 0 ? -ENODATA : n; /* less than it had promised */
}

/* 0 when the content is through. */
static ssize_t give_content(struct sunpath_http_form *form, struct part *part, char *buffer,
                            size_t room) {
    uint64_t left = part->length < 0 ? room : (uint64_t)part->length - part->n_given;
    ssize_t n;

    room = left < room ? (size_t)left : room;
    if (room == 0) {
        return 0;
    }
    if (part->read) {
        n = give_source(part, buffer, room);
    } else if (part->fd >= 0) {
        n = give_file(part, buffer, room);
    } else {
        n = (ssize_t)give_text(form, buffer, room, sp_buffer_bytes(&part->data),
                               sp_buffer_size(&part->data));
    }
    part->n_given += n > 0 ? (uint64_t)n : 0;
    return n;
}

static ssize_t give_step(struct sunpath_http_form *form, char *buffer, size_t room) {
    struct part *part = part_of(form->current);

    if (form->current == &form->parts) {
        return (ssize_t)give_text(form, buffer, room, form->end, strlen(form->end));
    }
    switch (form->step) {
    case STEP_HEAD:
        return (ssize_t)give_text(form, buffer, room, sp_buffer_bytes(&part->head),
                                  sp_buffer_size(&part->head));
    case STEP_CONTENT:
        return give_content(form, part, buffer, room);
    default:
        return (ssize_t)give_text(form, buffer, room, "\r\n", 2);
    }
}

/* False when there is none. */
static bool go_to_next_step(struct sunpath_http_form *form) {
    if (form->current == &form->parts) {
        return false;
    }
    form->n_given = 0;
    if (form->step != STEP_END) {
        form->step++;
        return true;
    }
    form->step = STEP_HEAD;
    form->current = form->current->next;
    return true;
}

/* The caller's code, which is asked once a read: it may have ended the request. */
static bool is_source(const struct sunpath_http_form *form) {
    return form->current != &form->parts && form->step == STEP_CONTENT &&
           part_of(form->current)->read;
}

static ssize_t fill(struct sunpath_http_form *form, char *buffer, size_t n_buffer) {
    size_t n_read = 0;
    bool has_asked = false;

    while (n_read < n_buffer && !(has_asked && is_source(form))) {
        ssize_t n;

        has_asked |= is_source(form);
        n = give_step(form, buffer + n_read, n_buffer - n_read);

        if (n == -EAGAIN && n_read > 0) {
            break;
        }
        if (n < 0) {
            return n;
        }
        n_read += (size_t)n;
        if (n == 0 && !go_to_next_step(form)) {
            break;
        }
    }
    return (ssize_t)n_read;
}

ssize_t sp_http_form_read(void *user, void *buffer, size_t n_buffer) {
    struct sunpath_http_form *form = user;
    ssize_t n;

    form->is_inside = true;
    n = fill(form, buffer, n_buffer);
    leave(form);
    return n;
}
