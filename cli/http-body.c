/* SPDX-License-Identifier: MIT */
/* http-body.c - the body of `sunpath http`: data, forms, uploads. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

/* ---- --data, --json -------------------------------------------------------------------------- */

/* Several --data are one form, as with curl. */
static int append_data(struct http_job *job, const char *data, size_t size) {
    size_t n_joint = job->data != NULL && !job->is_json ? 1 : 0;
    char *joined = realloc(job->data, job->n_data + n_joint + size + 1);

    if (!joined) {
        return http_out_of_memory();
    }
    if (n_joint) {
        joined[job->n_data] = '&';
    }
    memcpy(joined + job->n_data + n_joint, data, size);
    job->data = joined;
    job->n_data += n_joint + size;
    job->data[job->n_data] = '\0';
    return CLI_OK;
}

static int read_file(const struct http_job *job, const char *option, const char *name,
                     char **ret_data, size_t *ret_size) {
    int r = http_read_whole(ret_data, ret_size, name);

    if (r < 0) {
        if (!http_is_mute(job)) {
            cli_say("%s @%s: %s", option, cli_show(&(struct cli_shown){0}, name), strerror(-r));
        }
        return http_exit_for_file(r);
    }
    return CLI_OK;
}

int http_add_data(struct http_job *job, const char *argument, bool is_literal) {
    size_t size;
    char *data;
    int r;

    if (argument[0] != '@' || is_literal) {
        return append_data(job, argument, strlen(argument));
    }
    r = read_file(job, "--data", argument + 1, &data, &size);
    if (r == CLI_OK) {
        r = append_data(job, data, size);
        free(data);
    }
    return r;
}

/* "name=" and the data, percent-encoded. */
static int append_encoded(struct http_job *job, const char *name, size_t n_name, const char *data,
                          size_t size) {
    char *text = malloc(n_name + 1 + 3 * size + 1);
    char *at = text;
    int r;

    if (!text) {
        return http_out_of_memory();
    }
    if (n_name > 0) {
        at = mempcpy(at, name, n_name);
        *at++ = '=';
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        at += isalnum(c) || (c && strchr("-._~", c)) ? sprintf(at, "%c", c)
                                                     : sprintf(at, "%%%02X", c);
    }
    r = append_data(job, text, (size_t)(at - text));
    free(text);
    return r;
}

/* curl's: "content", "=content", "name=content", "@file", "name@file". */
int http_add_encoded_data(struct http_job *job, const char *argument) {
    size_t n_name = strcspn(argument, "=@"), size;
    const char *content = argument + n_name + 1;
    char *data;
    int r;

    if (argument[n_name] == '\0') {
        return append_encoded(job, "", 0, argument, n_name);
    }
    if (argument[n_name] == '=') {
        return append_encoded(job, argument, n_name, content, strlen(content));
    }
    r = read_file(job, "--data-urlencode", content, &data, &size);
    if (r == CLI_OK) {
        r = append_encoded(job, argument, n_name, data, size);
        free(data);
    }
    return r;
}

/* ---- --form ---------------------------------------------------------------------------------- */

/* One --form, taken apart. */
struct field {
    char *text; /* the copy that the others point into */
    char *name, *content, *type, *filename;
};

static bool is_escape(const char *text) {
    return text[0] == '\\' && (text[1] == '\\' || text[1] == '"');
}

/* Takes quotes off, in place; without quotes the value ends at ";". */
static char *take_value(char *text, char **ret_rest) {
    char *to = text, *from = text + 1;

    if (*text != '"') {
        *ret_rest = text + strcspn(text, ";");
        return text;
    }
    for (; *from && *from != '"'; from++) {
        from += is_escape(from);
        *to++ = *from;
    }
    *ret_rest = *from ? from + 1 : from;
    *to = '\0';
    return text;
}

static bool is_attribute(const char *text) {
    if (*text != ';') {
        return false;
    }
    text += 1 + strspn(text + 1, " \t");
    return strncmp(text, "type=", 5) == 0 || strncmp(text, "filename=", 9) == 0;
}

/* Where ";type=" or ";filename=" begins, or the end. Other semicolons belong to the content. */
static char *find_attribute(char *text) {
    while (*text && !is_attribute(text)) {
        text++;
    }
    return text;
}

/* A content in quotes, with nothing but attributes behind it: there they end, and are none. */
static bool is_quoted(const char *text) {
    const char *at = text + 1;

    if (*text != '"') {
        return false;
    }
    for (; *at && *at != '"'; at++) {
        at += is_escape(at);
    }
    return *at && (at[1] == '\0' || is_attribute(at + 1));
}

/* A media type has parameters of its own: it goes on to the next attribute of ours. */
static void split_attributes(struct field *field, char *at) {
    while (*at == ';') {
        char *next;

        *at++ = '\0';
        at += strspn(at, " \t");
        if (strncmp(at, "type=", 5) == 0) {
            field->type = at + 5;
            next = find_attribute(field->type);
        } else {
            field->filename = take_value(at + 9, &next);
            next = find_attribute(next);
        }
        at = next;
    }
}

