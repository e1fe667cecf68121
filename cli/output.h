/* SPDX-License-Identifier: MIT */
/* output.h - what the command prints: tables for people, JSON lines for programs, errors. */

#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include <sunpath/base.h>

/* Prints "sunpath: <the sentence>" on standard error. */
void cli_print_error(const struct sunpath_error *error);
/* The same for what is not the library's error. Names from outside are to be escaped first. */
void cli_say(const char *format, ...) SUNPATH_PRINTF(1, 2);

/* Room for an escaped name; longer ones are cut with "...". */
struct cli_shown {
    char text[1024];
};

/* A name from outside, safe to print: `cli_show(&(struct cli_shown){0}, path)`. */
const char *cli_show(struct cli_shown *shown, const char *name);
const char *cli_show_bytes(struct cli_shown *shown, const void *name, size_t n_name);

/* Names of ids, escaped, looked up once; the number when there is no name. Valid until exit. */
const char *cli_user_name(uid_t uid);
const char *cli_group_name(gid_t gid);

/* "999", "1.5K", "12M": powers of 1024. Returns its text. */
struct cli_size {
    char text[16];
};
const char *cli_show_size(struct cli_size *shown, uint64_t size);

/* Is `stream` a terminal, and may it be coloured (NO_COLOR, TERM=dumb)? Columns of the terminal, or
 * 0. */
bool cli_is_terminal(FILE *stream);
bool cli_has_colour(FILE *stream);
unsigned cli_terminal_width(FILE *stream);

enum cli_style {
    CLI_PLAIN = 0,
    CLI_GOOD,
    CLI_BAD,
    CLI_WARN,
    CLI_DIM,
    CLI_BOLD
};

/* What starts and ends a style on `stream`; both "" where there is no colour. */
const char *cli_style_on(FILE *stream, enum cli_style style);
const char *cli_style_off(FILE *stream, enum cli_style style);

/*
 * A table on standard output. Columns are aligned; on a terminal the heading is bold, cells may
 * have a style, and a CLI_SHRINKS column gives way when a line would not fit. In a pipe everything
 * is there in full. Memory that runs out ends the program with a message.
 */
enum cli_column_flags {
    CLI_LEFT = 0,
    CLI_RIGHT = 1,
    CLI_SHRINKS = 2
};

struct cli_column {
    const char *heading;
    unsigned flags; /* enum cli_column_flags */
};

struct cli_table;

/* `columns` must live as long as the table. */
struct cli_table *cli_table_new(const struct cli_column *columns, size_t n_columns);
/* The next cell of the current row; a full row starts the next one. Escaped already. */
void cli_table_cell(struct cli_table *table, enum cli_style style, const char *format, ...)
    SUNPATH_PRINTF(3, 4);
/* Prints heading and rows, and frees the table. Returns NULL. */
struct cli_table *cli_table_print(struct cli_table *table);

/*
 * One JSON object a line:
 *
 *     struct cli_json json;
 *     cli_json_begin(&json, stdout);
 *     cli_json_string(&json, "path", path);
 *     cli_json_array(&json, "owners");
 *     cli_json_number(&json, NULL, pid);      no keys inside an array
 *     cli_json_close(&json);
 *     cli_json_end(&json);
 *
 * Text is written as it is, with JSON's own escapes; a byte that is not UTF-8 becomes the four
 * characters \xHH, so the line is valid JSON whatever a name contains.
 */
#define CLI_JSON_DEPTH 8

struct cli_json {
    FILE *out;
    unsigned depth;
    char closers[CLI_JSON_DEPTH];
    bool has_members[CLI_JSON_DEPTH];
};

void cli_json_begin(struct cli_json *json, FILE *out);
void cli_json_end(struct cli_json *json);
void cli_json_string(struct cli_json *json, const char *key, const char *text); /* NULL: null */
void cli_json_bytes(struct cli_json *json, const char *key, const void *data, size_t size);
void cli_json_number(struct cli_json *json, const char *key, int64_t number);
void cli_json_bool(struct cli_json *json, const char *key, bool value);
void cli_json_null(struct cli_json *json, const char *key);
void cli_json_object(struct cli_json *json, const char *key);
void cli_json_array(struct cli_json *json, const char *key);
void cli_json_close(struct cli_json *json);

#endif
