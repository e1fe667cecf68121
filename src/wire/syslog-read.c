/* SPDX-License-Identifier: MIT */
/* syslog-read.c - take a log message apart (RFC 3164, RFC 5424): pure functions. */

#include <string.h>

#include <sunpath/syslog.h>

#define PRIORITY_DEFAULT 13  /* user.notice: RFC 3164 section 4.3.3 */
#define PRIORITY_MAX     191 /* local7.debug */

/* What is still to be read. */
struct rest {
    const char *at;
    const char *end;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool skip(struct rest *rest, char c) {
    if (rest->at == rest->end || *rest->at != c) {
        return false;
    }
    rest->at++;
    return true;
}

static struct sunpath_syslog_part part(const char *begin, const char *end) {
    return (struct sunpath_syslog_part){begin, (size_t)(end - begin)};
}

/* "<13>". Nothing is skipped when it is not there, or makes no sense. */
static int take_priority(struct rest *rest) {
    struct rest look = *rest;
    int priority = 0, n_digits = 0;

    if (!skip(&look, '<')) {
        return PRIORITY_DEFAULT;
    }
    for (; n_digits < 3 && look.at < look.end && is_digit(*look.at); n_digits++) {
        priority = priority * 10 + *look.at++ - '0';
    }
    if (n_digits == 0 || priority > PRIORITY_MAX || !skip(&look, '>')) {
        return PRIORITY_DEFAULT;
    }
    *rest = look;
    return priority;
}

/* ---- RFC 5424 -------------------------------------------------------------------------------- */

/* A word and the space behind it; "-" is none. */
static bool take_word(struct sunpath_syslog_part *ret, struct rest *rest) {
    const char *begin = rest->at;
    const char *space = memchr(begin, ' ', (size_t)(rest->end - begin));

    if (!space || space == begin) {
        return false;
    }
    rest->at = space + 1;
    *ret = space - begin == 1 && *begin == '-' ? part(NULL, NULL) : part(begin, space);
    return true;
}

/* `[id name="value" ...]`: in a value \ takes the next character along. */
static bool skip_element(struct rest *rest) {
    bool is_quoted = false;

    if (!skip(rest, '[')) {
        return false;
    }
    while (rest->at < rest->end) {
        char c = *rest->at++;

        if (c == ']' && !is_quoted) {
            return true;
        }
        if (c == '"') {
            is_quoted = !is_quoted;
        } else if (c == '\\' && is_quoted && rest->at < rest->end) {
            rest->at++;
        }
    }
    return false;
}

/* Behind it is the end, or a space and the text. */
static bool take_data(struct sunpath_syslog_part *ret, struct rest *rest) {
    const char *begin = rest->at;

    if (skip(rest, '-')) {
        *ret = part(NULL, NULL);
    } else {
        while (rest->at < rest->end && *rest->at == '[') {
            if (!skip_element(rest)) {
                return false;
            }
        }
        *ret = part(begin, rest->at);
        if (rest->at == begin) {
            return false;
        }
    }
    return rest->at == rest->end || skip(rest, ' ');
}

static bool parse_new(struct sunpath_syslog_message *ret, struct rest rest) {
    struct sunpath_syslog_message read = {.priority = ret->priority, .is_rfc5424 = true};

    if (!skip(&rest, '1') || !skip(&rest, ' ') || !take_word(&read.time, &rest) ||
        !take_word(&read.host, &rest) || !take_word(&read.ident, &rest) ||
        !take_word(&read.pid, &rest) || !take_word(&read.id, &rest) ||
        !take_data(&read.data, &rest)) {
        return false;
    }
    if (rest.end - rest.at >= 3 && memcmp(rest.at, "\xef\xbb\xbf", 3) == 0) {
        rest.at += 3; /* the mark of UTF-8: section 6.4 */
    }
    read.text = part(rest.at, rest.end);
    *ret = read;
    return true;
}

/* ---- RFC 3164 -------------------------------------------------------------------------------- */

/* "Nov  5 12:00:00 ". */
static bool take_time(struct sunpath_syslog_part *ret, struct rest *rest) {
    static const char shape[] = "Aaa n0 00:00:00 ";
    const char *at = rest->at;

    if ((size_t)(rest->end - at) < sizeof(shape) - 1) {
        return false;
    }
    for (size_t i = 0; shape[i]; i++) {
        bool fits = shape[i] == 'A'   ? at[i] >= 'A' && at[i] <= 'Z'
                    : shape[i] == 'a' ? at[i] >= 'a' && at[i] <= 'z'
                    : shape[i] == 'n' ? is_digit(at[i]) || at[i] == ' '
                    : shape[i] == '0' ? is_digit(at[i])
                                      : at[i] == shape[i];

        if (!fits) {
            return false;
        }
    }
    *ret = part(at, at + sizeof(shape) - 2);
    rest->at += sizeof(shape) - 1;
    return true;
}

static const char *word_end(const struct rest *rest) {
    const char *at = rest->at;

    while (at<rest->end && * at> ' ' && *at <= '~' && *at != ':' && *at != '[') {
        at++;
    }
    return at;
}

/* "ident: ", "ident[pid]: " or "ident[pid] ". */
static bool take_ident(struct sunpath_syslog_message *ret, struct rest *rest) {
    struct sunpath_syslog_part ident = part(rest->at, word_end(rest)), pid = {0};
    struct rest look = {ident.data + ident.size, rest->end};

    if (ident.size == 0) {
        return false;
    }
    if (skip(&look, '[')) {
        const char *stop = memchr(look.at, ']', (size_t)(look.end - look.at));

        if (!stop || memchr(look.at, ' ', (size_t)(stop - look.at))) {
            return false;
        }
        pid = part(look.at, stop);
        look.at = stop + 1;
    }
    if (!skip(&look, ':') && !pid.data) {
        return false;
    }
    skip(&look, ' ');
    ret->ident = ident;
    ret->pid = pid;
    *rest = look;
    return true;
}

/* "host ident: ", as relays and `logger --rfc3164` write it. */
static bool take_host(struct sunpath_syslog_message *ret, struct rest *rest) {
    const char *begin = rest->at, *stop = word_end(rest);
    struct rest look = {stop, rest->end};

    if (stop == begin || !skip(&look, ' ') || !take_ident(ret, &look)) {
        return false;
    }
    ret->host = part(begin, stop);
    *rest = look;
    return true;
}

static void parse_old(struct sunpath_syslog_message *ret, struct rest rest) {
    bool has_time = take_time(&ret->time, &rest);

    if (!take_ident(ret, &rest) && has_time) {
        (void)take_host(ret, &rest);
    }
    ret->text = part(rest.at, rest.end);
}

void sunpath_syslog_parse(struct sunpath_syslog_message *ret, const void *bytes, size_t size) {
    struct rest rest = {bytes, (const char *)bytes + size};

    while (rest.end > rest.at && (rest.end[-1] == '\n' || rest.end[-1] == '\0')) {
        rest.end--;
    }
    *ret = (struct sunpath_syslog_message){0};
    ret->priority = take_priority(&rest);
    if (!parse_new(ret, rest)) {
        parse_old(ret, rest);
    }
}