static int split_field(struct field *field, const char *argument, bool is_literal) {
    char *equals;

    field->text = strdup(argument);
    if (!field->text) {
        return http_out_of_memory();
    }
    equals = strchr(field->text, '=');
    if (!equals || equals == field->text) {
        return cli_usage("http", "--form %s: a field is NAME=VALUE, NAME=@FILE or NAME=<FILE",
                         cli_show(&(struct cli_shown){0}, argument));
    }
    *equals = '\0';
    field->name = field->text;
    field->content = equals + 1;
    if (!is_literal) {
        char mark = *field->content;
        char *text = field->content + (mark == '@' || mark == '<');
        char *rest = text;

        if (is_quoted(text)) {
            take_value(text, &rest);
        }
        split_attributes(field, find_attribute(rest));
    }
    return CLI_OK;
}

static ssize_t read_source(void *user, void *buffer, size_t size) {
    return http_source_read(user, buffer, size);
}

/* `part` is a file, sent as it is read. Standard input has no length, and is read once. */
static int add_file(struct http_job *job, struct sunpath_http_form_part *part, const char *path) {
    int64_t size;
    int r;

    if (strcmp(path, "-") != 0) {
        part->path = path;
        return sunpath_http_form_add(job->form, part);
    }
    if (job->source.fd >= 0) {
        return -EBUSY;
    }
    r = http_source_open(&job->source, path, &size);
    if (r < 0) {
        return r;
    }
    part->filename = part->filename ? part->filename : "-";
    part->read = read_source;
    part->user = &job->source;
    return sunpath_http_form_add(job->form, part);
}

static int add_field(struct http_job *job, const struct field *field, bool is_literal) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);
    char *data = NULL;
    int r;

    part.name = field->name;
    part.type = field->type;
    part.filename = field->filename;
    if (!is_literal && field->content[0] == '@') {
        return add_file(job, &part, field->content + 1);
    }
    if (!is_literal && field->content[0] == '<') {
        r = http_read_whole(&data, &part.n_data, field->content + 1);
        part.data = data;
    } else {
        part.data = field->content;
        part.n_data = strlen(field->content);
        r = 0;
    }
    r = r < 0 ? r : sunpath_http_form_add(job->form, &part);
    free(data);
    return r;
}

int http_add_form(struct http_job *job, const char *argument, bool is_literal) {
    struct field field = {0};
    int r = split_field(&field, argument, is_literal);
    int code;

    if (r == CLI_OK && !job->form && sunpath_http_form_new(&job->form) < 0) {
        r = http_out_of_memory();
    }
    if (r == CLI_OK) {
        code = add_field(job, &field, is_literal);
        if (code < 0) {
            cli_say("--form %s: %s", cli_show(&(struct cli_shown){0}, argument), strerror(-code));
            r = http_exit_for_file(code);
        }
    }
    free(field.text);
    return r;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static ssize_t read_body(void *user, void *buffer, size_t size) {
    struct http_job *job = user;

    return http_source_read(&job->source, buffer, size);
}

static int rewind_body(void *user) {
    struct http_job *job = user;

    return http_source_rewind(&job->source);
}

static int prepare_upload(struct http_job *job, struct sunpath_http_request_options *options) {
    struct cli_shown shown;
    int64_t size;
    int r = http_source_open(&job->source, job->upload, &size);

    if (r < 0) {
        if (!http_is_mute(job)) {
            cli_say("--upload %s: %s", cli_show(&shown, job->upload), strerror(-r));
        }
        return http_exit_for_file(r);
    }
    http_progress_begin(&job->progress, "sent", size);
    if (size == 0) {
        options->body = ""; /* to the library a length of 0 is an unknown one */
    } else {
        options->read_body = read_body;
        options->rewind_body = size > 0 ? rewind_body : NULL; /* a pipe is read once */
        options->body_length = size > 0 ? size : 0;
    }
    return CLI_OK;
}

/* --get: the data goes behind the path that is asked for. */
static int prepare_query(struct http_job *job, const char **ret_uri) {
    struct sunpath_address address = {0};
    struct sunpath_error error;
    const char *uri = job->path;
    char *joined = NULL;

    if (strlen(job->data) != job->n_data) {
        return cli_usage("http",
                         "--get: there is a NUL byte in the data; --data-urlencode sends it");
    }
    if (!uri) {
        if (sunpath_address_parse(&address, job->target, &error) < 0) {
            return cli_fail(&error);
        }
        uri = address.uri ? address.uri : "/";
    }
    if (asprintf(&joined, "%s%c%s", uri, strchr(uri, '?') ? '&' : '?', job->data) < 0) {
        return http_out_of_memory();
    }
    free(job->data);
    job->data = joined; /* it is the query now */
    *ret_uri = joined;
    return CLI_OK;
}

int http_prepare_body(struct http_job *job, struct sunpath_http_request_options *options,
                      const char **ret_uri) {
    *ret_uri = job->path;
    if (job->data && job->is_get) {
        return prepare_query(job, ret_uri);
    }
    if (job->data) {
        options->body = job->data;
        options->n_body = job->n_data;
        return http_add_default_header(job, "Content-Type",
                                       job->is_json ? "application/json"
                                                    : "application/x-www-form-urlencoded");
    }
    options->form = job->form;
    return job->upload ? prepare_upload(job, options) : CLI_OK;
}
