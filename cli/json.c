/* SPDX-License-Identifier: MIT */
/* json.c - writes one JSON object a line, valid whatever the names in it contain (RFC 8259). */

#include <inttypes.h>
#include <string.h>

#include "output.h"

/* The length of the well-formed UTF-8 sequence of several bytes at `data`, or 0 (RFC 3629). */
static size_t utf8_length(const unsigned char *data, size_t size) {
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (data[0] >= 0xc2 && data[0] <= 0xdf) {
        n = 2;
    } else if ((data[0] & 0xf0) == 0xe0) {
        n = 3;
        low = data[0] == 0xe0 ? 0xa0 : low;   /* overlong */
        high = data[0] == 0xed ? 0x9f : high; /* surrogates */
    } else if (data[0] >= 0xf0 && data[0] <= 0xf4) {
        n = 4;
        low = data[0] == 0xf0 ? 0x90 : low;   /* overlong */
        high = data[0] == 0xf4 ? 0x8f : high; /* beyond U+10FFFF */
    } else {
        return 0;
    }
    if (n > size || data[1] < low || data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static void write_ascii(FILE *out, unsigned char byte) {
    switch (byte) {
    case '"':
    case '\\':
        fprintf(out, "\\%c", byte);
        break;
    case '\n':
        fputs("\\n", out);
        break;
    case '\t':
        fputs("\\t", out);
        break;
    default:
        if (byte < 0x20 || byte == 0x7f) {
            fprintf(out, "\\u%04x", byte);
        } else {
            putc(byte, out);
        }
    }
}

static void write_text(FILE *out, const unsigned char *data, size_t size) {
    size_t n;

    putc('"', out);
    for (size_t i = 0; i < size; i += n) {
        n = 1;
        if (data[i] < 0x80) {
            write_ascii(out, data[i]);
            continue;
        }
        n = utf8_length(data + i, size - i);
        if (n > 0) {
            fwrite(data + i, 1, n, out);
        } else {
            fprintf(out, "\\\\x%02x", data[i]);
            n = 1;
        }
    }
    putc('"', out);
}

static void write_key(struct cli_json *json, const char *key) {
    bool *has_members = &json->has_members[json->depth - 1];

    if (*has_members) {
        putc(',', json->out);
    }
    *has_members = true;
    if (key != NULL) {
        write_text(json->out, (const unsigned char *)key, strlen(key));
        putc(':', json->out);
    }
}

static void push(struct cli_json *json, char opener, char closer) {
    putc(opener, json->out);
    json->closers[json->depth] = closer;
    json->has_members[json->depth] = false;
    json->depth++;
}

void cli_json_begin(struct cli_json *json, FILE *out) {
    *json = (struct cli_json){.out = out};
    push(json, '{', '}');
}

void cli_json_close(struct cli_json *json) {
    json->depth--;
    putc(json->closers[json->depth], json->out);
}

void cli_json_end(struct cli_json *json) {
    while (json->depth > 0) {
        cli_json_close(json);
    }
    putc('\n', json->out);
}

void cli_json_bytes(struct cli_json *json, const char *key, const void *data, size_t size) {
    write_key(json, key);
    write_text(json->out, data, size);
}

void cli_json_string(struct cli_json *json, const char *key, const char *text) {
    if (text == NULL) {
        cli_json_null(json, key);
    } else {
        cli_json_bytes(json, key, text, strlen(text));
    }
}

void cli_json_number(struct cli_json *json, const char *key, int64_t number) {
    write_key(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void cli_json_bool(struct cli_json *json, const char *key, bool value) {
    write_key(json, key);
    fputs(value ? "true" : "false", json->out);
}

void cli_json_null(struct cli_json *json, const char *key) {
    write_key(json, key);
    fputs("null", json->out);
}

void cli_json_object(struct cli_json *json, const char *key) {
    write_key(json, key);
    push(json, '{', '}');
}

void cli_json_array(struct cli_json *json, const char *key) {
    write_key(json, key);
    push(json, '[', ']');
}
