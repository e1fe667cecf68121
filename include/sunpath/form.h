/* SPDX-License-Identifier: MIT */
/* form.h - what browsers and `curl -F` send: urlencoded and multipart forms, files among them. */

#ifndef SUNPATH_FORM_H
#define SUNPATH_FORM_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * There are three ways to read a form, from little work to much control:
 *
 * - sunpath_http_form() in on_request: the collected body, all in memory;
 * - sunpath_form_receive() in on_head: fields in memory, files written to a directory as they come;
 * - sunpath_form_reader_open() in on_head: events, in constant memory.
 *
 * All three report in `error` what can be answered with sunpath_http_fail_error(): -EMEDIUMTYPE
 * (no form, a charset other than UTF-8, or compressed without sunpath_http_decode_body()), -EBADMSG
 * (malformed), -EMSGSIZE (over a limit), -ENOMEM; also -EINVAL (options), -EALREADY (a part of the
 * body was read, or the exchange is answered).
 */
struct sunpath_form_options {
    size_t size;
    size_t max_parts;   /* fields and files together; 0: 1,000 */
    size_t max_files;   /* files in a directory: each has a descriptor until the end; 0: 64 */
    size_t max_headers; /* bytes of the headers of one part; 0: 8 KiB */
    size_t max_memory;  /* bytes of names and values that are kept; 0: 1 MiB */
    uint64_t max_part;  /* bytes of one part; 0: no limit but the next */
    /*
     * Bytes of the whole body, in place of the server's `max_body`; 0: that; UINT64_MAX: no limit.
     * Not for sunpath_http_form(), where the body is there already.
     */
    uint64_t max_size;
};

/* A form in memory. It belongs to the exchange: everything here is valid until on_finish returns.
 */
struct sunpath_form;

struct sunpath_form_part {
    const char *name;
    const char *filename; /* as the client sent it, so not to be trusted; NULL: a field */
    const char *type;     /* Content-Type as the client sent it, or NULL */
    const char *data;     /* `size` bytes and a NUL that does not count; NULL: it is in the file */
    uint64_t size;
    int fd; /* the file, borrowed, open for reading and writing; -1: none */
};

/*
 * Reads the collected body as application/x-www-form-urlencoded or multipart/form-data. As the URL
 * standard has it "+" is a space, a malformed escape stays as it is and so does %00; multipart
 * content may hold any byte.
 */
SUNPATH_API int sunpath_http_form(struct sunpath_http_exchange *exchange, struct sunpath_form **ret,
                                  const struct sunpath_form_options *options,
                                  struct sunpath_error *error);

SUNPATH_API size_t sunpath_form_n_parts(const struct sunpath_form *form);
/* The part at `index`, in the order they were sent, or false behind the last. */
SUNPATH_API bool sunpath_form_at(const struct sunpath_form *form, size_t index,
                                 struct sunpath_form_part *ret);
/* The value of the first field of that name, or NULL; files are no fields. */
SUNPATH_API const char *sunpath_form_value(const struct sunpath_form *form, const char *name);

/*
 * Receives a form of either kind, and calls `on_form` when it is complete, in place of on_request;
 * a form that fails is answered, and `on_form` not called. Files are written to the directory
 * (borrowed while the exchange lasts), where they have no name until sunpath_form_save() gives them
 * one: what is not saved is gone with the exchange. -1: files stay in memory, too, within
 * `max_memory`. on_error, on_drain and on_finish go to the handler that the exchange had.
 */
SUNPATH_API int sunpath_form_receive(struct sunpath_http_exchange *exchange, int directory_fd,
                                     const struct sunpath_form_options *options,
                                     void (*on_form)(struct sunpath_http_exchange *exchange,
                                                     struct sunpath_form *form, void *user),
                                     void *user, struct sunpath_error *error);

/*
 * Gives the file at `index` a name in the directory, and the mode (0: 0600). `name` NULL: what
 * sunpath_form_safe_name() makes of its filename, and when that is taken "name-1.ext" and so on to
 * 99, then one with a random number. It never replaces a file. The name is stored in *ret_name (may
 * be NULL), valid as the form is. -ENOENT (no such file), -EINVAL (a name with a "/", or "." or
 * ".."), -EEXIST (it is taken), -EALREADY (it has one), or what linkat(2) says.
 */
SUNPATH_API int sunpath_form_save(struct sunpath_form *form, size_t index, const char *name,
                                  mode_t mode, const char **ret_name);

/*
 * Makes a filename that is safe in any directory out of one that a client sent: what follows the
 * last slash or backslash, without leading dots, control bytes and what is no UTF-8, and of at most
 * 200 bytes, the extension kept; "file" when nothing is left. `n_buffer` of 201 is always enough.
 * Returns the length, or -ENOBUFS.
 */
SUNPATH_API int sunpath_form_safe_name(char *buffer, size_t n_buffer, const char *filename);

/* Reads a multipart form as it comes. It belongs to the exchange and is gone with it. */
struct sunpath_form_reader;

/*
 * What happens: on_part, on_data (any number of times), on_part_end, for each part; then on_end, or
 * at any time on_error, and nothing after that. The exchange may be answered in any of them; what
 * follows is then dropped, and on_error called at its end, with -ECANCELED.
 */
struct sunpath_form_events {
    /* Optional: a part begins. Of `part` name, filename and type are set, until this returns. */
    void (*on_part)(struct sunpath_form_reader *reader, const struct sunpath_form_part *part,
                    void *user);
    /* Optional: a piece of it. */
    void (*on_data)(struct sunpath_form_reader *reader, const void *data, size_t size, void *user);
    /* Optional: it is complete. */
    void (*on_part_end)(struct sunpath_form_reader *reader, void *user);
    /* Required: the form is complete. Answer here or later. */
    void (*on_end)(struct sunpath_form_reader *reader, void *user);
    /*
     * Optional: it will not be complete: free what was made of it. The request has been answered,
     * or is going to be when this returns (by sunpath_http_fail_error(); answer it here to say it
     * otherwise), or its client has left.
     */
    void (*on_error)(struct sunpath_form_reader *reader, const struct sunpath_error *error,
                     void *user);
};

/*
 * In on_head: lets the body of the exchange be read as multipart/form-data; it takes the place of
 * the exchange's on_body and on_request. sunpath_http_pause() holds the form back: what has been
 * received of it already still comes, and no more.
 */
SUNPATH_API int sunpath_form_reader_open(struct sunpath_form_reader **ret,
                                         struct sunpath_http_exchange *exchange,
                                         const struct sunpath_form_events *events, void *user,
                                         const struct sunpath_form_options *options,
                                         struct sunpath_error *error);

SUNPATH_API struct sunpath_http_exchange *sunpath_form_reader_exchange(
    struct sunpath_form_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
