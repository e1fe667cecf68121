/* SPDX-License-Identifier: MIT */
/* text.c - names from outside, made safe to show; numbers, read strictly. */

#include "base/text.h"

#include <string.h>

size_t sp_utf8_length(const void *text, size_t size) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *data = text;
    uint32_t code;
    size_t n;

    if (data[0] < 0x80) {
        return data[0] >= 0x20 && data[0] != 0x7f;
    }
    n = data[0] >= 0xf0 ? 4 : data[0] >= 0xe0 ? 3 : data[0] >= 0xc2 ? 2 : 0;
    if (n == 0 || n > size || data[0] > 0xf4) {
        return 0;
    }
    code = data[0] & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (data[i] & 0x3f);
    }
    if (code < smallest[n] || code < 0xa0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return 0;
    }
    return n;
}

static size_t escape_byte(char out[4], unsigned char byte) {
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    switch (byte) {
    case '\\':
        out[1] = '\\';
        return 2;
    case '\n':
        out[1] = 'n';
        return 2;
    case '\r':
        out[1] = 'r';
        return 2;
    case '\t':
        out[1] = 't';
        return 2;
    default:
        out[1] = 'x';
        out[2] = hex[byte >> 4];
        out[3] = hex[byte & 15];
        return 4;
    }
}

size_t sp_escape_next(char out[4], size_t *ret_used, const char *data, size_t size) {
    size_t n = sp_utf8_length(data, size);

    if (n == 0) {
        *ret_used = 1;
        return escape_byte(out, (unsigned char)data[0]);
    }
    memcpy(out, data, n);
    *ret_used = n;
    return n;
}

size_t sunpath_escape(char *buffer, size_t n_buffer, const void *data, size_t size) {
    const char *in = data;
    size_t used = 0, kept = 0;
    size_t n;

    for (size_t i = 0; i < size; i += n) {
        char piece[4];
        size_t n_piece;

        if (in[i] == '\\') {
            n = 1;
            n_piece = escape_byte(piece, '\\');
        } else {
            n_piece = sp_escape_next(piece, &n, in + i, size - i);
        }
        if (used == kept && used + n_piece < n_buffer) {
            memcpy(buffer + used, piece, n_piece);
            kept += n_piece;
        }
        used += n_piece;
    }

    if (n_buffer > 0) {
        buffer[kept] = '\0';
    }
    return used;
}

bool sp_is_plain(const char *text, size_t size) {
    size_t n;

    for (size_t i = 0; i < size; i += n) {
        n = sp_utf8_length(text + i, size - i);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

char *sp_put_json_text(char *at, const char *text, size_t size) {
    *at++ = '"';
    while (size > 0) {
        char piece[5];
        size_t n_used = 1, n_piece = 2;

        if (*text == '\\') {
            memcpy(piece, "\\\\", 2);
        } else {
            n_piece = sp_escape_next(piece, &n_used, text, size);
        }
        for (size_t i = 0; i < n_piece; i++) {
            if (piece[i] == '"' || piece[i] == '\\') {
                *at++ = '\\';
            }
            *at++ = piece[i];
        }
        text += n_used;
        size -= n_used;
    }
    *at++ = '"';
    return at;
}

const char *sp_show(struct sp_shown *shown, const char *name, size_t n_name) {
    if (sunpath_escape(shown->text, sizeof(shown->text), name, n_name) >= sizeof(shown->text)) {
        memcpy(shown->text + sizeof(shown->text) - 4, "...", 4);
    }
    return shown->text;
}

const char *sp_show_address(struct sp_shown *shown, const struct sunpath_address *address) {
    char text[SUNPATH_NAME_MAX + 64];
    size_t n = sunpath_address_format(text, sizeof(text), address);

    if (address->kind == SUNPATH_ADDRESS_ABSTRACT) {
        /* format() has escaped it already; doing it twice would double the backslashes */
        if (n < sizeof(shown->text)) {
            memcpy(shown->text, text, n + 1);
        } else {
            memcpy(shown->text, text, sizeof(shown->text) - 4);
            memcpy(shown->text + sizeof(shown->text) - 4, "...", 4);
        }
        return shown->text;
    }
    return sp_show(shown, text, n < sizeof(text) ? n : sizeof(text) - 1);
}

bool sp_parse_number(uint64_t *ret, const char *text, size_t size, uint64_t max) {
    uint64_t number = 0;

    if (size == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(text[i] - '0');

        if (digit > 9 || digit > max || number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret = number;
    return true;
}
