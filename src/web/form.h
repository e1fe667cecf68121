/* SPDX-License-Identifier: MIT */
/* form.h - what the parts of form reading know of each other. */

#ifndef SP_WEB_FORM_H
#define SP_WEB_FORM_H

#include <sunpath/form.h>

#include "serve/http-server.h"

struct sp_form_entry {
    struct sunpath_form_part part;
    char *temporary; /* the file's name until it is saved; NULL: it has none */
    bool is_saved;
};

/* In the arena of its exchange. */
struct sunpath_form {
    struct sunpath_http_exchange *exchange;
    struct sunpath_form_options options;
    struct sp_form_entry *entries;
    size_t n_entries, n_room;
    size_t n_files;            /* open in the directory */
    size_t n_memory;           /* bytes of names and values so far */
    struct sp_buffer gathered; /* of the part that is being read */
    int directory_fd;          /* for files; -1: they are kept in memory */
};

/* form.c */
int sp_form_read_options(struct sunpath_form_options *ret, const struct sunpath_form_options *given,
                         struct sunpath_error *error);
enum sp_form_kind {
    SP_FORM_URLENCODED = 1,
    SP_FORM_MULTIPART
};
/* The kind of form it is by its Content-Type. -EMEDIUMTYPE, -EBADMSG. */
int sp_form_kind(struct sunpath_http_exchange *exchange, struct sunpath_error *error);
/* The boundary of a multipart form, as sp_multipart_boundary() has it; errors likewise. */
int sp_form_boundary(char *ret, struct sunpath_http_exchange *exchange,
                     struct sunpath_error *error);
/* Reads the collected body into the form. */
int sp_form_read_body(struct sunpath_form *form, enum sp_form_kind kind,
                      struct sunpath_error *error);

/* form-parts.c; all but the first: -EBADMSG, -EMSGSIZE, -ENOMEM, and what a file says. */
struct sunpath_form *sp_form_new(struct sunpath_http_exchange *exchange,
                                 const struct sunpath_form_options *options);
void sp_form_release(struct sunpath_form *form); /* all that is not in the arena */
int sp_form_add(struct sunpath_form *form, const char *name, const char *filename, const char *type,
                struct sunpath_error *error);
int sp_form_take(struct sunpath_form *form, const char *data, size_t size,
                 struct sunpath_error *error);
int sp_form_end_part(struct sunpath_form *form, struct sunpath_error *error);
/* A field whose strings are in the arena and counted already. */
int sp_form_add_field(struct sunpath_form *form, const char *name, const char *value,
                      struct sunpath_error *error);

int sp_form_malformed(struct sunpath_error *error, const char *why);
int sp_form_too_large(struct sunpath_error *error, const char *why);
int sp_form_no_memory(struct sunpath_error *error);
/* What sp_multipart_step() has said. */
int sp_form_failed(struct sunpath_error *error, int code, const char *why);
bool sp_form_count(struct sunpath_form *form, size_t size);

/* form-file.c */
/* A new file for an entry, or a negative errno. */
int sp_form_file_open(struct sunpath_form *form, struct sp_form_entry *entry);
int sp_form_file_write(struct sp_form_entry *entry, const char *data, size_t size);
/* Closes it, and removes it when it was not saved. */
void sp_form_file_close(struct sunpath_form *form, struct sp_form_entry *entry);

#endif
