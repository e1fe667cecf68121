/* SPDX-License-Identifier: MIT */
/* text.h - text from outside, made safe to show; numbers, read strictly. */

#ifndef SP_BASE_TEXT_H
#define SP_BASE_TEXT_H

#include <stdbool.h>

#include <sunpath/address.h>

/* Room for what a message shows of a name; longer ones are cut with "...". */
struct sp_shown {
    char text[200];
};

/* Escaped for messages: `sp_show(&(struct sp_shown){0}, path, strlen(path))`. Returns its text. */
const char *sp_show(struct sp_shown *shown, const char *name, size_t n_name);
const char *sp_show_address(struct sp_shown *shown, const struct sunpath_address *address);

/*
 * One step of an escape that leaves backslashes alone: writes what the first character of `data`
 * (at least a byte) becomes to `out`, stores how many bytes it took, and returns how many it wrote.
 */
size_t sp_escape_next(char out[4], size_t *ret_used, const char *data, size_t size);

/*
 * Writes a JSON string, quotes included, of the text as sunpath_escape() shows it, and returns its
 * end. SP_JSON_TEXT_ROOM() bytes suffice.
 */
#define SP_JSON_TEXT_ROOM(size) (5 * (size) + 2)
char *sp_put_json_text(char *at, const char *text, size_t size);

/* Is it UTF-8 without control characters, so that nothing in it would be escaped? */
bool sp_is_plain(const char *text, size_t size);

/*
 * The length of the well-formed, printable UTF-8 sequence at `text`, whose `size` is at least 1, or
 * 0. C1 controls (U+0080 to U+009F) move cursors on terminals, so they do not count as printable;
 * nor do surrogates and overlong forms (RFC 3629).
 */
size_t sp_utf8_length(const void *text, size_t size);

/* The whole of `text` as a decimal number from 0 to `max`: no sign, no space. False otherwise. */
bool sp_parse_number(uint64_t *ret, const char *text, size_t size, uint64_t max);

#endif
